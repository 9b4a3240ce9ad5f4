package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/refmon/refmon/server/auth/admission"
)

// Limits of lookups. Each one that runs is a process of the host.
const (
	maxRunning = 4       // lookups that run at the same time
	maxQueued  = 1 << 14 // lookups that wait; beyond it the requester with the most loses one
)

// lookupQueue limits the lookups that run at the same time, and serves requesters round-robin. Equal lookups of one
// requester that wait share one process. None joins a lookup that already runs, because that answer may be older than
// the question. The zero value is ready to use. It is safe for concurrent use.
type lookupQueue struct {
	mu sync.Mutex
	// +checklocks:mu
	slots *admission.Pool // guarded by mu; nil before the first lookup
	// +checklocks:mu
	waiting map[lookupKey]*lookup // guarded by mu
}

// lookupKey identifies the lookups that share a process. Those of another requester have another turn.
type lookupKey struct{ requester, key string }

// A lookupFunc runs one lookup. found is false without an error if there is certainly no such entry.
type lookupFunc func(context.Context) (line string, found bool, err error)

// lookup is a lookup that waits or runs.
type lookup struct {
	key    lookupKey          // immutable
	run    lookupFunc         // immutable
	ctx    context.Context    // immutable; done once no caller waits for the answer
	cancel context.CancelFunc // immutable
	done   chan struct{}      // immutable; closed once the answer is set

	callers int       // guarded by lookupQueue.mu
	begun   time.Time // guarded by lookupQueue.mu; when it began to run, zero before

	// The answer, set before done is closed.
	line  string
	found bool
	err   error
}

// errBusy says that a lookup waited for its turn most of the time, so its end says nothing about the name service.
var errBusy = errors.New("too many lookups at the same time")

// do runs a lookup within the concurrency limit, in the requester's turn, and returns the result. Waiting callers with
// the same requester and key may share one lookup. If ctx ends first, do returns ctx's error, with errBusy if the
// lookup ran less than half of the time. The error is errBusy if too many lookups wait. A lookup that all callers have
// left does not start or is canceled.
func (q *lookupQueue) do(ctx context.Context, requester, key string, run lookupFunc) (line string, found bool,
	err error) {
	joined := time.Now()
	l := q.join(lookupKey{requester, key}, run)
	select {
	case <-l.done:
		return l.line, l.found, l.err
	case <-ctx.Done():
		if begun := q.leave(l); begun.IsZero() || time.Since(begun) < begun.Sub(joined) {
			return "", false, fmt.Errorf("%w: %w", errBusy, ctx.Err())
		}
		return "", false, ctx.Err()
	}
}

// join returns the waiting lookup with a key, or starts a new one with run, and counts the caller. A lookup that
// already runs is not joined (L-85).
func (q *lookupQueue) join(key lookupKey, run lookupFunc) *lookup {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.slots == nil {
		q.slots, q.waiting = admission.NewPool(maxRunning, maxQueued), map[lookupKey]*lookup{}
	}
	// A lookup that runs is in waiting no more, so its answer serves only its own callers (L-85).
	l := q.waiting[key]
	if l == nil {
		l = &lookup{key: key, run: run, done: make(chan struct{})}
		l.ctx, l.cancel = context.WithCancel(context.Background())
		q.waiting[key] = l
		go q.serve(l, q.slots)
	}
	l.callers++
	return l
}

// serve runs a lookup in the requester's turn. It does nothing if all callers leave before. If too many lookups wait,
// the answer is errBusy. l.done is closed in either case.
func (q *lookupQueue) serve(l *lookup, slots *admission.Pool) {
	defer close(l.done)
	defer l.cancel()
	// One user's lookups wait for each other, not those of other users (L-85).
	if !slots.Enter(l.ctx, l.key.requester) {
		l.err = errBusy
		q.mu.Lock()
		q.forget(l)
		q.mu.Unlock()
		return
	}
	defer slots.Leave()
	q.mu.Lock()
	q.forget(l)
	left := l.callers == 0 // the last caller left as its turn came
	l.begun = time.Now()
	q.mu.Unlock()
	if left {
		return
	}
	l.line, l.found, l.err = l.run(l.ctx)
}

// leave removes a caller that no longer waits for a lookup, and returns when the lookup began to run, zero if it did
// not. After the last caller it ends the lookup. The result of an ended lookup is dropped.
func (q *lookupQueue) leave(l *lookup) (begun time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.callers--; l.callers == 0 {
		q.forget(l)
		l.cancel()
	}
	return l.begun
}

// forget removes a lookup from those that wait, so that no further caller joins it.
//
// +checklocks:q.mu
func (q *lookupQueue) forget(l *lookup) {
	if q.waiting[l.key] == l {
		delete(q.waiting, l.key)
	}
}
