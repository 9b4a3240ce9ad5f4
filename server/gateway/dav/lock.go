package dav

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits of locks. [LockTable.Add] refuses a lock beyond them.
const (
	MostLocks     = 10_000
	MostLocksEach = 500 // locks of one user
	// MostLocksShared is the most locks that cover one resource. PROPFIND repeats them for each member of a folder.
	MostLocksShared = 10
)

// Lock is a WebDAV write lock of one user on a resource.
type Lock struct {
	Token  string // a URI that cannot be guessed
	User   string // the owner; other users cannot use the token (RFC 4918, 6.4)
	Root   Path   // the resource that was locked
	Deep   bool   // depth infinity: it covers all descendants, also those created later (RFC 4918, 6.1)
	Shared bool
	Owner  string    // XML in which the client describes itself
	Until  time.Time // the lock expires after this time
}

// covers reports whether the lock applies to name: to its root and, if it is deep, to all descendants.
func (l *Lock) covers(name Path) bool { return l.Root == name || l.Deep && name.Under(l.Root) }

// LockTable stores the locks of all users in memory. It is safe for concurrent use. Its zero value is not usable.
type LockTable struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	byToken map[string]*Lock // guarded by mu
	// +checklocks:mu
	byRoot map[Path][]*Lock // guarded by mu; several locks with one root are shared locks
	// +checklocks:mu
	each map[string]int // guarded by mu: locks of each user
	// +checklocks:mu
	oldest time.Time // guarded by mu: no lock expires before this time
}

// newLockTable returns a table without locks. now is its clock.
func newLockTable(now func() time.Time) *LockTable {
	return &LockTable{now: now, byToken: map[string]*Lock{}, byRoot: map[Path][]*Lock{}, each: map[string]int{}}
}

// Active returns copies of all unexpired locks, sorted by root and then by token. It returns nil if there are none.
// It removes expired locks from the table.
func (t *LockTable) Active() (list []Lock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	for _, l := range t.byToken {
		list = append(list, *l)
	}
	slices.SortFunc(list, compareLocks)
	return list
}

// compareLocks orders locks by root and then by token.
func compareLocks(a, b Lock) int {
	return cmp.Or(cmp.Compare(a.Root, b.Root), cmp.Compare(a.Token, b.Token))
}

// covering returns copies of the unexpired locks that cover name, in the order of Active. It returns nil if there are
// none. It looks only at locks of name and its ancestors, so the locks of others do not slow a listing.
func (t *LockTable) covering(name Path) (list []Lock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list = t.coveringLocked(name)
	slices.SortFunc(list, compareLocks)
	return list
}

// coveringLocked returns the locks of covering in no order.
//
// +checklocks:t.mu
func (t *LockTable) coveringLocked(name Path) (list []Lock) {
	if len(t.byToken) == 0 {
		return nil
	}
	now := t.now()
	for at := name; ; at = at.Parent() {
		for _, l := range t.byRoot[at] {
			if l.covers(name) && !now.After(l.Until) {
				list = append(list, *l)
			}
		}
		if at == Root {
			return list
		}
	}
}

// errFull is the error if there are too many locks.
var errFull = errors.New("too many locks")

// errConflict is the error if another lock excludes a new one.
var errConflict = errors.New("conflicting lock")

