//go:build !linux

package beneath

import (
	"errors"
	"fmt"
)

// Root is unused: this system cannot keep a path below a directory.
type Root struct{}

// Open returns an error that wraps errors.ErrUnsupported, with the path.
func Open(path string) (*Root, error) {
	return nil, fmt.Errorf("open %s: %w", path, errors.ErrUnsupported)
}

// Close does nothing and returns nil. There is no Root on this system.
func (*Root) Close() error { return nil }
