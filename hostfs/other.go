//go:build !linux

package hostfs

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Tree is a directory that is served. This system has no such thing.
type Tree struct{}

// Open fails: only Linux resolves names below a directory as this package needs it.
func Open(c Config) (*Tree, error) {
	return nil, fmt.Errorf("hostfs: %s: %w", c.Path, errors.ErrUnsupported)
}

// HandsOut returns nothing.
func (*Tree) HandsOut() (HandOut, error) { return HandOutNothing, errors.ErrUnsupported }

// Offline is a file whose attribute is read and written past every tree. This system has no
// such thing.
type Offline struct{}

// OpenOffline fails, as Open does.
func OpenOffline(path string, _ Config) (*Offline, error) {
	return nil, fmt.Errorf("hostfs: %s: %w", path, errors.ErrUnsupported)
}

// Directory reports nothing.
func (*Offline) Directory() bool { return false }

// Descriptor returns nothing.
func (*Offline) Descriptor() *sd.Descriptor { return nil }

// Parent returns nothing.
func (*Offline) Parent() *sd.Descriptor { return nil }

// Write fails, as Open does.
func (*Offline) Write(*sd.Descriptor) error { return errors.ErrUnsupported }

// Close does nothing.
func (*Offline) Close() {}

// Close does nothing.
func (*Tree) Close() error { return nil }

// Find finds nothing.
func (*Tree) Find(*fileaccess.Request, nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	return nil, ntstatus.NotSupported
}

// Exposure fails, as Open does.
func (*Tree) Exposure(...uint32) ([]string, error) { return nil, errors.ErrUnsupported }
