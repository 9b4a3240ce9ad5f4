package services

import (
	"math"
	"sync"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// TimerType is the object type Timer.
var TimerType = &ob.Type{ObjectType: winnt.TimerObject}

// Timer is a timer object. Threads cannot wait for one, so a signalled timer stays signalled until it is set again.
type Timer struct {
	ob.Header

	mu sync.Mutex
	// +checklocks:mu
	due int64 // guarded by mu: when it is or was to be signalled; 0 before it was set
	// +checklocks:mu
	period int64 // guarded by mu: 100-ns units; 0 for once
	// +checklocks:mu
	running bool // guarded by mu: it will be signalled at due
	// +checklocks:mu
	signaled bool // guarded by mu
}

const millisecond = 10_000 // 100-ns units

// now returns the system time in 100-ns units since 1601-01-01, or 0 if the system has no clock.
func (s *System) now() int64 {
	if s.Log.Clock == nil {
		return 0
	}
	return s.Log.Clock()
}

// sum adds a non-negative duration to a time. On overflow it returns the latest
// time.
func sum(t, d int64) int64 {
	if t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}

// reachLocked updates the timer to the time now: it signals a timer that is due, and computes the next due time of a
// periodic one.
//
// +checklocks:t.mu
func (t *Timer) reachLocked(now int64) {
	if !t.running || now < t.due {
		return
	}
	t.signaled = true
	if t.period == 0 {
		t.running = false
		return
	}
	t.due = sum(now-(now-t.due)%t.period, t.period)
}

// set starts the timer and returns whether it was signalled. The timer is not signalled then. A due time below 0 is
// relative to now. A period of 0 lets it expire once.
func (t *Timer) set(now, due, period int64) (before bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reachLocked(now)
	before = t.signaled
	switch {
	case due >= 0:
		t.due = due
	case due == math.MinInt64:
		t.due = math.MaxInt64
	default:
		t.due = sum(now, -due)
	}
	t.period, t.running, t.signaled = period, true, false
	return before
}

// cancel stops the timer and returns whether it is signalled. A timer that is not set stays so.
func (t *Timer) cancel(now int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reachLocked(now)
	t.running = false
	return t.signaled
}

// state returns the timer's state and the remaining time in 100-ns units. The remaining time is 0 for a timer that
// was never set, and negative after its due time.
func (t *Timer) state(now int64) (i nt.TimerInformation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reachLocked(now)
	i.TimerState = t.signaled
	if t.due != 0 || t.running {
		i.RemainingTime = t.due - now
	}
	return i
}

// NtCreateTimer creates a timer, named or not, and opens it. The timer is not set and not signaled. An unknown type
// of timer is STATUS_INVALID_PARAMETER_4, before the name is looked at.
func (c *Context) NtCreateTimer(in nt.CreateTimerIn) (out nt.TimerOut, st ntstatus.Status) {
	// capture
	if in.TimerType > nt.SynchronizationTimer {
		// There are two types of timers.
		return out, c.Fail("O-139", ntstatus.InvalidParameter4)
	}
	out.TimerHandle, st = c.createNamed(in.ObjectAttributes, TimerType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object {
			t := &Timer{}
			t.Init(TimerType, t, d)
			return t
		})
	return out, st
}

// NtOpenTimer opens a timer by its name. A missing name is STATUS_OBJECT_NAME_NOT_FOUND, an object of another type
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenTimer(in nt.OpenTimerIn) (out nt.TimerOut, st ntstatus.Status) {
	out.TimerHandle, st = c.openNamed(in.ObjectAttributes, TimerType, in.DesiredAccess)
	return out, st
}

// NtSetTimer starts a timer, clears its signal and returns the previous state. A negative due time is relative. Period
// is in milliseconds, 0 for a timer that runs once. A negative Period is STATUS_INVALID_PARAMETER_6. The handle must
// grant TIMER_MODIFY_STATE.
func (c *Context) NtSetTimer(in nt.SetTimerIn) (out nt.SetTimerOut, st ntstatus.Status) {
	// capture
	switch {
	case in.Period < 0:
		// A period goes forward.
		return out, c.Fail("O-139", ntstatus.InvalidParameter6)
	case in.DueTime.Status != ntstatus.Success:
		return out, c.Fail("O-3", in.DueTime.Status)
	}
	// reference
	t, _, st := ob.Reference[*Timer](&c.Caller, in.TimerHandle, winnt.TIMER_MODIFY_STATE, TimerType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// commit
	// A timer that is set is signalled when its time comes, and not before (O-140).
	out.PreviousState = t.set(c.Sys.now(), in.DueTime.V, int64(in.Period)*millisecond)
	return out, ntstatus.Success
}

// NtCancelTimer stops a timer and returns its state, which stays as it is. A timer that is not set stays so, with
// success. The handle must grant TIMER_MODIFY_STATE.
func (c *Context) NtCancelTimer(in nt.CancelTimerIn) (out nt.CancelTimerOut, st ntstatus.Status) {
	// reference
	t, _, st := ob.Reference[*Timer](&c.Caller, in.TimerHandle, winnt.TIMER_MODIFY_STATE, TimerType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// commit
	// A timer that is cancelled keeps its state (O-140).
	out.CurrentState = t.cancel(c.Sys.now())
	return out, ntstatus.Success
}

// NtQueryTimer returns the state of a timer and the time that is left. The handle must grant TIMER_QUERY_STATE. Before
// it another class is STATUS_INVALID_INFO_CLASS and then another length STATUS_INFO_LENGTH_MISMATCH.
func (c *Context) NtQueryTimer(in nt.QueryTimerIn) (out nt.QueryTimerOut, st ntstatus.Status) {
	// capture
	const size = 16 // bytes of TIMER_BASIC_INFORMATION
	if st = c.exactState(uint32(in.TimerInformationClass), in.TimerInformationLength, size,
		in.FaultReturnLength); st != ntstatus.Success {
		return out, st
	}
	// reference
	t, _, st := ob.Reference[*Timer](&c.Caller, in.TimerHandle, winnt.TIMER_QUERY_STATE, TimerType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	out.TimerInformation, out.ReturnLength = t.state(c.Sys.now()), size
	return out, ntstatus.Success
}
