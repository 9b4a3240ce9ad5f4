package wire_test

import (
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A server copies a large pipe message twice: from its frame to the queue, and from there to the answer. The frame
// takes another third of memory, because its bytes arrive in parts (W-82).
func TestLargeMessageIsCopiedTwice(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	const size, rounds = 1 << 20, 8
	const server, end = 4, 8 // the first handles of a process
	name := nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\large`})
	check.Success(t, s.status(call(t, "NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{
		DesiredAccess: winnt.FILE_ALL_ACCESS, NamedPipeType: 1, ReadMode: 1, ShareAccess: 3, InboundQuota: size,
		OutboundQuota: size, ObjectAttributes: name})))
	check.Success(t, s.status(call(t, "NtOpenFile", nt.OpenFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		ObjectAttributes: name})))
	write := wire.AppendFrame(nil, call(t, "NtWriteFile", nt.WriteFileIn{FileHandle: end,
		Buffer: nt.Cap(make([]byte, size)), ByteOffset: 1<<64 - 2}))
	read := wire.AppendFrame(nil, call(t, "NtReadFile", nt.ReadFileIn{FileHandle: server, Length: size,
		ByteOffset: 1<<64 - 2}))
	answer := make([]byte, size+1000)
	exchange := func(b []byte) int {
		check.NoError(t, check.Err(s.conn.Write(b)))
		check.NoError(t, check.Err(io.ReadFull(s.conn, answer[:4])))
		n := int(binary.LittleEndian.Uint32(answer))
		check.NoError(t, check.Err(io.ReadFull(s.conn, answer[:n])))
		return n
	}
	taken := func(f func()) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc-before.TotalAlloc) / size
	}
	for range rounds {
		written := taken(func() { exchange(write) })
		n := 0
		if got := taken(func() { n = exchange(read) }); got > 1.1 || n < size {
			t.Errorf("W-82: a read of %d bytes allocated %.2f times the message size, want at most 1.1", n, got)
		}
		check.That(t, written <= 2.5, "W-82: a write allocated %.2f times the message size, want at most 2.5", written)
	}
}

// A read of more than a frame brings a part, and the next one the rest (W-3, W-10).
func TestReadLongerThanFrame(t *testing.T) {
	const part = 3 << 20 // bytes of a write; two of them do not fit an answer
	c := serve(t).connect()
	th := c.Thread()
	name := &nt.ObjectAttributes{ObjectName: `\??\pipe\large`}
	server := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		ShareAccess: 3, InboundQuota: 2 * part, OutboundQuota: 1, ObjectAttributes: nt.Cap(name)}))
	client := check.Result(th.NtOpenFile(winnt.FILE_ALL_ACCESS, name, 0, 0))
	for range 2 {
		check.Result(th.NtWriteFile(client, make([]byte, part)))
	}
	first := check.Result(th.NtReadFile(server, 2*part))
	second := check.Result(th.NtReadFile(server, 2*part))
	check.Equal(t, len(first)+len(second), 2*part, "bytes read")
}

// A connection over a pipe of bytes takes a write of any length, as every net.Conn does. A message must fit a frame.
func TestPipeConnWritesMoreThanFrame(t *testing.T) {
	for _, message := range []bool{false, true} {
		c := serve(t).connect()
		l := check.Must(c.Thread().ListenPipe("long", nt.PipeConfig{Message: message}))
		ends := [2]net.Conn{check.Must(c.Thread().DialPipe("long", nil)), check.Must(l.Accept())}
		for i, from := range ends { // of the client, then of the server
			const size = wire.MaxFrame + 1
			done := make(chan error, 1)
			go func() {
				n, err := from.Write(make([]byte, size))
				if err == nil && n != size {
					err = io.ErrShortWrite
				}
				if err != nil && !message {
					_ = from.Close() // ends the read
				}
				done <- err
			}()
			if message {
				check.ErrorIs(t, <-done, ntstatus.InvalidParameter.Err(), "a long message from end %d", i)
				continue
			}
			check.NoError(t, check.Err(io.CopyN(io.Discard, ends[1-i], size)))
			check.NoError(t, <-done)
		}
		for _, end := range ends {
			check.NoError(t, end.Close())
		}
		check.NoError(t, l.Close())
	}
}
