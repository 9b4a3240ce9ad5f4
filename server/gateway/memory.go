package gateway

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/sid"
)

// Memory of requests. A slow client decides how long its request keeps it.
const (
	mostHeld   = 256 << 20 // bytes of all requests
	entryBytes = 256       // of a directory entry, without its name
)

// memory limits the bytes of directory listings and XML bodies that requests hold, in total and for each user. It is
// safe for concurrent use. Create it with newMemory.
type memory struct {
	mu sync.Mutex
	// +checklocks:mu
	free int64 // guarded by mu: bytes that requests may still take
	// +checklocks:mu
	of map[sid.SID]int64 // guarded by mu: bytes by user; without zeros
}

// newMemory returns a memory of most bytes, none of which is taken.
func newMemory(most int64) *memory { return &memory{free: most, of: map[sid.SID]int64{}} }

// held is the memory that one request has taken. It is guarded by memory.mu.
type held struct {
	bytes int64
	ended bool // the request has ended
}

// begin returns what a request has taken, at first nothing. When ctx ends it is given back.
func (l *memory) begin(ctx context.Context, user sid.SID) *held {
	m := new(held)
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		m.ended = true
		l.free += m.bytes
		if l.of[user] -= m.bytes; l.of[user] == 0 {
			delete(l.of, user)
		}
	})
	return m
}

// take charges n bytes to a user's request, and reports whether it may have them. A user may have at most as many as
// remain for all others, so that slow clients of one user cannot fill the memory (G-57). After the end of the request
// the result is false.
func (l *memory) take(user sid.SID, m *held, n int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.ended || l.of[user]+n > l.free-n {
		return false
	}
	l.free -= n
	l.of[user] += n
	m.bytes += n
	return true
}

// hold charges n bytes to the client until the end of the request, and reports whether the client may have them. A
// request that goes on without its client must not stop, so it may always.
func (q *request) hold(n int64) bool {
	if q.detached {
		return true
	}
	if q.held == nil {
		q.held = q.g.memory.begin(q.ctx, q.s.user)
	}
	return q.g.memory.take(q.s.user, q.held, n)
}

// heldBody is the body of a request that keeps all of it in memory.
type heldBody struct {
	io.ReadCloser
	q *request
}

// Read reads from the body and charges twice its size, because a growing buffer is copied. If the client may not have
// that much memory, the error is the refusal of the request.
func (b heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && !b.q.hold(2*int64(n)) {
		return 0, dav.Refuse(http.StatusServiceUnavailable, "your requests take too much memory: try again later")
	}
	return n, err
}
