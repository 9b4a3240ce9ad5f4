package admission

import (
	"context"
	"strings"
	"sync"
)

// Turns lets one password check of each name from each origin run at a time. So the outcome of a check decides whether
// the next one is allowed, not the number of checks that wait for theirs. The zero value is ready for use. It is safe
// for concurrent use.
type Turns struct {
	mu sync.Mutex
	// +checklocks:mu
	pairs map[string]*turn // guarded by mu: pairs with a check that runs or waits
}

// turn is the state of one pair of a name and an origin.
type turn struct {
	next chan struct{} // has a value if the last check has ended and no waiting one has begun
	// checks counts the running and waiting checks. Guarded by Turns.mu.
	checks int
}

// maxTurns bounds the checks of one pair that run or wait.
const maxTurns = 64

// Take waits until no other check of the name from the origin runs. The case of the name is ignored. It returns
// false if ctx ends first or too many checks wait. After true, call Give once.
func (t *Turns) Take(ctx context.Context, name, origin string) bool {
	key := pair(strings.ToUpper(name), origin)
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

// join adds a check of the pair key. isFree means that it runs. The result is nil if too many checks wait.
func (t *Turns) join(key string) (x *turn, isFree bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch x = t.pairs[key]; {
	case x == nil:
		if t.pairs == nil {
			t.pairs = map[string]*turn{}
		}
		x, isFree = &turn{next: make(chan struct{}, 1)}, true
		t.pairs[key] = x
	case x.checks >= maxTurns:
		return nil, false
	}
	x.checks++
	return x, isFree
}

// Give ends a check of the name from the origin, so that the next one runs.
func (t *Turns) Give(name, origin string) {
	key := pair(strings.ToUpper(name), origin)
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.pairs[key]
	x.next <- struct{}{}
	t.leaveLocked(key, x)
}

// leaveLocked removes a check that ended or does not wait any longer.
//
// +checklocks:t.mu
func (t *Turns) leaveLocked(key string, x *turn) {
	if x.checks--; x.checks == 0 {
		delete(t.pairs, key)
	}
}
