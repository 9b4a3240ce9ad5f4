//go:build cgo && linux

package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// The end of an operation writes Information before Status, because a program may poll Status
// (HasOverlappedIoCompleted) and then read Information. In the test Status lies on a page that cannot be written.
func TestStatusOfOperationIsWrittenLast(t *testing.T) {
	page := os.Getpagesize()
	b := check.Must(unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON))
	defer func() { check.NoError(t, unix.Munmap(b)) }()
	check.NoError(t, unix.Mprotect(b[:page], unix.PROT_READ))
	var done func(nt.IOResult)
	x := ioCall{&call{thread: &thread{Memory: new(marshal.Memory)}}, user(pointer(&b[page-8]))}
	x.runWith(new(nt.Later), 0, func(l *nt.Later) (nt.IOResult, ntstatus.Status) {
		done = l.Done
		return nt.IOResult{}, ntstatus.Pending
	})
	done(nt.IOResult{Information: 7})
	check.Equal(t, le.Uint64(b[page:]), 7, "Information")
}
