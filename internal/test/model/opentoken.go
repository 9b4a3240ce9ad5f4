package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// attributes refuses those that a new handle does not take (O-28, O-29), and leaves those that it gets. Without ex
// the service has no such parameter.
func (c Caller) attributes(a *uint32, ex bool) refusal {
	return when("O-29", "", ntstatus.InvalidParameter, func() bool {
		switch given := *a; {
		case !ex:
			return false
		case c.KernelMode:
			return given != winnt.OBJ_KERNEL_HANDLE
		default:
			*a = given & winnt.OBJ_INHERIT
			return given&^(winnt.OBJ_KERNEL_HANDLE|winnt.OBJ_INHERIT) != 0
		}
	})
}

// exclusiveInherited refuses attributes that contradict each other (O-27).
func exclusiveInherited(attributes uint32) refusal {
	return when("O-27", "together with OBJ_INHERIT", ntstatus.InvalidParameter, func() bool {
		return attributes&0x22 == 0x22
	})
}

// opened returns the result of a successful open: a new handle to t.
func (m *Machine) opened(c Caller, t *Token, granted winnt.AccessMask, attributes uint32) Result {
	h := m.insert(c, Slot{Token: t, Granted: granted}, attributes)
	return Result{Handle: h, Granted: granted, Token: t.ID}
}

// OpenProcessToken models NtOpenProcessToken and, with ex, NtOpenProcessTokenEx (T-30).
func (m *Machine) OpenProcessToken(c Caller, h winnt.Handle, desired winnt.AccessMask, attributes uint32,
	ex bool) Result {
	var s Slot
	o := c.opens(&tokenKind, desired, func() *Descriptor { return s.Process.Primary.Guard })
	if r, over := refuse("NtOpenProcessTokenEx", append(o.refusals("I-1", "T-30", "the token's DACL"),
		c.attributes(&attributes, ex), m.handle(c, "O-31", "ProcessHandle", h, 0x1000, isProcess, &s))...); over {
		return r
	}
	return m.opened(c, s.Process.Primary, o.granted, attributes)
}

// OpenThreadToken models NtOpenThreadToken(Ex) (I-20 to I-29).
func (m *Machine) OpenThreadToken(c Caller, h winnt.Handle, desired winnt.AccessMask, asSelf bool, attributes uint32,
	ex bool) Result {
	want := winnt.AccessMask(0x40)
	if m.Profile == nt.Observed {
		want = 0x800 // the limited right suffices on Windows (I-131)
	}
	var s Slot
	var state *Record
	copied := func() bool { return state.CopyOnOpen || state.EffectiveOnly && !state.Own }
	o := c.opens(&tokenKind, desired, func() *Descriptor { return state.Token.Guard })
	if asSelf {
		o.who = c.asSelf()
	}
	if r, over := refuse("NtOpenThreadTokenEx", append(o.refusals("I-22", "I-22", "the token's DACL"),
		c.attributes(&attributes, ex),
		m.handle(c, "I-20", "ThreadHandle", h, want, isThread, &s),
		when("I-20", "not impersonating", ntstatus.NoToken, func() bool {
			state = s.Thread.Record
			// The opener of a copy is its creator on Windows.
			o.creator = state != nil && copied() && m.Profile == nt.Observed
			return state == nil
		}),
		when("I-24", "", ntstatus.CantOpenAnonymous, func() bool { return state.Level == 0 }),
		when("O-81", "for the copy", ntstatus.InsufficientResources, func() bool {
			return copied() && m.fails("se: copy token")
		}),
		when("I-90", "", ntstatus.AccessDenied, func() bool {
			v := state.copied()
			return copied() && s.Thread.Process.refuses(&v)
		}))...); over {
		return r
	}
	if !copied() {
		return m.opened(c, state.Token, o.granted, attributes)
	}
	return m.opened(c, m.openCopy(s.Thread, state), o.granted, attributes)
}

// copied returns the value of the copy that an open creates (I-23).
func (r *Record) copied() Value {
	v := r.Token.Value.as(winnt.TokenImpersonation, r.Level)
	if r.EffectiveOnly {
		v = v.stripped()
	}
	return v
}

// openCopy creates the copy that an open returns (I-23), and makes it the thread's impersonation token.
func (m *Machine) openCopy(t *Thread, r *Record) *Token {
	v := r.copied()
	dup := m.newToken(v, copyGuard(&v, &t.Process.Primary.Value), r.Token)
	dup.Chain = min(dup.Chain, r.Level)
	t.Record = &Record{Token: dup, EffectiveOnly: r.EffectiveOnly, Level: r.Level, Own: true, Just: r.Just,
		Under: r.Under, Levels: r.Levels, By: r.By}
	return dup
}
