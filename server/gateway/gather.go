package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// An answer with a small file is more than the buffer of package net/http, which would send
// it in two pieces: two calls of the host, and a client that wakes twice. The connection
// below TLS keeps the first piece until the second one is there.

// mostGathered is the longest file, in bytes, whose answer leaves in one piece: a larger one
// is in few pieces by itself.
const mostGathered = 8 << 10

// roomGathered is the memory for such an answer, with its headers and what TLS adds.
const roomGathered = 2 * mostGathered

// pieces are memory for answers; a connection that sends none has none of it.
var pieces = sync.Pool{New: func() any { return new([roomGathered]byte) }}

// gathering is a listener of connections that gather. TLS is above it.
type gathering struct{ net.Listener }

// Accept implements net.Listener.
func (l gathering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gathered{Conn: c}, nil
}

// gathered is one of these connections.
type gathered struct {
	net.Conn

	mu sync.Mutex
	// +checklocks:mu
	room *[roomGathered]byte // guarded by mu; nil: what is written leaves at once
	// +checklocks:mu
	n int // bytes of room that wait; guarded by mu
}

// Write implements net.Conn.
func (c *gathered) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room != nil {
		if c.n+len(b) <= len(c.room) {
			c.n += copy(c.room[c.n:], b)
			return len(b), nil
		}
		if err := c.sendLocked(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// hold keeps what is written from now on.
func (c *gathered) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room == nil {
		c.room = pieces.Get().(*[roomGathered]byte)
	}
}

// release sends what was kept, in one piece. A client that has left is told nothing.
func (c *gathered) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sendLocked() != nil {
		_ = c.Conn.Close() // what was said to be written was not
	}
	pieces.Put(c.room)
	c.room = nil
}

// sendLocked sends what waits.
//
// +checklocks:c.mu
func (c *gathered) sendLocked() error {
	if c.n == 0 {
		return nil
	}
	b := c.room[:c.n]
	c.n = 0
	_, err := c.Conn.Write(b)
	return err
}

// gatheredKey finds the connection of a request in its context.
type gatheredKey struct{}

// withGathered puts a connection into the context of its requests.
func withGathered(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		if below, ok := t.NetConn().(*gathered); ok {
			return context.WithValue(ctx, gatheredKey{}, below)
		}
	}
	return ctx
}

// atOnce writes all of the body of an answer with its length, so that the answer leaves in one piece where the
// connection is this request's alone.
func atOnce(w http.ResponseWriter, r *http.Request, body []byte) {
	c, _ := r.Context().Value(gatheredKey{}).(*gathered)
	if c == nil || r.ProtoMajor != 1 || len(body) > mostGathered {
		_, _ = w.Write(body) // a client that has left is told nothing
		return
	}
	c.hold()
	defer c.release()
	if _, err := w.Write(body); err == nil {
		_ = http.NewResponseController(w).Flush() // likewise
	}
}
