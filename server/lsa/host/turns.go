package host

import (
	"context"
	"sync"
)

// maxRunning is the maximum number of lookups that run at the same time. Each one is a process of the host.
const maxRunning = 4

// turns limits the lookups that run at the same time. A lookup that waits for its turn also answers the equal lookups
// that begin meanwhile. None joins a lookup that already runs, because that answer may be older than the question. The
// zero value is ready to use. It is safe for concurrent use.
type turns struct {
	mu sync.Mutex
	// +checklocks:mu
	slots chan struct{} // guarded by mu; nil before the first lookup; has one value for each that runs
	// +checklocks:mu
	waiting map[string]*lookup // guarded by mu; by key
}

// A lookupFunc runs one lookup. found is false without an error if there is certainly no such entry.
type lookupFunc func(context.Context) (line string, found bool, err error)

// lookup is a lookup that waits or runs.
type lookup struct {
	key    string             // immutable
	run    lookupFunc         // immutable
	ctx    context.Context    // immutable; done once no caller waits for the answer
	cancel context.CancelFunc // immutable
	done   chan struct{}      // immutable; closed once the answer is set

	callers int // guarded by turns.mu

	// The answer, set before done is closed.
	line  string
	found bool
	err   error
}

// do returns the answer of run, which may serve several callers with the same key. It blocks until ctx ends at most,
// and then returns its error. A lookup whose callers have all left does not run, or its context ends.
func (t *turns) do(ctx context.Context, key string, run lookupFunc) (line string, found bool, err error) {
	l := t.join(key, run)
	select {
	case <-l.done:
		return l.line, l.found, l.err
	case <-ctx.Done():
		t.leave(l)
		return "", false, ctx.Err()
	}
}

// join returns the waiting lookup with a key, or a new one.
func (t *turns) join(key string, run lookupFunc) *lookup {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slots == nil {
		t.slots, t.waiting = make(chan struct{}, maxRunning), map[string]*lookup{}
	}
	// A lookup that runs is in waiting no more, so its answer serves only its own callers (L-85).
	l := t.waiting[key]
	if l == nil {
		l = &lookup{key: key, run: run, done: make(chan struct{})}
		l.ctx, l.cancel = context.WithCancel(context.Background())
		t.waiting[key] = l
		go t.serve(l, t.slots)
	}
	l.callers++
	return l
}

// serve runs a lookup once there is a free slot. It does nothing if all callers leave before.
func (t *turns) serve(l *lookup, slots chan struct{}) {
	defer close(l.done)
	defer l.cancel()
	select {
	case slots <- struct{}{}:
	case <-l.ctx.Done():
		return
	}
	defer func() { <-slots }()
	t.mu.Lock()
	t.forget(l)
	t.mu.Unlock()
	l.line, l.found, l.err = l.run(l.ctx)
}

// leave removes a caller. After the last one it ends the lookup.
func (t *turns) leave(l *lookup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.callers--; l.callers == 0 {
		t.forget(l)
		l.cancel()
	}
}

// forget removes a lookup from those that wait, so that no further caller joins it.
//
// +checklocks:t.mu
func (t *turns) forget(l *lookup) {
	if t.waiting[l.key] == l {
		delete(t.waiting, l.key)
	}
}
