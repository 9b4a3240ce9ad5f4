package services_test

import (
	"math"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Setting and cancelling a timer return whether it is due, even if nobody has queried it since. A cancelled timer
// keeps its signalled state and does not become signalled later (O-140).
func TestTimerReportsDueState(t *testing.T) {
	now := int64(1000)
	log := &audit.Log{Sink: audit.NewMemory(0, 0), Clock: func() int64 { return now }}
	w := newWorld(t, kernel.Config{Log: log})
	th, _ := w.thread(w.process("p"))
	for _, cancel := range []bool{false, true} {
		for later, signalled := range map[int64]bool{0: false, 4: false, 5: true, 6: true, 20_000: true} {
			for _, period := range []int32{0, 1} {
				now = 1000
				h, st := th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer)
				want(t, "make a timer", st, ntstatus.Success)
				first, st := th.Services().NtSetTimer(nt.SetTimerIn{TimerHandle: h, DueTime: nt.Cap(int64(-5)), Period: period})
				want(t, "set", st, ntstatus.Success)
				now += later
				state := first.PreviousState
				if state {
					t.Error("a new timer is signalled, want not signalled")
				}
				if cancel {
					out, st := th.Services().NtCancelTimer(nt.CancelTimerIn{TimerHandle: h})
					want(t, "cancel", st, ntstatus.Success)
					state = out.CurrentState
				} else {
					out, st := th.Services().NtSetTimer(nt.SetTimerIn{TimerHandle: h, DueTime: nt.Cap(int64(-1 << 40))})
					want(t, "set again", st, ntstatus.Success)
					state = out.PreviousState
				}
				if state != signalled {
					t.Errorf("cancel %v, %d later with period %d: previous state %v, want %v",
						cancel, later, period, state, signalled)
				}
				now += 100_000
				out, st := th.Services().NtQueryTimer(nt.QueryTimerIn{TimerHandle: h, TimerInformationLength: 16})
				want(t, "query", st, ntstatus.Success)
				if got := out.TimerInformation.TimerState; got != (cancel && signalled) {
					t.Errorf("cancel %v, %d later with period %d: state at the end %v, want %v",
						cancel, later, period, got,
						cancel && signalled)
				}
			}
		}
	}
}

// A timer is signalled at its due time, and with a period again each time. It stays signalled if it is cancelled or
// the clock is set back (O-140).
func TestTimerIsSignalledAtItsTime(t *testing.T) {
	now := int64(1000)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: audit.NewMemory(0, 0), Clock: func() int64 { return now }}})
	alice := value(t, "S-1-5-21-1-2-3-1107", winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)
	p, err := sys.NewProcess("p", alice)
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	h, st := th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.SynchronizationTimer)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	set := func(due int64, period int32, before bool) {
		t.Helper()
		if got, st := th.NtSetTimer(h, due, period); st != ntstatus.Success || got != before {
			t.Errorf("O-140: at %d: NtSetTimer to %d returned %v, %s, want %v", now, due, got, st, before)
		}
	}
	is := func(at, remaining int64, signaled bool) {
		t.Helper()
		now = at
		want := nt.TimerInformation{RemainingTime: remaining, TimerState: signaled}
		if got, st := th.NtQueryTimer(h); st != ntstatus.Success || got != want {
			t.Errorf("O-140: at %d: timer = %+v, %s, want %+v", at, got, st, want)
		}
	}
	is(1000, 0, false)
	set(-500, 0, false) // until 1500
	is(1499, 1, false)
	is(1500, 0, true)
	is(1700, -200, true)
	is(1400, 100, true) // the clock was put back
	set(1600, 0, true)
	is(1599, 1, false)
	if on, st := th.NtCancelTimer(h); on || st != ntstatus.Success {
		t.Errorf("O-140: NtCancelTimer before the due time: %v, %s, want false, %s", on, st, ntstatus.Success)
	}
	is(9000, -7400, false)
	set(10000, 1, false) // and every millisecond
	is(9999, 1, false)
	is(10000, 10000, true)
	is(45000, 5000, true)
	is(math.MaxInt64, 0, true)
	is(20000, math.MaxInt64-20000, true)
	if on, st := th.NtCancelTimer(h); !on || st != ntstatus.Success {
		t.Errorf("O-140: NtCancelTimer after the due time: %v, %s, want true, %s", on, st, ntstatus.Success)
	}
	set(-500, 0, true)
	is(20000, 500, false)
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}

func TestNtCreateTimer(t *testing.T) {
	testCreate(t, "Timer", winnt.TIMER_QUERY_STATE, nt.CreateTimerIn{})
}

func TestNtOpenTimer(t *testing.T) {
	testOpen(t, "Timer", winnt.TIMER_QUERY_STATE, nt.OpenTimerIn{})
}
