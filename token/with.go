package token

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The setters of NtSetInformationToken as value operations: each takes the new
// ModifiedId first and gives a new value, or a status and nil. Rights and
// privileges of the caller are not their business.

// WithOwner sets the default owner: the user or a group with SE_GROUP_OWNER,
// not deny-only; else STATUS_INVALID_OWNER.
func (t *Token) WithOwner(modified winnt.LUID, owner sid.SID) (*Token, ntstatus.Status) {
	i := t.ownerIndex(owner)
	if i < 0 || t.body.denyOnly.Has(i) {
		return nil, ntstatus.InvalidOwner
	}
	n := t.WithModifiedID(modified)
	n.owner = uint16(i)
	return n, ntstatus.Success
}

// WithPrimaryGroup sets the primary group. STATUS_ALLOTTED_SPACE_EXCEEDED (the
// first to be looked at): it does not fit into DynamicCharged.
// STATUS_INVALID_PRIMARY_GROUP: it is neither the user nor a group of the token.
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

// WithDefaultDACL sets the default DACL, nil for none.
// STATUS_ALLOTTED_SPACE_EXCEEDED: it does not fit into DynamicCharged.
func (t *Token) WithDefaultDACL(modified winnt.LUID, dacl *sd.ACL) (*Token, ntstatus.Status) {
	if dacl != nil && t.dynamicNeed(t.PrimaryGroup(), dacl) > t.charged {
		return nil, ntstatus.AllottedSpaceExceeded
	}
	n := t.WithModifiedID(modified)
	n.dacl = dacl
	return n, ntstatus.Success
}

// WithSessionID sets the terminal-services session.
func (t *Token) WithSessionID(modified winnt.LUID, session uint32) *Token {
	n := t.WithModifiedID(modified)
	n.session = session
	return n
}

// WithIntegrity sets the integrity level. STATUS_INVALID_PARAMETER: level is not
// S-1-16-x.
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
		// A Spec cannot say that the device is restricted to nothing (T-67).
		n.body.restrictedDevice = t.body.restrictedDevice
		return n, ntstatus.Success
	}
	n := t.WithModifiedID(modified)
	b := *t.body
	b.setIntegrity(t.integrityAt, level)
	// TOKEN_NOT_LOW follows from the level (T-1).
	n.body, n.integrity = &b, level.RID()
	g := *t.groups
	g.allow, g.deny = b.match(g.enabled, g.alive, n.integrityAt)
	n.groups = &g
	return n, ntstatus.Success
}

// WithMandatoryPolicy sets the mandatory policy; STATUS_INVALID_PARAMETER for
// bits outside 3.
func (t *Token) WithMandatoryPolicy(modified winnt.LUID, policy uint32) (*Token, ntstatus.Status) {
	if policy&^3 != 0 {
		return nil, ntstatus.InvalidParameter
	}
	n := t.WithModifiedID(modified)
	n.policy = uint8(policy)
	return n, ntstatus.Success
}

// WithOriginatingLogon sets the originating logon session, once:
// STATUS_INVALID_PARAMETER when there is one already.
func (t *Token) WithOriginatingLogon(modified winnt.LUID, logon winnt.LUID) (*Token, ntstatus.Status) {
	if t.body.originatingLogon != 0 {
		return nil, ntstatus.InvalidParameter
	}
	return t.withBody(modified, func(b *body) { b.originatingLogon = logon }), ntstatus.Success
}

// WithFlags sets and clears TOKEN_* flags that follow from nothing else, such
// as TOKEN_UIACCESS or TOKEN_VIRTUALIZE_ALLOWED; other bits are ignored (T-1).
func (t *Token) WithFlags(modified winnt.LUID, set, clear uint32) *Token {
	const free = storedFlags &^ (winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT | winnt.TOKEN_IS_FILTERED)
	n := t.WithModifiedID(modified)
	n.stored = n.stored&^(clear&free) | set&free
	return n
}

func (t *Token) withBody(modified winnt.LUID, change func(*body)) *Token {
	n := t.WithModifiedID(modified)
	b := *t.body
	change(&b)
	n.body = &b
	return n
}
