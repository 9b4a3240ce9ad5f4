//go:build !linux

package restore

import (
	"errors"
	"fmt"
)

// IsMounted returns false: this system has no mounts of refmond.
func IsMounted(string) bool { return false }

// Mounted fails: this system has no mounts of refmond.
func Mounted(path string) (Files, error) {
	return nil, fmt.Errorf("%s: %w", path, errors.ErrUnsupported)
}

// Offline fails: this system has no attributes of Samba.
func Offline(path, _ string) (Files, error) {
	return nil, fmt.Errorf("%s: %w", path, errors.ErrUnsupported)
}
