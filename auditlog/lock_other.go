//go:build !unix

package auditlog

import (
	"errors"
	"runtime"
)

// Lock implements disk. It always fails: on this system logs can only be read.
func (d folder) Lock() (func() error, error) {
	return nil, errors.New("audit logs are not written on " + runtime.GOOS + ": only read")
}

// isReadOnly returns false: this system does not distinguish its errors.
func isReadOnly(error) bool { return false }

// isFull returns false: this system does not distinguish its errors.
func isFull(error) bool { return false }
