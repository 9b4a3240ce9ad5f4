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
	s, st := m.reference(c, h, want, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	v := &s.Token.Value
	held, enabled := v.Held, v.Enabled
	missing := false
	if disableAll {
		enabled = 0
	} else {
		for _, ch := range changes {
			bit := Privileges(1) << ch.Privilege
			switch {
			case held&bit == 0:
				missing = true
			case ch.Attributes&winnt.SE_PRIVILEGE_REMOVED != 0:
				held &^= bit
				enabled &^= bit
			case ch.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0:
				enabled |= bit
			default:
				enabled &^= bit
			}
		}
	}
	changed := v.Held ^ held | v.Enabled ^ enabled
	r := Result{Status: ntstatus.Success}
	if missing {
		r.Status = ntstatus.NotAllAssigned
	}
	if previous {
		// What changed is told as it was (T-71).
		r.Number = uint64(4 + 12*count(changed))
		if uint64(length) < r.Number {
			return Result{Status: ntstatus.BufferTooSmall, Number: r.Number}
		}
		var was []nt.LUIDAndAttributes
		for _, l := range v.privileges() {
			if changed>>l.LUID&1 != 0 {
				was = append(was, l)
			}
		}
		r.Out = printed(was)
	}
	if changed != 0 {
		m.set(s.Token, func(v *Value) {
			v.Held, v.Enabled = held, enabled
			v.ByDefault &= held
		})
	}
	return r
}

func count(s Privileges) (n int) {
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

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

// queried returns the token that the services of O-15 reference: pseudo handles
// too.
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

// Query models what NtQueryInformationToken asks for a class (T-80) and returns the
// token that it tells of.
func (m *Machine) Query(c Caller, h winnt.Handle, class winnt.TokenInfoClass) (*Token, ntstatus.Status) {
	if class == 0 || class > 50 {
		return nil, ntstatus.InvalidInfoClass
	}
	want := winnt.TOKEN_QUERY
	if class == winnt.TokenSource {
		want = winnt.TOKEN_QUERY_SOURCE
	}
	t, st := m.queried(c, h, want)
	switch {
	case st != ntstatus.Success:
	case class == winnt.TokenLinkedToken:
		// No logon session of the model has a second half.
		st = ntstatus.NoSuchLogonSession
	case class == winnt.TokenAuditPolicy && !c.may(winnt.SeSecurityPrivilege):
		st = ntstatus.PrivilegeNotHeld
	}
	return t, st
}

// AccessCheck models NtAccessCheck (50 section 3.1) with a file's mapping.
func (m *Machine) AccessCheck(c Caller, h winnt.Handle, d *Descriptor, desired winnt.AccessMask) Result {
	if c.KernelMode {
		g := fileKind.mapped(desired) &^ maximum
		if desired&maximum != 0 {
			g |= fileKind.all
		}
		// None of the tests of the system call runs from kernel mode.
		return Result{Granted: g, Out: privilegeSet(&nt.PrivilegeSet{}), Number: 1 << 16}
	}
	if desired&0xF0000000 != 0 {
		return failed(ntstatus.GenericNotMapped)
	}
	t, st := m.queried(c, h, winnt.TOKEN_QUERY)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case t.Value.Type != winnt.TokenImpersonation:
		return failed(ntstatus.NoImpersonationToken)
	case t.Value.Level < 1:
		return failed(ntstatus.BadImpersonationLevel)
	}
	r := Result{Number: 1 << 16}
	if desired&saclBit != 0 && !t.Value.Enabled.has(winnt.SeSecurityPrivilege) {
		// No set of privileges is written, and no descriptor looked at.
		r.Verdict, r.Out = ntstatus.PrivilegeNotHeld, "-"
		return r
	}
	if d.Owner == "" || d.Group == "" {
		return failed(ntstatus.InvalidSecurityDescr) // a descriptor has an owner and a group
	}
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
	if st := m.gate(c, desired); st != ntstatus.Success {
		return failed(st)
	}
	g, st := c.openFor(c.subject(), f.Guard, desired, &fileKind)
	if st != ntstatus.Success {
		return failed(st)
	}
	return Result{Handle: c.Process.Handles.Insert(Slot{File: f, Granted: g}), Granted: g}
}

// gate applies step (4) of O-22: the reserved bits and privileges of a request.
func (m *Machine) gate(c Caller, desired winnt.AccessMask) ntstatus.Status {
	if desired&reserved != 0 {
		return ntstatus.AccessDenied
	}
	if desired&saclBit != 0 && !c.KernelMode && !c.subject().holds(winnt.SeSecurityPrivilege) {
		return ntstatus.PrivilegeNotHeld
	}
	return ntstatus.Success
}

// OpenByID models NtOpenProcess, and NtOpenThread with an id of a thread, where that of
// its process may be 0 (O-37).
func (m *Machine) OpenByID(c Caller, id nt.ClientID, thread bool, desired winnt.AccessMask, attributes uint32) Result {
	if attributes&^0x1FF2 != 0 {
		return failed(ntstatus.InvalidParameter)
	}
	if st := m.gate(c, desired); st != ntstatus.Success {
		return failed(st)
	}
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
	if !s.used() {
		return failed(ntstatus.InvalidCid)
	}
	return m.openObject(c, s, desired, attributes)
}

// Close models NtClose (O-40 to O-42).
func (m *Machine) Close(c Caller, h winnt.Handle) Result {
	switch h {
	case -1, -2, -4, -5, -6:
		return Result{}
	}
	if t := m.table(c, h); t != nil {
		return Result{Status: t.Close(h)}
	}
	return failed(ntstatus.InvalidHandle)
}
