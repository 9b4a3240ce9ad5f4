package model

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// systemLevel is an integrity level.
const systemLevel = 0x4000

// settable holds the demands of NtSetInformationToken for a class.
type settable struct {
	size      uint32 // bytes: all of them, or the header of what has no fixed size
	variable  bool
	right     winnt.AccessMask // besides TOKEN_ADJUST_DEFAULT
	privilege winnt.Privilege  // 0: none
	keeps     bool             // the ModifiedId
}

var settables = map[winnt.TokenInfoClass]settable{
	winnt.TokenOwner:                 {size: 8, variable: true},
	winnt.TokenPrimaryGroup:          {size: 8, variable: true},
	winnt.TokenDefaultDacl:           {size: 8, variable: true},
	winnt.TokenSessionId:             {size: 4, right: winnt.TOKEN_ADJUST_SESSIONID, privilege: winnt.SeTcbPrivilege},
	winnt.TokenSessionReference:      {size: 4, privilege: winnt.SeTcbPrivilege, keeps: true},
	winnt.TokenAuditPolicy:           {size: 30, privilege: winnt.SeTcbPrivilege, keeps: true},
	winnt.TokenOrigin:                {size: 8, privilege: winnt.SeTcbPrivilege},
	winnt.TokenVirtualizationAllowed: {size: 4, privilege: winnt.SeCreateTokenPrivilege, keeps: true},
	winnt.TokenVirtualizationEnabled: {size: 4, keeps: true},
	winnt.TokenIntegrityLevel:        {size: 16, variable: true},
	winnt.TokenUIAccess:              {size: 4, privilege: winnt.SeTcbPrivilege, keeps: true},
	winnt.TokenMandatoryPolicy:       {size: 4, privilege: winnt.SeTcbPrivilege},
	winnt.TokenPrivateNameSpace:      {size: 4, privilege: winnt.SeTcbPrivilege, keeps: true},
	winnt.TokenBnoIsolation:          {size: 16, privilege: winnt.SeTcbPrivilege, keeps: true},
	winnt.TokenChildProcessFlags:     {size: 4, keeps: true},
}

// Setting holds the new value of a class: a name, a list, a number or a prefix.
type Setting struct {
	Class  winnt.TokenInfoClass
	Name   Name
	List   []Entry // nil: NULL
	Number uint32
	Prefix nt.TokenBnoIsolation
	Length uint32 // all bits set: that of the value
}

// value returns the setting in the form that the kernel's service takes.
func (s *Setting) value() any {
	switch s.Class {
	case winnt.TokenOwner, winnt.TokenPrimaryGroup:
		return sids[s.Name]
	case winnt.TokenDefaultDacl:
		return list(s.List, s.List != nil)
	case winnt.TokenOrigin:
		return winnt.LUID(s.Number)
	case winnt.TokenAuditPolicy:
		return slices.Repeat([]byte{byte(s.Number)}, 30)
	case winnt.TokenIntegrityLevel:
		if s.Name != "" {
			return group(s.Name, 0x60)
		}
		return token.Group{SID: se.IntegritySID(s.Number), Attributes: 0x60}
	case winnt.TokenBnoIsolation:
		return s.Prefix
	}
	return s.Number
}

// SetToken models NtSetInformationToken (T-90).
func (m *Machine) SetToken(c Caller, h winnt.Handle, s *Setting) Result {
	row, ok := settables[s.Class]
	length := min(s.Length, row.size+4)
	if s.Length == 1<<32-1 {
		length = row.size
	}
	var slot Slot
	var n Value
	is := func(class winnt.TokenInfoClass) bool { return s.Class == class }
	if r, over := refuse("NtSetInformationToken",
		when("T-90", "a class that is unknown", ntstatus.InvalidInfoClass, func() bool { return !ok }),
		when("T-90", "of a class of fixed size", ntstatus.InfoLengthMismatch, func() bool {
			return !row.variable && length != row.size
		}),
		several("T-90", "is not a valid handle", func() (st ntstatus.Status) {
			if slot, st = m.reference(c, h, winnt.TOKEN_ADJUST_DEFAULT|row.right, isToken); st == ntstatus.Success {
				n = slot.Token.Value.copy()
			}
			return st
		}),
		when("T-90", "of a class of variable size", ntstatus.InfoLengthMismatch, func() bool { return length < row.size }),
		when("T-90", "the class needs", ntstatus.PrivilegeNotHeld, func() bool {
			return row.privilege != 0 && !c.may(row.privilege) || is(winnt.TokenIntegrityLevel) && s.Name == "" &&
				s.Number > n.Integrity && !c.may(winnt.SeTcbPrivilege)
		}),
		when("T-90", "TokenOwner", ntstatus.InvalidOwner, func() bool {
			return is(winnt.TokenOwner) && !n.has(s.Name, func(g *Group) bool { return g.MayOwn && !g.DenyOnly }, !n.UserDeny)
		}),
		when("T-90", "more than DynamicCharged", ntstatus.AllottedSpaceExceeded, func() bool {
			return is(winnt.TokenPrimaryGroup) && n.with(s).space() > 500 ||
				is(winnt.TokenDefaultDacl) && s.List != nil && n.with(s).space() > 500
		}),
		when("T-90", "TokenPrimaryGroup: neither", ntstatus.InvalidPrimaryGroup, func() bool {
			return is(winnt.TokenPrimaryGroup) && !n.has(s.Name, func(*Group) bool { return true }, true)
		}),
		when("T-90", "a value that the class", ntstatus.InvalidParameter, func() bool { return !n.takes(s) })); over {
		return r
	}
	n = *n.with(s)
	if s.Class == winnt.TokenIntegrityLevel {
		m.levels++
	}
	if row.keeps {
		slot.Token.Value = n
		slot.Token.Changes++
	} else {
		m.set(slot.Token, func(v *Value) { *v = n })
	}
	return Result{}
}

