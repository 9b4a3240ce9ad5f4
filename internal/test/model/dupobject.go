package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DuplicateObject models NtDuplicateObject (O-50 to O-57).
func (m *Machine) DuplicateObject(c Caller, from, h, to winnt.Handle, desired winnt.AccessMask, attributes,
	options uint32) Result {
	var source, target Slot
	var s *Slot
	closing := options&winnt.DUPLICATE_CLOSE_SOURCE != 0
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES != 0 {
		attributes = 0 // the parameter has no effect
	}
	defer func() {
		if closing && to != 0 && source.used() {
			// The source is closed whatever else comes of the call (O-52).
			m.closeIn(c, source.Process, h)
		}
	}()
	o := m.duplicateRights(c, &s, &target, desired, options&winnt.DUPLICATE_SAME_ACCESS == 0)
	if r, over := refuse("NtDuplicateObject", append(o,
		m.handle(c, "O-31", "SourceProcessHandle", from, 0x40, isProcess, &source),
		several("O-31", "TargetProcessHandle is not a valid handle", func() (st ntstatus.Status) {
			if to != 0 {
				target, st = m.reference(c, to, 0x40, isProcess)
			}
			return st
		}),
		when("O-50", "", ntstatus.InvalidHandle, func() bool {
			s = m.sourceHandle(c, source.Process, h)
			return s == nil
		}),
		refusal{rule: "O-51", text: "NULL with DUPLICATE_CLOSE_SOURCE", ends: func() (Result, bool) {
			if to != 0 || !closing {
				return Result{}, false
			}
			// Without a target the source is only closed (O-51).
			return m.closeIn(c, source.Process, h), true
		}},
		when("O-51", "without DUPLICATE_CLOSE_SOURCE", ntstatus.InvalidParameter, func() bool { return to == 0 }),
		exclusiveInherited(attributes),
		// A process that has ended takes no more handles (O-47).
		when("O-47", "", ntstatus.ProcessIsTerminating, func() bool { return target.Process.Over }))...); over {
		return r
	}
	n := *s
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES == 0 {
		n.Inherit, n.Protect = attributes&winnt.OBJ_INHERIT != 0, attributes&winnt.OBJ_PROTECT_CLOSE != 0
	}
	v := target.Process.Handles.Insert(n)
	r := Result{Handle: v, Granted: n.Granted}
	if n.Token != nil {
		r.Token = n.Token.ID
	}
	return r
}

// closeIn closes a handle of a process. Closing a pseudo handle does nothing.
func (m *Machine) closeIn(c Caller, p *Process, h winnt.Handle) Result {
	t := m.tableIn(c, p, h)
	if r, over := refuse("NtClose",
		ending("O-41", "", Result{}, func() bool { return h < 0 && h != -3 && h >= -6 }),
		when("O-40", "", ntstatus.InvalidHandle, func() bool { return t == nil || t.Find(h) == nil }),
		when("O-42", "", ntstatus.HandleNotClosable, func() bool { return t.Find(h).Protect })); over {
		return r
	}
	t.Close(h)
	return Result{}
}

// tableIn returns the table in which a handle of a process is looked up. Kernel handles have one table for all
// processes (O-13).
func (m *Machine) tableIn(c Caller, p *Process, h winnt.Handle) *Table {
	if h >= 0 {
		return &p.Handles
	}
	return m.table(c, h)
}

// sourceHandle returns the handle to duplicate, which can be a pseudo handle (O-16, O-57), or nil for an invalid
// one.
func (m *Machine) sourceHandle(c Caller, p *Process, h winnt.Handle) *Slot {
	switch {
	case h == winnt.NtCurrentProcess:
		return &Slot{Process: p, Granted: p.Self}
	case h == winnt.NtCurrentThread && p == c.Process:
		return &Slot{Thread: c.Thread, Granted: c.Self}
	}
	if t := m.tableIn(c, p, h); t != nil {
		if s := t.Find(h); s != nil {
			n := *s
			return &n
		}
	}
	return nil
}

// duplicateRights returns the conditions on the rights of a duplicate (O-54 to O-56). It stores the rights in s
// unless they are those of the source.
func (m *Machine) duplicateRights(c Caller, s **Slot, target *Slot, desired winnt.AccessMask, asked bool) []refusal {
	// Of what is asked, the bits that the type has count.
	want := func() winnt.AccessMask {
		k := (*s).kind()
		return k.mapped(desired) & (k.valid | saclBit)
	}
	// Asking for no more than the source has needs no check (O-55), nor does kernel mode (O-1).
	more := func() bool { return asked && !c.KernelMode && want()&^(*s).Granted != 0 }
	who := func() subject {
		if u := c.subject(); m.Profile != nt.Observed || u.client {
			return u
		}
		return subject{token: &target.Process.Primary.Value} // O-56 Observed
	}
	return []refusal{
		when("O-20", "", ntstatus.AccessDenied, func() bool { return asked && desired&reserved != 0 }),
		// A file's handle gives no more than it has (O-56).
		when("O-56", "is not checked again", ntstatus.AccessDenied, func() bool { return more() && (*s).File != nil }),
		when("I-1", "", ntstatus.BadImpersonationLevel, func() bool {
			return more() && (*s).guard() != nil && who().client && who().level < 2
		}),
		when("O-30", "", ntstatus.PrivilegeNotHeld, func() bool {
			return more() && want()&saclBit != 0 && !who().holds(winnt.SeSecurityPrivilege)
		}),
		several("O-56", "the access check refuses", func() (st ntstatus.Status) {
			k, g := (*s).kind(), want()
			if more() && (*s).guard() != nil {
				g, st = decide(who().token, (*s).guard(), g, k)
			}
			if asked {
				// A full right brings its limited one (O-36).
				(*s).Granted = k.implied(g)
			}
			return st
		})}
}
