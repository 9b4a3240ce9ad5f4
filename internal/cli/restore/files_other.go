//go:build !linux

package restore

import (
	"errors"
	"fmt"
)

// IsMounted always returns false. Only Linux has mounts of refmond.
func IsMounted(string) bool { return false }

// Mounted always returns an error that wraps errors.ErrUnsupported. Only Linux has mounts of refmond.
func Mounted(path string) (Files, error) {
	return nil, fmt.Errorf("%s: %w", path, errors.ErrUnsupported)
}

// Offline always returns an error that wraps errors.ErrUnsupported. Only Linux has Samba's attributes.
func Offline(path, _ string) (Files, error) {
	return nil, fmt.Errorf("%s: %w", path, errors.ErrUnsupported)
}