// has reports whether is returns true for the group with that SID. For the user's own SID it returns user.
func (v *Value) has(n Name, is func(*Group) bool, user bool) bool {
	return n == v.User && user || n != v.User && slices.ContainsFunc(v.Groups, func(g Group) bool {
		return g.Name == n && is(&g)
	})
}

// takes reports whether a class accepts the setting's value.
func (v *Value) takes(s *Setting) bool {
	switch n := s.Number; s.Class {
	case winnt.TokenSessionReference:
		return n == 0
	case winnt.TokenOrigin:
		return v.Origin == 0
	case winnt.TokenVirtualizationAllowed, winnt.TokenUIAccess, winnt.TokenPrivateNameSpace:
		return n <= 1
	case winnt.TokenVirtualizationEnabled:
		return n <= 1 && v.Flags&winnt.TOKEN_VIRTUALIZE_ALLOWED != 0
	case winnt.TokenIntegrityLevel:
		return s.Name == ""
	case winnt.TokenMandatoryPolicy:
		return n <= 3
	case winnt.TokenBnoIsolation:
		return s.Prefix.IsolationEnabled == (s.Prefix.IsolationPrefix != "")
	case winnt.TokenChildProcessFlags:
		return n <= 7 && v.children()&^n == 0 // they are set, never cleared
	}
	return true
}

// with returns a copy of v after the setting.
func (v *Value) with(s *Setting) *Value {
	n := v.copy()
	out := &n
	on := func(bit uint32) { out.Flags = out.Flags&^bit | bit*s.Number }
	switch n := s.Number; s.Class {
	case winnt.TokenOwner:
		out.Owner = s.Name
	case winnt.TokenPrimaryGroup:
		out.Primary = s.Name
	case winnt.TokenDefaultDacl:
		out.Default = s.List
	case winnt.TokenSessionId:
		out.Session = n
	case winnt.TokenSessionReference:
		out.Flags |= winnt.TOKEN_SESSION_NOT_REFERENCED
	case winnt.TokenAuditPolicy:
		out.Audit = byte(n)
	case winnt.TokenOrigin:
		out.Origin = uint64(n)
	case winnt.TokenVirtualizationAllowed:
		on(winnt.TOKEN_VIRTUALIZE_ALLOWED)
	case winnt.TokenVirtualizationEnabled:
		on(winnt.TOKEN_VIRTUALIZE_ENABLED)
	case winnt.TokenUIAccess:
		on(winnt.TOKEN_UIACCESS)
	case winnt.TokenPrivateNameSpace:
		on(winnt.TOKEN_PRIVATE_NAMESPACE)
	case winnt.TokenIntegrityLevel:
		out.Integrity = n
	case winnt.TokenMandatoryPolicy:
		out.Policy = n
	case winnt.TokenBnoIsolation:
		out.Prefix = s.Prefix.IsolationPrefix
	case winnt.TokenChildProcessFlags:
		for bit, flag := range childFlags {
			if n>>bit&1 != 0 {
				out.Flags |= flag
			}
		}
	}
	return out
}

// childFlags are the flags behind the bits of TokenChildProcessFlags.
var childFlags = [...]uint32{winnt.TOKEN_NO_CHILD_PROCESS, winnt.TOKEN_AUDIT_NO_CHILD_PROCESS,
	winnt.TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE}

// children returns TokenChildProcessFlags.
func (v *Value) children() (n uint32) {
	for bit, flag := range childFlags {
		n |= is(v.Flags&flag != 0) << bit
	}
	return n
}

// CompareTokens models NtCompareTokens (T-100).
func (m *Machine) CompareTokens(c Caller, first, second winnt.Handle) Result {
	var a, b *Token
	if r, over := refuse("NtCompareTokens", m.query(c, "T-100", "a handle is not valid", first, winnt.TOKEN_QUERY, &a),
		m.query(c, "T-100", "a handle is not valid", second, winnt.TOKEN_QUERY, &b)); over {
		return r
	}
	return Result{Flag: a == b || a.Value.equal(&b.Value)}
}

// equal reports whether access checks treat two tokens alike.
func (v *Value) equal(o *Value) bool {
	type entry struct {
		n              Name
		level          uint32
		enabled, denys bool
	}
	all := func(v *Value) map[entry]bool {
		set := map[entry]bool{{n: v.User, denys: v.UserDeny}: true, {level: v.Integrity + 1}: true}
		for _, g := range v.Groups {
			set[entry{n: g.Name, enabled: g.Enabled, denys: g.DenyOnly}] = true
		}
		return set
	}
	x, y := all(v), all(o)
	for e := range x {
		if !y[e] {
			return false
		}
	}
	return len(x) == len(y) && v.Held == o.Held && v.Enabled == o.Enabled && v.restricted() == o.restricted() &&
		sameNames(v.Restricted, o.Restricted)
}
