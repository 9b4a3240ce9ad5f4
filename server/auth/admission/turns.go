package admission

import (
	"context"
	"sync"
)

// Turns lets one password check of each key run at a time. So the outcome of a check decides whether the next one is
// allowed, not the number of checks that wait for theirs. The zero value is ready for use. It is safe for concurrent
// use.
type Turns struct {
	mu sync.Mutex
	// +checklocks:mu
	keys map[string]*turn // guarded by mu: keys with a check that runs or waits
}

// turn is the state of one key.
type turn struct {
	next chan struct{} // has a value if the check that ran has ended and one that waits has not begun
	// checks counts those that run or wait. Guarded by Turns.mu.
	checks int
}

// maxTurns bounds the checks of one key that run or wait.
const maxTurns = 64

// Take waits until no other check of the key runs. It returns false if ctx ends first or too many checks wait. After
// true, call Give once.
func (t *Turns) Take(ctx context.Context, key string) bool {
	x, isFree := t.join(key)
	if x == nil || isFree {
		return isFree
	}
	select {
	case <-x.next:
		return true
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaveLocked(key, x)
	return false
}

// join adds a check of the key. isFree means that it runs. The result is nil if too many checks wait.
func (t *Turns) join(key string) (x *turn, isFree bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch x = t.keys[key]; {
	case x == nil:
		if t.keys == nil {
			t.keys = map[string]*turn{}
		}
		x, isFree = &turn{next: make(chan struct{}, 1)}, true
		t.keys[key] = x
	case x.checks >= maxTurns:
		return nil, false
	}
	x.checks++
	return x, isFree
}

// Give ends a check of the key, so that the next one runs.
func (t *Turns) Give(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.keys[key]
	x.next <- struct{}{}
	t.leaveLocked(key, x)
}

// leaveLocked removes a check that ended or does not wait any longer.
//
// +checklocks:t.mu
func (t *Turns) leaveLocked(key string, x *turn) {
	if x.checks--; x.checks == 0 {
		delete(t.keys, key)
	}
}
