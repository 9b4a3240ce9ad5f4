package ps

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Outcome is the result of an impersonation: the status, the rule that failed or demoted it, and the reason in words.
type Outcome struct {
	Status  ntstatus.Status
	Rule    string
	Because string
	Demoted bool // success, but at SecurityIdentification on a copy (I-43)
	// Raised is the thread's new record if it needs an audit record when kernel mode requested it (I-48, I-99). It
	// holds no reference: use only the value of its token.
	Raised *se.Impersonation
}

// ImpersonateClient implements PsImpersonateClient: thread t, which may be any thread (I-47), impersonates tok from now
// on and keeps its own reference. A nil tok ends the impersonation. tok may be a primary or an impersonation token,
// whose level limits level. If I-42 does not allow the impersonation, the thread gets a copy at SecurityIdentification,
// and the call succeeds with Outcome.Demoted (I-43). On a failure the thread's state does not change. A level above
// SecurityDelegation is STATUS_INVALID_PARAMETER.
func ImpersonateClient(t *Thread, tok *se.TokenObject, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) Outcome {
	// A call without a token ends the impersonation and succeeds; it ignores the other parameters (I-40).
	if tok == nil {
		t.RevertToSelf()
		return Outcome{}
	}
	// capture
	if level > winnt.SecurityDelegation {
		// The level is not defined.
		return Outcome{Status: ntstatus.InvalidParameter, Rule: "I-41",
			Because: "the level is above SecurityDelegation"}
	}
	sys := t.process.sys
	if t.imp.Load() == nil && sys.Fault("ps: impersonation record") {
		// Memory runs out before anything is changed (O-81).
		return Outcome{Status: ntstatus.NoMemory, Rule: "I-41", Because: "not enough memory for the impersonation state"}
	}
	value := tok.Value()
	if value.Type() == winnt.TokenImpersonation && level > value.Level() {
		level = value.Level() // the token's own level is a limit (I-41); a primary token has no level (I-44)
	}
	// decide and commit
	job := t.process.job.Load()
	if job != nil { // a process without a job is not limited (I-91)
		return t.acceptInJob(tok, copyOnOpen, effectiveOnly, level, job)
	}
	raises, other := t.accept(tok, copyOnOpen, effectiveOnly, level, nil)
	if other != nil {
		return *other
	}
	return Outcome{Raised: raises}
}

// acceptInJob makes the thread impersonate tok under the limits of the process's jobs, which may filter the token or
// refuse it. A filtered token is charged to the user. After a refusal the thread keeps what it impersonated.
func (t *Thread) acceptInJob(tok *se.TokenObject, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel, job *Job) Outcome {
	use, out := job.admit(t.process.sys, tok, false)
	if out.Status != ntstatus.Success {
		// The job refuses the token (I-41).
		return out
	}
	if use != tok {
		defer use.Deref(ob.TagCall)
		if out := t.payForToken(use); out.Status != ntstatus.Success {
			return out
		}
	}
	raises, other := t.accept(use, copyOnOpen, effectiveOnly, level, job)
	if other != nil {
		return *other
	}
	return Outcome{Raised: raises}
}

// accept makes the thread impersonate a token, or a copy that only identifies the client. The copy is installed if
// the thread may not impersonate the token at this level (see demote). job is the job whose limits were checked.
// raises is the new record if it needs an audit record (see raised). other is nil if the token itself was installed.
func (t *Thread) accept(tok *se.TokenObject, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel,
	job *Job) (raises *se.Impersonation, other *Outcome) {
	// decide: may the thread act with this token (I-41)
	p, v := t.process.Token(), tok.Value()
	ok, condition := se.CanImpersonate(p, v, level, t.process.sys.Profile)
	if !ok {
		demoted := t.demote(tok, copyOnOpen, effectiveOnly, condition, job)
		return nil, &demoted
	}
	// commit
	tok.Ref(ob.TagImpersonation) // the thread keeps a reference of its own (I-41)
	r := tok.Impersonation(copyOnOpen, effectiveOnly, level)
	t.stamp()
	old := t.imp.Swap(r)
	if t.process.job.Load() != job {
		if refusal := t.recheck(r, old); refusal.Status != ntstatus.Success {
			return nil, &refusal
		}
	}
	if old != nil {
		old.Token.Deref(ob.TagImpersonation) // exactly the reference on the previous token is dropped (I-45)
	}
	if !raised(p, v, copyOnOpen, level) {
		r = nil
	}
	return r, nil
}

