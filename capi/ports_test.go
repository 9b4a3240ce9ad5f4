//go:build cgo && linux

package main

import (
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A reply returns the status of the service, and that of its message before (I-88).
func TestReplyReturnsStatusOfService(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id := attach()
	defer detach(id)
	c := &call{thread: threadByID(id)}
	token := check.Result(c.nt.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	defer c.nt.NtClose(token)
	m := &memory.descriptor // of these tests, which do not run at once
	clear(m[:])
	at := user(pointer(m))
	check.Success(t, c.WritePortMessage(at, &marshal.PortMessage{Data: []byte("x")}))
	for h, want := range map[winnt.Handle]ntstatus.Status{0: ntstatus.InvalidHandle, 0x7770: ntstatus.InvalidHandle,
		token: ntstatus.ObjectTypeMismatch} {
		check.Equal(t, c.reply(h, at), want, "reply with handle %#x", h)
		check.Equal(t, c.reply(h, at+1), ntstatus.DatatypeMisalignment, "reply with handle %#x and a misaligned message", h)
	}
}
