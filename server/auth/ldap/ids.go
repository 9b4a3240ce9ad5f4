package ldap

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/refmon/refmon/sid"
)

// IDs maps uidNumber and gidNumber to SIDs and back. It caches results for a minute, because each file of a listing
// needs one. An error is an [*Error] if the directory has no usable value, for example the same id twice. Any other
// error means that the directory did not answer. For ten seconds after that, each lookup that is not cached fails
// without a query. It is safe for concurrent use.
type IDs struct {
	// Ask calls question with a directory, or returns [ErrAway]. nil: every lookup returns ErrAway.
	// Immutable.
	Ask func(question func(*Directory) error) error

	now func() time.Time // immutable; nil: time.Now

	mu sync.Mutex
	// +checklocks:mu
	known map[idQuestion]idAnswer // guarded by mu
	// +checklocks:mu
	forgotten uint64 // guarded by mu; counts the calls of Forget
	// +checklocks:mu
	silent time.Time // guarded by mu; the directory is not queried before this time
	// +checklocks:mu
	places chan struct{} // guarded by mu; has one value for each running query
}

// idQuestion is a lookup of an id or of a SID.
type idQuestion struct {
	id    uint32
	of    sid.SID // zero: look up id
	group bool
}

// idAnswer is a cached result; err means that the directory gave no usable one.
type idAnswer struct {
	sid   sid.SID
	id    uint32
	found bool
	err   error
	until time.Time
}

// Limits of the cache.
const (
	maxIDs    = 1 << 14
	idQueries = 16 // at the same time: a distant directory must not let a logon wait for many other lookups
	idLife    = time.Minute
	idSilence = 10 * time.Second // pause after the directory was unreachable
)

var (
	errSilent = errors.New("the directory did not answer a moment ago")
	errBusy   = errors.New("too many lookups of ids at the same time")
	errMany   = &Error{"more than one account has this id"}
)

// SIDOfUID returns the SID of the account with a uidNumber. false without an error means that no account has it.
// A uid above 2147483647 has no account.
func (n *IDs) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	a := n.answer(ctx, idQuestion{id: uid})
	return a.sid, a.found, a.err
}

// SIDOfGID returns the SID of the group with a gidNumber. false without an error means that no group has it. A
// gid above 2147483647 has no group.
func (n *IDs) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	a := n.answer(ctx, idQuestion{id: gid, group: true})
	return a.sid, a.found, a.err
}

// UIDOf returns the uidNumber of an account. false without an error means that no user has the SID, or that it has no
// uidNumber. No account has the zero SID.
func (n *IDs) UIDOf(ctx context.Context, s sid.SID) (uint32, bool, error) {
	return n.idOf(ctx, idQuestion{of: s})
}

// GIDOf returns the gidNumber of a group. false without an error means that no group has the SID, or that it has no
// gidNumber. No group has the zero SID.
func (n *IDs) GIDOf(ctx context.Context, s sid.SID) (uint32, bool, error) {
	return n.idOf(ctx, idQuestion{of: s, group: true})
}

// idOf returns the id of a SID. found is false for the zero SID and for an account without an id.
func (n *IDs) idOf(ctx context.Context, q idQuestion) (uint32, bool, error) {
	if q.of.IsZero() {
		// No account has the zero SID, and such a question would look up id 0 (D-34).
		return 0, false, nil
	}
	a := n.answer(ctx, q)
	return a.id, a.found, a.err
}

// Forget empties the cache and ends the pause after ErrAway. Results of queries that still run are not cached. Call it
// after the directory was replaced.
func (n *IDs) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgotten++
	n.known, n.silent = nil, time.Time{}
}

// answer returns a result from the cache, up to a minute old, or from the directory. Errors other than ErrAway are
// cached. After ErrAway, which the end of ctx also causes, the directory is not queried for ten seconds (D-34). If
// n.Ask is nil, the error is ErrAway. If ctx ends while the lookup waits for others, it is errBusy.
func (n *IDs) answer(ctx context.Context, q idQuestion) (a idAnswer) {
	a, places, known := n.recall(q)
	if known {
		return a
	}
	joined := time.Now()
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return idAnswer{err: fmt.Errorf("%w: %w", errBusy, ctx.Err())}
	}
	// A lookup before this one may have had the same answer, or none.
	if a, _, known = n.recall(q); known {
		return a
	}
	n.mu.Lock()
	forgotten := n.forgotten
	n.mu.Unlock()
	begun := time.Now()
	err := n.Ask(func(d *Directory) (err error) {
		a, err = d.queryID(ctx, q)
		return err
	})
	if err != nil {
		a = idAnswer{err: err} // after an error the other fields may be partly set
	}
	// A lookup that waited for others most of its time says nothing about the directory.
	late := ctx.Err() != nil && time.Since(begun) < begun.Sub(joined)
	n.keep(q, &a, forgotten, late)
	return a
}

// recall returns the answer to a lookup that needs no query: known is true for a cached one, without n.Ask, and while
// the directory is not queried. Otherwise the caller takes a place for its query.
func (n *IDs) recall(q idQuestion) (a idAnswer, places chan struct{}, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.places == nil {
		n.places = make(chan struct{}, idQueries)
	}
	switch a, known = n.known[q]; {
	case known && n.time().Before(a.until):
		return a, nil, true
	case n.Ask == nil:
		return idAnswer{err: ErrAway}, nil, true
	case n.time().Before(n.silent):
		return idAnswer{err: errSilent}, nil, true
	}
	return idAnswer{}, n.places, false
}

// time returns the current time.
func (n *IDs) time() time.Time {
	if n.now == nil {
		return time.Now()
	}
	return n.now()
}

// keep caches an answer for a minute, or stops the queries for ten seconds after ErrAway, unless late is set. It does
// nothing if Forget was called since the count was forgotten.
func (n *IDs) keep(q idQuestion, a *idAnswer, forgotten uint64, late bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.forgotten != forgotten {
		return // the result is from the directory before a reload (D-34)
	}
	if errors.Is(a.err, ErrAway) {
		if !late {
			n.silent = n.time().Add(idSilence)
		}
		return
	}
	if n.known == nil || len(n.known) >= maxIDs {
		n.known = map[idQuestion]idAnswer{}
	}
	a.until = n.time().Add(idLife)
	n.known[q] = *a
}

// queryID queries the directory for the account with a uid or gid, or with the SID q.of. The answer is zero if there
// is none. An id above 2^31-1 has no account, and the directory is not queried. Two accounts are errMany.
func (d *Directory) queryID(ctx context.Context, q idQuestion) (a idAnswer, err error) {
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
		a = idAnswer{} // start again: d.with may call this function twice
		p, err := d.serverInfo(c)
		if err != nil {
			return err
		}
		return c.search(query{base: p.base, below: true, filter: "(&(objectClass=" + class + ")(" + filter + "))",
			most: 2, attributes: []string{"objectSid", attribute}}, func(e *entry) error { return a.readEntry(e, attribute) })
	})
	return a, err
}

// readEntry sets the answer to an id lookup from an account's entry. attribute holds the id. If the id is absent or
// negative, the SID is set but found stays false. Errors:
//   - a second account with the id, so neither user can log on (L-59)
//   - not exactly one SID
//   - an id above 2^31-1 or not a number
func (a *idAnswer) readEntry(e *entry, attribute string) error {
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
