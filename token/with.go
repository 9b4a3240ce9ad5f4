package token

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The setters of NtSetInformationToken are operations on values. Each takes the
// new ModifiedId first and returns a new value. A setter that fails returns nil
// and a status. Setters do not check rights and privileges of the caller.

// WithOwner returns the token with another default owner for new objects. The owner must be the user, or a group with
// SE_GROUP_OWNER, and not deny-only. Otherwise the status is STATUS_INVALID_OWNER.
func (t *Token) WithOwner(modified winnt.LUID, owner sid.SID) (*Token, ntstatus.Status) {
	i := t.ownerIndex(owner)
	if i < 0 || t.body.denyOnly.Has(i) {
		return nil, ntstatus.InvalidOwner
	}
	n := t.WithModifiedID(modified)
	n.owner = uint16(i)
	return n, ntstatus.Success
}

// WithPrimaryGroup returns the token with another primary group. It checks the size first. It fails with one of these
// statuses:
//   - STATUS_ALLOTTED_SPACE_EXCEEDED if the group does not fit into DynamicCharged
//   - STATUS_INVALID_PRIMARY_GROUP if the group is neither the user nor a group of the token
func (t *Token) WithPrimaryGroup(modified winnt.LUID, group sid.SID) (*Token, ntstatus.Status) {
	if t.dynamicNeed(group, t.dacl) > t.charged {
		return nil, ntstatus.AllottedSpaceExceeded
	}
	i := t.index(group)
	if i < 0 {
		return nil, ntstatus.InvalidPrimaryGroup
	}
	n := t.WithModifiedID(modified)
	n.primary = uint16(i)
	return n, ntstatus.Success
}

// WithDefaultDACL returns the token with another default DACL, nil for none. It
// fails with STATUS_ALLOTTED_SPACE_EXCEEDED if the list does not fit into
// DynamicCharged.
func (t *Token) WithDefaultDACL(modified winnt.LUID, dacl *sd.ACL) (*Token, ntstatus.Status) {
	if dacl != nil && t.dynamicNeed(t.PrimaryGroup(), dacl) > t.charged {
		return nil, ntstatus.AllottedSpaceExceeded
	}
	n := t.WithModifiedID(modified)
	n.dacl = dacl
	return n, ntstatus.Success
}

// WithSessionID returns the token with another terminal-services session.
func (t *Token) WithSessionID(modified winnt.LUID, session uint32) *Token {
	n := t.WithModifiedID(modified)
	n.session = session
	return n
}

// WithIntegrity returns the token with another integrity level. It fails with
// STATUS_INVALID_PARAMETER if level is not S-1-16-x.
func (t *Token) WithIntegrity(modified winnt.LUID, level sid.SID) (*Token, ntstatus.Status) {
	if !isIntegrity(level) {
		return nil, ntstatus.InvalidParameter
	}
	if t.integrityAt == 0 {
		s := t.Spec()
		s.Integrity, s.ModifiedID = level, modified
		n, err := New(s)
		if err != nil {
			return nil, ntstatus.InvalidParameter
		}
		return n, ntstatus.Success
	}
	n := t.WithModifiedID(modified)
	b := *t.body
	b.setIntegrity(t.integrityAt, level)
	// TOKEN_NOT_LOW follows from the level (T-1).
	n.body, n.integrity = &b, level.RID()
	g := *t.groups
	g.allow, g.deny = b.matchBits(g.enabled, g.alive, n.integrityAt)
	n.groups = &g
	return n, ntstatus.Success
}

// WithMandatoryPolicy returns the token with another mandatory policy. It fails
// with STATUS_INVALID_PARAMETER for bits outside 3.
func (t *Token) WithMandatoryPolicy(modified winnt.LUID, policy uint32) (*Token, ntstatus.Status) {
	if policy&^3 != 0 {
		return nil, ntstatus.InvalidParameter
	}
	n := t.WithModifiedID(modified)
	n.policy = uint8(policy)
	return n, ntstatus.Success
}

// WithOriginatingLogon returns the token with an originating logon session. It
// fails with STATUS_INVALID_PARAMETER if the token already has one.
func (t *Token) WithOriginatingLogon(modified winnt.LUID, logon winnt.LUID) (*Token, ntstatus.Status) {
	if t.body.originatingLogon != 0 {
		return nil, ntstatus.InvalidParameter
	}
	return t.withBody(modified, func(b *body) { b.originatingLogon = logon }), ntstatus.Success
}

// WithFlags returns the token with TOKEN_* flags set and cleared. A bit in both set and clear is set. It changes only
// flags that do not mirror other data, such as TOKEN_UIACCESS or TOKEN_VIRTUALIZE_ALLOWED (T-1). It ignores other
// bits, and the bits WRITE_RESTRICTED, SANDBOX_INERT and IS_FILTERED.
func (t *Token) WithFlags(modified winnt.LUID, set, clear uint32) *Token {
	const free = storedFlags &^ (winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT | winnt.TOKEN_IS_FILTERED)
	n := t.WithModifiedID(modified)
	n.stored = n.stored&^(clear&free) | set&free
	return n
}

// withBody returns a copy of the token with another ModifiedId and a changed body. change edits a copy of the body.
// It must replace what the body points to, not write to it, because other tokens share it.
func (t *Token) withBody(modified winnt.LUID, change func(*body)) *Token {
	n := t.WithModifiedID(modified)
	b := *t.body
	change(&b)
	n.body = &b
	return n
}
