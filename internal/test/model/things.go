package model

import (
	"math"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Thing is a mutant, a semaphore or a timer: an object without a name, and so
// without security (O-35, O-38).
type Thing struct {
	Kind           *kind
	Owner          *Thread // of a mutant; nil when it is free
	Count, Maximum int32   // of a semaphore

	// Of a timer, in a kernel whose clock stands at 0.
	Due, Period       int64
	Running, Signaled bool
}

var (
	mutantKind    = kind{"Mutant", 0x20001, 0x20000, 0x120000, 0x1F0001, 0x1F0001, 0x100, 9}
	semaphoreKind = kind{"Semaphore", 0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003, 0x100, 10}
	timerKind     = kind{"Timer", 0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003, 0x100, 11}
)

func isThing(k *kind) func(*Slot) bool {
	return func(s *Slot) bool { return s.Thing != nil && s.Thing.Kind == k }
}

// create makes a thing and gives its creator what it asks for (O-91).
func (m *Machine) create(c Caller, t *Thing, desired winnt.AccessMask, attributes uint32) Result {
	if t.Kind == &semaphoreKind && (t.Maximum <= 0 || t.Count < 0 || t.Count > t.Maximum) {
		// A semaphore counts from 0 to a maximum above 0 (O-137).
		return failed(ntstatus.InvalidParameter)
	}
	g, st := kernelOpen(desired, t.Kind)
	if !c.KernelMode {
		g, st = created(c, t.Kind, desired)
	}
	if st != ntstatus.Success {
		return failed(st)
	}
	return Result{Handle: m.insert(c, Slot{Thing: t, Granted: g}, attributes), Granted: g}
}

// created returns the rights of a creator in user mode.
func created(c Caller, k *kind, desired winnt.AccessMask) (winnt.AccessMask, ntstatus.Status) {
	if desired&reserved != 0 {
		return 0, ntstatus.AccessDenied
	}
	want := k.mapped(desired)
	if foreign := want &^ (k.valid | saclBit | maximum); foreign != 0 {
		if want&maximum == 0 {
			// A bit that the type does not have is refused (O-21).
			return 0, ntstatus.AccessDenied
		}
		want &^= foreign // Asking for everything gives what there is (O-130).
	}
	return grantNew(c.subject(), want, k)
}

// thing returns what a handle names, with the right for a call.
func (m *Machine) thing(c Caller, h winnt.Handle, k *kind, want winnt.AccessMask) (*Thing, ntstatus.Status) {
	s, st := m.reference(c, h, want, isThing(k))
	return s.Thing, st
}

// ReleaseMutant models NtReleaseMutant: no right is needed, for only the owner
// can (O-134).
func (m *Machine) ReleaseMutant(c Caller, h winnt.Handle) Result {
	t, st := m.thing(c, h, &mutantKind, 0)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case t.Owner != c.Thread:
		return failed(ntstatus.MutantNotOwned)
	}
	t.Owner = nil
	return Result{}
}

// ReleaseSemaphore models NtReleaseSemaphore (O-138); Number is the count before.
func (m *Machine) ReleaseSemaphore(c Caller, h winnt.Handle, n int32) Result {
	if n <= 0 {
		return failed(ntstatus.InvalidParameter)
	}
	t, st := m.thing(c, h, &semaphoreKind, winnt.SEMAPHORE_MODIFY_STATE)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case int64(t.Count)+int64(n) > int64(t.Maximum):
		return failed(ntstatus.SemaphoreLimitExceeded)
	}
	r := Result{Number: uint64(t.Count)}
	t.Count += n
	return r
}

// reach brings a timer to the moment 0 (O-140).
func (t *Thing) reach() {
	if !t.Running || t.Due > 0 {
		return
	}
	t.Signaled, t.Due = true, t.Period
	t.Running = t.Period != 0
}

// SetTimer models NtSetTimer (O-139, O-140); Flag is whether it was signalled.
func (m *Machine) SetTimer(c Caller, h winnt.Handle, due int64, period int32) Result {
	if period < 0 {
		return failed(ntstatus.InvalidParameter6)
	}
	t, st := m.thing(c, h, &timerKind, winnt.TIMER_MODIFY_STATE)
	if st != ntstatus.Success {
		return failed(st)
	}
	t.reach()
	r := Result{Flag: t.Signaled}
	switch {
	case due == math.MinInt64:
		due = math.MaxInt64
	case due < 0:
		due = -due // from now on, which is 0
	}
	t.Due, t.Period, t.Running, t.Signaled = due, int64(period)*10_000, true, false
	return r
}

// CancelTimer models NtCancelTimer (O-140).
func (m *Machine) CancelTimer(c Caller, h winnt.Handle) Result {
	t, st := m.thing(c, h, &timerKind, winnt.TIMER_MODIFY_STATE)
	if st != ntstatus.Success {
		return failed(st)
	}
	t.reach()
	t.Running = false
	return Result{Flag: t.Signaled}
}

// State models the queries of a thing's state, all of whose rights are 1 (O-135):
// Number is the count or the time left, Flag whether the caller owns a mutant or a
// timer is signalled.
func (m *Machine) State(c Caller, h winnt.Handle, k *kind, class, length uint32) Result {
	size := uint32(8)
	if k == &timerKind {
		size = 16
	}
	switch {
	case class != 0:
		return failed(ntstatus.InvalidInfoClass)
	case length != size:
		return failed(ntstatus.InfoLengthMismatch)
	}
	t, st := m.thing(c, h, k, 1)
	if st != ntstatus.Success {
		return failed(st)
	}
	switch k {
	case &mutantKind:
		if t.Owner == nil {
			return Result{Number: 1}
		}
		return Result{Flag: t.Owner == c.Thread}
	case &semaphoreKind:
		return Result{Number: uint64(t.Count)<<32 | uint64(t.Maximum)}
	}
	t.reach()
	return Result{Number: uint64(t.Due), Flag: t.Signaled}
}
