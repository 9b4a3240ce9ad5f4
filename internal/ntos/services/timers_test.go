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
				h := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
				first := check.Result(th.Services().NtSetTimer(nt.SetTimerIn{TimerHandle: h,
					DueTime: nt.Cap(int64(-5)), Period: period}))
				now += later
				state := first.PreviousState
				check.That(t, !state, "a new timer is signalled, want not signalled")
				if cancel {
					out := check.Result(th.Services().NtCancelTimer(nt.CancelTimerIn{TimerHandle: h}))
					state = out.CurrentState
				} else {
					out := check.Result(th.Services().NtSetTimer(nt.SetTimerIn{TimerHandle: h, DueTime: nt.Cap(int64(-1 << 40))}))
					state = out.PreviousState
				}
				check.Equal(t, state, signalled, "cancel %v, %d later with period %d: previous state", cancel, later, period)
				now += 100_000
				out := check.Result(th.Services().NtQueryTimer(nt.QueryTimerIn{TimerHandle: h, TimerInformationLength: 16}))
				check.Equal(t, out.TimerInformation.TimerState, cancel && signalled,
					"cancel %v, %d later with period %d: state at the end", cancel, later, period)
			}
		}
	}
}

// The period of a timer is not below 0. No period and a due time that has come are valid (O-139).
func TestTimerPeriodIsNotNegative(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	h := check.Result(th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, nil, nt.NotificationTimer))
	for _, due := range []int64{0, -5} {
		for period, st := range map[int32]ntstatus.Status{-1: ntstatus.InvalidParameter6, 0: ntstatus.Success} {
			in := nt.SetTimerIn{TimerHandle: h, DueTime: nt.Cap(due), Period: period}
			check.Equal(t, check.Status(th.Services().NtSetTimer(in)), st, "due %d, period %d", due, period)
		}
	}
}

func TestNtCreateTimer(t *testing.T) {
	testCreate(t, "Timer", winnt.TIMER_QUERY_STATE, nt.CreateTimerIn{})
}

func TestNtOpenTimer(t *testing.T) {
	testOpen(t, "Timer", winnt.TIMER_QUERY_STATE, nt.OpenTimerIn{})
}
