package daemon

import (
	"reflect"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/verbs/script"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Bounds of what is kept of calls (W-28).
const (
	keptCalls   = 2048      // calls, for those who watch
	keptDenials = 2048      // calls that were denied
	keptBytes   = 8 << 20   // bytes of the frames of either
	largestKept = 256 << 10 // bytes of the frames of a call that is kept
	longestLine = 2000      // bytes of a line that is shown
	shownAtOnce = 256       // calls of an answer
	secretDepth = 6         // of the types that are searched for secrets
)

// seen is a call that a client made. Immutable.
type seen struct {
	number  uint64
	at      time.Time
	process uint64
	as      kernel.Acting  // zero: its thread acted for no client
	guard   *sd.Descriptor // of the process: who may look at it may see the call
	call    *nt.Call       // nil once it was made into lines
	lines   []string
	size    int
}

// shown returns the lines of a call, made when a watcher asks: the client that made
// the call never waits for them (W-28).
func (s *seen) shown() []string {
	lines := s.lines
	if s.call != nil {
		lines = script.Lines(s.call)
	}
	for i, l := range lines {
		if len(l) > longestLine {
			lines[i] = l[:longestLine] + " …"
		}
	}
	return lines
}

// kept holds the newest calls, in the order in which they ended.
type kept struct {
	most int // immutable

	mu sync.Mutex
	// +checklocks:mu
	list []*seen // guarded by mu
	// +checklocks:mu
	bytes int // guarded by mu
	// +checklocks:mu
	next uint64 // number of the newest one, 1 at first: 0 is no position; guarded by mu
}

// add keeps a call; those that are too many, or too large, are lost, the oldest
// first (W-28).
func (k *kept) add(s *seen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next++
	if s.size > largestKept {
		return // its number is missing: a watcher is told that a call was lost
	}
	s.number = k.next
	k.list, k.bytes = append(k.list, s), k.bytes+s.size
	for len(k.list) > k.most || k.bytes > keptBytes {
		k.bytes -= k.list[0].size
		k.list[0] = nil
		k.list = k.list[1:]
	}
}

// after returns the calls with larger numbers, and the number of the newest one.
func (k *kept) after(n uint64) ([]*seen, uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, s := range k.list {
		if s.number > n {
			return append([]*seen(nil), k.list[i:]...), k.next
		}
	}
	return nil, k.next
}

// drop forgets all calls.
func (k *kept) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list, k.bytes = nil, 0
}

// Wants reports whether a call is kept: one that was denied is, every other one only
// while calls are watched.
func (c *connection) Wants(st ntstatus.Status) bool { return denied(st) || c.d.watching() }

// Called keeps a call, with the client that its thread acts for. It implements
// [wire.Watcher].
func (c *connection) Called(th *nt.Thread, call *nt.Call, size int) {
	s := seen{at: time.Now(), process: uint64(c.process.ID()), guard: c.process.Object().Security(), call: call,
		size: size}
	if t := c.d.sys.ThreadObject(th); t != nil {
		// It is kept with the call: the client may have gone before a question comes. K-86
		s.as, _ = c.d.sys.Acting(t.ID())
	}
	if secretive(call.Row.InType(), secretDepth) {
		// What holds a secret is made into lines at once, so that none stays in memory. L-1
		s.lines, s.call = script.Lines(call), nil
	}
	if denied(call.Status) {
		d := s
		c.d.denials.add(&d)
	}
	if c.d.watching() {
		c.d.calls.add(&s)
	}
}

// denied reports whether a status says that the caller may not.
func denied(st ntstatus.Status) bool {
	switch st {
	case ntstatus.AccessDenied, ntstatus.PrivilegeNotHeld, ntstatus.BadImpersonationLevel, ntstatus.CantOpenAnonymous:
		return true
	}
	return false
}

// watching reports whether a connection looks at calls.
func (d *Daemon) watching() bool { return d.watchers.Load() > 0 }

// watch keeps calls from now on until the connection ends.
func (c *connection) watch() {
	if !c.watches.Swap(true) {
		c.d.watchers.Add(1)
	}
}

// unwatch ends that.
func (c *connection) unwatch() {
	if c.watches.Swap(false) && c.d.watchers.Add(-1) == 0 {
		c.d.calls.drop()
	}
}

var secretTypes sync.Map // reflect.Type → bool

// secretive reports whether values of a type hold a secret.
func secretive(t reflect.Type, depth int) bool {
	if t == reflect.TypeFor[logon.Secret]() {
		return true
	}
	if known, ok := secretTypes.Load(t); ok {
		return known.(bool)
	}
	found := false
	switch k := t.Kind(); {
	case depth == 0:
		return false
	case k == reflect.Pointer, k == reflect.Slice, k == reflect.Array:
		found = secretive(t.Elem(), depth-1)
	case k == reflect.Struct:
		for i := range t.NumField() {
			found = found || secretive(t.Field(i).Type, depth-1)
		}
	}
	if depth == secretDepth {
		secretTypes.Store(t, found)
	}
	return found
}
