package gateway

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/refmon/refmon/sid"
)

// Limits of the memory of requests. A slow client decides how long its request holds memory.
const (
	mostHeld   = 256 << 20 // bytes of all requests
	entryBytes = 256       // of a directory entry, without its name
)

// memory limits the bytes of directory listings, bodies and answers that requests hold, in total and for each user. It
// is safe for concurrent use. Create it with newMemory.
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

// begin returns an empty charge for a request of user. The end of ctx returns its bytes.
func (l *memory) begin(ctx context.Context, user sid.SID) *held {
	m := new(held)
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.giveBackLocked(user, m, m.bytes)
		m.ended = true
	})
	return m
}

// giveBack returns n of the bytes that take charged to a user's request. After the end of the request it does nothing.
func (l *memory) giveBack(user sid.SID, m *held, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !m.ended {
		l.giveBackLocked(user, m, n)
	}
}

// giveBackLocked returns n of the bytes of m, a request of user that has not ended.
//
// +checklocks:l.mu
func (l *memory) giveBackLocked(user sid.SID, m *held, n int64) {
	l.free += n
	m.bytes -= n
	if l.of[user] -= n; l.of[user] == 0 {
		delete(l.of, user)
	}
}

// take charges n bytes to a user's request, and reports whether it may have them. A user may have at most as many as
// remain for all others, so that slow clients of one user cannot fill the memory (G-57). Zero bytes are
// always allowed. After the end of the request the result is false.
func (l *memory) take(user sid.SID, m *held, n int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case m.ended:
		return false
	case n == 0:
		return true // a user may have more than remains, because others have taken memory since
	case l.of[user]+n > l.free-n:
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

// giveBack returns n of the bytes that hold charged to the client. A detached request gives nothing back, because it is
// not charged.
func (q *request) giveBack(n int64) {
	if n > 0 && !q.detached {
		q.g.memory.giveBack(q.s.user, q.held, n)
	}
}

// noMemory is the text of refusals for a client whose requests hold too much memory.
const noMemory = "your requests take too much memory: try again later"

// holdBody charges the body of r to the client while a handler reads it. If the client may not have that much memory,
// the error of the read is refusal.
func (q *request) holdBody(r *http.Request, refusal error) {
	r.Body = &heldBody{ReadCloser: r.Body, q: q, refusal: refusal}
}

// heldBody is the body of a request that keeps all of it in memory.
type heldBody struct {
	io.ReadCloser
	q       *request
	refusal error
	refused bool // a part was refused, so every later read fails
}

// Read reads from the body and charges twice its size, because a growing buffer is copied. If the client may not have
// that much memory, the error of this read and of all later ones is the refusal of the body.
func (b *heldBody) Read(p []byte) (int, error) {
	if b.refused {
		return 0, b.refusal
	}
	n, err := b.ReadCloser.Read(p)
	if b.refused = n > 0 && !b.q.hold(2*int64(n)); b.refused {
		return 0, b.refusal
	}
	return n, err
}
