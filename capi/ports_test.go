//go:build cgo && linux

package main

import (
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"unicode/utf16"

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

// caller calls functions of the API as a pthread of a program. Its memory is never moved.
type caller struct {
	t    *testing.T
	id   uint64
	kept [][]byte
}

// newCaller attaches the goroutine, which calls leave at its end.
func newCaller(t *testing.T) *caller {
	runtime.LockOSThread()
	debug.SetPanicOnFault(true)
	return &caller{t: t, id: attach()}
}

func (c *caller) leave() {
	detach(c.id)
	debug.SetPanicOnFault(false)
	runtime.UnlockOSThread()
}

// call calls the function with a name and returns its status.
func (c *caller) call(name string, args ...uint64) ntstatus.Status {
	c.t.Helper()
	return c.callInMode(0, name, args)
}

// kernel makes a call in kernel mode and returns its status.
func (c *caller) kernel(name string, args ...uint64) ntstatus.Status {
	c.t.Helper()
	return c.callInMode(kernelMode, name, args)
}

func (c *caller) callInMode(mode uint32, name string, args []uint64) ntstatus.Status {
	c.t.Helper()
	number, ok := callNumbers()[name]
	check.RequireThat(c.t, ok, "the API has no function %s", name)
	var all [maxArgs]uint64
	copy(all[:], args)
	return ntstatus.Status(threadByID(c.id).enter(&all, number|mode))
}

// bytes returns the address of memory with these bytes.
func (c *caller) bytes(b []byte) uint64 {
	c.kept = append(c.kept, b)
	return pointer(&b[0])
}

// unicode returns the address of a UNICODE_STRING.
func (c *caller) unicode(text string) uint64 {
	var units []byte
	for _, u := range utf16.Encode([]rune(text)) {
		units = binary.LittleEndian.AppendUint16(units, u)
	}
	s := make([]byte, 16)
	le.PutUint16(s, uint16(len(units)))
	le.PutUint16(s[2:], uint16(len(units)))
	le.PutUint64(s[8:], c.bytes(units))
	return c.bytes(s)
}

// message is a PORT_MESSAGE with room for 60 bytes.
type message []byte

func newMessage(text string, reply message) message {
	m := make(message, marshal.PortHeader+60)
	if reply != nil {
		copy(m, reply[:marshal.PortHeader])
	}
	le.PutUint16(m, uint16(len(text)))
	le.PutUint16(m[2:], uint16(len(text)+marshal.PortHeader))
	copy(m[marshal.PortHeader:], text)
	return m
}

func (m message) text() string { return string(m[marshal.PortHeader:][:le.Uint16(m)]) }
func (m message) typ() uint16  { return le.Uint16(m[4:]) }

// A reply returns the status of the service, and that of its message before (I-88).
func TestReplyReturnsStatusOfService(t *testing.T) {
	c := newCaller(t)
	defer c.leave()
	token := make([]byte, 8)
	check.Success(t, c.call("NtOpenProcessToken", ^uint64(0), uint64(winnt.TOKEN_QUERY), c.bytes(token)))
	at := c.bytes(newMessage("x", nil))
	for h, want := range map[uint64]ntstatus.Status{0: ntstatus.InvalidHandle, 0x7770: ntstatus.InvalidHandle,
		le.Uint64(token): ntstatus.ObjectTypeMismatch} {
		check.Equal(t, c.call("NtReplyPort", h, at), want, "reply with handle %#x", h)
		check.Equal(t, c.call("NtReplyPort", h, at+1), ntstatus.DatatypeMisalignment, "misaligned, handle %#x", h)
		check.Equal(t, c.call("NtReplyWaitReceivePort", h, 0, at, at), want, "reply and receive with handle %#x", h)
	}
	check.Success(t, c.call("NtClose", le.Uint64(token)))
}

// port creates a connection port for messages of 100 bytes, and returns its handle.
func (c *caller) port(name uint64) uint64 {
	c.t.Helper()
	attributes, h := make([]byte, 48), make([]byte, 8)
	le.PutUint32(attributes, 48)
	le.PutUint64(attributes[16:], name)
	at, oa := c.bytes(h), c.bytes(attributes)
	for longest, want := range map[uint64]ntstatus.Status{0: ntstatus.InvalidParameter, 40: ntstatus.InvalidParameter,
		0x10000: ntstatus.InvalidParameter} {
		check.Equal(c.t, c.call("NtCreatePort", at, oa, 64, longest, 0), want, "port for messages of %d bytes", longest)
	}
	for _, longest := range []uint64{41, 0xFFFF, 100} { // the last is kept
		check.Success(c.t, c.call("NtCreatePort", at, oa, 64, longest, 0))
		if longest != 100 {
			check.Success(c.t, c.call("NtClose", le.Uint64(h)))
		}
	}
	return le.Uint64(h)
}

// A server refuses and accepts connections, and answers the requests of its clients. Each pointer of a function gets
// its output, cut to the client's room, and none is written after a failure (I-88).
func TestPortPassesMessagesBothWays(t *testing.T) {
	c := newCaller(t)
	defer c.leave()
	s, _ := embedded()
	_, before, _ := s.Counts()
	name := c.unicode(`\BaseNamedObjects\go-port`)
	port := c.port(name)
	done := make(chan struct{})
	go connectTwice(t, name, done)
	m, context, h := newMessage("", nil), make([]byte, 8), make([]byte, 8)
	receive := func(on uint64, reply message, typ uint16, text string) {
		t.Helper()
		var p uint64
		if reply != nil {
			p = c.bytes(reply)
		}
		le.PutUint64(context, 0x99)
		check.Success(t, c.call("NtReplyWaitReceivePort", on, c.bytes(context), p, c.bytes(m)))
		check.That(t, m.typ() == typ && m.text() == text, "received type %d, %q, want %d, %q", m.typ(), m.text(), typ, text)
	}
	accept := func(id message, yes uint64, want ntstatus.Status) {
		t.Helper()
		le.PutUint64(h, 0x55)
		check.Equal(t, c.call("NtAcceptConnectPort", c.bytes(h), 0x1234, c.bytes(id), yes, 0, 0), want, "accept: %d", yes)
		check.Equal(t, le.Uint64(h) != 0, want == ntstatus.Success && yes == 1, "the acceptance has a handle")
	}
	check.Success(t, c.call("NtListenPort", port, c.bytes(m)))
	check.That(t, m.typ() == 10 && m.text() == "who", "listen: type %d, %q", m.typ(), m.text())
	wrong := slices.Clone(m)
	le.PutUint32(wrong[24:], 0)
	accept(wrong, 1, ntstatus.ReplyMessageMismatch)
	check.Equal(t, c.call("NtAcceptConnectPort", c.bytes(h), 0, c.bytes(m), 1, c.bytes(h), 0), ntstatus.NotSupported,
		"a view")
	accept(m, 0, ntstatus.Success)
	receive(port, nil, 10, "who")
	check.Equal(t, le.Uint64(context), 0x99, "context of a connection request")
	accept(newMessage("answer", m), 1, ntstatus.Success)
	comm := le.Uint64(h)
	accept(m, 1, ntstatus.ReplyMessageMismatch)
	check.Equal(t, c.call("NtAcceptConnectPort", 0x10, 0, c.bytes(m), 1, 0, 0), ntstatus.AccessViolation,
		"accept to nowhere")
	check.Success(t, c.call("NtCompleteConnectPort", comm))
	receive(port, nil, 1, "hello")
	check.Equal(t, le.Uint64(context), 0x1234, "context of a request")
	wrong = newMessage("world", m)
	le.PutUint32(wrong[24:], le.Uint32(m[24:])+7)
	check.Equal(t, c.call("NtReplyPort", comm, c.bytes(wrong)), ntstatus.ReplyMessageMismatch, "reply to another request")
	receive(port, newMessage("world", m), 5, "")
	check.Equal(t, le.Uint64(context), 0x1234, "context of the end of a connection")
	<-done
	check.Success(t, c.call("NtClose", comm))
	check.Success(t, c.call("NtClose", port))
	_, after, _ := s.Counts()
	check.Equal(t, after, before, "handles that stay open")
}

// connectTwice connects to a port, which refuses the first time, and makes a request.
func connectTwice(t *testing.T, name uint64, done chan<- struct{}) {
	defer close(done)
	c := newCaller(t)
	defer c.leave()
	h, n, longest, info := make([]byte, 8), make([]byte, 4), make([]byte, 4), []byte("who")
	connect := func(want ntstatus.Status) {
		le.PutUint64(h, 0x55)
		le.PutUint32(n, uint32(len(info)))
		check.Equal(t, c.call("NtConnectPort", c.bytes(h), name, 0, 0, 0, c.bytes(longest), c.bytes(info), c.bytes(n)), want,
			"connection")
		check.Equal(t, le.Uint64(h) != 0, want == ntstatus.Success, "the connection has a handle")
	}
	check.Equal(t, c.call("NtConnectPort", c.bytes(h), 0, 0, 0, 0, 0, 0, 0), ntstatus.AccessViolation, "no name")
	check.Equal(t, c.call("NtConnectPort", c.bytes(h), name, 0, 1, 0, 0, 0, 0), ntstatus.NotSupported, "a view")
	check.Equal(t, c.call("NtConnectPort", c.bytes(h), name, 0, 0, 1, 0, 0, 0), ntstatus.NotSupported, "a server's view")
	connect(ntstatus.PortConnectionRefused)
	check.That(t, string(info) == "who" && le.Uint32(longest) == 0, "a refusal writes %q, %d", info, le.Uint32(longest))
	connect(ntstatus.Success)
	check.That(t, string(info) == "ans" && le.Uint32(n) == 3 && le.Uint32(longest) == 100,
		"answer %q, %d bytes, longest message %d; want ans, 3, 100", info, le.Uint32(n), le.Uint32(longest))
	port, r := le.Uint64(h), newMessage("", nil)
	for _, bad := range []uint64{0, 0x10, c.bytes(r) + 1} {
		want := ntstatus.AccessViolation
		if bad > 0x10 {
			want = ntstatus.DatatypeMisalignment
		}
		check.Equal(t, c.call("NtRequestWaitReplyPort", port, c.bytes(newMessage("lost", nil)), bad), want,
			"reply to %#x", bad)
	}
	check.Success(t, c.call("NtRequestWaitReplyPort", port, c.bytes(newMessage("hello", nil)), c.bytes(r)))
	check.That(t, r.typ() == 2 && r.text() == "world" && le.Uint32(r[24:]) != 0 &&
		winnt.Handle(le.Uint64(r[16:])) == threadByID(c.id).id && winnt.Handle(le.Uint64(r[8:])) == processID(),
		"reply of type %d, %q, want 2, world and the own identifiers", r.typ(), r.text())
	check.Success(t, c.call("NtClose", port))
}
