//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// told answers a call with an output of n bytes that need not be asked for.
func (c *call) told(out user, n int, service func() (value uint32, st ntstatus.Status)) uint64 {
	if out != 0 {
		if st := c.Probe(out, uintptr(n), uintptr(n)); st != ntstatus.Success {
			return status(st)
		}
	}
	v, st := service()
	if st.IsSuccess() && out != 0 {
		b := []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
		if fault := c.Write(out, b[:n]); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// probeState looks at the pointers of a query of an object's state: handle,
// class, buffer, length, ReturnLength.
func (c *call) probeState() ntstatus.Status {
	if st := c.Probe(c.ptr(2), uintptr(c.u32(3)), 4); st != ntstatus.Success || c.ptr(4) == 0 {
		return st
	}
	return c.ProbeU32(c.ptr(4))
}

// putState writes the answer of such a query.
func (c *call) putState(st ntstatus.Status, e *marshal.Encoder) uint64 {
	if !st.IsSuccess() {
		return status(st)
	}
	if fault := c.Write(c.ptr(2), e.Bytes); fault != ntstatus.Success {
		return status(fault)
	}
	if p := c.ptr(4); p != 0 {
		return status(c.WriteU32(p, uint32(len(e.Bytes))))
	}
	return status(st)
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func ntReleaseMutant(c *call) uint64 {
	return c.told(c.ptr(1), 4, func() (uint32, ntstatus.Status) {
		n, st := c.nt.NtReleaseMutant(c.handle(0))
		return uint32(n), st
	})
}

func ntQueryMutant(c *call) uint64 {
	out, st := c.sys.NtQueryMutant(nt.QueryMutantIn{MutantHandle: c.handle(0),
		MutantInformationClass:  nt.MutantInfoClass(c.u32(1)),
		MutantInformationLength: c.u32(3), FaultReturnLength: c.probeState()})
	var e marshal.Encoder
	e.U32(uint32(out.MutantInformation.CurrentCount))
	e.U32(bit(out.MutantInformation.OwnedByCaller) | bit(out.MutantInformation.AbandonedState)<<8)
	return c.putState(st, &e)
}

func ntCreateSemaphore(c *call) uint64 {
	out, st := c.sys.NtCreateSemaphore(nt.CreateSemaphoreIn{DesiredAccess: c.mask(1),
		ObjectAttributes: c.attributes(2), InitialCount: int32(c.u32(3)), MaximumCount: int32(c.u32(4))})
	return c.opened(out.SemaphoreHandle, st)
}

func ntReleaseSemaphore(c *call) uint64 {
	return c.told(c.ptr(2), 4, func() (uint32, ntstatus.Status) {
		n, st := c.nt.NtReleaseSemaphore(c.handle(0), int32(c.u32(1)))
		return uint32(n), st
	})
}

func ntQuerySemaphore(c *call) uint64 {
	out, st := c.sys.NtQuerySemaphore(nt.QuerySemaphoreIn{SemaphoreHandle: c.handle(0),
		SemaphoreInformationClass:  nt.SemaphoreInfoClass(c.u32(1)),
		SemaphoreInformationLength: c.u32(3), FaultReturnLength: c.probeState()})
	var e marshal.Encoder
	e.U32(uint32(out.SemaphoreInformation.CurrentCount))
	e.U32(uint32(out.SemaphoreInformation.MaximumCount))
	return c.putState(st, &e)
}

func ntSetTimer(c *call) uint64 {
	return c.told(c.ptr(6), 1, func() (uint32, ntstatus.Status) {
		if c.ptr(2) != 0 {
			return 0, ntstatus.NotSupported // no routine is called
		}
		due, st := c.ReadU64(c.ptr(1))
		out, st := c.sys.NtSetTimer(nt.SetTimerIn{TimerHandle: c.handle(0), DueTime: captured(int64(due), st),
			ResumeTimer: c.boolean(4), Period: int32(c.u32(5))})
		return bit(out.PreviousState), st
	})
}

func ntCancelTimer(c *call) uint64 {
	return c.told(c.ptr(1), 1, func() (uint32, ntstatus.Status) {
		on, st := c.nt.NtCancelTimer(c.handle(0))
		return bit(on), st
	})
}

func ntQueryTimer(c *call) uint64 {
	out, st := c.sys.NtQueryTimer(nt.QueryTimerIn{TimerHandle: c.handle(0),
		TimerInformationClass:  nt.TimerInfoClass(c.u32(1)),
		TimerInformationLength: c.u32(3), FaultReturnLength: c.probeState()})
	var e marshal.Encoder
	e.U64(uint64(out.TimerInformation.RemainingTime))
	e.U64(uint64(bit(out.TimerInformation.TimerState)))
	return c.putState(st, &e)
}
