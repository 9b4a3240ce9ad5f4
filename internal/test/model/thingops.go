package model

import (
	"fmt"
	"math"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// thingMask draws what a creator of a thing asks for.
func thingMask(a *args) winnt.AccessMask {
	m := choose[winnt.AccessMask](a, 0x1, 0x2, 0x3, 0x1F0001, 0x1F0003, maximum, winnt.GENERIC_READ, winnt.GENERIC_ALL,
		winnt.GENERIC_WRITE)
	switch a.n(14) {
	case 0:
		m = 0
	case 1:
		m |= saclBit
	case 2:
		m |= choose[winnt.AccessMask](a, 0x00400000, 0x4, maximum|0x8)
	}
	return m
}

func thingKind(a *args) *kind { return choose(a, &mutantKind, &semaphoreKind, &timerKind) }

// thingHandle draws a handle for a call on a thing of kind k. ok is usually false if the caller has none.
func (p *Pair) thingHandle(c *call, a *args, k *kind) (h winnt.Handle, ok bool) {
	c.mode(a)
	slots := p.M.Threads[c.thread].Process.Handles.Slots
	for i := range slots {
		ok = ok || isThing(k)(&slots[i])
	}
	return p.handle(c, a, isThing(k)), ok || a.coin(12)
}

// createThing draws a call that creates an event, mutant, semaphore or timer.
func createThing(p *Pair, c *call, a *args) bool {
	c.mode(a)
	t := &Thing{Kind: thingKind(a)}
	desired := thingMask(a)
	attributes := choose[uint32](a, 0, 0, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_INHERIT, 0x22)
	oa := nt.Cap(&nt.ObjectAttributes{Attributes: attributes})
	var make func() (winnt.Handle, ntstatus.Status)
	switch t.Kind {
	case &mutantKind:
		owned := !a.coin(4)
		if owned {
			t.Owner = p.M.Threads[c.thread]
		}
		make = func() (winnt.Handle, ntstatus.Status) {
			out, st := p.services(c).NtCreateMutant(nt.CreateMutantIn{DesiredAccess: desired, ObjectAttributes: oa,
				InitialOwner: owned})
			return out.MutantHandle, st
		}
	case &semaphoreKind:
		t.Count, t.Maximum = choose[int32](a, 0, 0, 1, 2, -1), choose[int32](a, 1, 2, 3, math.MaxInt32, 0)
		in := nt.CreateSemaphoreIn{DesiredAccess: desired, ObjectAttributes: oa, InitialCount: t.Count,
			MaximumCount: t.Maximum}
		make = func() (winnt.Handle, ntstatus.Status) {
			out, st := p.services(c).NtCreateSemaphore(in)
			return out.SemaphoreHandle, st
		}
	default:
		make = func() (winnt.Handle, ntstatus.Status) {
			out, st := p.services(c).NtCreateTimer(nt.CreateTimerIn{DesiredAccess: desired, ObjectAttributes: oa})
			return out.TimerHandle, st
		}
	}
	c.text = fmt.Sprintf("%s(%#x, %#x, owned %t, %d of %d)", c.name("Create"+t.Kind.name), uint32(desired),
		oa.V.Attributes, t.Owner != nil, t.Count, t.Maximum)
	c.model = func() Result { return p.M.create(p.caller(c), t, desired, oa.V.Attributes) }
	c.kernel = func() Result {
		h, st := make()
		return p.result(c, h, st)
	}
	return true
}

// releaseMutant draws a call of NtReleaseMutant. It returns false if there is no mutant.
func releaseMutant(p *Pair, c *call, a *args) bool {
	h, ok := p.thingHandle(c, a, &mutantKind)
	c.text = fmt.Sprintf("%s(%s)", c.name("ReleaseMutant"), h)
	c.model = func() Result { return p.M.ReleaseMutant(p.caller(c), h) }
	c.kernel = func() Result {
		out, st := p.services(c).NtReleaseMutant(nt.ReleaseMutantIn{MutantHandle: h})
		return Result{Status: st, Number: uint64(out.PreviousCount)}
	}
	return ok
}

// releaseSemaphore draws a call of NtReleaseSemaphore. It returns false if there is no semaphore.
func releaseSemaphore(p *Pair, c *call, a *args) bool {
	h, ok := p.thingHandle(c, a, &semaphoreKind)
	n := choose[int32](a, 1, 1, 1, 2, 0, -1, math.MaxInt32)
	c.text = fmt.Sprintf("%s(%s, %d)", c.name("ReleaseSemaphore"), h, n)
	c.model = func() Result { return p.M.ReleaseSemaphore(p.caller(c), h, n) }
	c.kernel = func() Result {
		out, st := p.services(c).NtReleaseSemaphore(nt.ReleaseSemaphoreIn{SemaphoreHandle: h, ReleaseCount: n})
		return Result{Status: st, Number: uint64(out.PreviousCount)}
	}
	return ok
}

// setTimer draws a call of NtSetTimer. It returns false if there is no timer.
func setTimer(p *Pair, c *call, a *args) bool {
	h, ok := p.thingHandle(c, a, &timerKind)
	due := choose[int64](a, 0, 0, 5, -5, math.MaxInt64, math.MinInt64)
	period := choose[int32](a, 0, 0, 1, math.MaxInt32, -1)
	c.text = fmt.Sprintf("%s(%s, %d, %d)", c.name("SetTimer"), h, due, period)
	c.model = func() Result { return p.M.SetTimer(p.caller(c), h, due, period) }
	c.kernel = func() Result {
		out, st := p.services(c).NtSetTimer(nt.SetTimerIn{TimerHandle: h, DueTime: nt.Cap(due), Period: period})
		return Result{Status: st, Flag: out.PreviousState}
	}
	return ok
}

// cancelTimer draws a call of NtCancelTimer. It returns false if there is no timer.
func cancelTimer(p *Pair, c *call, a *args) bool {
	h, ok := p.thingHandle(c, a, &timerKind)
	c.text = fmt.Sprintf("%s(%s)", c.name("CancelTimer"), h)
	c.model = func() Result { return p.M.CancelTimer(p.caller(c), h) }
	c.kernel = func() Result {
		out, st := p.services(c).NtCancelTimer(nt.CancelTimerIn{TimerHandle: h})
		return Result{Status: st, Flag: out.CurrentState}
	}
	return ok
}

// queryThing draws a call that queries an event, mutant, semaphore or timer. It returns false if there is none.
func queryThing(p *Pair, c *call, a *args) bool {
	k := thingKind(a)
	h, ok := p.thingHandle(c, a, k)
	class, length := uint32(0), uint32(8)
	if k == &timerKind {
		length = 16
	}
	switch a.n(20) {
	case 0:
		class = 1
	case 1:
		length += choose[uint32](a, 1, math.MaxUint32) // one more, one less
	}
	c.text = fmt.Sprintf("%s(%s, %d, %d)", c.name("Query"+k.name), h, class, length)
	c.model = func() Result { return p.M.State(p.caller(c), h, k, class, length) }
	c.kernel = func() Result { return stateOf(p.services(c), k, h, class, length) }
	return ok
}

// stateOf queries the state of a mutant, semaphore or timer in the kernel.
func stateOf(s nt.Services, k *kind, h winnt.Handle, class, length uint32) Result {
	switch k {
	case &mutantKind:
		out, st := s.NtQueryMutant(nt.QueryMutantIn{MutantHandle: h, MutantInformationClass: nt.MutantInfoClass(class),
			MutantInformationLength: length})
		i := out.MutantInformation
		return Result{Status: st, Number: uint64(i.CurrentCount), Flag: i.OwnedByCaller}
	case &semaphoreKind:
		out, st := s.NtQuerySemaphore(nt.QuerySemaphoreIn{SemaphoreHandle: h,
			SemaphoreInformationClass: nt.SemaphoreInfoClass(class), SemaphoreInformationLength: length})
		i := out.SemaphoreInformation
		return Result{Status: st, Number: uint64(i.CurrentCount)<<32 | uint64(i.MaximumCount)}
	}
	out, st := s.NtQueryTimer(nt.QueryTimerIn{TimerHandle: h, TimerInformationClass: nt.TimerInfoClass(class),
		TimerInformationLength: length})
	i := out.TimerInformation
	return Result{Status: st, Number: uint64(i.RemainingTime), Flag: i.TimerState}
}
