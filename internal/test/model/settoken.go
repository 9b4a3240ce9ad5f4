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

// settable holds the demands of NtSetInformationToken for a class (20 section 11).
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

// value returns the form that the kernel takes.
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
	if !ok {
		return failed(ntstatus.InvalidInfoClass)
	}
	length := min(s.Length, row.size+4)
	if s.Length == 1<<32-1 {
		length = row.size
	}
	if !row.variable && length != row.size {
		return failed(ntstatus.InfoLengthMismatch)
	}
	slot, st := m.reference(c, h, winnt.TOKEN_ADJUST_DEFAULT|row.right, isToken)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case length < row.size:
		return failed(ntstatus.InfoLengthMismatch)
	case row.privilege != 0 && !c.may(row.privilege):
		return failed(ntstatus.PrivilegeNotHeld)
	}
	n := slot.Token.Value.copy()
	if st := n.put(s, c.may(winnt.SeTcbPrivilege)); st != ntstatus.Success {
		return failed(st)
	}
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

// put gives a class of v another value; tcb says whether the integrity may be raised.
func (v *Value) put(s *Setting, tcb bool) ntstatus.Status {
	i := slices.IndexFunc(v.Groups, func(g Group) bool { return g.Name == s.Name })
	switch n := s.Number; s.Class {
	case winnt.TokenOwner:
		if s.Name == v.User && v.UserDeny || s.Name != v.User && (i < 0 || !v.Groups[i].MayOwn || v.Groups[i].DenyOnly) {
			return ntstatus.InvalidOwner
		}
		v.Owner = s.Name
	case winnt.TokenPrimaryGroup:
		old := v.Primary
		if v.Primary = s.Name; v.space() > 500 {
			return ntstatus.AllottedSpaceExceeded
		}
		if v.Primary = old; i < 0 && s.Name != v.User {
			return ntstatus.InvalidPrimaryGroup
		}
		v.Primary = s.Name
	case winnt.TokenDefaultDacl:
		if v.Default = s.List; s.List != nil && v.space() > 500 {
			return ntstatus.AllottedSpaceExceeded
		}
	case winnt.TokenSessionId:
		v.Session = n
	case winnt.TokenSessionReference:
		if n != 0 {
			return ntstatus.InvalidParameter
		}
		v.Flags |= winnt.TOKEN_SESSION_NOT_REFERENCED
	case winnt.TokenAuditPolicy:
		v.Audit = byte(n)
	case winnt.TokenOrigin:
		if v.Origin != 0 {
			return ntstatus.InvalidParameter
		}
		v.Origin = uint64(n)
	default:
		return v.putMore(s, tcb)
	}
	return ntstatus.Success
}

// putMore does so for the later classes.
func (v *Value) putMore(s *Setting, tcb bool) ntstatus.Status {
	on := func(bit uint32, must bool) ntstatus.Status {
		if s.Number > 1 || !must {
			return ntstatus.InvalidParameter
		}
		v.Flags = v.Flags&^bit | bit*s.Number
		return ntstatus.Success
	}
	switch n := s.Number; s.Class {
	case winnt.TokenVirtualizationAllowed:
		return on(winnt.TOKEN_VIRTUALIZE_ALLOWED, true)
	case winnt.TokenVirtualizationEnabled:
		return on(winnt.TOKEN_VIRTUALIZE_ENABLED, v.Flags&winnt.TOKEN_VIRTUALIZE_ALLOWED != 0)
	case winnt.TokenUIAccess:
		return on(winnt.TOKEN_UIACCESS, true)
	case winnt.TokenPrivateNameSpace:
		return on(winnt.TOKEN_PRIVATE_NAMESPACE, true)
	case winnt.TokenIntegrityLevel:
		switch {
		case s.Name != "":
			return ntstatus.InvalidParameter
		case n > v.Integrity && !tcb:
			return ntstatus.PrivilegeNotHeld
		}
		v.Integrity = n
	case winnt.TokenMandatoryPolicy:
		if n > 3 {
			return ntstatus.InvalidParameter
		}
		v.Policy = n
	case winnt.TokenBnoIsolation:
		if s.Prefix.IsolationEnabled != (s.Prefix.IsolationPrefix != "") {
			return ntstatus.InvalidParameter
		}
		v.Prefix = s.Prefix.IsolationPrefix
	case winnt.TokenChildProcessFlags:
		if n > 7 || v.children()&^n != 0 {
			// They are set, never cleared.
			return ntstatus.InvalidParameter
		}
		for bit, flag := range childFlags {
			if n>>bit&1 != 0 {
				v.Flags |= flag
			}
		}
	}
	return ntstatus.Success
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
	a, st := m.queried(c, first, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return failed(st)
	}
	b, st := m.queried(c, second, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return failed(st)
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
