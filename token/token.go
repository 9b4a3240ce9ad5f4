package token

import (
	"iter"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Group is a SID_AND_ATTRIBUTES: a SID and its SE_GROUP_* bits. The zero value
// identifies no account.
type Group struct {
	SID        sid.SID
	Attributes uint32
}

// Source is a TOKEN_SOURCE: the component that made the token, at most 8
// bytes, and its identifier.
type Source struct {
	Name string
	ID   winnt.LUID
}

// Token is an immutable security context. Do not use the zero value: New, Parse
// and operations on tokens return a *Token.
type Token struct {
	body      *body              // immutable, shared between derived values
	groups    *groups            // immutable, shared until a group changes
	present   winnt.PrivilegeSet // privileges held, enabled or not
	enabled   winnt.PrivilegeSet // subset of present
	byDefault winnt.PrivilegeSet // subset of present: enabled by default

	modified winnt.LUID
	dacl     *sd.ACL // default DACL; nil without one

	session     uint32
	integrity   uint32 // RID of the integrity entry, 0 without one
	charged     uint32 // bytes reserved for primary group and default DACL
	stored      uint32 // those of Flags that are not computed
	integrityAt uint16 // index of the integrity entry, 0 without one
	owner       uint16 // index of the default owner
	primary     uint16 // index of the primary group
	typ, level  uint8
	policy      uint8 // mandatory policy
}

// IsZero reports whether t is nil or the zero value, which no function of this
// package returns. Check it before other calls on a token from outside.
func (t *Token) IsZero() bool { return t == nil || t.body == nil }

// groups is the state of a token's user and groups that adjustments change, as bitmaps over their indexes.
type groups struct {
	enabled sidset.Bits // SE_GROUP_ENABLED
	alive   sidset.Bits // entries not removed by EffectiveOnly
	allow   sidset.Bits // A-1, at the first index of equal SIDs
	deny    sidset.Bits // A-2, likewise
}

// body holds the data of a token that rarely changes. Derived tokens share it, and a change copies it.
type body struct {
	set      *sidset.Set // index 0 is the user
	attrs    []uint32    // of each entry; ENABLED is in groups.enabled
	denyOnly sidset.Bits
	pinned   sidset.Bits // entries EffectiveOnly never removes (T-48)

	restricted     *sidset.Set // nil: not restricted
	restrictedAttr []uint32
	restrictedDeny *sidset.Set // restricted, then those for deny entries only; the same nearly always

	authenticationID winnt.LUID
	parentTokenID    winnt.LUID
	originatingLogon winnt.LUID
	source           Source
	expiration       int64
	elevation        uint32

	pkg          sid.SID
	capabilities *list
	lowPrivilege bool
	lowBoxNumber uint32

	userClaims, deviceClaims, local *claims.Set
	device, restrictedDevice        *list
	trust                           sid.SID

	restrictedUser, restrictedDeviceClaims *claims.Set // nil: not narrowed (T-67)
	auditPolicy                            string      // AuditPolicySize bytes, or ""
	isolation                              string      // prefix of class 44
}

// list is an immutable list of groups, such as the capabilities or device groups, whose attributes no bitmap of the
// token overrides.
type list struct {
	set         *sidset.Set
	attrs       []uint32
	allow, deny sidset.Bits
}

// all yields the groups of the list in order. It yields nothing for a nil list.
func (l *list) all(yield func(int, Group) bool) {
	if l == nil {
		return
	}
	for i, a := range l.attrs {
		if !yield(i, Group{l.set.At(i), a}) {
			return
		}
	}
}

// attr returns the SE_GROUP_* attributes of entry i of the user and groups, with ENABLED if it is enabled now.
func (t *Token) attr(i int) uint32 {
	a := t.body.attrs[i]
	if t.groups.enabled.Has(i) {
		a |= winnt.SE_GROUP_ENABLED
	}
	return a
}

// entry returns entry i of the user and groups with its present attributes. Index 0 is the user.
func (t *Token) entry(i int) Group { return Group{t.body.set.At(i), t.attr(i)} }

// User returns the user and its attributes. These are usually 0, or
// SE_GROUP_USE_FOR_DENY_ONLY after a filter.
func (t *Token) User() Group { return t.entry(0) }

// Groups yields the groups in their order, with the integrity entry and without
// the user. The number is the index in [Token.SIDs], which starts at 1 and has
// gaps where EffectiveOnly removed groups.
func (t *Token) Groups() iter.Seq2[int, Group] {
	return func(yield func(int, Group) bool) {
		for i := 1; i < len(t.body.attrs); i++ {
			if t.groups.alive.Has(i) && !yield(i, t.entry(i)) {
				return
			}
		}
	}
}

// GroupCount returns the number of groups, without the user.
func (t *Token) GroupCount() int { return count(t.groups.alive) - 1 }

// Restricted yields the restricting SIDs in their order. It yields none for a
// token that is not restricted.
func (t *Token) Restricted() iter.Seq2[int, Group] {
	return func(yield func(int, Group) bool) {
		for i, a := range t.body.restrictedAttr {
			if !yield(i, Group{t.body.restricted.At(i), a}) {
				return
			}
		}
	}
}

// Type returns the type, primary or impersonation.
func (t *Token) Type() winnt.TokenType { return winnt.TokenType(t.typ) }

// Level returns the impersonation level. For a primary token it is the level
// that its duplication requested, or 0, and no rule uses it (T-54).
func (t *Token) Level() winnt.SecurityImpersonationLevel {
	return winnt.SecurityImpersonationLevel(t.level)
}

// Has reports whether the token has privilege p enabled.
func (t *Token) Has(p winnt.Privilege) bool { return t.enabled.Has(p) }

// Enabled returns the set of enabled privileges.
func (t *Token) Enabled() winnt.PrivilegeSet { return t.enabled }

// Present returns the set of privileges that the token holds, enabled or not.
func (t *Token) Present() winnt.PrivilegeSet { return t.present }

// DefaultPrivileges returns the privileges with
// SE_PRIVILEGE_ENABLED_BY_DEFAULT.
func (t *Token) DefaultPrivileges() winnt.PrivilegeSet { return t.byDefault }

// Integrity returns the RID of the integrity level, or 0 (Untrusted) for a token without one.
func (t *Token) Integrity() uint32 { return t.integrity }

// IntegrityLevel returns the SID of the integrity level as class 25 reports it, with attributes 0x60. It is S-1-16-0
// for a token without an integrity level.
func (t *Token) IntegrityLevel() Group {
	if t.integrityAt == 0 {
		return Group{sid.UntrustedLevel, integrityAttributes}
	}
	return Group{t.body.set.At(int(t.integrityAt)), integrityAttributes}
}

// MandatoryPolicy returns the TOKEN_MANDATORY_POLICY_* bits.
func (t *Token) MandatoryPolicy() uint32 { return uint32(t.policy) }

// Owner returns the default owner of new objects: the user or one of the groups.
func (t *Token) Owner() sid.SID { return t.body.set.At(int(t.owner)) }

// PrimaryGroup returns the default primary group of new objects.
func (t *Token) PrimaryGroup() sid.SID { return t.body.set.At(int(t.primary)) }

// DefaultDACL returns the default DACL of new objects, nil for a token without one.
func (t *Token) DefaultDACL() *sd.ACL { return t.dacl }

// DynamicCharged returns the space in bytes reserved for primary group and
// default DACL (TOKEN_STATISTICS).
func (t *Token) DynamicCharged() uint32 { return t.charged }

// DynamicAvailable returns the part of DynamicCharged that is free, in bytes.
func (t *Token) DynamicAvailable() uint32 {
	if n := t.dynamicNeed(t.PrimaryGroup(), t.dacl); n < t.charged {
		return t.charged - n
	}
	return 0
}

// SessionID returns the terminal-services session.
func (t *Token) SessionID() uint32 { return t.session }

// AuthenticationID returns the LUID of the logon session.
func (t *Token) AuthenticationID() winnt.LUID { return t.body.authenticationID }

// ModifiedID returns the ModifiedId, which changes with every change of a token.
func (t *Token) ModifiedID() winnt.LUID { return t.modified }

// ParentTokenID returns the TokenId of the token from which this one was
// filtered, or 0.
func (t *Token) ParentTokenID() winnt.LUID { return t.body.parentTokenID }

// OriginatingLogon returns the logon session that requested this one with
// explicit credentials, or 0.
func (t *Token) OriginatingLogon() winnt.LUID { return t.body.originatingLogon }

// Source returns the component that created the token.
func (t *Token) Source() Source { return t.body.source }

// ExpirationTime returns the expiration time in units of 100 ns since 1601.
// Nothing enforces it.
func (t *Token) ExpirationTime() int64 { return t.body.expiration }

// ElevationType returns 1 (default), 2 (full) or 3 (limited).
func (t *Token) ElevationType() uint32 { return t.body.elevation }

// IsRestricted reports whether there is a list of restricting SIDs, maybe empty (T-63).
func (t *Token) IsRestricted() bool { return t.body.restricted != nil }

// WriteRestricted reports whether the restricting SIDs limit only writing.
func (t *Token) WriteRestricted() bool { return t.stored&winnt.TOKEN_WRITE_RESTRICTED != 0 }

// SandboxInert reports whether the token was made with SANDBOX_INERT, which turns off some software restrictions
// (class 15). No access check reads it.
func (t *Token) SandboxInert() bool { return t.stored&winnt.TOKEN_SANDBOX_INERT != 0 }

// IsFiltered reports whether a filter has removed something (class 21).
func (t *Token) IsFiltered() bool { return t.stored&winnt.TOKEN_IS_FILTERED != 0 }

// SessionDropped reports whether the token object does not hold its logon
// session (class 14).
func (t *Token) SessionDropped() bool { return t.stored&winnt.TOKEN_SESSION_NOT_REFERENCED != 0 }

// Package returns the AppContainer's SID, or the zero SID for other tokens.
func (t *Token) Package() sid.SID { return t.body.pkg }

// IsAppContainer reports whether the token has a package SID.
func (t *Token) IsAppContainer() bool { return !t.body.pkg.IsZero() }

// OnlyUserSide reports whether the token is neither restricted nor an
// AppContainer's, so that only its user and groups decide access.
func (t *Token) OnlyUserSide() bool { return t.body.restricted == nil && t.body.pkg.IsZero() }

// LowPrivilege reports whether the token is a less privileged AppContainer's
// (LPAC). Grants for ALL APPLICATION PACKAGES do not apply to it.
func (t *Token) LowPrivilege() bool { return t.body.lowPrivilege }

// LowBoxNumber returns the AppContainer's number in its session, or 0 for other
// tokens.
func (t *Token) LowBoxNumber() uint32 { return t.body.lowBoxNumber }

// Capabilities yields the AppContainer's capabilities in their order.
func (t *Token) Capabilities() iter.Seq2[int, Group] { return t.body.capabilities.all }

// UserClaims returns the user's claims, or nil for a token without them.
func (t *Token) UserClaims() *claims.Set { return t.body.userClaims }

// DeviceClaims returns the device's claims, or nil for a token without them.
func (t *Token) DeviceClaims() *claims.Set { return t.body.deviceClaims }

// LocalAttributes returns the token's own security attributes, or nil for a token without them.
func (t *Token) LocalAttributes() *claims.Set { return t.body.local }

// DeviceGroups yields the groups of the device in a compound identity, none for a token without a device.
func (t *Token) DeviceGroups() iter.Seq2[int, Group] { return t.body.device.all }

// RestrictedDeviceGroups yields the restricting SIDs of the device, none for a token without them.
func (t *Token) RestrictedDeviceGroups() iter.Seq2[int, Group] { return t.body.restrictedDevice.all }

// TrustLevel returns the process trust level S-1-19-x-y, or the zero SID for a token without one.
func (t *Token) TrustLevel() sid.SID { return t.body.trust }
