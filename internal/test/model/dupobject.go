package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DuplicateObject models NtDuplicateObject (O-50 to O-57).
func (m *Machine) DuplicateObject(c Caller, from, h, to winnt.Handle, desired winnt.AccessMask, attributes,
	options uint32) Result {
	source, st := m.reference(c, from, 0x40, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	closing := options&winnt.DUPLICATE_CLOSE_SOURCE != 0
	if closing && to != 0 {
		// The source is closed whatever else comes of the call (O-52).
		defer m.closeIn(c, source.Process, h)
	}
	var target Slot
	if to != 0 {
		if target, st = m.reference(c, to, 0x40, isProcess); st != ntstatus.Success {
			return failed(st)
		}
	}
	s := m.sourceHandle(c, source.Process, h)
	switch {
	case s == nil:
		return failed(ntstatus.InvalidHandle)
	case to == 0 && closing:
		// Without a target the source is only closed (O-51).
		return Result{Status: m.closeIn(c, source.Process, h)}
	case to == 0:
		return failed(ntstatus.InvalidParameter)
	}
	n := *s
	if options&winnt.DUPLICATE_SAME_ACCESS == 0 {
		if n.Granted, st = m.duplicateRights(c, s, target.Process, desired); st != ntstatus.Success {
			return failed(st)
		}
	}
	if target.Process.Over {
		// A process that has ended takes no more handles (O-47).
		return failed(ntstatus.ProcessIsTerminating)
	}
	n.Inherit, n.Protect = attributes&winnt.OBJ_INHERIT != 0, attributes&winnt.OBJ_PROTECT_CLOSE != 0
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES != 0 {
		if target.Process.Over {
			// A process that has ended takes no more handles (O-47).
			return failed(ntstatus.ProcessIsTerminating)
		}
		n.Inherit, n.Protect = s.Inherit, s.Protect
	}
	v := target.Process.Handles.Insert(n)
	r := Result{Handle: v, Granted: n.Granted}
	if n.Token != nil {
		r.Token = n.Token.ID
	}
	return r
}

// closeIn closes a handle of a process; closing a pseudo handle does nothing.
func (m *Machine) closeIn(c Caller, p *Process, h winnt.Handle) ntstatus.Status {
	if h < 0 && h != -3 && h >= -6 {
		return ntstatus.Success
	}
	if t := m.tableIn(c, p, h); t != nil {
		return t.Close(h)
	}
	return ntstatus.InvalidHandle
}

// tableIn returns the table of a process in which a handle is looked up; that of the
// kernel is the same in all of them (O-13).
func (m *Machine) tableIn(c Caller, p *Process, h winnt.Handle) *Table {
	if h >= 0 {
		return &p.Handles
	}
	return m.table(c, h)
}

// sourceHandle finds the handle to duplicate, a pseudo handle too (O-16, O-57).
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

// duplicateRights returns the rights of a duplicate (O-54 to O-56).
func (m *Machine) duplicateRights(c Caller, s *Slot, target *Process, desired winnt.AccessMask) (winnt.AccessMask,
	ntstatus.Status) {
	if desired&reserved != 0 {
		return 0, ntstatus.AccessDenied
	}
	k, guard := s.kind(), s.guard()
	want := k.mapped(desired) & (k.valid | saclBit)
	switch {
	case want&^s.Granted == 0:
		// Asking for no more than the source has needs no check (O-55); a full
		// right brings its limited one (O-36).
		return k.implied(want), ntstatus.Success
	case c.KernelMode:
		// Kernel mode gets what it asks for (O-1).
		return kernelOpen(want, k)
	case k == &fileKind:
		// A file's handle gives no more than it has (O-56).
		return 0, ntstatus.AccessDenied
	}
	who := c.subject()
	if m.Profile == nt.Observed && !who.client {
		who = subject{token: &target.Primary.Value} // O-56 Observed
	}
	return open(who, guard, want, k)
}
