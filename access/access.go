package access

import (
	"errors"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Subject is the identity of a thread: its process's primary token and, while
// it impersonates, the client's token with the level of the impersonation.
// Level and EffectiveOnly are the thread's: a primary token can be impersonated
// at a lower level, so Level is never read from Client. The zero value has no
// token and can ask nothing but in kernel mode.
//
// Source: SECURITY_SUBJECT_CONTEXT, SeCaptureSubjectContext.
type Subject struct {
	Primary, Client *token.Token
	Level           winnt.SecurityImpersonationLevel // of the impersonation; meaningful with Client
	EffectiveOnly   bool                             // kept for duplication; no check reads it
}

// SubjectOf returns the subject of a thread that has t: as its primary token,
// or, for an impersonation token, as its client at the token's own level.
func SubjectOf(t *token.Token) Subject {
	if t != nil && t.Type() == winnt.TokenImpersonation {
		return Subject{Primary: t, Client: t, Level: t.Level()}
	}
	return Subject{Primary: t}
}

// Effective returns the client's token while impersonating, else the primary
// one; nil if there is neither, no subject, or a zero token.
func (s *Subject) Effective() *token.Token {
	if s == nil {
		return nil
	}
	t := s.Primary
	if s.Client != nil { // also a client that is no token: it must not fall back to the server
		t = s.Client
	}
	if t.IsZero() {
		return nil
	}
	return t
}

// BelowImpersonation reports a client whose level lets it be identified at most:
// it can open nothing and may use no privilege (T-102).
func (s *Subject) BelowImpersonation() bool {
	return s != nil && s.Client != nil && s.Level < winnt.SecurityImpersonation
}

// Holds reports whether the subject may use a privilege: the effective token has
// it enabled, and the client's level is not below Impersonation (T-102).
func (s *Subject) Holds(p winnt.Privilege) bool {
	if s.BelowImpersonation() {
		return false
	}
	t := s.Effective()
	return t != nil && t.Has(p)
}

// Substitute returns the SID that another stands for in a list of an object:
// PRINCIPAL_SELF the self SID, if there is one, and OWNER RIGHTS the owner, once
// and not again. Every other SID stands for itself.
func Substitute(s, self, owner sid.SID) sid.SID {
	switch s {
	case sid.PrincipalSelf:
		if !self.IsZero() {
			return self
		}
	case sid.OwnerRights:
		return owner
	}
	return s
}

// primary returns the token the server SID of a compound entry is matched
// against.
func (s *Subject) primary() *token.Token {
	if s.Primary.IsZero() {
		return s.Client
	}
	return s.Primary
}

// Mode is the previous processor mode. The zero value is User.
type Mode uint8

// Modes.
const (
	User   Mode = iota
	Kernel      // nothing is checked
)

// String returns the documented name of the mode, UserMode or KernelMode.
func (m Mode) String() string {
	if m == Kernel {
		return "KernelMode"
	}
	return "UserMode"
}

// Intent says that a file is opened for backup or restore. The zero value is
// no intent; without it the two privileges grant nothing.
type Intent struct{ Backup, Restore bool }

// Options are the switches of the check. The zero value is Windows' default.
type Options struct {
	// ADOwnerReadOnly takes WRITE_DAC from the owner's implicit rights, as
	// Active Directory does with BlockOwnerImplicitRights.
	ADOwnerReadOnly bool
	// ClaimsDisabled skips callback entries of every kind.
	ClaimsDisabled bool
	// Callback decides callback entries whose data is no condition, as a
	// resource manager's AuthzAccessCheck callback does; nil: Unknown.
	// It must be a pure function.
	Callback func(entry sd.ACE, t *token.Token) claims.Truth
}

// Request is a question. An ordinary one needs Descriptor, Subject, Desired and
// one of Type and Mapping; the zero value of every other field is the documented
// default.
type Request struct {
	Descriptor *sd.Descriptor
	Subject    Subject
	Desired    winnt.AccessMask // generic bits, MAXIMUM_ALLOWED and ACCESS_SYSTEM_SECURITY included
	Previous   winnt.AccessMask // granted before, not checked again

	Type    *winnt.ObjectType     // gives the generic mapping and the names of rights
	Mapping *winnt.GenericMapping // overrides the mapping of Type

	Mode        Mode
	Self        sid.SID           // what S-1-5-10 stands for; zero: nothing
	ObjectTypes []ObjectTypeEntry // tree of object types; nil: none
	Intent      Intent
	Policies    *PolicySet // central access policies; nil: none configured
	Options     Options
}

// Errors of malformed questions.
var (
	ErrNoRequest = errors.New("access: there is no request: the pointer is nil")
	ErrNoToken   = errors.New("access: the request has no token: set Subject.Primary or Subject.Client")
	ErrNoMapping = errors.New("access: the request has neither Type nor Mapping, so generic rights have no meaning")
)

// Check runs the pipeline for one token of any type and level, without the
// rules about impersonation levels. A nil descriptor denies, an empty
// mask too. The error is [ErrNoToken] or [ErrNoMapping].
func Check(t *token.Token, d *sd.Descriptor, desired winnt.AccessMask, typ *winnt.ObjectType) (Decision, error) {
	if t.IsZero() {
		return Decision{}, ErrNoToken
	}
	if typ == nil {
		return Decision{}, ErrNoMapping
	}
	// Without a descriptor everything is denied, and so is asking for
	// nothing.
	if d == nil || desired == 0 {
		return denied(0), nil
	}
	var who identity // both set field by field: a literal is built elsewhere and copied
	who.token = t
	var q query
	q.who, q.mapping, q.r, q.desired = &who, &typ.Mapping, &noExtras, typ.Mapping.Map(desired)
	q.dacl.set(d.DACL())
	if q.plain(d) {
		return q.decidePlain(d), nil
	}
	who.primary, who.owner, who.resource = t, d.Owner(), d.SACL()
	q.sacl.set(d.SACL())
	q.ownerHash = d.OwnerHash()
	return q.decide(), nil
}

// noExtras is the request of a question that has only token, descriptor,
// mask and mapping. It is never written to.
var noExtras Request

// mapping returns the generic mapping to use, nil if the request has none.
func (r *Request) mapping() *winnt.GenericMapping {
	switch {
	case r.Mapping != nil:
		return r.Mapping
	case r.Type != nil:
		return &r.Type.Mapping
	}
	return nil
}
