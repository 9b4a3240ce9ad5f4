package services

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// SemaphoreType is the object type Semaphore.
var SemaphoreType = &ob.Type{ObjectType: winnt.SemaphoreObject}

// Semaphore is an NT semaphore object: a count that a wait decrements and NtReleaseSemaphore raises, up to a maximum.
type Semaphore struct {
	ob.Header
	maximum int32        // immutable
	count   atomic.Int32 // 0 to maximum
	raised  ke.Signal    // signalled when the count rises
}

// take consumes one unit of the semaphore for a wait: it decrements the count and returns true. It returns false and
// changes nothing if the count is 0. It does not wait.
func (s *Semaphore) take() bool {
	for {
		n := s.count.Load()
		if n == 0 {
			return false
		}
		if s.count.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// release adds n units to the count and returns the previous count. If the sum would exceed the maximum, ok is false
// and nothing changes. n must be above 0.
func (s *Semaphore) release(n int32) (before int32, ok bool) {
	for {
		before = s.count.Load()
		if n > s.maximum-before {
			return before, false
		}
		if s.count.CompareAndSwap(before, before+n) {
			s.raised.Set()
			return before, true
		}
	}
}

// NtCreateSemaphore creates a semaphore, named or not, and opens it. The maximum must be above 0, and the initial count
// from 0 to the maximum. Any other count is STATUS_INVALID_PARAMETER, before the name. The handle is 0 after a failure.
func (c *Context) NtCreateSemaphore(in nt.CreateSemaphoreIn) (out nt.SemaphoreOut, st ntstatus.Status) {
	// capture
	if in.MaximumCount <= 0 || in.InitialCount < 0 || in.InitialCount > in.MaximumCount {
		// A semaphore counts from 0 to a maximum above 0.
		return out, c.Fail("O-137", ntstatus.InvalidParameter)
	}
	out.SemaphoreHandle, st = c.createNamed(in.ObjectAttributes, SemaphoreType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object {
			s := &Semaphore{maximum: in.MaximumCount}
			s.count.Store(in.InitialCount)
			s.Init(SemaphoreType, s, d)
			return s
		})
	return out, st
}

// NtOpenSemaphore opens a semaphore by its name. A missing name is STATUS_OBJECT_NAME_NOT_FOUND, an object of another
// type STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenSemaphore(in nt.OpenSemaphoreIn) (out nt.SemaphoreOut, st ntstatus.Status) {
	out.SemaphoreHandle, st = c.openNamed(in.ObjectAttributes, SemaphoreType, in.DesiredAccess)
	return out, st
}

// NtReleaseSemaphore adds ReleaseCount to a semaphore and returns the previous count. If the sum would exceed the
// maximum, it changes nothing and returns STATUS_SEMAPHORE_LIMIT_EXCEEDED. A ReleaseCount below 1 is
// STATUS_INVALID_PARAMETER. The handle must grant SEMAPHORE_MODIFY_STATE.
func (c *Context) NtReleaseSemaphore(in nt.ReleaseSemaphoreIn) (out nt.ReleaseSemaphoreOut, st ntstatus.Status) {
	// capture
	if in.ReleaseCount <= 0 {
		// A release counts up.
		return out, c.Fail("O-138", ntstatus.InvalidParameter)
	}
	// reference
	s, _, st := ob.Reference[*Semaphore](&c.Caller, in.SemaphoreHandle, winnt.SEMAPHORE_MODIFY_STATE, SemaphoreType)
	if st != ntstatus.Success {
		return out, st
	}
	defer s.Deref(ob.TagCall)
	// decide and commit
	before, ok := s.release(in.ReleaseCount)
	if !ok {
		// A count never exceeds its maximum, and a release that would exceed it changes nothing.
		return out, c.Fail("O-138", ntstatus.SemaphoreLimitExceeded)
	}
	out.PreviousCount = before
	return out, ntstatus.Success
}

// NtQuerySemaphore returns the current and the maximum count of a semaphore. The handle must grant
// SEMAPHORE_QUERY_STATE. Before it another class is STATUS_INVALID_INFO_CLASS and then another length
// STATUS_INFO_LENGTH_MISMATCH.
func (c *Context) NtQuerySemaphore(in nt.QuerySemaphoreIn) (out nt.QuerySemaphoreOut, st ntstatus.Status) {
	// capture
	const size = 8 // bytes of SEMAPHORE_BASIC_INFORMATION
	if st = c.exactState(uint32(in.SemaphoreInformationClass), in.SemaphoreInformationLength, size,
		in.FaultReturnLength); st != ntstatus.Success {
		return out, st
	}
	// reference
	s, _, st := ob.Reference[*Semaphore](&c.Caller, in.SemaphoreHandle, winnt.SEMAPHORE_QUERY_STATE, SemaphoreType)
	if st != ntstatus.Success {
		return out, st
	}
	defer s.Deref(ob.TagCall)
	out.SemaphoreInformation = nt.SemaphoreInformation{CurrentCount: s.count.Load(), MaximumCount: s.maximum}
	out.ReturnLength = size
	return out, ntstatus.Success
}
