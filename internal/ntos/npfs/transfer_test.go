package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Read data does not change when the writer's or the reader's buffer is reused.
func TestReadDataIsCopied(t *testing.T) {
	s := newSite(t)
	e, c := s.pair(npfs.Config{})
	defer closeAll(c, e)
	buf := []byte("abcdef")
	want(t, "write", send(c, s.client, buf), ntstatus.Success)
	copy(buf, "uvwxyz")
	one, _ := e.Read(3)
	peeked, _ := e.Peek(2)
	one = append(one, "YY"...)
	peeked.Data[0] = 'Z'
	check.Equal(t, string(one), "abcYY", "first read with more data waiting")
	s.wantRead(e, 3, "def", ntstatus.Success)
}

// TestPipeEndsHaveSeparateReadModes checks that a client starts in byte mode and can switch to message mode on a
// message pipe, that the server's end has its creator's mode, and that neither affects the other end
// (I-139, I-157, T-135).
func TestPipeEndsHaveSeparateReadModes(t *testing.T) {
	for i, c := range []struct {
		cfg    npfs.Config
		server nt.PipeInformation
		client uint32
	}{
		{npfs.Config{}, nt.PipeInformation{}, 0},
		{npfs.Config{ReadMessages: true}, nt.PipeInformation{}, 0}, // the pipe has no messages
		{npfs.Config{Message: true}, nt.PipeInformation{}, winnt.FILE_PIPE_MESSAGE_TYPE},
		{npfs.Config{Message: true, ReadMessages: true, Completes: true},
			nt.PipeInformation{ReadMode: winnt.FILE_PIPE_MESSAGE_TYPE, CompletionMode: winnt.FILE_PIPE_COMPLETE_OPERATION},
			winnt.FILE_PIPE_MESSAGE_TYPE},
	} {
		s := newSite(t)
		e := s.newServerEnd(c.cfg)
		cl, _ := s.connect(nil)
		check.That(t, cl.Modes() == (nt.PipeInformation{}) && !cl.Completes(), "case %d: a new client has modes", i)
		want(t, "set", cl.SetModes(nt.PipeInformation{ReadMode: c.client}), ntstatus.Success)
		check.Equal(t, e.Modes(), c.server, "case %d: server's modes", i)
		check.Equal(t, e.Completes(), c.cfg.Completes, "case %d: server is in no-wait mode", i)
		check.Equal(t, cl.Modes(), nt.PipeInformation{ReadMode: c.client}, "case %d: client's modes", i)
		check.That(t, !cl.Completes(), "case %d: the client is in no-wait mode", i)
		for _, bad := range []nt.PipeInformation{{ReadMode: 2}, {CompletionMode: 2}} {
			check.Equal(t, cl.SetModes(bad), ntstatus.InvalidParameter, "case %d: setting %+v", i, bad)
		}
		want(t, "disconnect", e.Disconnect(), ntstatus.Success)
		want(t, "modes of a disconnected client", cl.SetModes(nt.PipeInformation{}), ntstatus.PipeDisconnected)
		want(t, "its unknown mode", cl.SetModes(nt.PipeInformation{ReadMode: 2}), ntstatus.InvalidParameter)
		closeAll(cl, e)
	}
}

