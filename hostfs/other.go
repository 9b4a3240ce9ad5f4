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

// Tree is a served directory. On this system Open always fails.
type Tree struct{}

// Open fails: only Linux resolves names below a directory as this package needs it.
func Open(c Config) (*Tree, error) {
	return nil, fmt.Errorf("hostfs: %s: %w", c.Path, errors.ErrUnsupported)
}

// HandsOut returns HandOutNothing and an error.
func (*Tree) HandsOut() (HandOut, error) { return HandOutNothing, errors.ErrUnsupported }

// Offline is a file whose attribute is read and written without a tree. On this system OpenOffline always fails.
type Offline struct{}

// OpenOffline fails, as Open does.
func OpenOffline(path string, _ Config) (*Offline, error) {
	return nil, fmt.Errorf("hostfs: %s: %w", path, errors.ErrUnsupported)
}

// Directory returns false.
func (*Offline) Directory() bool { return false }

// Descriptor returns nil.
func (*Offline) Descriptor() *sd.Descriptor { return nil }

// Parent returns nil.
func (*Offline) Parent() *sd.Descriptor { return nil }

// Attributes returns 0.
func (*Offline) Attributes() fileaccess.Attributes { return 0 }

// Cause returns nil.
func (*Offline) Cause() error { return nil }

// Write fails, as Open does.
func (*Offline) Write(*sd.Descriptor) error { return errors.ErrUnsupported }

// Close does nothing.
func (*Offline) Close() {}

// Repair fails, as Open does.
func Repair(_ context.Context, c RepairConfig) (RepairCounts, error) {
	return RepairCounts{}, fmt.Errorf("hostfs: %s: %w", c.Path, errors.ErrUnsupported)
}

// MaxOpens returns 0.
func (*Tree) MaxOpens() int { return 0 }

// Close does nothing.
func (*Tree) Close() error { return nil }

// Find returns STATUS_NOT_SUPPORTED.
func (*Tree) Find(*fileaccess.Request, nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	return nil, ntstatus.NotSupported
}

// Exposure fails, as Open does.
func (*Tree) Exposure(...uint32) ([]string, error) { return nil, errors.ErrUnsupported }
