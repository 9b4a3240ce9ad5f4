//go:build !linux

package hostfs

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Tree is a directory of the host that is served with NT access decisions. On this system Open always fails.
type Tree struct{}

// Open returns an error that wraps errors.ErrUnsupported: only Linux resolves names below a directory as this package
// needs it.
func Open(c Config) (*Tree, error) {
	return nil, fmt.Errorf("hostfs: %s: %w", c.Path, errors.ErrUnsupported)
}

// HandsOut returns HandOutNothing and errors.ErrUnsupported on this system.
func (*Tree) HandsOut() (HandOut, error) { return HandOutNothing, errors.ErrUnsupported }

// Offline is a file whose attribute is read and written without a tree. On this system OpenOffline always fails.
type Offline struct{}

// OpenOffline returns an error that wraps errors.ErrUnsupported, because this system has no trees.
func OpenOffline(path string, _ Config) (*Offline, error) {
	return nil, fmt.Errorf("hostfs: %s: %w", path, errors.ErrUnsupported)
}

// Directory returns false. There is no Offline on this system, because OpenOffline fails.
func (*Offline) Directory() bool { return false }

// Descriptor returns nil. There is no Offline on this system.
func (*Offline) Descriptor() *sd.Descriptor { return nil }

// Parent returns nil. There is no Offline on this system.
func (*Offline) Parent() *sd.Descriptor { return nil }

// Attributes returns 0. There is no Offline on this system.
func (*Offline) Attributes() fileaccess.Attributes { return 0 }

// Cause returns nil. There is no Offline on this system.
func (*Offline) Cause() error { return nil }

// Write returns errors.ErrUnsupported and writes nothing.
func (*Offline) Write(*sd.Descriptor) error { return errors.ErrUnsupported }

// Close does nothing. There is no Offline on this system.
func (*Offline) Close() {}

// Repair returns zero counts and an error that wraps errors.ErrUnsupported, because this system has no trees.
func Repair(_ context.Context, c RepairConfig) (RepairCounts, error) {
	return RepairCounts{}, fmt.Errorf("hostfs: %s: %w", c.Path, errors.ErrUnsupported)
}

// MaxOpens returns 0. There is no Tree on this system, because Open fails.
func (*Tree) MaxOpens() int { return 0 }

// Close does nothing and returns nil. There is no Tree on this system.
func (*Tree) Close() error { return nil }

// Find returns STATUS_NOT_SUPPORTED for every request.
func (*Tree) Find(*fileaccess.Request, nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	return nil, ntstatus.NotSupported
}

// Exposure returns errors.ErrUnsupported on this system.
func (*Tree) Exposure(...uint32) ([]string, error) { return nil, errors.ErrUnsupported }
