package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Caller is a thread in a previous mode.
type Caller struct {
	*Thread
	KernelMode bool
}

// subject returns the thread's effective subject. asSelf returns that of its process.
func (t *Thread) subject() subject {
	if r := t.Record; r != nil {
		return subject{&r.Token.Value, true, r.Level}
	}
	return t.asSelf()
}

// may reports whether the caller holds a privilege. In kernel mode it always does (O-1, T-102).
func (c Caller) may(p winnt.Privilege) bool { return c.KernelMode || c.subject().holds(p) }

func (t *Thread) asSelf() subject { return subject{token: &t.Process.Primary.Value} }

// table returns the table in which an existing handle is looked up.
func (m *Machine) table(c Caller, h winnt.Handle) *Table {
	switch {
	case h >= 0:
		return &c.Process.Handles
	case c.KernelMode && h < kernelBits+1<<31 && h >= kernelBits:
		return &m.Kernel
	}
	return nil
}

// reference looks up a handle (O-31). pick reports whether a slot has the required type.
func (m *Machine) reference(c Caller, h winnt.Handle, want winnt.AccessMask, pick func(*Slot) bool) (Slot,
	ntstatus.Status) {
	var s *Slot
	switch {
	case h == winnt.NtCurrentProcess:
		s = &Slot{Process: c.Process, Granted: c.Process.Self}
	case h == winnt.NtCurrentThread:
		s = &Slot{Thread: c.Thread, Granted: c.Self}
	default:
		if t := m.table(c, h); t != nil {
			s = t.Find(h)
		}
	}
	switch {
	case s == nil:
		return Slot{}, ntstatus.InvalidHandle
	case !pick(s):
		return Slot{}, ntstatus.ObjectTypeMismatch
	case want&^s.Granted != 0 && !c.KernelMode:
		return Slot{}, ntstatus.AccessDenied
	}
	return *s, ntstatus.Success
}

func isToken(s *Slot) bool { return s.Token != nil }

func isThread(s *Slot) bool { return s.Thread != nil }

func isProcess(s *Slot) bool { return s.Process != nil }

// insert creates a handle in the table that the attributes select (O-28).
func (m *Machine) insert(c Caller, s Slot, attributes uint32) winnt.Handle {
	s.Inherit = attributes&winnt.OBJ_INHERIT != 0
	if c.KernelMode && attributes&winnt.OBJ_KERNEL_HANDLE != 0 {
		return m.Kernel.Insert(s)
	}
	return c.Process.Handles.Insert(s)
}

// fails reports whether memory runs out at a point (O-81).
func (m *Machine) fails(point string) bool { return m.failing != nil && m.failing(point) }
