package client

import (
	"errors"
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// OpenedAs holds the result of [Conn.OpenFileAs]. The zero value opened nothing.
type OpenedAs struct {
	nt.CreateFileOut
	File *os.File // as for [Conn.OpenFile]
	// Reverted is true if the thread no longer impersonates. If it is false, the thread
	// must not be used again.
	Reverted bool
}

// OpenFileAs impersonates the client of a token, opens a file like [Conn.OpenFile], and reverts. It sends these calls
// together. If the impersonation failed, the daemon opens nothing, and the status is that of the impersonation. In the
// same exchange, the daemon first closes the handles in done, whatever becomes of the rest. After a lost connection the
// status is STATUS_PORT_DISCONNECTED, and Reverted is false.
//
// OpenFileAs sends nothing, and the handles in done stay open, for token 0 (STATUS_INVALID_HANDLE: the open would run
// as the thread itself), for a thread of another connection (STATUS_INVALID_CID), if the daemon does not have one of
// the services (STATUS_NOT_SUPPORTED), and if the request is too long (STATUS_INVALID_PARAMETER).
func (c *Conn) OpenFileAs(th *nt.Thread, token winnt.Handle, in nt.CreateFileIn, done ...winnt.Handle) (o OpenedAs,
	st ntstatus.Status) {
	o.Reverted = true
	t, err := c.own(th)
	if err != nil {
		return o, ntstatus.InvalidCid
	}
	if token == 0 {
		return o, ntstatus.InvalidHandle
	}
	frames, st := t.openAs(token, in, done)
	if st != ntstatus.Success {
		return o, st
	}
	answers, err := c.askAll(frames)
	if err != nil {
		return OpenedAs{}, ntstatus.PortDisconnected
	}
	as, opened, reverted := answers[len(done)], answers[len(done)+1], answers[len(done)+2]
	o.CreateFileOut, o.File, err = opened.file()
	if err == nil && as.head.Status != ntstatus.Success && opened.head.Status.IsSuccess() {
		closeAll(opened.files)
		err = fmt.Errorf("%w: a file was opened after a failed impersonation", wire.ErrFrame)
	}
	if err != nil {
		_ = c.lose(err)
		return OpenedAs{}, ntstatus.PortDisconnected
	}
	o.Reverted = reverted.head.Status == ntstatus.Success
	if as.head.Status != ntstatus.Success {
		return o, as.head.Status
	}
	return o, opened.head.Status
}

// openAs returns the requests of an open as the client of a token: a close of each handle in done, the impersonation,
// the open, and the end of the impersonation. If the daemon does not have one of the services, or a request is too
// long, it returns the status of OpenFileAs, and its requests must not be sent.
func (t *thread) openAs(token winnt.Handle, in nt.CreateFileIn, done []winnt.Handle) (frames []*wire.Frame,
	st ntstatus.Status) {
	add := func(kind wire.Kind, name string, in any) {
		row := wire.Rows()[nt.NtTable.Find(name).Info().Number]
		number, known := t.c.services[name]
		body, err := row.AppendCall(nil, in, false)
		switch {
		case !known:
			st = ntstatus.NotSupported
		case st == ntstatus.Success && (err != nil || len(body) > wire.MaxBody):
			st = ntstatus.InvalidParameter
		}
		frames = append(frames, &wire.Frame{Kind: kind, Thread: t.number, Service: number, Body: body})
	}
	for _, h := range done {
		add(wire.Call, "NtClose", nt.CloseIn{Handle: h})
	}
	impersonate := func(tok winnt.Handle) nt.SetInformationThreadIn {
		return nt.SetInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
			ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformation: nt.Cap(tok), ThreadInformationLength: 8}
	}
	add(wire.Call, "NtSetInformationThread", impersonate(token))
	// Without the client the open must not run: it would have the server's own rights (W-38).
	add(wire.ThenWith, "NtCreateFile", in)
	add(wire.Call, "NtSetInformationThread", impersonate(0))
	return frames, st
}

// answered is the answer to a request, with its file descriptors, which its owner must close.
type answered struct {
	head  wire.AnswerHead
	rest  []byte
	files []*os.File
}

// file decodes the answer to NtCreateFile. file is nil if the daemon sent no descriptor; otherwise the caller must
// close it. After an error all descriptors are closed. Several descriptors, and one after a failure, are errors.
func (a *answered) file() (out nt.CreateFileOut, file *os.File, err error) {
	row := opening()
	if len(a.rest) > 0 {
		var v any
		if v, err = row.DecodeOut(a.rest); err == nil {
			out, _ = v.(nt.CreateFileOut)
		}
	}
	if len(a.files) > 1 || len(a.files) == 1 && !a.head.Status.IsSuccess() {
		err = errors.Join(err, fmt.Errorf("%w: %d descriptors of a file", wire.ErrFrame, len(a.files)))
	}
	if err != nil {
		closeAll(a.files)
		return nt.CreateFileOut{}, nil, err
	}
	if len(a.files) == 1 {
		file = a.files[0]
	}
	return out, file, nil
}

// askAll sends requests of one thread in one piece and blocks until all are answered. The answers are in the order of
// the requests, and the caller owns their descriptors. After an error it returns none, and the connection is lost.
func (c *Conn) askAll(frames []*wire.Frame) (answers []answered, err error) {
	waits := make([]chan *wire.Frame, len(frames))
	c.mu.Lock()
	if c.waiting == nil {
		defer c.mu.Unlock()
		return nil, c.err
	}
	for i, f := range frames {
		c.last++
		f.Request = c.last
		waits[i] = make(chan *wire.Frame, 1)
		c.waiting[f.Request] = waiter{answer: waits[i]}
	}
	c.mu.Unlock()
	if err := c.send(frames...); err != nil {
		return nil, c.lose(err)
	}
	// The last is answered last: the goroutine that reads it reads the others, too.
	last := len(frames) - 1
	end, ok, _ := c.received(frames[last].Request, waits[last], nil, nil)
	answers = make([]answered, len(frames))
	for i := range frames {
		f := end
		if i != last {
			if f = <-waits[i]; f == nil {
				ok = false
				continue
			}
		} else if !ok {
			continue
		}
		a := &answers[i]
		a.files = f.Files
		if a.head, a.rest, err = wire.DecodeAnswer(f.Body); err != nil {
			ok = false
			_ = c.lose(err)
		}
	}
	if !ok {
		for i := range answers {
			closeAll(answers[i].files)
		}
		return nil, c.Err()
	}
	return answers, nil
}
