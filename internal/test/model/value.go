package model

import (
	"slices"

	"github.com/refmon/refmon/winnt"
)

// Name is a user or group of the model, such as "alice".
type Name string

// Accounts and groups of the model's world.
const (
	Service   Name = "svc"
	Alice     Name = "alice"
	Bob       Name = "bob"
	System    Name = "system"
	Anonymous Name = "anonymous"
	Admins    Name = "admins"
	Users     Name = "users"
	Staff     Name = "staff"
	LogonSID  Name = "logon" // S-1-5-5-x-y
	Everyone  Name = "everyone"
	Limit     Name = "restricted" // S-1-5-12
)

// Group is a group of a token.
type Group struct {
	Name      Name
	Enabled   bool
	DenyOnly  bool
	Default   bool // enabled by default
	Mandatory bool
	MayOwn    bool // SE_GROUP_OWNER
}

// fixed reports whether the group cannot be disabled (T-75).
func (g *Group) fixed() bool { return g.Mandatory || g.Name == LogonSID }

// attributes returns SE_GROUP_* as winnt.h has them.
func (g *Group) attributes() (a uint32) {
	for i, is := range [...]bool{g.Mandatory, g.Default, g.Enabled, g.MayOwn, g.DenyOnly} {
		if is {
			a |= 1 << i
		}
	}
	if g.Name == LogonSID {
		a |= 0xC0000000
	}
	return a
}

// Privileges is a set of privileges by their LUID.
type Privileges uint64

func privs(list ...winnt.Privilege) (s Privileges) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

// has reports whether the set holds a privilege.
func (s Privileges) has(p winnt.Privilege) bool { return s>>p&1 != 0 }

// Value holds what a token says. It is copied, never shared.
type Value struct {
	User       Name
	UserDeny   bool // the user is deny-only
	Groups     []Group
	Restricted []Name // restricting SIDs; nil: unrestricted
	Barred     []Name // SIDs that restricted it once: they match deny entries only
	Filtered   bool   // a filter took something away
	Writing    bool   // WRITE_RESTRICTED
	Inert      bool   // SANDBOX_INERT
	Held       Privileges
	Enabled    Privileges
	ByDefault  Privileges // enabled by default
	Type       winnt.TokenType
	Level      winnt.SecurityImpersonationLevel
	Logon      uint64 // AuthenticationId
	Origin     uint64 // OriginatingLogon
	FromSystem bool   // the source is *SYSTEM*
	Parent     *Token // it was filtered from, nil for none
	Session    uint32
	Policy     uint32 // TOKEN_MANDATORY_POLICY_*
	Flags      uint32 // TOKEN_* that follow from nothing else
	Integrity  uint32
	Elevation  uint32
	Owner      Name
	Primary    Name // primary group
	Default    []Entry
	Prefix     string // of TokenBnoIsolation
	Audit      byte   // each byte of the audit policy
	Modified   int    // names a ModifiedId
}

func (v *Value) copy() Value {
	c := *v
	c.Groups = slices.Clone(v.Groups)
	return c
}

// allows and denies are.
func (v *Value) allows(n Name) bool {
	if v.User == n {
		return !v.UserDeny
	}
	for _, g := range v.Groups {
		if g.Name == n && g.Enabled && !g.DenyOnly {
			return true
		}
	}
	return false
}

// denies reports whether entries that deny apply to a name: the user, an enabled group or a deny-only group.
func (v *Value) denies(n Name) bool {
	if v.User == n || v.allows(n) {
		return true
	}
	for _, g := range v.Groups {
		if g.Name == n && g.DenyOnly {
			return true
		}
	}
	return false
}

// restrictedAllows and restrictedDenies are the matching of the restricted
// pass.
func (v *Value) restrictedAllows(n Name) bool { return slices.Contains(v.Restricted, n) }

func (v *Value) restrictedDenies(n Name) bool {
	return v.restrictedAllows(n) || slices.Contains(v.Barred, n)
}

func (v *Value) restricted() bool { return v.Restricted != nil }

// admin reports whether v is an administrator's (T-103).
func (v *Value) admin() bool {
	return v.groupPresent(Admins) && (!v.restricted() || slices.Contains(v.Restricted, Admins))
}

// groupPresent reports whether the value has a group of this name that is not deny-only. It does not test whether the
// group is enabled.
func (v *Value) groupPresent(n Name) bool {
	for _, g := range v.Groups {
		if g.Name == n && !g.DenyOnly {
			return true
		}
	}
	return false
}

func (v *Value) elevated() bool {
	return v.Elevation == winnt.TokenElevationTypeFull || v.Elevation == winnt.TokenElevationTypeDefault &&
		v.Integrity >= high
}

// Integrity levels.
const (
	low    = 0x1000
	medium = 0x2000
	high   = 0x3000
)

// stripped returns v without its disabled groups and privileges, as EffectiveOnly asks (T-48).
func (v *Value) stripped() Value {
	c := v.copy()
	c.Groups = slices.DeleteFunc(c.Groups, func(g Group) bool { return !g.Enabled && !g.DenyOnly })
	c.Held, c.ByDefault = v.Enabled, v.ByDefault&v.Enabled
	gone := func(n Name) bool {
		return n != v.User && !slices.ContainsFunc(c.Groups, func(g Group) bool { return g.Name == n })
	}
	if gone(v.Primary) {
		c.Primary = v.User
	}
	if gone(v.Owner) {
		c.Owner = v.User
	}
	return c
}

// as returns a copy with another type and level.
func (v *Value) as(t winnt.TokenType, l winnt.SecurityImpersonationLevel) Value {
	c := v.copy()
	c.Type, c.Level = t, l
	return c
}

// Entry is an allow or deny entry of a DACL.
type Entry struct {
	Deny bool
	Name Name
	Mask winnt.AccessMask
}

// Descriptor protects an object. A nil one means an object without security.
type Descriptor struct {
	Owner   Name // "": none given
	Group   Name // the same
	Silent  bool // nothing is said about the DACL
	NoDACL  bool // everybody may do everything
	Entries []Entry
	Label   uint32 // integrity of the label
	Policy  uint32 // of the label; 0: no label, which stands for Medium, NO_WRITE_UP

	EmptySACL bool // a list without entries is left of a label
}
