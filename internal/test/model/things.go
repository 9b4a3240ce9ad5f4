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

// create creates a thing and grants its creator the rights that it asks for (O-91).
func (m *Machine) create(c Caller, t *Thing, desired winnt.AccessMask, attributes uint32) Result {
	o := c.creates(t.Kind, desired)
	refusals := append(o.creation(), exclusiveInherited(attributes))
	if t.Kind == &semaphoreKind {
		// A semaphore counts from 0 to a maximum above 0 (O-137).
		refusals = append(refusals, when("O-137", "", ntstatus.InvalidParameter, func() bool {
			return t.Maximum <= 0 || t.Count < 0 || t.Count > t.Maximum
		}))
	}
	if r, over := refuse("NtCreate"+t.Kind.name, refusals...); over {
		return r
	}
	o.grant()
	return Result{Handle: m.insert(c, Slot{Thing: t, Granted: o.granted}, attributes), Granted: o.granted}
}

// thing returns the refusals of a handle to a thing, with the right for a call.
func (m *Machine) thing(c Caller, h winnt.Handle, k *kind, want winnt.AccessMask, into *Slot) refusal {
	return m.handle(c, "O-31", k.name+"Handle", h, want, isThing(k), into)
}

// ReleaseMutant models NtReleaseMutant. It needs no right, because only the owner can release a mutant (O-134).
func (m *Machine) ReleaseMutant(c Caller, h winnt.Handle) Result {
	var s Slot
	if r, over := refuse("NtReleaseMutant", m.thing(c, h, &mutantKind, 0, &s),
		when("O-134", "", ntstatus.MutantNotOwned, func() bool { return s.Thing.Owner != c.Thread })); over {
		return r
	}
	s.Thing.Owner = nil
	return Result{}
}

// ReleaseSemaphore models NtReleaseSemaphore (O-138). Number is the count before the call.
func (m *Machine) ReleaseSemaphore(c Caller, h winnt.Handle, n int32) Result {
	var s Slot
	if r, over := refuse("NtReleaseSemaphore", m.thing(c, h, &semaphoreKind, winnt.SEMAPHORE_MODIFY_STATE, &s),
		when("O-138", "ReleaseCount", ntstatus.InvalidParameter, func() bool { return n <= 0 }),
		when("O-138", "the maximum", ntstatus.SemaphoreLimitExceeded, func() bool {
			return int64(s.Thing.Count)+int64(n) > int64(s.Thing.Maximum)
		})); over {
		return r
	}
	r := Result{Number: uint64(s.Thing.Count)}
	s.Thing.Count += n
	return r
}

// reach signals a running timer whose time has come, and starts its next period if it has one (O-140).
func (t *Thing) reach() {
	if !t.Running || t.Due > 0 {
		return
	}
	t.Signaled, t.Due = true, t.Period
	t.Running = t.Period != 0
}

// SetTimer models NtSetTimer (O-139, O-140). Flag is true if the timer was signalled.
func (m *Machine) SetTimer(c Caller, h winnt.Handle, due int64, period int32) Result {
	var s Slot
	if r, over := refuse("NtSetTimer", m.thing(c, h, &timerKind, winnt.TIMER_MODIFY_STATE, &s),
		when("O-139", "", ntstatus.InvalidParameter6, func() bool { return period < 0 })); over {
		return r
	}
	t := s.Thing
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
	var s Slot
	if r, over := refuse("NtCancelTimer", m.thing(c, h, &timerKind, winnt.TIMER_MODIFY_STATE, &s)); over {
		return r
	}
	t := s.Thing
	t.reach()
	t.Running = false
	return Result{Flag: t.Signaled}
}

// State models the state queries of things. Each needs the right 1 (O-135). Number is the count or the remaining
// time. Flag says whether the caller owns the mutant, or whether the timer is signalled.
func (m *Machine) State(c Caller, h winnt.Handle, k *kind, class, length uint32) Result {
	size := uint32(8)
	if k == &timerKind {
		size = 16
	}
	var s Slot
	if r, over := refuse("NtQuery"+k.name, m.thing(c, h, k, 1, &s),
		when("O-135", "class", ntstatus.InvalidInfoClass, func() bool { return class != 0 }),
		when("O-135", "length", ntstatus.InfoLengthMismatch, func() bool { return length != size })); over {
		return r
	}
	t := s.Thing
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
