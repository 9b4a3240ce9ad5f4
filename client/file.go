package client

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// OpenFile calls NtCreateFile as the thread, and returns a descriptor of the file with
// the handle where the daemon hands one out: reading by it needs no further call. file is
// nil where it does not, and for a pipe: NtReadFile and NtWriteFile are for every handle.
// With the handle stay share access, deletion on close, and rights other than reading
// and writing; the file is the caller's to close, as is the handle.
//
// What a descriptor is for tells fcntl(F_GETFL): that of a handle for reading and
// writing may be for reading only. It can be mapped and passed on, and what is done with
// it is not recorded; its hand-out is.
func (c *Conn) OpenFile(th *nt.Thread, in nt.CreateFileIn) (out nt.CreateFileOut, file *os.File, st ntstatus.Status) {
	t, err := c.own(th)
	if err != nil {
		return out, nil, ntstatus.InvalidCid
	}
	row := opening()
	number, known := c.services["NtCreateFile"]
	body, err := row.AppendCall(nil, in, false)
	switch {
	case !known:
		return out, nil, ntstatus.NotSupported
	case err != nil || len(body) > wire.MaxBody:
		return out, nil, ntstatus.InvalidParameter
	}
	f := &wire.Frame{Kind: wire.CallWith, Thread: t.number, Service: number, Body: body}
	head, rest, files, err := c.askFor(f, nil, nil, nil)
	if err != nil {
		return out, nil, ntstatus.PortDisconnected
	}
	a := answered{head, rest, files}
	if out, file, err = a.file(); err != nil {
		_ = c.lose(err)
		return nt.CreateFileOut{}, nil, ntstatus.PortDisconnected
	}
	return out, file, head.Status
}

// File returns a descriptor of a file that is open, for reading or, where no program can
// make more of it, for writing too; see [Conn.OpenFile]. The error has a status:
// STATUS_NOT_SUPPORTED where no descriptors are handed out, STATUS_ACCESS_DENIED where it
// would give more than the handle was granted, STATUS_INSUFFICIENT_RESOURCES where
// earlier ones have not been taken yet.
func (c *Conn) File(th *nt.Thread, h winnt.Handle) (*os.File, error) {
	t, err := c.own(th)
	if err != nil {
		return nil, err
	}
	return t.FileOf(h)
}

// FileOf does the same for a transport of [Conn.NewTransport].
func (t *thread) FileOf(h winnt.Handle) (*os.File, error) {
	return t.c.descriptor(&wire.Frame{Kind: wire.HandOut, Thread: t.number, Body: wire.AppendHandle(nil, h)})
}

// own returns what carries the calls of a thread of this connection.
func (c *Conn) own(th *nt.Thread) (*thread, error) {
	if th != nil {
		if t, ok := th.Transport().(*thread); ok && t.c == c {
			return t, nil
		}
	}
	return nil, fmt.Errorf("a thread that is not of this connection: %w", ntstatus.InvalidCid.Err())
}

// descriptor asks for one descriptor.
func (c *Conn) descriptor(f *wire.Frame) (*os.File, error) {
	file, _, err := c.descriptorWith(f)
	return file, err
}

// descriptorWith does the same and returns what follows the head of the answer.
func (c *Conn) descriptorWith(f *wire.Frame) (_ *os.File, rest []byte, err error) {
	head, rest, files, err := c.askFor(f, nil, nil, nil)
	if err == nil {
		err = head.Status.Err()
	}
	if err == nil && len(files) != 1 {
		err = c.lose(fmt.Errorf("%w: %d descriptors, want one", wire.ErrFrame, len(files)))
	}
	if err != nil {
		closeAll(files)
		return nil, nil, err
	}
	return files[0], rest, nil
}
