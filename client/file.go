package client

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// OpenFile calls NtCreateFile on the thread. If the daemon hands out a file descriptor,
// OpenFile returns it with the handle, and reading from it needs no further call.
// Otherwise, and for a pipe, file is nil. NtReadFile and NtWriteFile work for every
// handle. The handle keeps the share access, delete on close, and the rights other than
// reading and writing. The caller must close both the file and the handle. A thread of
// another connection is STATUS_INVALID_CID, a lost connection STATUS_PORT_DISCONNECTED.
//
// fcntl(F_GETFL) returns the access mode of the descriptor. For a handle for reading and
// writing it may be read-only. The descriptor can be mapped and passed on. The daemon
// records that it was passed, but not its uses.
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

// File returns a file descriptor of an open file, which the caller must close. It is for reading and, if no program
// can get more rights from it, also for writing: see [Conn.OpenFile]. The error has a status: STATUS_NOT_SUPPORTED if
// the daemon hands out no descriptors, STATUS_ACCESS_DENIED if the descriptor would allow more than the handle was
// granted, and STATUS_INSUFFICIENT_RESOURCES if the client has not received earlier ones yet.
func (c *Conn) File(th *nt.Thread, h winnt.Handle) (*os.File, error) {
	t, err := c.own(th)
	if err != nil {
		return nil, err
	}
	return t.FileOf(h)
}

// FileOf returns a file descriptor of an open file, as [Conn.File] does, for a transport of [Conn.NewTransport]. The
// caller must close it.
func (t *thread) FileOf(h winnt.Handle) (*os.File, error) {
	return t.c.descriptor(&wire.Frame{Kind: wire.HandOut, Thread: t.number, Body: wire.AppendHandle(nil, h)})
}

// own returns the transport of a thread of this connection. It fails with STATUS_INVALID_CID if th is nil or belongs
// to another connection.
func (c *Conn) own(th *nt.Thread) (*thread, error) {
	if th != nil {
		if t, ok := th.Transport().(*thread); ok && t.c == c {
			return t, nil
		}
	}
	return nil, fmt.Errorf("the thread belongs to another connection: %w", ntstatus.InvalidCid.Err())
}

// descriptor sends a request whose answer is a file descriptor, and returns it. The caller must close the file. A
// refusal is an error with the status.
func (c *Conn) descriptor(f *wire.Frame) (*os.File, error) {
	file, _, err := c.descriptorWith(f)
	return file, err
}

// descriptorWith sends a frame like descriptor and also returns the bytes after the head of the answer. Any other
// number of descriptors than one ends the connection. The caller closes the file.
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
