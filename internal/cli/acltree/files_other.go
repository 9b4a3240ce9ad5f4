//go:build !linux

package acltree

import (
	"errors"
	"fmt"
)

// Tree is an opened tree of the host. This system has none.
type Tree struct {
	Files
	Path string
}

// Open fails: this system has no way to hold files by descriptors here.
func Open(name string) (*Tree, error) {
	return nil, fmt.Errorf("open %s: %w", name, errors.ErrUnsupported)
}

// Close does nothing.
func (*Tree) Close() {}
