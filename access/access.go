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
// Level and EffectiveOnly belong to the thread. A primary token can be
// impersonated at a lower level, so a check never reads the level from Client.
// The zero value has no token, and only kernel mode can use it.
//
// Source: SECURITY_SUBJECT_CONTEXT, SeCaptureSubjectContext.
type Subject struct {
	Primary, Client *token.Token
	Level           winnt.SecurityImpersonationLevel // of the impersonation; meaningful with Client
	EffectiveOnly   bool                             // kept for duplication; no check reads it
}

// SubjectOf returns the subject of a thread that runs with token t. A primary token becomes Primary. An impersonation
// token becomes both Client, at its own level, and Primary. The subject of a nil token has no token, so that checks
// return [ErrNoToken].
func SubjectOf(t *token.Token) Subject {
	if t != nil && t.Type() == winnt.TokenImpersonation {
		return Subject{Primary: t, Client: t, Level: t.Level()}
	}
	return Subject{Primary: t}
}

// Effective returns the client's token while the thread impersonates, else the
// primary token. It returns nil if there is neither, if s is nil, or if the
// token is the zero value.
func (s *Subject) Effective() *token.Token {
	if s == nil {
		return nil
	}
	t := s.Primary
	if s.Client != nil { // also a zero client: the server's token must not take its place
		t = s.Client
	}
	if t.IsZero() {
		return nil
	}
	return t
}

// BelowImpersonation reports whether the subject impersonates a client below
// SecurityImpersonation. Such a client can open nothing and may use no
// privilege (T-102).
func (s *Subject) BelowImpersonation() bool {
	return s != nil && s.Client != nil && s.Level < winnt.SecurityImpersonation
}

// Holds reports whether the subject may use a privilege: the effective token has
// it enabled, and a client's level is at least SecurityImpersonation (T-102).
func (s *Subject) Holds(p winnt.Privilege) bool {
	if s.BelowImpersonation() {
		return false
	}
	t := s.Effective()
	return t != nil && t.Has(p)
}

// Substitute returns the SID for which the SID of an ACE stands on one object.
//   - PRINCIPAL_SELF stands for self. If self is zero, it stays PRINCIPAL_SELF.
//   - OWNER RIGHTS stands for owner, even if owner is zero.
//   - Every other SID stands for itself.
//
// It replaces once: a result that is a placeholder again is returned as it is.
func Substitute(aceSID, self, owner sid.SID) sid.SID {
	switch aceSID {
	case sid.PrincipalSelf:
		if !self.IsZero() {
			return self
		}
	case sid.OwnerRights:
		return owner
	}
	return aceSID
}

// primary returns the token that the server SID of a compound ACE must match: Primary, or Client if there is no
// primary token.
func (s *Subject) primary() *token.Token {
	if s.Primary.IsZero() {
		return s.Client
	}
	return s.Primary
}

// Mode is the processor mode that called the check. Kernel mode gets its request without a check. The zero
// value is User.
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

// Intent declares that a file is opened for backup or restore. The zero value
// is not an intent. Without intent the two privileges grant nothing.
type Intent struct{ Backup, Restore bool }

// Options configures the check. The zero value is the default of Windows.
type Options struct {
	// ADOwnerReadOnly removes WRITE_DAC from the owner's implicit rights, as
	// Active Directory does with BlockOwnerImplicitRights.
	ADOwnerReadOnly bool
	// ClaimsDisabled makes the check skip all callback entries.
	ClaimsDisabled bool
	// Callback decides callback entries whose data is not a condition, like a
	// resource manager's AuthzAccessCheck callback. nil means Unknown. It
	// must be a pure function.
	Callback func(entry sd.ACE, t *token.Token) claims.Truth
}

// Request is the input of an access check. An ordinary one needs Descriptor,
// Subject, Desired, and Type or Mapping. The zero value of every other field is
// the documented default.
type Request struct {
	Descriptor *sd.Descriptor
	Subject    Subject
	Desired    winnt.AccessMask // generic bits, MAXIMUM_ALLOWED and ACCESS_SYSTEM_SECURITY included
	Previous   winnt.AccessMask // granted before, not checked again

	Type    *winnt.ObjectType     // gives the generic mapping and the names of rights
	Mapping *winnt.GenericMapping // overrides the mapping of Type

	Mode        Mode
	Self        sid.SID           // the SID for S-1-5-10; zero: matches nothing
	ObjectTypes []ObjectTypeEntry // tree of object types; nil: none
	Intent      Intent
	Policies    *PolicySet // central access policies; nil: none configured
	Options     Options
}

// Errors of malformed requests.
var (
	ErrNoRequest = errors.New("access: there is no request: the pointer is nil")
	ErrNoToken   = errors.New("access: the request has no token: set Subject.Primary or Subject.Client")
	ErrNoMapping = errors.New("access: the request has neither Type nor Mapping, so generic rights have no meaning")
)

// Check decides whether token t gets the rights desired on an object with descriptor d. It accepts a token of any type
// and ignores the impersonation level. A nil descriptor denies. A mask without rights is denied, and so
// are generic rights that the type maps to none. The error is [ErrNoToken] for a nil or zero token, and [ErrNoMapping]
// for a nil objectType.
func Check(t *token.Token, d *sd.Descriptor, desired winnt.AccessMask, objectType *winnt.ObjectType) (Decision, error) {
	if t.IsZero() {
		return Decision{}, ErrNoToken
	}
	if objectType == nil {
		return Decision{}, ErrNoMapping
	}
	mapped := objectType.Mapping.Map(desired)
	// Without a descriptor everything is denied, and so is asking for
	// nothing.
	if d == nil || mapped == 0 {
		return denied(0), nil
	}
	var who identity // set field by field, as q below, because the compiler would build and copy a literal
	who.token = t
	var q query
	q.who, q.mapping, q.r, q.desired = &who, &objectType.Mapping, &noExtras, mapped
	q.dacl.set(d.DACL())
	if q.plain(d) {
		return q.decidePlain(d), nil
	}
	who.primary, who.owner, who.resource = t, d.Owner(), d.SACL()
	q.sacl.set(d.SACL())
	q.ownerHash = d.OwnerHash()
	return q.decide(), nil
}

// noExtras is the request of the checks that have only a token, a descriptor, a mask and a mapping. It is never
// written to.
var noExtras Request

// mapping returns the generic mapping of the request, or nil for a request without one.
func (r *Request) mapping() *winnt.GenericMapping {
	switch {
	case r.Mapping != nil:
		return r.Mapping
	case r.Type != nil:
		return &r.Type.Mapping
	}
	return nil
}
