package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Resetting or clearing an event ends its signalled state. A reset also returns the previous state (O-146).
func TestResetAndClearEndSignalledState(t *testing.T) {
	th := newThread(t)
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	s := th.Services()
	for _, before := range []bool{false, true} {
		for name, call := range map[string]func() (nt.SetEventOut, ntstatus.Status){
			"reset": func() (nt.SetEventOut, ntstatus.Status) { return s.NtResetEvent(nt.SetEventIn{EventHandle: event}) },
			"set":   func() (nt.SetEventOut, ntstatus.Status) { return s.NtSetEvent(nt.SetEventIn{EventHandle: event}) },
			"clear": func() (out nt.SetEventOut, st ntstatus.Status) {
				_, st = s.NtClearEvent(nt.ClearEventIn{EventHandle: event})
				return out, st
			},
		} {
			wanted := ntstatus.Timeout
			if _, st := s.NtResetEvent(nt.SetEventIn{EventHandle: event}); before {
				want(t, "reset", st, ntstatus.Success)
				want(t, "set", check.Status(s.NtSetEvent(nt.SetEventIn{EventHandle: event})), ntstatus.Success)
			}
			out, st := call()
			if want(t, name, st, ntstatus.Success); (out.PreviousState == 1) != (before && name != "clear") {
				t.Errorf("%s returned previous state %d, event was signalled before: %v", name, out.PreviousState, before)
			}
			if name == "set" {
				wanted = ntstatus.Success
			}
			want(t, "wait after "+name, check.Status(th.NtWaitForSingleObject(event, false)), wanted)
		}
	}
}
