//go:build !linux

package beneath

import (
	"errors"
	"fmt"
)

// Root is a directory below which names are read. This system has no such thing.
type Root struct{}

// Open fails: this system has no way to stay below a directory here.
func Open(path string) (*Root, error) {
	return nil, fmt.Errorf("open %s: %w", path, errors.ErrUnsupported)
}

// Close does nothing.
func (*Root) Close() error { return nil }