// raised reports whether an impersonation needs an audit record: the token has a privilege that the process does not
// have or a higher integrity (I-48), or opening it gives more than the thread has (I-99).
func raised(p, v *token.Token, copyOnOpen bool, level winnt.SecurityImpersonationLevel) bool {
	if v.Present()&^p.Present() != 0 || v.Integrity() > p.Integrity() {
		return true
	}
	if copyOnOpen {
		return false
	}
	if v.Type() == winnt.TokenPrimary {
		return level < winnt.SecurityImpersonation
	}
	return level < v.Level()
}

// recheck repeats the job check of an impersonation that began while the process joined a job. r is the new
// impersonation record, and old the previous one. A refusal restores old, unless another call has replaced r
// meanwhile.
func (t *Thread) recheck(r, old *se.Impersonation) Outcome {
	out := t.process.job.Load().refuses(r.Token.Value())
	if out.Status == ntstatus.Success {
		return out
	}
	if t.imp.CompareAndSwap(r, old) {
		old = r
	}
	if old != nil {
		old.Token.Deref(ob.TagImpersonation)
	}
	return out
}

// demote makes the thread impersonate a copy of tok at SecurityIdentification (I-43). condition is the letter of the
// condition of I-42 that refused the requested level. The outcome is a success with Demoted set. If the token cannot
// be copied, or a new job of the process refuses the copy, the outcome is that failure.
func (t *Thread) demote(tok *se.TokenObject, copyOnOpen, effectiveOnly bool, condition string, job *Job) Outcome {
	dup, st := t.copyToken(tok, winnt.SecurityIdentification) // a copy that cannot be made fails the call (I-41)
	if st != ntstatus.Success {
		return Outcome{Status: st, Rule: "I-43", Because: "the token could not be copied"}
	}
	defer dup.Deref(ob.TagCall)
	dup.Ref(ob.TagImpersonation)
	r := dup.Impersonation(copyOnOpen, effectiveOnly, winnt.SecurityIdentification)
	t.stamp()
	old := t.imp.Swap(r)
	if t.process.job.Load() != job {
		if refusal := t.recheck(r, old); refusal.Status != ntstatus.Success {
			return refusal
		}
	}
	if old != nil {
		old.Token.Deref(ob.TagImpersonation)
	}
	return Outcome{Rule: "I-42 " + condition, Because: se.ConditionText(condition), Demoted: true}
}

// copyToken implements SeCopyClientToken: it returns a copy as an impersonation token at that level, with one reference
// for the caller. The copy keeps disabled groups and privileges. It fails with STATUS_INSUFFICIENT_RESOURCES or the
// status of the charge.
func (t *Thread) copyToken(tok *se.TokenObject, level winnt.SecurityImpersonationLevel) (*se.TokenObject,
	ntstatus.Status) {
	sys := t.process.sys
	if sys.Fault("se: copy token") {
		// Memory runs out before the copy is made (O-81).
		return nil, ntstatus.InsufficientResources
	}
	v := tok.Value().WithTypeLevel(winnt.TokenImpersonation, level)
	dup := sys.Security.NewToken(v, se.CopyDescriptor(v, t.process.Token()))
	if out := t.payForToken(dup); out.Status != ntstatus.Success {
		dup.Deref(ob.TagCall)
		return nil, out.Status
	}
	return dup, ntstatus.Success
}

// exchange replaces the thread's impersonation by the record r and takes over its token reference. nil ends the
// impersonation. It releases the previous token with no lock held (I-41, I-45).
func (t *Thread) exchange(r *se.Impersonation) {
	if r != nil {
		t.stamp()
	}
	if old := t.imp.Swap(r); old != nil {
		old.Token.Deref(ob.TagImpersonation)
	}
}

// RevertToSelf ends the impersonation. It does nothing for a thread that does not impersonate (I-50).
// It cannot fail.
func (t *Thread) RevertToSelf() { t.exchange(nil) }