// A query returns the pipe's configuration, and for each end the bytes that it can read and write. A queue without a
// length has 64 KiB (I-133, T-132).
func TestPipeQueryShowsReadableBytesPerEnd(t *testing.T) {
	const in, out = winnt.FILE_SHARE_WRITE, winnt.FILE_SHARE_READ
	for i, c := range []struct {
		cfg                    npfs.Config
		typ, directions        uint32
		inbound, outbound      uint32 // actual quotas
		closedRead, closedWrit bool
	}{
		{npfs.Config{Share: in | out, Instances: 7, Inbound: 30, Outbound: 20}, 0, winnt.FILE_PIPE_FULL_DUPLEX, 30, 20,
			false, false},
		{npfs.Config{Share: in, Instances: 7, Message: true, Outbound: 20}, winnt.FILE_PIPE_MESSAGE_TYPE,
			winnt.FILE_PIPE_INBOUND, 1 << 16, 20, true, false},
		{npfs.Config{Share: out | 4, Instances: 7, Inbound: 30}, 0, winnt.FILE_PIPE_OUTBOUND, 30, 1 << 16, false, true},
	} {
		s := newSite(t)
		e, cl := s.pair(c.cfg)
		other := c.cfg
		other.Inbound, other.Outbound = 5, 6 // only those of the first instance count
		e2 := s.newServerEnd(other)
		check.Equal(t, e2.Standard().AllocationSize, int64(c.inbound+c.outbound), "case %d: size of another instance", i)
		want(t, "write", send(cl, s.client, []byte("abc")), ntstatus.Success)
		want(t, "write", send(e, s.server, []byte("defgh")), ntstatus.Success)
		l := nt.PipeLocalInformation{NamedPipeType: c.typ, NamedPipeConfiguration: c.directions, MaximumInstances: 7,
			CurrentInstances: 2, InboundQuota: uint32(c.cfg.Inbound), OutboundQuota: uint32(c.cfg.Outbound),
			NamedPipeState: winnt.FILE_PIPE_CONNECTED_STATE, NamedPipeEnd: 1, ReadDataAvailable: 3,
			WriteQuotaAvailable: c.outbound - 5}
		check.Equal(t, e.Local(), l, "case %d: server's pipe information", i)
		check.Equal(t, e.Standard(), nt.FileStandard{AllocationSize: int64(c.inbound + c.outbound), EndOfFile: 3,
			NumberOfLinks: 1, DeletePending: true}, "case %d: server's standard information", i)
		l.NamedPipeEnd, l.ReadDataAvailable, l.WriteQuotaAvailable = 0, 5, c.inbound-3
		check.Equal(t, cl.Local(), l, "case %d: client's pipe information", i)
		for _, x := range []*npfs.End{e, cl} {
			for mask, refused := range map[winnt.AccessMask]bool{0: false, winnt.FILE_READ_DATA: c.closedRead,
				winnt.FILE_WRITE_DATA: c.closedWrit, winnt.FILE_READ_ATTRIBUTES | winnt.SYNCHRONIZE: false,
				winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA: c.closedRead || c.closedWrit} {
				check.Equal(t, x.Closed(mask), refused, "T-142: case %d: Closed(%#x)", i, uint32(mask))
			}
		}
		closeAll(cl, e, e2)
	}
}

// A peek returns the total length, the length of the first message and as much of it as fits. It removes nothing
// (I-132).
func TestPeekRemovesNothing(t *testing.T) {
	for i, c := range []struct {
		message bool
		n       int
		data    string
		length  uint32
		st      ntstatus.Status
	}{
		{true, 0, "", 3, ntstatus.BufferOverflow},
		{true, 2, "ab", 3, ntstatus.BufferOverflow},
		{true, 3, "abc", 3, ntstatus.Success},
		{true, 4, "abc", 3, ntstatus.Success},
		{false, 0, "", 0, ntstatus.Success},
		{false, 2, "ab", 0, ntstatus.Success},
		{false, 4, "abcd", 0, ntstatus.Success},
		{false, 9, "abcde", 0, ntstatus.Success},
	} {
		s := newSite(t)
		e, cl := s.pair(npfs.Config{Message: c.message})
		want(t, "write", send(cl, s.client, []byte("abc")), ntstatus.Success)
		want(t, "write", send(cl, s.client, []byte("de")), ntstatus.Success)
		want(t, "write", send(e, s.server, []byte("1")), ntstatus.Success)
		number := uint32(0)
		if c.message {
			number = 2
		}
		for range 2 {
			b, st := e.Peek(c.n)
			check.Equal(t, string(b.Data), c.data, "case %d: data", i)
			b.Data = nil
			check.DeepEqual(t, b, nt.PipePeekBuffer{MessageLength: c.length, NumberOfMessages: number,
				ReadDataAvailable: 5, NamedPipeState: winnt.FILE_PIPE_CONNECTED_STATE}, "case %d: peek", i)
			check.Equal(t, st, c.st, "case %d: status", i)
		}
		check.Equal(t, e.Impersonate(s.server).Status, ntstatus.CannotImpersonate,
			"case %d: impersonating after a peek", i)
		closeAll(cl, e)
	}
}
