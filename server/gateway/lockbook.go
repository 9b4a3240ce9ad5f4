package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Bounds of locks.
const (
	mostLocks     = 10_000
	mostLocksEach = 500 // of one user
)

// held is a lock that a client made.
type held struct {
	inner string // what package webdav calls it
	owner sid.SID
	root  string
	depth string
	owns  string // the owner element without its marks, which are the client's
	until time.Time
}

// lockbook keeps the locks of all clients: package webdav's, under names that cannot be
// guessed, each usable by who made it, and bounded.
type lockbook struct {
	inner webdav.LockSystem // immutable; it locks for itself
	now   func() time.Time  // immutable

	mu sync.Mutex
	// +checklocks:mu
	held map[string]*held // guarded by mu: by token
	// +checklocks:mu
	each map[sid.SID]int // guarded by mu: how many of each user
}

func newLockbook(now func() time.Time) *lockbook {
	return &lockbook{inner: webdav.NewMemLS(), now: now, held: map[string]*held{}, each: map[sid.SID]int{}}
}

// of returns the locks as one user sees them.
func (b *lockbook) of(user sid.SID) webdav.LockSystem { return &userLocks{b: b, user: user} }

// forgetLocked removes a lock from the book.
//
// +checklocks:b.mu
func (b *lockbook) forgetLocked(token string, l *held) {
	delete(b.held, token)
	if b.each[l.owner]--; b.each[l.owner] <= 0 {
		delete(b.each, l.owner)
	}
}

// sweepLocked removes what is over.
//
// +checklocks:b.mu
func (b *lockbook) sweepLocked() {
	now := b.now()
	for token, l := range b.held {
		if now.After(l.until) {
			b.forgetLocked(token, l)
		}
	}
}

// get returns a lock by its token, if it is the user's.
func (b *lockbook) get(token string, user sid.SID) (l held, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found := b.held[token]; found != nil && found.owner == user {
		return *found, true
	}
	return held{}, false
}

// active returns the locks by their places, for lockdiscovery.
func (b *lockbook) active() map[string][]activeLock {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweepLocked()
	list := map[string][]activeLock{}
	for token, l := range b.held {
		list[l.root] = append(list[l.root], activeLock{token, *l})
	}
	return list
}

// activeLock is a lock and its token.
type activeLock struct {
	token string
	held
}

// userLocks are the locks as one request of a user sees them. It implements
// webdav.LockSystem.
type userLocks struct {
	b    *lockbook // immutable
	user sid.SID   // immutable
	own  []string  // owned by the request: what package webdav holds while it is served
}

// noLock is a token that no lock has.
const noLock = "DAV:no-lock"

// Confirm implements webdav.LockSystem.
func (u *userLocks) Confirm(now time.Time, one, two string, conditions ...webdav.Condition) (func(), error) {
	inner := make([]webdav.Condition, len(conditions))
	for i, c := range conditions {
		if inner[i] = c; c.Token != "" {
			// Another user's token opens nothing (G-18).
			inner[i].Token = noLock
			if l, ok := u.b.get(c.Token, u.user); ok {
				inner[i].Token = l.inner
			}
		}
	}
	return u.b.inner.Confirm(now, one, two, inner...)
}

// Create implements webdav.LockSystem. A lock without an end is one that package webdav
// holds during a request; it has no token that a client sees.
func (u *userLocks) Create(now time.Time, d webdav.LockDetails) (string, error) {
	if d.Duration < 0 {
		token, err := u.b.inner.Create(now, d)
		if err == nil {
			u.own = append(u.own, token)
		}
		return token, err
	}
	if !u.b.room(u.user) {
		return "", ntstatus.InsufficientResources.Err()
	}
	inner, err := u.b.inner.Create(now, d)
	if err != nil {
		return "", err
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails (crypto/rand)
	token := "opaquelocktoken:" + hex.EncodeToString(random[:])
	depth := "infinity"
	if d.ZeroDepth {
		depth = "0"
	}
	u.b.mu.Lock()
	defer u.b.mu.Unlock()
	u.b.held[token] = &held{inner: inner, owner: u.user, root: placeOf(d.Root).href(false), depth: depth,
		owns: ownerText(d.OwnerXML), until: now.Add(d.Duration)}
	u.b.each[u.user]++
	return token, nil
}

// longestOwner is the most of an owner element that others are told, in bytes.
const longestOwner = 256

// ownerText returns the text of an owner element: its marks have prefixes that are declared
// elsewhere, and would make the answers to others no XML.
func ownerText(inner string) string {
	d := xml.NewDecoder(strings.NewReader(inner))
	var b strings.Builder
	for b.Len() < longestOwner {
		t, err := d.RawToken()
		if err != nil {
			break
		}
		if text, ok := t.(xml.CharData); ok {
			b.Write(text)
		}
	}
	return strings.ToValidUTF8(strings.TrimSpace(b.String()[:min(b.Len(), longestOwner)]), "")
}

// room reports whether a user may have one more lock (G-19).
func (b *lockbook) room(user sid.SID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweepLocked()
	return len(b.held) < mostLocks && b.each[user] < mostLocksEach
}

// Refresh implements webdav.LockSystem.
func (u *userLocks) Refresh(now time.Time, token string, d time.Duration) (webdav.LockDetails, error) {
	l, ok := u.b.get(token, u.user)
	if !ok {
		return webdav.LockDetails{}, webdav.ErrNoSuchLock
	}
	details, err := u.b.inner.Refresh(now, l.inner, d)
	if err == nil {
		u.b.mu.Lock()
		defer u.b.mu.Unlock()
		if found := u.b.held[token]; found != nil {
			found.until = now.Add(d)
		}
	}
	return details, err
}

// Unlock implements webdav.LockSystem.
func (u *userLocks) Unlock(now time.Time, token string) error {
	u.b.mu.Lock()
	l := u.b.held[token]
	u.b.mu.Unlock()
	switch {
	case l == nil:
		if slices.Contains(u.own, token) {
			return u.b.inner.Unlock(now, token)
		}
		return webdav.ErrNoSuchLock
	case l.owner != u.user:
		// A lock is taken away by who made it alone (G-18).
		return webdav.ErrForbidden
	}
	err := u.b.inner.Unlock(now, l.inner)
	u.b.mu.Lock()
	defer u.b.mu.Unlock()
	if u.b.held[token] == l && err != webdav.ErrLocked { //nolint:errorlint // package webdav returns it as it is
		u.b.forgetLocked(token, l)
	}
	return err
}

// mayLock reports why the client may not lock: what may be written to may be locked, and so
// may a name that is free, where the file is made.
func (q *request) mayLock() *refusal {
	if q.at.path == "" {
		return &refusal{code: 403, status: ntstatus.AccessDenied, at: q.at}
	}
	h, st := q.open(q.at, winnt.FILE_WRITE_DATA, winnt.FILE_OPEN, 0)
	switch st {
	case ntstatus.Success:
		q.s.p.release(h)
	case ntstatus.ObjectNameNotFound:
	default:
		return q.refusedToMake(q.at, winnt.FILE_WRITE_DATA, st)
	}
	return nil
}
