package daemon

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Limits of recorded calls (W-28).
const (
	keptCalls   = 2048      // calls, for watchers
	keptDenials = 2048      // denied calls
	keptBytes   = 8 << 20   // total bytes of the frames in each buffer
	largestKept = 256 << 10 // bytes of the frames of one recorded call
	longestLine = 2000      // bytes of a displayed line
	shownAtOnce = 256       // calls in a reply
	secretDepth = 6         // levels of a type that are searched for secrets
)

// seen is a recorded call, for administrators who watch calls or query denials. It is immutable.
type seen struct {
	number  uint64
	at      time.Time
	process uint64
	as      kernel.Acting  // zero: the thread did not impersonate
	guard   *sd.Descriptor // descriptor of the process at the call, which grants the rights to see the call (W-27)
	call    *nt.Call       // nil after it was formatted
	object  string         // the object of a call that was formatted, "" if the call had none
	lines   []string
	size    int   // bytes of the frames, the guard and the lines
	owner   owner // on whose behalf it is kept
}

// occupancy is the number of calls and bytes of one account in a call buffer.
type occupancy struct{ calls, bytes int }

// owner is the account to which a recorded denial counts, so that accounts share the buffer fairly.
type owner struct {
	uid  uint32
	full bool // connected at the administrators' socket
}

// shown returns a recorded call for display: its lines, each cut to longestLine bytes. It formats most calls when a
// watcher queries, so that the client never waits (W-28). The result is a new slice.
func (s *seen) shown() []string {
	if s.call != nil {
		return linesOf(s.call)
	}
	return cut(slices.Clone(s.lines)) // cut changes its argument, and other watchers read s.lines
}

// format replaces the call by its lines and the name of its object, which it cuts like a line. It adds the bytes of the
// lines to the size. The call must not be shared yet.
func (s *seen) format() {
	s.object, s.lines, s.call = cut([]string{s.call.Why.Object})[0], linesOf(s.call), nil
	for _, l := range s.lines {
		s.size += len(l)
	}
}

// linesOf formats a call for display. Each line is cut to longestLine bytes.
func linesOf(call *nt.Call) []string { return cut(new(calltext.Printer).Lines(call)) }

// cut cuts each line to longestLine bytes, in place, and returns the lines. It marks a line that it cuts.
func cut(lines []string) []string {
	for i, l := range lines {
		if len(l) > longestLine {
			lines[i] = strings.ToValidUTF8(l[:longestLine], "") + " …" // a copy, so that the long text is freed
		}
	}
	return lines
}

// callBuffer is a buffer of the newest calls, in the order in which they ended. It is safe for concurrent use.
type callBuffer struct {
	most int  // immutable
	fair bool // immutable: a full buffer drops the oldest call of the account with the most calls, not of all

	mu sync.Mutex
	// +checklocks:mu
	list []*seen // guarded by mu
	// +checklocks:mu
	bytes int // guarded by mu
	// +checklocks:mu
	owned map[owner]occupancy // guarded by mu: occupancy by account; used only if fair
	// +checklocks:mu
	next uint64 // number of the newest call; 1 at the start, because 0 is not a position; guarded by mu
}

// add records a call and drops the oldest ones beyond the limits. A call that is too large is dropped, and only its
// number is used up (W-28).
func (k *callBuffer) add(s *seen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next++
	if s.size > largestKept {
		return // watchers notice the missing number
	}
	s.number = k.next
	k.list, k.bytes = append(k.list, s), k.bytes+s.size
	if k.fair {
		if k.owned == nil {
			k.owned = map[owner]occupancy{}
		}
		of := k.owned[s.owner]
		k.owned[s.owner] = occupancy{of.calls + 1, of.bytes + s.size}
	}
	for len(k.list) > k.most || k.bytes > keptBytes {
		k.dropOneLocked()
	}
}

