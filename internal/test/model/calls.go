package model

import (
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Change is one entry of NewState.
type Change struct {
	Privilege  winnt.Privilege
	Attributes uint32
}

// AdjustPrivileges models NtAdjustPrivilegesToken (T-70 to T-73). Number is the
// length needed.
func (m *Machine) AdjustPrivileges(c Caller, h winnt.Handle, disableAll bool, changes []Change, previous bool,
	length uint32) Result {
	want := winnt.TOKEN_ADJUST_PRIVILEGES
	if previous {
		want |= winnt.TOKEN_QUERY
	}
	var s Slot
	var held, enabled, changed Privileges
	var r Result
	if r, over := refuse("NtAdjustPrivilegesToken", m.handle(c, "T-70", "TokenHandle", h, want, isToken, &s),
		refusal{rule: "T-70", text: "BufferLength", ends: func() (Result, bool) {
			v := &s.Token.Value
			held, enabled, r.Status = v.adjusted(disableAll, changes)
			changed = v.Held ^ held | v.Enabled ^ enabled
			if previous {
				// The changed privileges are returned with their previous state (T-71).
				r.Number, r.Out = uint64(4+12*count(changed)), printed(v.privilegesOf(changed))
			}
			return Result{Status: ntstatus.BufferTooSmall, Number: r.Number}, uint64(length) < r.Number && previous
		}}); over {
		return r
	}
	if changed != 0 {
		m.set(s.Token, func(v *Value) {
			v.Held, v.Enabled = held, enabled
			v.ByDefault &= held
		})
	}
	return r
}

// adjusted returns the held and enabled privileges after the changes. The status is NotAllAssigned if the token
// lacks one of those listed (T-70, T-71).
func (v *Value) adjusted(disableAll bool, changes []Change) (held, enabled Privileges, st ntstatus.Status) {
	held, enabled = v.Held, v.Enabled
	if disableAll {
		return held, 0, ntstatus.Success
	}
	for _, ch := range changes {
		bit := Privileges(1) << ch.Privilege
		switch {
		case held&bit == 0:
			st = ntstatus.NotAllAssigned
		case ch.Attributes&winnt.SE_PRIVILEGE_REMOVED != 0:
			held &^= bit
			enabled &^= bit
		case ch.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0:
			enabled |= bit
		default:
			enabled &^= bit
		}
	}
	return held, enabled, st
}

// privilegesOf returns the token's privileges that are in set, by ascending LUID.
func (v *Value) privilegesOf(set Privileges) (list []nt.LUIDAndAttributes) {
	for _, l := range v.privileges() {
		if set>>l.LUID&1 != 0 {
			list = append(list, l)
		}
	}
	return list
}

func count(s Privileges) (n int) {
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

// sameNames reports whether a and b have the same names, in any order. Repeated names are ignored.
func sameNames(a, b []Name) bool {
	for _, n := range a {
		if !slices.Contains(b, n) {
			return false
		}
	}
	for _, n := range b {
		if !slices.Contains(a, n) {
			return false
		}
	}
	return true
}

// queried returns the token of a handle, for services that also accept the pseudo handles of tokens (O-15).
func (m *Machine) queried(c Caller, h winnt.Handle, want winnt.AccessMask) (*Token, ntstatus.Status) {
	switch h {
	case winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken:
	default:
		s, st := m.reference(c, h, want, isToken)
		return s.Token, st
	}
	if want&^0x18 != 0 {
		return nil, ntstatus.AccessDenied
	}
	r := c.Record
	switch {
	case h == winnt.NtCurrentProcessToken || r == nil && h == winnt.NtCurrentEffectiveToken:
		return c.Process.Primary, ntstatus.Success
	case r == nil:
		return nil, ntstatus.NoToken
	case r.Level == 0:
		return nil, ntstatus.CantOpenAnonymous
	}
	return r.Token, ntstatus.Success
}

// Query models NtQueryInformationToken (T-80). classSize returns the size of the class's value for a token, or the
// status that refuses it.
func (m *Machine) Query(c Caller, h winnt.Handle, class winnt.TokenInfoClass, short bool,
	classSize func(*Token) (uint32, ntstatus.Status)) Result {
	want := winnt.TOKEN_QUERY
	if class == winnt.TokenSource {
		want = winnt.TOKEN_QUERY_SOURCE
	}
	var t *Token
	var need uint32
	if r, over := refuse("NtQueryInformationToken",
		when("T-80", "the class is 0", ntstatus.InvalidInfoClass, func() bool { return class == 0 || class > 50 }),
		m.query(c, "O-15", "", h, want, &t),
		// No logon session of the model has a second half.
		when("T-80", "no linked token", ntstatus.NoSuchLogonSession, func() bool { return class == winnt.TokenLinkedToken }),
		when("T-80", "TokenAuditPolicy", ntstatus.PrivilegeNotHeld, func() bool {
			return class == winnt.TokenAuditPolicy && !c.may(winnt.SeSecurityPrivilege)
		}),
		several("T-80", "TokenLogonSid", func() (st ntstatus.Status) {
			need, st = classSize(t)
			return st
		}),
		refusal{rule: "T-80", text: "too small", ends: func() (Result, bool) {
			return Result{Status: ntstatus.BufferTooSmall, Number: uint64(need)}, short
		}}); over {
		return r
	}
	return Result{Number: uint64(need), Flag: true}
}

// AccessCheck models NtAccessCheck and its variants by type with a file's mapping.
func (m *Machine) AccessCheck(c Caller, service string, h winnt.Handle, d *Descriptor,
	desired winnt.AccessMask) Result {
	if c.KernelMode {
		g := fileKind.mapped(desired) &^ maximum
		if desired&maximum != 0 {
			g |= fileKind.all
		}
		// None of the tests of the system call runs from kernel mode.
		return Result{Granted: g, Out: privilegeSet(&nt.PrivilegeSet{}), Number: 1 << 16}
	}
	var t *Token
	if r, over := refuse(service,
		when("A-12", "", ntstatus.GenericNotMapped, func() bool { return desired&0xF0000000 != 0 }),
		m.query(c, "O-15", "", h, winnt.TOKEN_QUERY, &t),
		when("A-14", "", ntstatus.NoImpersonationToken, func() bool { return t.Value.Type != winnt.TokenImpersonation }),
		when("A-15", "", ntstatus.BadImpersonationLevel, func() bool { return t.Value.Level < 1 }),
		// No set of privileges is written, and no descriptor looked at.
		ending("A-16", "", Result{Number: 1 << 16, Verdict: ntstatus.PrivilegeNotHeld, Out: "-"}, func() bool {
			return desired&saclBit != 0 && !t.Value.Enabled.has(winnt.SeSecurityPrivilege)
		}),
		when("A-19", "", ntstatus.InvalidSecurityDescr, func() bool { return d.Owner == "" || d.Group == "" })); over {
		return r
	}
	r := Result{Number: 1 << 16}
	if desired == 0 {
		// A mask of 0 is denied, while the call succeeds.
		r.Verdict, r.Out = ntstatus.AccessDenied, privilegeSet(&nt.PrivilegeSet{})
		return r
	}
	r.Granted, r.Verdict = decide(&t.Value, d, desired, &fileKind)
	r.Out = privilegeSet(&nt.PrivilegeSet{Privilege: used(&t.Value, d, desired, &fileKind)})
	return r
}

// OpenFile models NtOpenFile of a plain name.
func (m *Machine) OpenFile(c Caller, f *File, desired winnt.AccessMask) Result {
	o := c.opens(&fileKind, desired, func() *Descriptor { return f.Guard })
	if r, over := refuse("NtOpenFile", o.refusals("I-1", "O-33", "")...); over {
		return r
	}
	return Result{Handle: c.Process.Handles.Insert(Slot{File: f, Granted: o.granted}), Granted: o.granted}
}

// OpenByID models NtOpenProcess, and NtOpenThread with an id of a thread, where that of
// its process may be 0 (O-37).
func (m *Machine) OpenByID(c Caller, id nt.ClientID, thread bool, desired winnt.AccessMask, attributes uint32) Result {
	var s Slot
	for _, p := range m.Processes {
		if !thread && p.ID == id.UniqueProcess&^3 {
			s.Process = p
		}
	}
	for _, t := range m.Threads {
		if thread && t.ID == id.UniqueThread&^3 && (id.UniqueProcess&^3 == 0 || id.UniqueProcess&^3 == t.Process.ID) {
			s.Thread = t
		}
	}
	return m.openObject(c, s, thread, desired, attributes)
}

// Close models NtClose (O-40 to O-42).
func (m *Machine) Close(c Caller, h winnt.Handle) Result { return m.closeIn(c, c.Process, h) }
