package client

import (
	"fmt"
	"sync"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ReadAs holds the result of [Conn.ReadFileAs]. The zero value opened nothing.
type ReadAs struct {
	nt.CreateFileOut       // FileHandle is 0 where the file is whole
	CreationTime     int64 // units of 100 ns since 1601
	LastWriteTime    int64
	EndOfFile        int64 // bytes
	FileID           uint64
	Directory        bool
	Whole            bool // Data has all that is in the file; else FileHandle is to be read and closed
	Data             []byte
}

// opening is the row of opens.
var opening = sync.OnceValue(func() *wire.Row { return wire.Rows()[nt.NtTable.Find("NtCreateFile").Info().Number] })

// ReadFileAs opens an existing file as the client of a token. It returns the contents if they have at most most
// bytes, and otherwise the handle. A most above [wire.MaxContents] counts as that. It is one exchange. The daemon
// makes the thread impersonate the client only for the open, and restores the thread's state in any case. If the
// impersonation fails, the status is that of the impersonation, and nothing was opened. Token 0 is
// STATUS_INVALID_HANDLE. A disposition other than FILE_OPEN, and FILE_DELETE_ON_CLOSE, are STATUS_INVALID_PARAMETER. A
// daemon without this call returns STATUS_NOT_SUPPORTED or ends the connection.
//
// room is memory for the answer. If it is long enough, some hundred bytes more than the file, Data is part of it. It
// may be nil. After STATUS_PORT_DISCONNECTED another goroutine may still write to it, so do not use it again.
func (c *Conn) ReadFileAs(th *nt.Thread, token winnt.Handle, in nt.CreateFileIn, most int, room []byte) (r ReadAs,
	st ntstatus.Status) {
	t, err := c.own(th)
	if err != nil {
		return r, ntstatus.InvalidCid
	}
	if token == 0 {
		return r, ntstatus.InvalidHandle // the open would run as the thread itself
	}
	row := opening()
	number, known := c.services["NtCreateFile"]
	begin := wire.AppendReadAs(make([]byte, 0, 192), token, uint32(min(max(most, 0), wire.MaxContents)))
	body, err := row.AppendCall(begin, in, false)
	switch {
	case !known:
		return r, ntstatus.NotSupported
	case err != nil || len(body) > wire.MaxBody:
		return r, ntstatus.InvalidParameter
	}
	head, rest, err := c.askInto(&wire.Frame{Kind: wire.ReadAs, Thread: t.number, Service: number, Body: body}, room,
		nil, nil)
	if err != nil {
		return r, ntstatus.PortDisconnected
	}
	if len(rest) == 0 || head.Status != ntstatus.Success {
		return r, head.Status
	}
	out, b, data, err := wire.DecodeContents(row, rest)
	if err != nil {
		_ = c.lose(fmt.Errorf("contents of a file: %w", err))
		return r, ntstatus.PortDisconnected
	}
	r = ReadAs{CreationTime: b.CreationTime, LastWriteTime: b.LastWriteTime, EndOfFile: b.EndOfFile, FileID: b.FileID,
		Directory: b.Directory, Whole: b.Whole, Data: data}
	r.CreateFileOut, _ = out.(nt.CreateFileOut)
	return r, head.Status
}
