package wire_test

import (
	"testing"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// noting is a process whose watcher keeps the calls that it is told of.
type noting struct {
	process
	wants func(ntstatus.Status) bool
	calls []nt.Call
	sizes []int
}

func (n *noting) Wants(st ntstatus.Status) bool { return n.wants(st) }

func (n *noting) Called(_ *nt.Thread, c *nt.Call, size int) {
	n.calls, n.sizes = append(n.calls, *c), append(n.sizes, size)
}

// TestWatchedInFull: a watcher is told of a call with its inputs and outputs, its status and its reason, though the
// client wanted none, and of the bytes of both frames; of a call that waits once, when it is over (W-20, W-28).
func TestWatchedInFull(t *testing.T) {
	n := &noting{wants: func(ntstatus.Status) bool { return true }}
	s := serveAs(t, func(p process) wire.Process { n.process = p; return n })
	s.greet()
	open := call(t, "NtOpenProcessToken", nt.OpenProcessTokenIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: 8})
	closing := call(t, "NtClose", nt.CloseIn{Handle: 400})
	event := call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{Unnamed: true})})
	for _, f := range []*wire.Frame{open, closing, event} {
		s.send(f)
		head, _, err := wire.DecodeAnswer(s.receive().Body)
		if err != nil || head.Why != nil {
			t.Errorf("W-28: the client is told %+v, %v", head, err)
		}
	}
	want := []nt.Call{
		{Thread: "client/1", Row: nt.NtTable.Find("NtOpenProcessToken"), In: nt.OpenProcessTokenIn{ProcessHandle: -1,
			DesiredAccess: 8}, Out: nt.OpenProcessTokenOut{TokenHandle: 4}},
		{Thread: "client/1", Row: nt.NtTable.Find("NtClose"), In: nt.CloseIn{Handle: 400}, Out: nt.CloseOut{},
			Status: ntstatus.InvalidHandle},
	}
	if len(n.calls) != 3 {
		t.Fatalf("W-28: %d calls", len(n.calls))
	}
	for i, w := range want {
		got := n.calls[i]
		rule := got.Why.Rule
		got.Why = nt.Why{}
		if got != w || (rule == "O-40") != (w.Status == ntstatus.InvalidHandle) {
			t.Errorf("W-28: %+v for %q, want %+v", got, rule, w)
		}
	}
	// A handle is 8 bytes; one byte says whether the reason is wanted.
	for i, size := range []int{1 + 8 + 4 + 8, 1 + 8} {
		if n.sizes[i] != size {
			t.Errorf("W-28: call %d has %d bytes, want %d", i, n.sizes[i], size)
		}
	}
	// What waits for no change is over at once, whatever the client says means not yet: no denial is hidden so.
	hidden := *closing
	hidden.Kind, hidden.Request = wire.Wait, 49
	hidden.Body = append(wire.AppendWait(nil, 400, ntstatus.InvalidHandle), hidden.Body...)
	if st := s.status(&hidden); st != ntstatus.InvalidHandle || len(n.calls) != 4 || n.calls[3].Status != st {
		t.Errorf("W-28: %v, of %d calls, want the fourth", st, len(n.calls))
	}
	n.calls = n.calls[:3]
	// A wait for an event that is not signalled is told when it is over, and not before.
	waiting := call(t, "NtWaitForSingleObject", nt.WaitForSingleObjectIn{Handle: 8})
	waiting.Kind, waiting.Request = wire.Wait, 50
	waiting.Body = append(wire.AppendWait(nil, 8, ntstatus.Timeout), waiting.Body...)
	s.send(waiting)
	set := call(t, "NtSetEvent", nt.SetEventIn{EventHandle: 8})
	s.send(set)
	for range 2 {
		s.receive()
	}
	var told []string
	for _, c := range n.calls[3:] {
		told = append(told, c.Row.Info().Name+" "+c.Status.String())
	}
	if len(told) != 2 || told[0] == told[1] || told[0] != "NtSetEvent STATUS_SUCCESS" &&
		told[0] != "NtWaitForSingleObject STATUS_SUCCESS" {
		t.Errorf("W-28: %q, want the call and the end of the wait", told)
	}
}
