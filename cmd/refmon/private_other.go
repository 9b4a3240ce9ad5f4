//go:build !linux && !windows

package main

import (
	"errors"
	"fmt"
)

// ownDescriptors fails: this system's files have no descriptors.
func ownDescriptors(path, _ string) (privateObject, error) {
	return privateObject{}, fmt.Errorf("%s: %w: give the descriptor in SDDL", path, errors.ErrUnsupported)
}
