//go:build !linux

package main

import "errors"

func getAttribute(string, string) ([]byte, error) { return nil, errors.ErrUnsupported }

func setAttribute(string, string, []byte) error { return errors.ErrUnsupported }