// lockToken returns the URI of a lock token. RFC 4918, appendix C, wants a UUID, here a random one (RFC 9562, 5.4).
func lockToken(random [16]byte) string {
	random[6] = random[6]&0x0f | 0x40
	random[8] = random[8]&0x3f | 0x80
	return fmt.Sprintf("opaquelocktoken:%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

// Add stores a lock that expires after timeout, and returns it with its new token. It ignores Token and Until of l. On
// an error it stores nothing, and made is not a valid lock. If other locks exclude the new one, the error is
// errConflict and conflicts lists one of each root. errFull means too many locks of the user or of all users, which is
// tested first, or too many that cover a resource of the new one, which is tested last (G-19).
func (t *LockTable) Add(l Lock, timeout time.Duration) (made Lock, conflicts []Lock, err error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	l.Token = lockToken(random)
	l.Until = t.now().Add(timeout)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	if len(t.byToken) >= MostLocks || t.each[l.User] >= MostLocksEach {
		return l, nil, errFull
	}
	if conflicts = t.conflictsLocked(&l); conflicts != nil {
		return l, conflicts, errConflict
	}
	if t.crowdedLocked(&l) {
		return l, nil, errFull
	}
	t.byToken[l.Token] = &l
	t.byRoot[l.Root] = append(t.byRoot[l.Root], &l)
	t.each[l.User]++
	t.oldest = earlier(t.oldest, l.Until)
	return l, nil, nil
}

// conflictsLocked returns copies of the locks that exclude a new one: one for each root, or nil. Two locks exclude each
// other if they cover a common resource and at least one is exclusive, even if one user owns both (RFC 4918, 6.2;
// G-43).
//
// +checklocks:t.mu
func (t *LockTable) conflictsLocked(l *Lock) (all []Lock) {
	if l.Deep {
		for _, others := range t.byRoot {
			all = l.appendConflicts(all, others)
		}
		return all
	}
	for at := l.Root; at != Root; at = at.Parent() {
		all = l.appendConflicts(all, t.byRoot[at])
	}
	return l.appendConflicts(all, t.byRoot[Root])
}

// crowdedLocked reports whether MostLocksShared locks already cover a resource that a new lock would cover, too.
//
// +checklocks:t.mu
func (t *LockTable) crowdedLocked(l *Lock) bool {
	// Otherwise one user's shared locks would make everybody's PROPFIND of a large folder endless (G-19).
	if !l.Shared {
		return false // it has no conflict, so no other lock covers its resources
	}
	if l.Deep {
		for at := range t.byRoot {
			if l.covers(at) && len(t.coveringLocked(at)) >= MostLocksShared {
				return true
			}
		}
	}
	return len(t.coveringLocked(l.Root)) >= MostLocksShared
}

// appendConflicts appends a copy of the first lock in others that excludes l: both cover a common resource, and at
// least one is exclusive. The locks in others have the same root.
func (l *Lock) appendConflicts(all []Lock, others []*Lock) []Lock {
	for _, other := range others {
		if overlap := other.covers(l.Root) || l.covers(other.Root); overlap && !(l.Shared && other.Shared) {
			// "A particular 'href' value MUST NOT appear more than once" in a 207 response (RFC 4918, 14.24).
			return append(all, *other)
		}
	}
	return all
}

// find returns a copy of the lock with this token. It returns false if none exists or it expired. It changes nothing.
// The copy does not follow later changes.
func (t *LockTable) find(token string) (Lock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byToken[token]
	if l == nil || t.now().After(l.Until) {
		return Lock{}, false
	}
	return *l, true
}

// owned returns a copy of the lock with a token that the user may use on name. owned returns false if the token is
// unknown, or the lock is expired, does not cover name or belongs to another user (G-18).
func (t *LockTable) owned(user, token string, name Path) (Lock, bool) {
	l, ok := t.find(token)
	if !ok || l.User != user || !l.covers(name) {
		return Lock{}, false
	}
	return l, true
}

// refresh extends a lock to expire timeout from now and returns a copy. refresh returns false for an unknown token.
// refresh does not check the owner (see owned), and also extends an expired lock that is still stored.
func (t *LockTable) refresh(token string, timeout time.Duration) (Lock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byToken[token]
	if l == nil {
		return Lock{}, false
	}
	l.Until = t.now().Add(timeout)
	t.oldest = earlier(t.oldest, l.Until)
	return *l, true
}

// remove removes the lock with this token, whoever owns it. It ignores an unknown token.
func (t *LockTable) remove(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.byToken[token]; l != nil {
		t.forgetLocked(l)
	}
}

// Drop removes the locks of all users whose root is top and, if below is set, those whose root is a descendant. Call
// it after top was removed or renamed: a lock ends with its resource (RFC 4918, 9.6) and does not follow a rename
// (7.6). It keeps the locks of folders above, even if they cover top.
func (t *LockTable) Drop(top Path, below bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// A removal of a folder calls Drop for each file, so it must not look at all locks.
	for _, l := range slices.Clone(t.byRoot[top]) {
		t.forgetLocked(l)
	}
	if !below {
		return
	}
	for _, l := range t.byToken {
		if l.Root.Under(top) {
			t.forgetLocked(l)
		}
	}
}

// forgetLocked removes a lock from all indexes of the table. l must be in it. A user without further locks is
// forgotten.
//
// +checklocks:t.mu
func (t *LockTable) forgetLocked(l *Lock) {
	delete(t.byToken, l.Token)
	t.byRoot[l.Root] = slices.DeleteFunc(t.byRoot[l.Root], func(other *Lock) bool { return other == l })
	if len(t.byRoot[l.Root]) == 0 {
		delete(t.byRoot, l.Root)
	}
	if t.each[l.User]--; t.each[l.User] <= 0 {
		delete(t.each, l.User)
	}
}

// sweepLocked removes the expired locks, to free their memory. It looks at them only if one may have expired since the
// last call, because each LOCK calls it.
// +checklocks:t.mu
func (t *LockTable) sweepLocked() {
	now := t.now()
	if !now.After(t.oldest) {
		return
	}
	t.oldest = time.Time{}
	for _, l := range t.byToken {
		if now.After(l.Until) {
			t.forgetLocked(l)
		} else {
			t.oldest = earlier(t.oldest, l.Until)
		}
	}
}

// earlier returns the earlier of two times, where zero means no time: if one is zero, it returns the other.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
