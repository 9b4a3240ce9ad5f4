package ldap

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/refmon/refmon/sid"
)

// IDs tells which account has a uidNumber or gidNumber, and which number an account has. It keeps
// answers, as each file of a listing asks. The zero value without Ask knows nothing. It is safe
// for concurrent use.
type IDs struct {
	// Ask gives a directory to a question; [ErrAway] without one. Immutable.
	Ask func(question func(*Directory) error) error

	now func() time.Time // immutable; nil: time.Now

	mu sync.Mutex
	// +checklocks:mu
	known map[idQuestion]idAnswer // guarded by mu
	// +checklocks:mu
	silent time.Time // guarded by mu: until when the directory is not asked again
}

// idQuestion is about an id, or about a SID.
type idQuestion struct {
	id    uint32
	of    sid.SID // the zero value: the question is whose the id is
	group bool
}

// idAnswer holds what the directory said; err says that it said nothing that counts.
type idAnswer struct {
	sid   sid.SID
	id    uint32
	found bool
	err   error
	until time.Time
}

// Bounds of what is kept.
const (
	maxIDs    = 1 << 14
	idLife    = time.Minute
	idSilence = 10 * time.Second // how long a directory that is away is left alone
)

var (
	errSilent = errors.New("the directory did not answer a moment ago")
	errMany   = &Error{"more than one account has this id"}
)

// SIDOfUID returns the account that has a uidNumber.
func (n *IDs) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	a := n.answer(ctx, idQuestion{id: uid})
	return a.sid, a.found, a.err
}

// SIDOfGID returns the group that has a gidNumber.
func (n *IDs) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	a := n.answer(ctx, idQuestion{id: gid, group: true})
	return a.sid, a.found, a.err
}

// UIDOf returns the uidNumber of an account.
func (n *IDs) UIDOf(ctx context.Context, s sid.SID) (uint32, bool, error) {
	a := n.answer(ctx, idQuestion{of: s})
	return a.id, a.found, a.err
}

// GIDOf returns the gidNumber of a group.
func (n *IDs) GIDOf(ctx context.Context, s sid.SID) (uint32, bool, error) {
	a := n.answer(ctx, idQuestion{of: s, group: true})
	return a.id, a.found, a.err
}

// Forget drops what is kept: another directory is asked from now on.
func (n *IDs) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known, n.silent = nil, time.Time{}
}

// answer returns what the directory says, or said within a minute. One that is away is not asked
// again for ten seconds. D-34
func (n *IDs) answer(ctx context.Context, q idQuestion) (a idAnswer) {
	now := time.Now
	if n.now != nil {
		now = n.now
	}
	n.mu.Lock()
	a, kept := n.known[q]
	silent := now().Before(n.silent)
	n.mu.Unlock()
	switch {
	case kept && now().Before(a.until):
		return a
	case n.Ask == nil:
		return idAnswer{err: ErrAway}
	case silent:
		return idAnswer{err: errSilent}
	}
	err := n.Ask(func(d *Directory) (err error) {
		a, err = d.numbered(ctx, q)
		return err
	})
	if err != nil {
		a = idAnswer{err: err} // half of what was said says nothing
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if errors.Is(a.err, ErrAway) {
		n.silent = now().Add(idSilence)
		return a
	}
	if n.known == nil || len(n.known) >= maxIDs {
		n.known = map[idQuestion]idAnswer{}
	}
	a.until = now().Add(idLife)
	n.known[q] = a
	return a
}

// numbered asks the directory.
func (d *Directory) numbered(ctx context.Context, q idQuestion) (a idAnswer, err error) {
	class, attribute := "user", "uidNumber"
	if q.group {
		class, attribute = "group", "gidNumber"
	}
	filter := attribute + "=" + strconv.FormatUint(uint64(q.id), 10)
	switch {
	case !q.of.IsZero():
		filter = "objectSid=" + escapeBytes(q.of.AppendBinary(nil))
	case q.id > math.MaxInt32:
		// The attribute is a signed number of 32 bits, and idmap_ad takes none below 0.
		return a, nil
	}
	err = d.with(ctx, func(c *conn) error {
		a = idAnswer{} // the question may be asked twice
		p, err := d.place(c)
		if err != nil {
			return err
		}
		return c.search(query{base: p.base, below: true, filter: "(&(objectClass=" + class + ")(" + filter + "))",
			most: 2, attributes: []string{"objectSid", attribute}}, func(e *entry) error { return a.take(e, attribute) })
	})
	return a, err
}

// take reads an entry. An id that two accounts have is of neither, and lets no user in. L-59
func (a *idAnswer) take(e *entry, attribute string) error {
	if !a.sid.IsZero() {
		return errMany
	}
	ids, err := e.sids("objectSid")
	if err != nil || len(ids) != 1 {
		return wrong("an account with an id has no SID")
	}
	id, err := e.number(attribute, -1)
	if err != nil || id > math.MaxInt32 {
		return wrong("%s of %v cannot be read", attribute, ids[0])
	}
	a.sid = ids[0]
	if id >= 0 {
		a.id, a.found = uint32(id), true
	}
	return nil
}
