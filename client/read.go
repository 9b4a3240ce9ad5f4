package client

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/refmon/refmon/internal/wire"
)

// One of the waiting callers reads the connection, which saves a switch to another goroutine. When it has its answer,
// another plain caller reads on, or a new goroutine if only other callers wait. If nobody waits, the idle timer
// starts a goroutine that reads, so that the end of the connection is noticed at once.

// idleTime is the shortest time for which nobody reads after the last answer. The longest is twice that.
const idleTime = 10 * time.Millisecond

// waiter is a call that waits for its answer.
type waiter struct {
	answer chan *wire.Frame // room for one; closed once the connection is lost
	heir   bool             // it waits for nothing else, and reads when it is sent readOn
	room   []byte           // for the answer, where that is long; nil: it has memory of its own
}

// room returns n bytes of the memory that the caller of a request provided for its answer, nil if that is too small.
func (c *Conn) room(request uint64, n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.waiting[request]; n <= len(w.room) {
		return w.room[:n]
	}
	return nil
}

// readOn is sent to a waiting caller in place of an answer, to make it the reader of the connection.
var readOn = new(wire.Frame)

// take makes the caller the connection's reader, which reads the answers of all callers. The result is false if
// there is a reader already or the answer to request has arrived. If plain is true, the caller waits only for its
// answer, and can become the reader later.
func (c *Conn) take(request uint64, plain bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, here := c.waiting[request]
	if c.reading || !here {
		if here && plain {
			w.heir = true
			c.waiting[request] = w
		}
		return false
	}
	c.reading = true
	return true
}

// leave ends the caller's time as the reader of the connection. Another waiting caller continues to read, or a new
// goroutine does. If nobody waits, it starts the idle timer. The caller must be the reader.
func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for request, w := range c.waiting {
		if w.heir {
			w.heir = false
			c.waiting[request] = w
			w.answer <- readOn // does not block: only the reading goroutine sends to this channel
			return
		}
	}
	if len(c.waiting) > 0 {
		go c.read()
		return
	}
	c.reading = false
	c.answers++
	if c.waiting != nil && !c.watched {
		c.watched = true
		c.idle.Reset(idleTime)
	}
}

// watch detects a connection that the daemon closed while no call waits. The idle timer calls watch on a goroutine.
// If answers arrived since the last run, watch only restarts the timer. Otherwise it reads the connection, if that
// is open and has no reader. A read error ends the connection.
func (c *Conn) watch() {
	c.mu.Lock()
	if c.waiting != nil && c.answers != c.seen {
		c.seen = c.answers
		c.idle.Reset(idleTime)
		c.mu.Unlock()
		return
	}
	c.watched = false
	mine := !c.reading && c.waiting != nil
	c.reading = c.reading || mine
	c.mu.Unlock()
	if mine {
		c.read()
	}
}

// read reads answers and passes each to the call that waits for it. It returns when no call is waiting, or when the
// connection fails.
func (c *Conn) read() {
	for {
		f, w := c.next()
		if f == nil {
			return
		}
		w <- f
		c.mu.Lock()
		over := len(c.waiting) == 0
		c.mu.Unlock()
		if over {
			c.leave()
			return
		}
	}
}

// readFor reads until the answer to a request has come, and passes other answers to their callers. The caller must be
// the reader, and no longer is afterwards. It returns nil if the connection is lost.
func (c *Conn) readFor(request uint64) *wire.Frame {
	for {
		f, w := c.next()
		if f == nil {
			return nil
		}
		if f.Request == request {
			c.leave()
			return f
		}
		w <- f
	}
}

// next reads an answer and returns it with the channel of its caller. An unexpected answer or an error ends the
// connection; next then returns nil and nil. An answer without a waiting caller is such an unexpected answer, and its
// files are closed.
func (c *Conn) next() (*wire.Frame, chan<- *wire.Frame) {
	f, err := c.from.Frame()
	if err == nil && f.Kind != wire.Answer && f.Kind != wire.AnswerWith {
		err = fmt.Errorf("%w: a frame of kind %d, want an answer", wire.ErrFrame, f.Kind)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the daemon closed the connection")
	}
	if err != nil {
		_ = c.lose(err)
		return nil, nil
	}
	c.mu.Lock()
	w := c.waiting[f.Request].answer
	delete(c.waiting, f.Request)
	c.mu.Unlock()
	if w == nil {
		closeAll(f.Files)
		_ = c.lose(fmt.Errorf("%w: an answer to request %d, which nothing waits for", wire.ErrFrame, f.Request))
		return nil, nil
	}
	return f, w
}
