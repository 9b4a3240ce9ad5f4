package services_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A timer's due time may be any number of years in the future or the past. A query returns the remaining time, also
// after the due time, and the timer is signalled at that time. Setting and cancelling it return its state (O-140).
func TestTimerDueTimeMayBeFarAway(t *testing.T) {
	now := int64(1000)
	log := &audit.Log{Sink: audit.NewMemory(0, 0), Clock: func() int64 { return now }}
	w := newWorld(t, kernel.Config{Log: log})
	th, _ := w.thread(w.process("p"))
	const most = int64(1<<63 - 1)
	for _, c := range []struct {
		due, later int64
		period     int32
		remaining  int64
		signaled   bool
	}{
		{-most - 1, 0, 0, most - 1000, false}, {-most, 0, 0, most - 1000, false}, {most, 0, 0, most - 1000, false},
		{-5, 0, 0, 5, false}, {-5, 4, 0, 1, false}, {-5, 5, 0, 0, true}, {-5, 6, 0, -1, true},
		{1005, 4, 0, 1, false}, {1005, 5, 0, 0, true}, {900, 0, 0, -100, true},
		{-5, 5, 1, 10_000, true}, {-5, 10_004, 1, 1, true}, {-5, 10_005, 1, 10_000, true},
		{-5, 25_005, 1, 5_000, true},
	} {
		now = 1000
		h := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.SynchronizationTimer))
		for again := range 3 {
			now = 1000
			out := check.Result(th.Services().NtSetTimer(nt.SetTimerIn{TimerHandle: h, DueTime: nt.Cap(c.due),
				Period: c.period}))
			check.That(t, again == 0 || out.PreviousState == c.signaled,
				"%+v: NtSetTimer returned previous state %v, want %v", c, out.PreviousState, c.signaled)
			if now += c.later; again == 2 {
				break // the cancel below is the first call that sees the time
			}
			got := check.Result(th.Services().NtQueryTimer(nt.QueryTimerIn{TimerHandle: h, TimerInformationLength: 16}))
			i := got.TimerInformation
			check.That(t, i.RemainingTime == c.remaining && i.TimerState == c.signaled,
				"%+v: timer information %+v, want remaining time %v and state %v", c, i, c.remaining, c.signaled)
		}
		cancelled := check.Result(th.NtCancelTimer(h))
		now = most // a cancelled timer keeps its state and does not become signalled
		check.Equal(t, [2]bool{cancelled, check.Result(th.NtQueryTimer(h)).TimerState}, [2]bool{c.signaled, c.signaled},
			"%+v: state at the cancel and later", c)
		check.Success(t, th.NtClose(h))
	}
	now = 1000
	h := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
	for _, was := range []bool{false, true} { // the second call is the first that sees the time
		check.Equal(t, check.Result(th.NtSetTimer(h, -5, 0)), was, "NtSetTimer at %d returns the previous state", now)
		now += 5
	}
	for _, period := range []int32{1, 0} { // the second call ends the first one's period
		check.Success(t, check.Status(th.NtSetTimer(h, -5, period)))
	}
	now += 7
	check.Equal(t, check.Result(th.NtQueryTimer(h)).RemainingTime, -2, "remaining time of a timer that runs once")
}

// Setting and cancelling a timer needs TIMER_MODIFY_STATE (O-139).
func TestTimerIsChangedWithTheRight(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
	badHandles(t, th, h, winnt.TIMER_QUERY_STATE, winnt.NtCurrentThread, func(h winnt.Handle) ntstatus.Status {
		return check.Status(th.Services().NtCancelTimer(nt.CancelTimerIn{TimerHandle: h}))
	})
	badHandles(t, th, h, winnt.TIMER_QUERY_STATE, winnt.NtCurrentThread, func(h winnt.Handle) ntstatus.Status {
		return check.Status(th.Services().NtSetTimer(nt.SetTimerIn{TimerHandle: h}))
	})
}

// The period of a timer is not below 0. No period and a due time that has come are valid. An
// unreadable due time is refused after the period (O-139).
func TestTimerPeriodIsNotNegative(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
	for _, due := range []nt.Captured[int64]{nt.Cap[int64](0), nt.Cap[int64](-5), {Status: ntstatus.AccessViolation}} {
		for period, st := range map[int32]ntstatus.Status{-1: ntstatus.InvalidParameter6, 0: due.Status} {
			in := nt.SetTimerIn{TimerHandle: h, DueTime: due, Period: period}
			check.Equal(t, check.Status(th.Services().NtSetTimer(in)), st, "due %v, period %d", due, period)
		}
	}
}

func TestNtOpenTimer(t *testing.T) { testOpen(t, "Timer") }

func TestNtCreateTimer(t *testing.T) {
	testCreate(t, "Timer")
	_, st := newThread(t).NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.SynchronizationTimer+1)
	want(t, "O-139: no such type", st, ntstatus.InvalidParameter4)
}
