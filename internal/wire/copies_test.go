package wire_test

import (
	"encoding/binary"
	"io"
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
	s.greet()
	ask := func(row string, in any) any {
		t.Helper()
		r := wire.Rows()[nt.NtTable.Find(row).Info().Number]
		body := check.Must(r.AppendCall(nil, in, false))
		s.send(&wire.Frame{Kind: wire.Call, Thread: 1, Service: r.Service, Body: body})
		head, rest, err := wire.DecodeAnswer(s.receive().Body)
		check.RequireThat(t, err == nil && head.Status == ntstatus.Success, "%v %v %v", row, head.Status, err)
		return check.Must(r.DecodeOut(rest))
	}
	const size, rounds = 1 << 20, 8
	name := nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\large`})
	server := ask("NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		NamedPipeType: 1, ReadMode: 1, ShareAccess: 3, InboundQuota: size, OutboundQuota: size,
		ObjectAttributes: name}).(nt.CreateNamedPipeFileOut).FileHandle
	end := ask("NtOpenFile", nt.OpenFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		ObjectAttributes: name}).(nt.OpenFileOut).FileHandle
	frame := func(row string, in any) []byte {
		r := wire.Rows()[nt.NtTable.Find(row).Info().Number]
		body := check.Must(r.AppendCall(nil, in, false))
		return wire.AppendFrame(nil, &wire.Frame{Kind: wire.Call, Thread: 1, Service: r.Service, Body: body})
	}
	write := frame("NtWriteFile", nt.WriteFileIn{FileHandle: end, Buffer: nt.Cap(make([]byte, size)),
		ByteOffset: 1<<64 - 2})
	read := frame("NtReadFile", nt.ReadFileIn{FileHandle: server, Length: size, ByteOffset: 1<<64 - 2})
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