// IsImpersonating reports whether the thread has a client token at any level. It implements PsIsThreadImpersonating
// (I-62).
func (t *Thread) IsImpersonating() bool { return t.imp.Load() != nil }

// Impersonation returns the thread's record with one more reference on its
// token, or nil (I-62). A record that is replaced while it is being referenced
// is read again, so that the reference is never taken on a dead token.
func (t *Thread) Impersonation(tag ob.Tag) *se.Impersonation {
	for {
		r := t.imp.Load()
		if r == nil {
			return nil
		}
		if r.Token.TryRef(tag) {
			return r
		}
	}
}

// ReplaceOwnCopy makes dup, the copy that an open made, the thread's impersonation token (I-23). If the thread's
// record has changed since open read it, it changes nothing and succeeds (I-29). The new record marks the token
// as the thread's own copy (I-6). It makes no I-42 decision; the refusals of I-90 come first.
func (t *Thread) ReplaceOwnCopy(read *se.Impersonation, dup *se.TokenObject) Outcome {
	if out := t.process.job.Load().refuses(dup.Value()); out.Status != ntstatus.Success {
		return out
	}
	dup.Ref(ob.TagImpersonation)
	r := &se.Impersonation{Token: dup, EffectiveOnly: read.EffectiveOnly, Level: read.Level, Own: true}
	if !t.imp.CompareAndSwap(read, r) { // the thread has reverted or taken another token (I-29)
		dup.Deref(ob.TagImpersonation)
		return Outcome{}
	}
	read.Token.Deref(ob.TagImpersonation)
	return Outcome{}
}

// DisableImpersonation implements PsDisableImpersonation: it ends the impersonation and returns its record with the
// reference (TagSaved), or nil if the thread did not impersonate (I-60).
func (t *Thread) DisableImpersonation() *se.Impersonation {
	r := t.imp.Swap(nil)
	if r != nil {
		r.Token.Ref(ob.TagSaved)
		r.Token.Deref(ob.TagImpersonation)
	}
	return r
}

// SavedImpersonation returns the current record with its own reference (TagSaved), or nil. The impersonation
// continues. A nested revert restores it (I-76).
func (t *Thread) SavedImpersonation() *se.Impersonation { return t.Impersonation(ob.TagSaved) }

// RestoreImpersonation implements PsRestoreImpersonation: it replaces the thread's impersonation by the saved record
// and takes over its reference. It makes no decision and checks no job, because the token was accepted before (I-61).
// nil ends the impersonation.
func (t *Thread) RestoreImpersonation(saved *se.Impersonation) {
	if saved == nil {
		t.exchange(nil)
		return
	}
	saved.Token.Ref(ob.TagImpersonation)
	t.exchange(saved)
	saved.Token.Deref(ob.TagSaved)
}

// Client returns the record under which a call of this thread acts, like Impersonation. For a thread that has ended it
// is the token of S-1-0-0 at level Anonymous: a call that comes too late must not act as the process (I-9).
func (t *Thread) Client(tag ob.Tag) *se.Impersonation {
	r := t.Impersonation(tag)
	if r != nil || !t.Exited() { // a thread sets its exit mark before it ends the impersonation
		return r
	}
	nobody := t.process.sys.Security.NewToken(se.Powerless, se.CopyDescriptor(se.Powerless, t.process.Token()))
	nobody.Retag(ob.TagCall, tag)
	return nobody.Impersonation(false, false, winnt.SecurityAnonymous)
}

// EffectiveToken implements PsReferenceEffectiveToken (I-62). It returns the token of Client with the EffectiveOnly
// and Level of the thread's state, and the type TokenImpersonation whatever the token's own type. A thread that does
// not impersonate gives the primary token. The token has one more reference.
func (t *Thread) EffectiveToken(tag ob.Tag) (tok *se.TokenObject, typ winnt.TokenType, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) {
	if r := t.Client(tag); r != nil {
		return r.Token, winnt.TokenImpersonation, r.EffectiveOnly, r.Level
	}
	return t.process.ReferenceToken(tag), winnt.TokenPrimary, false, 0
}
