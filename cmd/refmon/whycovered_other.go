//go:build !linux

package main

import "errors"

// mountAbove returns "": refmond mounts trees on Linux alone.
func mountAbove(string) string { return "" }

// uncovered fails: this system has no mounts of refmond.
func uncovered(string, func() error) error { return errors.ErrUnsupported }