// dropOneLocked removes the oldest call; the buffer must not be empty. In a fair buffer dropOneLocked removes the
// oldest call of the accounts with the most calls, or most bytes if the bytes ran out. So no account displaces the
// others (W-97).
//
// +checklocks:k.mu
func (k *callBuffer) dropOneLocked() {
	at := 0
	if k.fair {
		full, most, owned := k.bytes > keptBytes, 0, k.owned
		use := func(of occupancy) int {
			if full {
				return of.bytes
			}
			return of.calls
		}
		for _, of := range owned {
			most = max(most, use(of))
		}
		at = slices.IndexFunc(k.list, func(s *seen) bool { return use(owned[s.owner]) == most })
		of := k.owned[k.list[at].owner]
		if of = (occupancy{of.calls - 1, of.bytes - k.list[at].size}); of.calls > 0 {
			k.owned[k.list[at].owner] = of
		} else {
			delete(k.owned, k.list[at].owner)
		}
	}
	k.bytes -= k.list[at].size
	if at > 0 {
		k.list = slices.Delete(k.list, at, at+1)
		return
	}
	k.list[0] = nil
	k.list = k.list[1:]
}

// after returns a copy of the list of calls with numbers above n, oldest first, and the number of the newest
// call. The list is nil if there are none.
func (k *callBuffer) after(n uint64) ([]*seen, uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, s := range k.list {
		if s.number > n {
			return append([]*seen(nil), k.list[i:]...), k.next
		}
	}
	return nil, k.next
}

// drop removes all calls. The numbers continue.
func (k *callBuffer) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list, k.bytes, k.owned = nil, 0, nil
}

// Wants reports whether the wire server must record a call that returned st: always if it was denied, otherwise only
// while a connection watches calls.
func (c *connection) Wants(st ntstatus.Status) bool { return denied(st) || c.d.watching() }

// Called records a completed call and the client that its thread impersonates. size is the number of bytes of the
// call's frames. A denied call is stored for queries about denials, and any call while a client watches calls. It keeps
// call, unless its input can hold a secret or an access check explains its denial; such a call is formatted at once.
func (c *connection) Called(th *nt.Thread, call *nt.Call, size int) {
	guard := c.process.Object().Security()
	s := seen{at: time.Now(), process: uint64(c.process.ID()), guard: guard, call: call, size: size + guard.HeapSize(),
		owner: owner{c.account, c.full}}
	if t := c.d.sys.ThreadObject(th); t != nil {
		// Record the client now, because it may be gone at the time of a query (K-86).
		s.as, _ = c.d.sys.Acting(t.ID())
		s.as.Token = nil // no query shows the token, and its memory is charged to nobody
	}
	// Format a call with a secret now, so that the secret does not stay in memory (L-1). An explanation has a step for
	// each entry of a DACL, a reason in words can have its longest entry, and the path of an object can be longer than any
	// name in a frame. Each would take far more memory than the frames (W-28).
	if w := &call.Why; secretive(call.Row.InType(), secretDepth) || w.Explanation != nil ||
		len(w.Because)+len(w.Object) > longestLine {
		s.format()
	}
	if denied(call.Status) {
		d := s
		c.d.denials.add(&d)
	}
	if c.d.watching() {
		c.d.calls.add(&s)
	}
}

// denied reports whether a status means that the caller's rights did not suffice: ACCESS_DENIED,
// PRIVILEGE_NOT_HELD, BAD_IMPERSONATION_LEVEL or CANT_OPEN_ANONYMOUS.
func denied(st ntstatus.Status) bool {
	switch st {
	case ntstatus.AccessDenied, ntstatus.PrivilegeNotHeld, ntstatus.BadImpersonationLevel, ntstatus.CantOpenAnonymous:
		return true
	}
	return false
}

// watching reports whether a connection watches calls.
func (d *Daemon) watching() bool { return d.watchers.Load() > 0 }

// watch makes the daemon record all calls until this connection ends. A second call has no effect.
func (c *connection) watch() {
	if !c.watches.Swap(true) {
		c.d.watchers.Add(1)
	}
}

// unwatch ends the recording that watch began for this connection, if it did. When the last watcher ends, the recorded
// calls are dropped.
func (c *connection) unwatch() {
	if c.watches.Swap(false) && c.d.watchers.Add(-1) == 0 {
		c.d.calls.drop()
	}
}

var secretTypes sync.Map // reflect.Type → bool

// secretive reports whether values of type t can hold a [logon.Secret], such as a password. depth limits the search
// through pointers, slices, arrays and structs. Maps and interfaces count as without a secret. A search with
// secretDepth caches its result.
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
