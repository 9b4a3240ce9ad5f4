//go:build cgo && linux

package main

import (
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// The creator of a private object is the user of a token that the handle may query, and no reference to the token
// remains.
func TestCreatorKeepsNoReference(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id := attach()
	defer detach(id)
	c := &call{thread: threadByID(id)}
	open := func(rights winnt.AccessMask) winnt.Handle {
		return check.Result(c.nt.NtOpenProcessToken(winnt.NtCurrentProcess, rights))
	}
	all, other := open(winnt.TOKEN_ALL_ACCESS), open(winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_QUERY)
	count := func() uint32 {
		v := check.Result(c.nt.NtQueryObject(all, nt.ObjectBasicInformation))
		return v.(nt.BasicInformation).PointerCount
	}
	before := count()
	for h, want := range map[winnt.Handle]ntstatus.Status{0: ntstatus.Success, all: ntstatus.Success,
		other: ntstatus.AccessDenied, 0x7770: ntstatus.InvalidHandle} {
		got, st := c.creator(h)
		check.Equal(t, st, want, "creator of handle %#x", h)
		check.Equal(t, got != (*sd.Caller)(nil), h == all, "handle %#x has a creator", h)
		check.Equal(t, count(), before, "references to the token after the creator of handle %#x", h)
	}
	check.Success(t, c.nt.NtClose(all))
	check.Success(t, c.nt.NtClose(other))
}
