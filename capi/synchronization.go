//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/ntstatus"
)

// writeOptional runs a service whose single output of n bytes is optional: it probes out first and writes the result
// afterwards. A NULL output is neither probed nor written.
func (c *call) writeOptional(out user, n uintptr, service func() (b []byte, st ntstatus.Status)) uint64 {
	if out != 0 {
		if st := c.Probe(out, n, n); st != ntstatus.Success {
			return status(st)
		}
	}
	b, st := service()
	return c.written(out, b, st)
}

// probeState probes the pointers of a query of an object's state: handle, class, buffer, length and ReturnLength.
func (c *call) probeState() ntstatus.Status {
	if st := c.Probe(c.ptr(2), uintptr(c.u32(3)), 4); st != ntstatus.Success || c.ptr(4) == 0 {
		return st
	}
	return c.ProbeU32(c.ptr(4))
}

// putState ends a query of a synchronization object's state: it writes the encoded state and its length.
func (c *call) putState(st ntstatus.Status, e *marshal.Encoder) uint64 {
	return c.filled(c.ptr(2), e.Bytes, c.ptr(4), uint32(len(e.Bytes)), st)
}

// ntReleaseMutant implements NtReleaseMutant: it releases a mutant that the thread owns. The output of the previous
// count is optional.
func ntReleaseMutant(c *call) uint64 {
	return c.writeOptional(c.ptr(1), 4, func() ([]byte, ntstatus.Status) {
		out, st := c.sys.NtReleaseMutant(releaseMutantIn(c))
		return le.AppendUint32(nil, uint32(out.PreviousCount)), st
	})
}

// ntQueryMutant implements NtQueryMutant: it writes a MUTANT_BASIC_INFORMATION. A failure writes nothing.
func ntQueryMutant(c *call) uint64 {
	in := queryMutantIn(c)
	in.FaultReturnLength = c.probeState()
	out, st := c.sys.NtQueryMutant(in)
	var e marshal.Encoder
	e.U32(uint32(out.MutantInformation.CurrentCount))
	e.U8(out.MutantInformation.OwnedByCaller)
	e.U8(out.MutantInformation.AbandonedState)
	e.Align(8)
	return c.putState(st, &e)
}

// ntReleaseSemaphore implements NtReleaseSemaphore: it raises a semaphore's count. The output of the previous count is
// optional.
func ntReleaseSemaphore(c *call) uint64 {
	return c.writeOptional(c.ptr(2), 4, func() ([]byte, ntstatus.Status) {
		out, st := c.sys.NtReleaseSemaphore(releaseSemaphoreIn(c))
		return le.AppendUint32(nil, uint32(out.PreviousCount)), st
	})
}

// ntQuerySemaphore implements NtQuerySemaphore: it writes a SEMAPHORE_BASIC_INFORMATION. A failure writes nothing.
func ntQuerySemaphore(c *call) uint64 {
	in := querySemaphoreIn(c)
	in.FaultReturnLength = c.probeState()
	out, st := c.sys.NtQuerySemaphore(in)
	var e marshal.Encoder
	e.U32(uint32(out.SemaphoreInformation.CurrentCount))
	e.U32(uint32(out.SemaphoreInformation.MaximumCount))
	return c.putState(st, &e)
}

// ntSetTimer implements NtSetTimer: it starts a timer. The output of the previous state is optional; a timer routine
// gives STATUS_NOT_SUPPORTED.
func ntSetTimer(c *call) uint64 {
	return c.writeOptional(c.ptr(6), 1, func() ([]byte, ntstatus.Status) {
		if c.ptr(2) != 0 {
			return nil, ntstatus.NotSupported // no routine is called
		}
		out, st := c.sys.NtSetTimer(setTimerIn(c))
		return boolean(out.PreviousState), st
	})
}

// ntCancelTimer implements NtCancelTimer: it stops a timer. The output of its state is optional.
func ntCancelTimer(c *call) uint64 {
	return c.writeOptional(c.ptr(1), 1, func() ([]byte, ntstatus.Status) {
		out, st := c.sys.NtCancelTimer(cancelTimerIn(c))
		return boolean(out.CurrentState), st
	})
}

// ntQueryTimer implements NtQueryTimer: it writes a TIMER_BASIC_INFORMATION. A failure writes nothing.
func ntQueryTimer(c *call) uint64 {
	in := queryTimerIn(c)
	in.FaultReturnLength = c.probeState()
	out, st := c.sys.NtQueryTimer(in)
	var e marshal.Encoder
	e.U64(uint64(out.TimerInformation.RemainingTime))
	e.U8(out.TimerInformation.TimerState)
	e.Align(8)
	return c.putState(st, &e)
}
