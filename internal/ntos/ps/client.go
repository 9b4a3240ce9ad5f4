package ps

import (
	"sync/atomic"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TokenControl is TOKEN_CONTROL: the identifiers of a token and of its state, for a remote dynamic context.
type TokenControl struct {
	TokenID, AuthenticationID, ModifiedID winnt.LUID
	Source                                token.Source
}

// ClientContext is SECURITY_CLIENT_CONTEXT: a client captured for a server
// that will impersonate it later. It owns one reference on its token, which
// Delete drops.
type ClientContext struct {
	SQOS          nt.SecurityQualityOfService
	Token         *se.TokenObject
	Direct        bool // the client's own token object, not a copy (dynamic tracking)
	EffectiveOnly bool // DirectAccessEffectiveOnly: the thread's or the quality of service's
	Remote        bool
	Control       TokenControl // remote dynamic contexts

	sys      *System
	modified winnt.LUID // ModifiedId of a dynamic context's token when the context was made or updated last
	deleted  atomic.Bool
}

// identity is a token to capture for a server, and the limits under which its thread may use it.
type identity struct {
	token         *se.TokenObject
	typ           winnt.TokenType
	effectiveOnly bool
	level         winnt.SecurityImpersonationLevel
}

// CreateClientSecurity implements SeCreateClientSecurity: it captures the effective token of the client thread at the
// quality of service that the client allows. A copy of the token also grants access to the user of server. server may
// be nil with dynamic tracking of a local client, which makes no copy. The caller must call Delete on the result.
func (t *Thread) CreateClientSecurity(sqos nt.SecurityQualityOfService, remote bool, server *Process) (*ClientContext,
	Outcome) {
	var id identity
	// The level is the state's, whatever the token says (I-80).
	id.token, id.typ, id.effectiveOnly, id.level = t.EffectiveToken(ob.TagCall)
	defer id.token.Deref(ob.TagCall)
	return t.process.sys.createClientSecurity(id, sqos, remote, server, t.Payer())
}

// CreateClientSecurityFromSubject implements SeCreateClientSecurityFromSubjectContext. It captures the context's
// client token, else its primary token, with EffectiveOnly FALSE (I-80). The kernel pays for a copy.
func (s *System) CreateClientSecurityFromSubject(c *SubjectContext, sqos nt.SecurityQualityOfService, remote bool,
	server *Process) (*ClientContext, Outcome) {
	id := identity{token: c.Primary, typ: winnt.TokenPrimary}
	if c.Client != nil {
		id = identity{token: c.Client, typ: winnt.TokenImpersonation, level: c.Level}
	}
	return s.createClientSecurity(id, sqos, remote, server, quota.Payer{})
}

// createClientSecurity captures the client's token at the allowed quality of service (I-80). Dynamic tracking of a
// local client references the token. Any other capture copies it and charges payer. server may be nil if no copy is
// made. After a failure the context is nil, and nothing is referenced or charged. An undefined level is
// STATUS_INVALID_PARAMETER. A level that the client cannot give is STATUS_BAD_IMPERSONATION_LEVEL.
func (s *System) createClientSecurity(id identity, sqos nt.SecurityQualityOfService, remote bool,
	server *Process, payer quota.Payer) (*ClientContext, Outcome) {
	refuse := func(st ntstatus.Status, why string) (*ClientContext, Outcome) {
		return nil, Outcome{Status: st, Rule: "I-80", Because: why}
	}
	if sqos.ImpersonationLevel > winnt.SecurityDelegation {
		// The level is not defined (I-80).
		return refuse(ntstatus.InvalidParameter, "the level is above SecurityDelegation")
	}
	// The context begins with what the client allows (I-80).
	c := &ClientContext{SQOS: sqos, EffectiveOnly: sqos.EffectiveOnly, Remote: remote, sys: s}
	// The client's own level is a limit (I-80).
	if id.typ == winnt.TokenImpersonation {
		switch {
		case sqos.ImpersonationLevel > id.level:
			return refuse(ntstatus.BadImpersonationLevel, "the level is above that of the client's own impersonation")
		case id.level < winnt.SecurityImpersonation:
			return refuse(ntstatus.BadImpersonationLevel, "the client itself impersonates below SecurityImpersonation")
		case remote && id.level != winnt.SecurityDelegation:
			return refuse(ntstatus.BadImpersonationLevel, "a remote server needs a client at SecurityDelegation")
		}
		c.EffectiveOnly = c.EffectiveOnly || id.effectiveOnly
	}
	if sqos.ContextTrackingMode == winnt.SECURITY_DYNAMIC_TRACKING && !remote { // a remote client is static (I-4)
		id.token.Ref(ob.TagContext)
		c.modified = id.token.Value().ModifiedID()
		c.Token, c.Direct = id.token, true // a dynamic context keeps the client's own token (I-80)
		return c, Outcome{}
	}
	if remote && sqos.ContextTrackingMode == winnt.SECURITY_DYNAMIC_TRACKING {
		c.Control = controlOf(id.token)
	}
	if s.Fault("se: client context") {
		// Memory runs out before the copy is made (O-81).
		return nil, Outcome{Status: ntstatus.InsufficientResources, Rule: "O-81",
			Because: "the client's token could not be copied"}
	}
	v := id.token.Value()
	if c.EffectiveOnly {
		v = v.EffectiveOnly() // disabled groups and privileges are removed (T-48)
	}
	v = v.WithTypeLevel(winnt.TokenImpersonation, sqos.ImpersonationLevel)
	c.Token = s.Security.NewToken(v, se.CopyDescriptor(v, server.Token()))
	if st := c.Token.Pay(payer, 0); st != ntstatus.Success {
		c.Token.Deref(ob.TagCall)
		// A client pays for the copy of its token that it lets a server have.
		return nil, Outcome{Status: st, Rule: "Q-2", Because: "the account has no quota left for a copy of the token"}
	}
	c.Token.Retag(ob.TagCall, ob.TagContext)
	return c, Outcome{}
}

// controlOf returns the TOKEN_CONTROL of a token: its current identifiers and its source.
func controlOf(t *se.TokenObject) TokenControl {
	v := t.Value()
	return TokenControl{t.ID(), v.AuthenticationID(), v.ModifiedID(), v.Source()}
}

// Impersonate implements SeImpersonateClientEx: the thread impersonates the client of the context. An open of its
// token then gives a copy (I-81). A primary token is impersonated as it is (I-44).
func (c *ClientContext) Impersonate(t *Thread) Outcome {
	// The token is copied on open, and EffectiveOnly stays (I-81).
	return ImpersonateClient(t, c.Token, true, c.EffectiveOnly, c.SQOS.ImpersonationLevel)
}

// Update implements SeUpdateClientSecurity: a dynamic context takes the client's current effective token.
// changed reports whether the token is a different object or was modified (I-82). For a context that is not
// Direct it succeeds and changes nothing. On an error the context does not change.
func (c *ClientContext) Update(client *Thread, server *Process) (changed bool, out Outcome) {
	if !c.Direct {
		return false, Outcome{}
	}
	n, out := client.CreateClientSecurity(c.SQOS, c.Remote, server)
	if out.Status != ntstatus.Success {
		return false, out
	}
	old := c.Token
	// changed is true also if the same token has another value now (I-82).
	changed = n.Token != old || n.modified != c.modified
	c.Token, c.EffectiveOnly, c.modified = n.Token, n.EffectiveOnly, n.modified
	old.Deref(ob.TagContext)
	return changed, Outcome{}
}

// Delete implements SeDeleteClientSecurity: it releases the context's reference. A second call does nothing (I-82).
func (c *ClientContext) Delete() {
	if !c.deleted.Swap(true) {
		c.Token.Deref(ob.TagContext)
	}
}

// SubjectContext is SECURITY_SUBJECT_CONTEXT: the tokens of a thread at one
// moment, one reference on each. It does not change when the thread reverts.
type SubjectContext struct {
	Client  *se.TokenObject // nil when the thread was not impersonating
	Level   winnt.SecurityImpersonationLevel
	Primary *se.TokenObject
	Process winnt.Handle // ProcessAuditId

	effectiveOnly bool
	locked        *access.Subject // the snapshot between Lock and Unlock
	released      atomic.Bool
}

// CaptureSubjectContext implements SeCaptureSubjectContext, as CaptureSubject of the thread and its process.
func (t *Thread) CaptureSubjectContext() *SubjectContext { return CaptureSubject(t, t.process) }

// CaptureSubject implements SeCaptureSubjectContextEx: it keeps the token of t's client and the primary token of p,
// even if the thread reverts (I-83). Without an impersonation, and with t nil, Client is nil. A thread that has ended
// gives the client of [Thread.Client]. The caller releases the context.
func CaptureSubject(t *Thread, p *Process) *SubjectContext {
	c := &SubjectContext{Process: p.id}
	if t != nil {
		if r := t.Client(ob.TagContext); r != nil {
			c.Client, c.Level, c.effectiveOnly = r.Token, r.Level, r.EffectiveOnly
		}
	}
	c.Primary = p.ReferenceToken(ob.TagContext)
	return c
}

// Release implements SeReleaseSubjectContext: it releases both references. A second call does nothing (I-83). A nil
// context is allowed.
func (c *SubjectContext) Release() {
	if c == nil || c.Primary == nil || c.released.Swap(true) {
		return
	}
	if c.Client != nil {
		c.Client.Deref(ob.TagContext)
	}
	c.Primary.Deref(ob.TagContext)
}

// Lock implements SeLockSubjectContext: checks until Unlock see one snapshot of each token's value. It holds no lock
// in between (I-83).
func (c *SubjectContext) Lock() {
	s := c.snapshot()
	c.locked = &s
}

// Unlock ends Lock: later checks see the current values again. It implements SeUnlockSubjectContext.
func (c *SubjectContext) Unlock() { c.locked = nil }

// Token returns the client's token, or the primary token without a client. It implements SeQuerySubjectContextToken
// and takes no reference.
func (c *SubjectContext) Token() *se.TokenObject {
	if c.Client != nil {
		return c.Client
	}
	return c.Primary
}

// Subject returns the subject for access checks. Its level is that of the captured state, whatever the token says
// (I-25). A nil, empty or released context returns the zero subject, which every check denies.
func (c *SubjectContext) Subject() access.Subject {
	// A released context no longer holds its tokens (I-83).
	if c == nil || c.Primary == nil || c.released.Load() {
		return access.Subject{}
	}
	if c.locked != nil {
		return *c.locked
	}
	return c.snapshot()
}

// snapshot returns the subject for an access check, with the current values of both tokens.
func (c *SubjectContext) snapshot() access.Subject {
	s := access.Subject{Primary: c.Primary.Value(), Level: c.Level, EffectiveOnly: c.effectiveOnly}
	if c.Client != nil {
		s.Client = c.Client.Value()
	}
	return s
}

// SavedState is an impersonation set aside by PsDisableImpersonation; it owns
// the reference (I-60).
type SavedState struct {
	record *se.Impersonation // nil: the thread was not impersonating
	used   atomic.Bool
}

// Record returns the saved impersonation, or nil if Disable saved none. It takes no reference.
func (s *SavedState) Record() *se.Impersonation { return s.record }

// Used reports whether the state was restored already. A state can be restored once.
func (s *SavedState) Used() bool { return s.used.Load() }

// Disable implements PsDisableImpersonation. active reports whether the thread was impersonating (I-60).
func (t *Thread) Disable() (s *SavedState, active bool) {
	s = &SavedState{record: t.DisableImpersonation()}
	return s, s.record != nil
}

// Restore implements PsRestoreImpersonation. If the thread was not impersonating at Disable, Restore ends the current
// impersonation. nil changes nothing. Restoring a state twice is a bug in the caller and panics (I-61).
func (t *Thread) Restore(s *SavedState) {
	// Disable saved no state, and reverting now would replace the client by the process's token (I-61).
	if s == nil {
		return
	}
	if s.used.Swap(true) {
		panic("ps: an impersonation state was restored twice")
	}
	t.RestoreImpersonation(s.record)
}
