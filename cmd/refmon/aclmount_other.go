//go:build !linux

package main

import "errors"

// getAttribute always returns [errors.ErrUnsupported]: mounts exist on Linux only.
func getAttribute(string, string) ([]byte, error) { return nil, errors.ErrUnsupported }

// setAttribute always returns [errors.ErrUnsupported]: mounts exist on Linux only.
func setAttribute(string, string, []byte) error { return errors.ErrUnsupported }
