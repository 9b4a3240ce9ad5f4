package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// net/http sends the headers and body of a small file in two writes: two system calls, and two wake-ups of the
// client. The connection below TLS buffers the first write until the second one arrives.

// mostGathered is the largest body, in bytes, that is sent with its headers in one write.
const mostGathered = 8 << 10

// roomGathered is the size of a response buffer in bytes: body, headers and TLS overhead.
const roomGathered = 2 * mostGathered

// responseBuffers is the pool of response buffers. An idle connection holds none.
var responseBuffers = sync.Pool{New: func() any { return new([roomGathered]byte) }}

// gathering is a listener whose connections can collect several writes and send them at once. TLS runs above it.
type gathering struct{ net.Listener }

// Accept waits for a connection and returns it as a *gathered, which buffers nothing yet. An error is that of the
// listener.
func (l gathering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gathered{Conn: c}, nil
}

// gathered is a connection that can collect several writes and send them at once. It is safe for concurrent use.
type gathered struct {
	net.Conn

	mu sync.Mutex
	// +checklocks:mu
	room *[roomGathered]byte // guarded by mu; nil: not buffering
	// +checklocks:mu
	n int // buffered bytes of room; guarded by mu

	certificate atomic.Pointer[servedCertificate] // the certificate of the handshake; nil before it
}

// Write sends b, or buffers it between hold and release and then returns no error. If b does not fit into the buffer,
// it sends the buffer and then b. After a failed send b is not sent.
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

// hold begins to collect writes: later ones fill a buffer until release. A second call has no effect.
func (c *gathered) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room == nil {
		c.room = responseBuffers.Get().(*[roomGathered]byte)
	}
}

// release sends the buffered data in one write and ends buffering. Call it exactly once after hold. If the write
// fails, it closes the connection, because Write reported success.
func (c *gathered) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sendLocked() != nil {
		_ = c.Conn.Close() // the data that Write accepted was not sent
	}
	responseBuffers.Put(c.room)
	c.room = nil
}

// sendLocked sends the buffered data and empties the buffer, also on an error. Without data it returns nil.
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

// gatheredKey is the context key of a request's connection.
type gatheredKey struct{}

// withGathered returns a context for the requests of connection c, in which atOnce and bindingOf find the connection.
// It returns ctx unchanged if c is not TLS over a gathered connection.
func withGathered(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		if below, ok := t.NetConn().(*gathered); ok {
			return context.WithValue(ctx, gatheredKey{}, below)
		}
	}
	return ctx
}

// atOnce writes a response body, if possible in one write with the headers. That needs HTTP/1, a gathered connection
// in the context, and at most mostGathered bytes; if not, net/http decides when to send. Errors are ignored: the
// client has left.
func atOnce(w http.ResponseWriter, r *http.Request, body []byte) {
	c, _ := r.Context().Value(gatheredKey{}).(*gathered)
	if c == nil || r.ProtoMajor != 1 || len(body) > mostGathered {
		_, _ = w.Write(body) // an error means that the client has disconnected
		return
	}
	c.hold()
	defer c.release()
	if _, err := w.Write(body); err == nil {
		_ = http.NewResponseController(w).Flush() // an error means that the client has disconnected
	}
}
