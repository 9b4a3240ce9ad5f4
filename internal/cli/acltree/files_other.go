//go:build !linux

package acltree

import (
	"errors"
	"fmt"
	"os"
)

// Tree is an opened tree of the host. This system has none.
type Tree struct {
	Files
	Path string
}

// Open always returns an error that wraps errors.ErrUnsupported. Only Linux can hold files by descriptors.
func Open(name string) (*Tree, error) {
	return nil, fmt.Errorf("open %s: %w", name, errors.ErrUnsupported)
}

// Close does nothing.
func (*Tree) Close() {}

// Lock does nothing: without Open no command has an undo file.
func Lock(*os.File, bool) error { return nil }
