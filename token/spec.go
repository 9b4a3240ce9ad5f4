package token

import (
	"math"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Limits of a token. New refuses a Spec beyond them.
const (
	MaxGroups     = 10240 // groups, and each other list of SIDs
	MaxSourceName = 8     // bytes of TOKEN_SOURCE.SourceName
)

// NeverExpires is the ExpirationTime of a token that does not expire.
const NeverExpires = math.MaxInt64

// dynamicMinimum is the least space charged for primary group and default DACL,
// in bytes.
const dynamicMinimum = 500

const (
	groupForce          = winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED
	integrityAttributes = winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED
	knownAttributes     = groupForce | integrityAttributes | winnt.SE_GROUP_OWNER | winnt.SE_GROUP_USE_FOR_DENY_ONLY |
		winnt.SE_GROUP_RESOURCE | winnt.SE_GROUP_LOGON_ID

	// storedFlags are the flags of a token that do not follow from the rest
	// of it; the last two are Spec's own booleans.
	storedFlags = winnt.TOKEN_SESSION_NOT_REFERENCED | winnt.SE_BACKUP_PRIVILEGES_CHECKED |
		winnt.TOKEN_VIRTUALIZE_ALLOWED |
		winnt.TOKEN_VIRTUALIZE_ENABLED | winnt.TOKEN_IS_FILTERED | winnt.TOKEN_UIACCESS |
		winnt.TOKEN_HAS_OWN_CLAIM_ATTRIBUTES |
		winnt.TOKEN_PRIVATE_NAMESPACE | winnt.TOKEN_NO_CHILD_PROCESS | winnt.TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE |
		winnt.TOKEN_AUDIT_NO_CHILD_PROCESS | winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT
)

// GroupDefault is the attributes of an ordinary group of a logon: mandatory,
// enabled by default, and enabled.
const GroupDefault = groupForce

// Spec describes a token for [New]. Only User is required. New copies the data
// that it keeps. The zero value of a field means "none" unless its comment says
// otherwise.
type Spec struct {
	User Group // attributes are 0 or SE_GROUP_USE_FOR_DENY_ONLY as a rule
	// Groups keep their order and may contain the integrity entry. Attributes 0
	// mean GroupDefault, and GroupDisabled means disabled. Convert groups from
	// other sources with AsGiven, because there 0 means disabled.
	Groups []Group

	// Restricted are the restricting SIDs. Attributes 0 mean GroupDefault. An
	// entry with SE_GROUP_USE_FOR_DENY_ONLY matches deny entries only.
	Restricted      []Group
	IsRestricted    bool // an empty list restricts too (T-63); implied by a list
	WriteRestricted bool
	SandboxInert    bool

	Privileges        winnt.PrivilegeSet // held
	EnabledPrivileges winnt.PrivilegeSet // subset of Privileges
	DefaultPrivileges winnt.PrivilegeSet // subset of Privileges: enabled by default

	Type  winnt.TokenType // 0 means TokenPrimary
	Level winnt.SecurityImpersonationLevel

	AuthenticationID, ParentTokenID, ModifiedID, OriginatingLogon winnt.LUID

	Source         Source
	ExpirationTime int64 // units of 100 ns; 0 means NeverExpires
	SessionID      uint32

	Integrity       sid.SID // S-1-16-x; zero: the one among Groups, or none
	MandatoryPolicy uint32

	Owner        sid.SID // zero: the user
	PrimaryGroup sid.SID // zero: the first group, or else the user
	DefaultDACL  *sd.ACL // nil: none

	ElevationType uint32 // 0 means TokenElevationTypeDefault
	Flags         uint32 // TOKEN_* bits that follow from no other field; the rest is ignored

	Package      sid.SID // S-1-15-2-x: makes an AppContainer
	Capabilities []Group // S-1-15-3-x; attributes 0 mean SE_GROUP_ENABLED
	LowPrivilege bool    // LPAC
	LowBoxNumber uint32

	UserClaims, DeviceClaims, LocalAttributes *claims.Set
	DeviceGroups                              []Group
	TrustLevel                                sid.SID // S-1-19-x-y

	// RestrictedDeviceGroups are the restricting SIDs of the device. Attributes 0
	// mean GroupDefault. nil means no list; an empty list restricts the device to
	// nothing (T-67).
	RestrictedDeviceGroups []Group

	// RestrictedUserClaims and RestrictedDeviceClaims are the claims that the
	// restricted pass sees. nil means all of them (T-67).
	RestrictedUserClaims, RestrictedDeviceClaims *claims.Set
	AuditPolicy                                  string // per-user audit policy: AuditPolicySize bytes, "" for none
	IsolationPrefix                              string // of class 44, "" for none

	DynamicCharged uint32 // 0: computed, max(500, need)
}

// commonEntries is the number of entries up to which New allocates no temporary
// memory for them.
const commonEntries = 40

// made is a new token with its body and groups, in one allocation.
type made struct {
	token  Token
	body   body
	groups groups
}

// New returns the token that s describes. The error is a [*SpecError] with one of these statuses:
//   - STATUS_INVALID_SID, STATUS_INVALID_OWNER or STATUS_INVALID_PRIMARY_GROUP (T-11)
//   - STATUS_BAD_TOKEN_TYPE or STATUS_BAD_IMPERSONATION_LEVEL
//   - STATUS_NO_SUCH_PRIVILEGE
//   - STATUS_INVALID_PARAMETER
func New(s Spec) (*Token, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	// One allocation holds token, body and groups, another one all bitmaps: tokens
	// are made for every logon and every filter.
	var room [commonEntries]Group
	entries, integrityAt := s.entries(room[:0])
	n := len(entries)
	words := (n + 63) / 64
	maps := make(sidset.Bits, 6*words)
	m := new(made)
	b, g := &m.body, &m.groups
	s.fill(b, entries, maps[4*words:])
	g.enabled, g.alive = maps[:words:words], maps[words:2*words:2*words]
	for i, e := range entries {
		g.alive.Set(i)
		if e.Attributes&winnt.SE_GROUP_ENABLED != 0 {
			g.enabled.Set(i)
		}
	}
	// The two maps of are derived once; a check only looks bits up.
	g.allow, g.deny = b.matchBitsIn(maps[2*words:4*words:4*words], g.enabled, g.alive, integrityAt)
	// Everything but the defaults of owner and primary group is settled here; those
	// need the finished list of groups.
	t := &m.token
	*t = Token{
		body: b, groups: g,
		present: s.Privileges, enabled: s.EnabledPrivileges, byDefault: s.DefaultPrivileges,
		modified: s.ModifiedID, dacl: s.DefaultDACL, session: s.SessionID,
		integrityAt: integrityAt, stored: s.Flags & storedFlags &^ (winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT),
		typ: uint8(s.Type), level: uint8(s.Level), policy: uint8(s.MandatoryPolicy),
	}
	if t.typ == 0 {
		t.typ = uint8(winnt.TokenPrimary)
	}
	if s.WriteRestricted {
		t.stored |= winnt.TOKEN_WRITE_RESTRICTED
	}
	if s.SandboxInert {
		t.stored |= winnt.TOKEN_SANDBOX_INERT
	}
	if integrityAt != 0 {
		t.integrity = b.set.At(int(integrityAt)).RID()
	}
	if err := t.setDefaults(&s, n); err != nil {
		return nil, err
	}
	return t, nil
}

// setDefaults sets the default owner, the primary group and DynamicCharged of a new token. groupCount includes the
// user. Without an owner it is the user. Without a primary group it is the first group that is not an integrity
// level, else the user. An owner or group that the token does not allow is a SpecError.
func (t *Token) setDefaults(spec *Spec, groupCount int) error {
	if !spec.Owner.IsZero() {
		i := t.ownerIndex(spec.Owner)
		// The owner is the user or a group with the owner attribute (T-11).
		if i < 0 {
			return fieldError("owner", spec.Owner, invalidOwner, "must be the user, or a group with the attribute Owner")
		}
		t.owner = uint16(i)
	}
	switch {
	case !spec.PrimaryGroup.IsZero():
		i := t.index(spec.PrimaryGroup)
		// The primary group is the user or a group of the token (T-11).
		if i < 0 {
			return fieldError("primaryGroup", spec.PrimaryGroup, invalidPrimaryGroup, "must be the user or one of the groups")
		}
		t.primary = uint16(i)
	// Without a primary group the first group that is not an integrity level is
	// taken, and the user where no group is left.
	default:
		for i := 1; i < groupCount; i++ {
			if i != int(t.integrityAt) {
				t.primary = uint16(i)
				break
			}
		}
	}
	t.charged = spec.DynamicCharged
	// TOKEN_STATISTICS reports the space reserved at creation: a later default DACL must fit into it.
	if t.charged == 0 {
		t.charged = max(dynamicMinimum, t.dynamicNeed(t.PrimaryGroup(), t.dacl))
	}
	return nil
}

// index returns the first index of a SID among the user and groups, or -1. It ignores entries that EffectiveOnly
// removed.
func (t *Token) index(s sid.SID) int {
	i := t.body.set.Find(s.Hash(), s)
	if i < 0 || t.groups.alive.Has(i) {
		return i
	}
	for at, first := range t.body.set.Duplicates() {
		if first == i && t.groups.alive.Has(at) {
			return at
		}
	}
	return -1
}

// ownerIndex returns the index of the user or group with SID s, if it may be the owner of new objects, else -1. The
// user may, even if deny-only, and a group with SE_GROUP_OWNER that is not deny-only (T-11, T-66).
func (t *Token) ownerIndex(s sid.SID) int {
	first := t.body.set.Find(s.Hash(), s)
	if first < 0 {
		return -1
	}
	if t.mayOwn(first) {
		return first
	}
	for at, f := range t.body.set.Duplicates() {
		if f == first && t.mayOwn(at) {
			return at
		}
	}
	return -1
}

// mayOwn reports whether one entry of the user and groups may be the owner of new objects (T-11, T-66).
func (t *Token) mayOwn(index int) bool {
	a := t.body.attrs[index]
	if index == 0 {
		return true // T-66 falls back to the user even when it is deny-only
	}
	return t.groups.alive.Has(index) && a&winnt.SE_GROUP_OWNER != 0 && a&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0
}

// Spec returns a Spec from which New makes an equal token. The caller owns its
// slices.
func (t *Token) Spec() Spec {
	b := t.body
	s := Spec{
		User: t.User(), Restricted: collect(t.Restricted()), IsRestricted: t.IsRestricted(),
		WriteRestricted: t.WriteRestricted(), SandboxInert: t.SandboxInert(),
		Privileges: t.present, EnabledPrivileges: t.enabled, DefaultPrivileges: t.byDefault,
		Type: t.Type(), Level: t.Level(),
		AuthenticationID: b.authenticationID, ParentTokenID: b.parentTokenID, ModifiedID: t.modified,
		OriginatingLogon: b.originatingLogon,
		Source:           b.source, ExpirationTime: b.expiration, SessionID: t.session, MandatoryPolicy: uint32(t.policy),
		Owner: t.Owner(), PrimaryGroup: t.PrimaryGroup(), DefaultDACL: t.dacl, ElevationType: b.elevation,
		Flags:   t.stored &^ (winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT),
		Package: b.pkg, Capabilities: collect(t.Capabilities()), LowPrivilege: b.lowPrivilege, LowBoxNumber: b.lowBoxNumber,
		UserClaims: b.userClaims, DeviceClaims: b.deviceClaims, LocalAttributes: b.local,
		DeviceGroups: collect(t.DeviceGroups()), RestrictedDeviceGroups: collect(t.RestrictedDeviceGroups()),
		TrustLevel: b.trust, DynamicCharged: t.charged,
		RestrictedUserClaims: b.restrictedUser, RestrictedDeviceClaims: b.restrictedDeviceClaims,
		AuditPolicy: b.auditPolicy, IsolationPrefix: b.isolation,
	}
	for i := b.restricted.Len(); i < b.restrictedDeny.Len(); i++ {
		s.Restricted = append(s.Restricted, Group{b.restrictedDeny.At(i), winnt.SE_GROUP_USE_FOR_DENY_ONLY})
	}
	// A group that is not enabled stays so in a copy (T-144).
	s.Groups = AsGiven(collect(t.Groups()))
	if t.integrityAt != 0 {
		s.Integrity = t.body.set.At(int(t.integrityAt))
	}
	// A device restricted to nothing stays so in a copy (T-67).
	if b.restrictedDevice != nil && s.RestrictedDeviceGroups == nil {
		s.RestrictedDeviceGroups = []Group{}
	}
	return s
}

// collect returns the elements of a sequence as a slice, or nil if it has none.
func collect[E any](seq func(func(int, E) bool)) []E {
	var out []E
	for _, g := range seq {
		out = append(out, g)
	}
	return out
}
