package services_test

import (
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

func TestNtCreateTimer(t *testing.T) {
	testCreate(t, "Timer", winnt.TIMER_QUERY_STATE, nt.CreateTimerIn{})
}

func TestNtOpenTimer(t *testing.T) {
	testOpen(t, "Timer", winnt.TIMER_QUERY_STATE, nt.OpenTimerIn{})
}
