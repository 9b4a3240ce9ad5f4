package client

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/wire"
)

// mostSpare limits the channels that a connection keeps for reuse.
const mostSpare = 16

// spareLocked returns an empty channel for the answer to a call, a used one if there is one. The caller must hold
// c.mu.
// +checklocks:c.mu
func (c *Conn) spareLocked() chan *wire.Frame {
	if n := len(c.spare); n > 0 {
		w := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return w
	}
	return make(chan *wire.Frame, 1)
}

// keep stores the channel of an answered call for reuse by a later call. It must be empty and unused. Beyond
// mostSpare it is dropped.
func (c *Conn) keep(w chan *wire.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spare) < mostSpare {
		c.spare = append(c.spare, w)
	}
}

// ask sends a request to the daemon and blocks until its answer has arrived. It sets f.Request. rest has the bytes
// after the head. A refusal is head.Status, not an error. An error means that the connection is lost.
func (c *Conn) ask(f *wire.Frame) (head wire.AnswerHead, rest []byte, err error) {
	return c.askUntil(f, nil, nil)
}

// askUntil sends a request and waits for its answer, as ask does, but not for ever: if one of the channels is closed,
// it cancels the call. It then still waits for the answer, because the call may have completed.
func (c *Conn) askUntil(f *wire.Frame, closed, due <-chan struct{}) (head wire.AnswerHead, rest []byte, err error) {
	return c.askInto(f, nil, closed, due)
}

// askInto sends a request and waits like askUntil. It puts a long answer into room, which may be nil. The connection
// may write to room until the answer arrives or the connection is lost.
func (c *Conn) askInto(f *wire.Frame, room []byte, closed, due <-chan struct{}) (head wire.AnswerHead, rest []byte,
	err error) {
	head, rest, files, err := c.askFor(f, room, closed, due)
	if len(files) > 0 {
		closeAll(files)
		err = c.lose(fmt.Errorf("%w: descriptors that the client did not request", wire.ErrFrame))
	}
	return head, rest, err
}

// askFor sends a request, waits for its answer like askInto, and returns the answer's files. The caller must close
// the files. room, closed and due may each be nil. A closed connection returns its error. A failed send or a
// malformed answer ends the connection.
func (c *Conn) askFor(f *wire.Frame, room []byte, closed, due <-chan struct{}) (head wire.AnswerHead, rest []byte,
	files []*os.File, err error) {
	c.mu.Lock()
	if c.waiting == nil {
		defer c.mu.Unlock()
		return head, nil, nil, c.err
	}
	w := c.spareLocked()
	c.last++
	f.Request = c.last
	c.waiting[f.Request] = waiter{answer: w, room: room}
	c.mu.Unlock()
	if err := c.send(f); err != nil {
		return head, nil, nil, c.lose(err)
	}
	answer, ok, cancelled := c.received(f.Request, w, closed, due)
	if cancelled {
		if _, _, err := c.ask(&wire.Frame{Kind: wire.Cancel, Body: wire.AppendCancel(nil, f.Request)}); err != nil {
			return head, nil, nil, err
		}
		answer, ok = <-w
	}
	if !ok {
		return head, nil, nil, c.Err()
	}
	c.keep(w)
	if head, rest, err = wire.DecodeAnswer(answer.Body); err != nil {
		closeAll(answer.Files)
		return head, nil, nil, c.lose(err)
	}
	return head, rest, answer.Files, nil
}

// received waits for the answer to a request, on the channel w or by reading the connection itself. cancelled is true
// if one of the channels closed and due is closed first. If both results are false, the connection is lost.
func (c *Conn) received(request uint64, w <-chan *wire.Frame, closed, due <-chan struct{}) (f *wire.Frame, ok,
	cancelled bool) {
	plain := closed == nil && due == nil
	if c.take(request, plain) {
		if plain {
			f = c.readFor(request)
			return f, f != nil, false
		}
		go c.read() // a cancelled wait returns while the read continues
	}
	select {
	case f, ok = <-w:
		if f == readOn {
			f = c.readFor(request)
			return f, f != nil, false
		}
		return f, ok, false
	case <-closed:
	case <-due:
	}
	return nil, false, true
}
