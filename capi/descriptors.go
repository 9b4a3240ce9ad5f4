//go:build cgo && linux

package main

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// refmonFileDescriptor writes a host file descriptor for a file in a tree (W-60). The caller closes the descriptor.
// The embedded kernel has no trees: the call returns STATUS_NOT_SUPPORTED and writes nothing. With a daemon, a
// failed call writes -1.
func refmonFileDescriptor(c *call) uint64 {
	r, ok := c.sys.(*remote)
	if !ok {
		return status(ntstatus.NotSupported)
	}
	out := c.ptr(1)
	if fault := c.WriteU32(out, ^uint32(0)); fault != ntstatus.Success {
		return status(fault) // without a valid output pointer the daemon is not called
	}
	f, err := r.tr.(interface {
		FileOf(winnt.Handle) (*os.File, error)
	}).FileOf(c.handle(0))
	if err != nil {
		return status(statusOf(err))
	}
	defer func() { _ = f.Close() }()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return status(ntstatus.TooManyOpenedFiles)
	}
	if fault := c.WriteU32(out, uint32(fd)); fault != ntstatus.Success {
		_ = unix.Close(fd)
		return status(fault)
	}
	return status(ntstatus.Success)
}
