package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// handleAttributes returns the attributes that a new handle takes (O-28, O-29).
func (c Caller) handleAttributes(a uint32) (uint32, ntstatus.Status) {
	if c.KernelMode {
		if a&^winnt.OBJ_KERNEL_HANDLE != 0 || a == 0 {
			return 0, ntstatus.InvalidParameter
		}
		return a, ntstatus.Success
	}
	if a&^(winnt.OBJ_KERNEL_HANDLE|winnt.OBJ_INHERIT) != 0 {
		return 0, ntstatus.InvalidParameter
	}
	return a & winnt.OBJ_INHERIT, ntstatus.Success
}

// openFor decides an open in the caller's mode for a subject.
func (c Caller) openFor(s subject, d *Descriptor, desired winnt.AccessMask, k *kind) (winnt.AccessMask,
	ntstatus.Status) {
	if c.KernelMode {
		return kernelOpen(desired, k)
	}
	return open(s, d, desired, k)
}

// opened returns the result of an open: a handle to a token.
func (m *Machine) opened(c Caller, t *Token, granted winnt.AccessMask, attributes uint32) Result {
	h := m.insert(c, Slot{Token: t, Granted: granted}, attributes)
	return Result{Handle: h, Granted: granted, Token: t.ID}
}

// OpenProcessToken models NtOpenProcessToken and, with ex, NtOpenProcessTokenEx (T-30).
func (m *Machine) OpenProcessToken(c Caller, h winnt.Handle, desired winnt.AccessMask, attributes uint32,
	ex bool) Result {
	if ex {
		var st ntstatus.Status
		if attributes, st = c.handleAttributes(attributes); st != ntstatus.Success {
			return failed(st)
		}
	}
	s, st := m.reference(c, h, 0x1000, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	t := s.Process.Primary
	g, st := c.openFor(c.subject(), t.Guard, desired, &tokenKind)
	if st != ntstatus.Success {
		return failed(st)
	}
	return m.opened(c, t, g, attributes)
}

// OpenThreadToken models NtOpenThreadToken(Ex) (I-20 to I-29).
func (m *Machine) OpenThreadToken(c Caller, h winnt.Handle, desired winnt.AccessMask, asSelf bool, attributes uint32,
	ex bool) Result {
	if ex {
		var st ntstatus.Status
		if attributes, st = c.handleAttributes(attributes); st != ntstatus.Success {
			return failed(st)
		}
	}
	want := winnt.AccessMask(0x40)
	if m.Profile == nt.Observed {
		want = 0x800 // the limited right suffices on Windows (I-131)
	}
	s, st := m.reference(c, h, want, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	r := s.Thread.Record
	switch {
	case r == nil:
		return failed(ntstatus.NoToken)
	case r.Level == 0:
		return failed(ntstatus.CantOpenAnonymous)
	}
	who := c.subject()
	if asSelf {
		who = c.asSelf()
	}
	if r.CopyOnOpen || r.EffectiveOnly && !r.Own {
		return m.openCopy(c, s.Thread, r, who, desired, attributes)
	}
	g, st := c.openFor(who, r.Token.Guard, desired, &tokenKind)
	if st != ntstatus.Success {
		return failed(st)
	}
	return m.opened(c, r.Token, g, attributes)
}

// openCopy makes the copy to which an open goes (I-23).
func (m *Machine) openCopy(c Caller, t *Thread, r *Record, who subject, desired winnt.AccessMask,
	attributes uint32) Result {
	var g winnt.AccessMask
	var st ntstatus.Status
	if m.Profile == nt.Observed && !c.KernelMode {
		mapped := tokenKind.mapped(desired)
		known := mapped & (tokenKind.valid | saclBit | maximum)
		switch {
		case desired&reserved == 0 && mapped&maximum != 0:
			// A creator that asks for as much as there is gets it, and other bits count for nothing (O-130).
			g, st = grantNew(who, known, &tokenKind)
		case desired&reserved != 0, mapped != known:
			st = ntstatus.AccessDenied
		default:
			g, st = grantNew(who, mapped, &tokenKind)
		}
	} else {
		g, st = c.openFor(who, r.Token.Guard, desired, &tokenKind)
	}
	if st != ntstatus.Success {
		return failed(st)
	}
	if m.fails("se: copy token") {
		return failed(ntstatus.InsufficientResources)
	}
	v := r.Token.Value.as(winnt.TokenImpersonation, r.Level)
	if r.EffectiveOnly {
		v = v.stripped()
	}
	if t.Process.refuses(&v) { // the refusals of I-90
		return failed(ntstatus.AccessDenied)
	}
	dup := m.newToken(v, copyGuard(&v, &t.Process.Primary.Value), r.Token)
	dup.Chain = min(dup.Chain, r.Level)
	t.Record = &Record{Token: dup, EffectiveOnly: r.EffectiveOnly, Level: r.Level, Own: true, Just: r.Just,
		Under: r.Under, Levels: r.Levels, By: r.By}
	return m.opened(c, dup, g, attributes)
}
