package gateway

import (
	"context"
	"sync"

	"github.com/refmon/refmon/sid"
)

// Memory of listings. A slow client decides how long its request keeps one.
const (
	mostListedBytes = 256 << 20 // of all requests
	entryBytes      = 256       // of an entry, without its name
)

// listings limits the memory of directory listings, in total and for each user. It is safe for concurrent use. Create
// it with newListings.
type listings struct {
	mu sync.Mutex
	// +checklocks:mu
	free int64 // guarded by mu: bytes that listings may still take
	// +checklocks:mu
	of map[sid.SID]int64 // guarded by mu: bytes by user; without zeros
}

// newListings returns listings without any, which may take most bytes.
func newListings(most int64) *listings { return &listings{free: most, of: map[sid.SID]int64{}} }

// listed is the memory of one request's listings. It is guarded by listings.mu.
type listed struct {
	bytes int64
	ended bool // the request has ended
}

// begin returns the memory of a request, which is given back when ctx ends.
func (l *listings) begin(ctx context.Context, user sid.SID) *listed {
	m := new(listed)
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
func (l *listings) take(user sid.SID, m *listed, n int64) bool {
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
