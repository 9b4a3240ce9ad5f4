//go:build cgo && linux

package main

import (
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// accepting is a kernel that accepts connections with a status.
type accepting struct {
	nt.Services
	st ntstatus.Status
}

// NtAcceptConnectPort implements nt.Services.
func (a accepting) NtAcceptConnectPort(nt.AcceptConnectPortIn) (nt.PortOut, ntstatus.Status) {
	return nt.PortOut{}, a.st
}

// The memory of a program: global, because Go moves no global variable.
var (
	portMessage [marshal.PortHeader / 8]uint64
	portHandle  uint64
)

// A received request to connect is remembered until it is answered or its client is gone. Otherwise clients that give
// up would fill the memory of a server. After another failure the server can answer it again.
func TestAnsweredRequestsAreForgotten(t *testing.T) {
	at := user(pointer(&portMessage[0]))
	for st, kept := range map[ntstatus.Status]bool{ntstatus.Success: false, ntstatus.PortConnectionRefused: false,
		ntstatus.ReplyMessageMismatch: false, ntstatus.InsufficientResources: true} {
		c := &call{thread: &thread{sys: accepting{st: st}, Memory: new(marshal.Memory)}, out: user(pointer(&portHandle)),
			args: &[maxArgs]uint64{2: uint64(at), 3: 1}}
		m := nt.ReplyWaitReceivePortOut{Connecting: true, ClientID: nt.ClientID{UniqueProcess: 8, UniqueThread: 12},
			MessageID: 5}
		check.Equal(t, c.received(4, at, 0, &m), ntstatus.Success, "receive")
		check.Equal(t, ntstatus.Status(ntAcceptConnectPort(c)), st, "accept")
		check.Equal(t, len(offered.ports) == 1, kept, "%v: the request is kept", st)
		clear(offered.ports)
	}
}

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
