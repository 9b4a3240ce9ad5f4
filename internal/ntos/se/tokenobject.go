package se

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TokenType is the object type Token.
var TokenType = &ob.Type{
	ObjectType: winnt.TokenObject,
	OnDestroy:  func(o ob.Object) { o.(*TokenObject).destroy() },
}

// TokenObject is the shared, mutable NT object around a token value.
// Writers compare and swap the value, so that no thread waits.
type TokenObject struct {
	ob.Header
	id    winnt.LUID   // TokenId; immutable, never reused while the system runs
	state *State       // immutable
	inUse atomic.Int32 // processes whose primary token this is (T-112)

	identity winnt.LUID // immutable once shared: the TokenId this object is a copy of, 0 for its own
	from     *lineage   // immutable once shared

	box  *Box        // immutable: the AppContainer, nil without one; held
	kept []ob.Object // immutable once shared: objects that stay open as long as the token lives

	value   atomic.Pointer[token.Token]
	defSD   atomic.Pointer[defaultDescriptor] // of tokens made under this one; see DefaultTokenDescriptor
	records atomic.Pointer[records]           // lazily made, see Impersonation
}

// NewToken makes a token object with a new TokenId and one reference, tagged as the caller's. It holds the
// AppContainer (T-69) and the logon session (T-5). It opens the session if it does not exist. If a revocation marked
// the user in the session, the token has no rights.
func (s *State) NewToken(value *token.Token, d *sd.Descriptor) *TokenObject {
	if value.SessionDropped() {
		// the new object references it itself
		value = value.WithFlags(value.ModifiedID(), 0, winnt.TOKEN_SESSION_NOT_REFERENCED)
	}
	t := &TokenObject{id: s.AllocateLUID(), state: s, box: s.holdBox(value)}
	t.value.Store(value)
	t.Init(TokenType, t, d)
	s.Objects.Track(t)
	// The census lists the token by now: a revocation that runs at the same time finds it there or has marked the session.
	if s.Sessions.reference(value) {
		t.Revoke()
	}
	return t
}

// HeapSize returns the approximate bytes that the token is charged for. It implements [ob.Sized].
func (t *TokenObject) HeapSize() int {
	const object = 512 // memory besides the header: records, default descriptor, AppContainer
	return object + t.Value().HeapSize() + 16*len(t.kept) + t.from.heapSize()
}

// Keep keeps objects open, their names included, as long as the token lives. Call it once, before the token is
// shared. The caller must hold a reference on each object during the call.
func (t *TokenObject) Keep(objects []ob.Object) {
	for _, o := range objects {
		o.Head().HoldOpen()
	}
	t.kept = objects
}

// destroy releases the kept objects, the AppContainer and the logon session, unless DropSession released that. It runs
// when the last reference is gone.
func (t *TokenObject) destroy() {
	for _, o := range t.kept {
		o.Head().DropOpen()
	}
	if t.box != nil {
		t.box.Release()
	}
	if v := t.Value(); !v.SessionDropped() {
		t.state.Sessions.Release(v.AuthenticationID())
	}
}

// DropSession releases the token's reference to its logon session (class 14). Further calls have no
// effect.
func (t *TokenObject) DropSession() {
	for {
		old := t.value.Load()
		if old.SessionDropped() {
			return
		}
		if t.value.CompareAndSwap(old, old.WithFlags(old.ModifiedID(), winnt.TOKEN_SESSION_NOT_REFERENCED, 0)) {
			t.state.Sessions.Release(old.AuthenticationID())
			return
		}
	}
}

// ID returns the TokenId. It differs for each token object and never changes.
func (t *TokenObject) ID() winnt.LUID { return t.id }

// Value returns an immutable snapshot of the token. Later changes of the object do not affect it.
func (t *TokenObject) Value() *token.Token { return t.value.Load() }

// Update replaces the value by the result of change, with compare-and-swap. change gets the old value and a new
// ModifiedId. It may run more than once, and returns nil to keep the old value.
func (t *TokenObject) Update(change func(old *token.Token, modified winnt.LUID) *token.Token) {
	modified := t.state.AllocateLUID()
	for {
		old := t.value.Load()
		n := change(old, modified)
		if n == nil || t.value.CompareAndSwap(old, n) {
			return
		}
	}
}

// AttachPrimary marks the object as the primary token of a process. first reports whether no process had it before
// (T-112).
func (t *TokenObject) AttachPrimary() (first bool) { return t.inUse.Add(1) == 1 }

// DetachPrimary undoes one AttachPrimary, so that another process can take the token.
func (t *TokenObject) DetachPrimary() { t.inUse.Add(-1) }

// InUse reports whether the token is the primary token of a process.
func (t *TokenObject) InUse() bool { return t.inUse.Load() > 0 }

// Impersonation is the immutable record of a thread's impersonation state.
type Impersonation struct {
	Token         *TokenObject
	CopyOnOpen    bool
	EffectiveOnly bool
	Level         winnt.SecurityImpersonationLevel
	// Own says that Token is the copy that an open created for this state
	// (I-23), so it contains no disabled privilege to enable (I-6).
	Own bool
}

// records caches the sixteen possible impersonation records of a token, so
// that repeated impersonation does not allocate.
type records [16]atomic.Pointer[Impersonation]

// Impersonation returns the cached record of this token with these parameters. It takes no reference. Later calls
// return the same record, which must not be changed.
func (t *TokenObject) Impersonation(copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) *Impersonation {
	all := t.records.Load()
	if all == nil {
		t.records.CompareAndSwap(nil, new(records))
		all = t.records.Load()
	}
	slot := &all[index(copyOnOpen)<<3|index(effectiveOnly)<<2|int(level&3)]
	if r := slot.Load(); r != nil {
		return r
	}
	slot.CompareAndSwap(nil, &Impersonation{Token: t, CopyOnOpen: copyOnOpen, EffectiveOnly: effectiveOnly,
		Level: level})
	return slot.Load()
}

// index returns 1 for true and 0 for false, as a part of the index into records.
func index(b bool) int {
	if b {
		return 1
	}
	return 0
}
