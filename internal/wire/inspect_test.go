package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// open is a process that supports queries, watching and delayed time slices. It answers a query with the bytes of its
// name, and records its calls.
type open struct {
	process
	mu  sync.Mutex
	got []string // guarded by mu
}

func (o *open) note(text string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, fmt.Sprintf(text, args...))
}

// take returns the records since the last call.
func (o *open) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.got
	o.got = nil
	return got
}

func (o *open) Inspect(th *nt.Thread, question []byte) ([]byte, ntstatus.Status) {
	switch string(question) {
	case "longest": // any status leaves room for it
		return inspection(wire.MaxInspection), ntstatus.CantOpenAnonymous
	case "long":
		return inspection(wire.MaxInspection + 1), ntstatus.Success
	case "no":
		return []byte("because"), ntstatus.AccessDenied
	}
	return append([]byte(th.Name()+" asks "), question...), ntstatus.Success
}

// inspection returns n bytes of JSON.
func inspection(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

func (o *open) Wants(st ntstatus.Status) bool { return st != ntstatus.Success }

func (o *open) Called(_ *nt.Thread, c *nt.Call, size int) {
	o.note("%s %s %v %t", c.Thread, c.Row.Info().Name, c.Status, size > 0)
}

func (o *open) Enter() time.Time { o.note("enter"); return time.Time{} }

func (o *open) Leave(began time.Time, slow bool) { o.note("leave %t", began.IsZero() && !slow) }

func (o *open) Slow() bool { return false }

func (o *open) Crowded() bool { return false }

func (o *open) Backoff(_, _ time.Duration) time.Duration { return 0 }

func (o *open) Watchdog() *wire.Watchdog { return new(wire.Watchdog) }

// A query reaches the process unchanged, with its thread, and status and answer are returned. An answer that is too
// long for a frame becomes STATUS_BUFFER_OVERFLOW without data. A process without queries returns
// STATUS_NOT_SUPPORTED (W-27).
func TestInspectReturnsAnswer(t *testing.T) {
	s := serveAs(t, func(p process) wire.Process { return &open{process: p} })
	s.exchangeHello()
	for _, c := range []struct {
		question, answer string
		want             ntstatus.Status
	}{
		{"who", "client/1 asks who", ntstatus.Success},
		{"", "client/1 asks ", ntstatus.Success},
		{"no", "because", ntstatus.AccessDenied},
		{"longest", string(inspection(wire.MaxInspection)), ntstatus.CantOpenAnonymous},
		{"long", "", ntstatus.BufferOverflow},
	} {
		s.send(&wire.Frame{Kind: wire.Inspect, Request: 7, Thread: 1, Body: []byte(c.question)})
		head, rest, err := wire.DecodeAnswer(s.receive().Body)
		check.That(t, err == nil && head.Status == c.want && bytes.Equal(rest, []byte(c.answer)),
			"query %q: %v, %q, %v, want %v, %q", c.question, head.Status, rest, err, c.want, c.answer)
	}
	inJSON := serveAs(t, func(p process) wire.Process { return &open{process: p} })
	inJSON.asJSON()
	check.Equal(t, inJSON.bodyOf(&wire.Frame{Kind: wire.Inspect, Request: 7, Thread: 1, Body: []byte("longest")}),
		fmt.Sprintf(`{"Status":%d,"Why":null,"Out":%s}`, uint32(ntstatus.CantOpenAnonymous),
			inspection(wire.MaxInspection)), "longest answer in JSON")
	plain := serve(t)
	plain.exchangeHello()
	check.Equal(t, plain.status(&wire.Frame{Kind: wire.Inspect, Request: 7, Thread: 1}), ntstatus.NotSupported,
		"query of a process without queries")
}

// The watcher gets each selected call once, with its thread and status, and no other. Each call has one time slice,
// which it returns. A logon itself is made between two time slices. The number of its service in a frame of another
// kind changes nothing (W-21, W-28).
func TestWatcherGetsSelectedCalls(t *testing.T) {
	var p *open
	s := serveAs(t, func(inner process) wire.Process { p = &open{process: inner}; return p })
	s.exchangeHello()
	closing := call(t, "NtClose", nt.CloseIn{Handle: 400})
	reverting := call(t, "NtTestAlert", nt.TestAlertIn{})
	logon := call(t, "LsaLogonUser", nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "alice"}})
	s.atLogon = func() { p.note("logon") }
	unrelated := func(k wire.Kind) *wire.Frame {
		return &wire.Frame{Kind: k, Request: 7, Thread: 1, Service: logon.Service, Body: logon.Body}
	}
	for _, c := range []struct {
		frame *wire.Frame
		st    ntstatus.Status
		want  []string
	}{
		{closing, ntstatus.InvalidHandle, []string{"enter", "client/1 NtClose STATUS_INVALID_HANDLE true", "leave true"}},
		{reverting, ntstatus.Success, []string{"enter", "leave true"}},
		{logon, ntstatus.LogonFailure, []string{"enter", "leave true", "logon", "enter",
			"client/1 LsaLogonUser STATUS_LOGON_FAILURE true", "leave true"}},
		{unrelated(wire.Inspect), ntstatus.Success, []string{"enter", "leave true"}},
		{unrelated(wire.Save), ntstatus.Success, []string{"enter", "leave true"}},
		{unrelated(wire.CallWith), ntstatus.InvalidParameter, []string{"enter", "leave true"}},
	} {
		check.Equal(t, s.status(c.frame), c.st, "call")
		got := p.take()
		check.That(t, fmt.Sprint(got) == fmt.Sprint(c.want), "recorded %q, want %q", got, c.want)
	}
	// A thread without remaining work delays no other thread, so two can be idle at the same time.
	check.NoError(t, s.conn.SetReadDeadline(time.Now().Add(time.Minute)))
	for range 4 {
		s.send(&wire.Frame{Kind: wire.NewThread, Request: 7})
		_, rest, err := wire.DecodeAnswer(s.receive().Body)
		check.NoError(t, err)
		made := check.Must(wire.DecodeThread(rest))
		again := *reverting
		again.Thread = made.Thread
		check.Equal(t, s.status(&again), ntstatus.Success, "W-21: thread %d", made.Thread)
	}
}

// noting is a process whose watcher stores the calls.
type noting struct {
	process
	wants func(ntstatus.Status) bool
	mu    sync.Mutex // held by Called
	calls []nt.Call
	sizes []int
}

func (n *noting) Wants(st ntstatus.Status) bool { return n.wants(st) }

func (n *noting) Called(_ *nt.Thread, c *nt.Call, size int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls, n.sizes = append(n.calls, *c), append(n.sizes, size)
}

// A watcher gets a call with its inputs and outputs, its status and its reason, even if the client did not request
// one, and the sizes of both frames. It gets a waiting call once, at its end (W-20, W-28).
func TestWatcherGetsWholeCalls(t *testing.T) {
	n := &noting{wants: func(ntstatus.Status) bool { return true }}
	s := serveAs(t, func(p process) wire.Process { n.process = p; return n })
	s.exchangeHello()
	open := call(t, "NtOpenProcessToken", nt.OpenProcessTokenIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: 8})
	closing := call(t, "NtClose", nt.CloseIn{Handle: 400})
	event := call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{Unnamed: true})})
	for _, f := range []*wire.Frame{open, closing, event} {
		s.send(f)
		head, _, err := wire.DecodeAnswer(s.receive().Body)
		check.That(t, err == nil && head.Why == nil,
			"W-28: reply to the client = %+v, %v, want no reason and no error", head, err)
	}
	want := []nt.Call{
		{Thread: "client/1", Row: nt.NtTable.Find("NtOpenProcessToken"), In: nt.OpenProcessTokenIn{ProcessHandle: -1,
			DesiredAccess: 8}, Out: nt.OpenProcessTokenOut{TokenHandle: 4}},
		{Thread: "client/1", Row: nt.NtTable.Find("NtClose"), In: nt.CloseIn{Handle: 400}, Out: nt.CloseOut{},
			Status: ntstatus.InvalidHandle},
	}
	check.RequireThat(t, len(n.calls) == 3, "W-28: watcher got %d calls, want 3", len(n.calls))
	for i, w := range want {
		got := n.calls[i]
		rule := got.Why.Rule
		got.Why = nt.Why{}
		check.That(t, got == w && (rule == "O-40") == (w.Status == ntstatus.InvalidHandle),
			"W-28: watcher got %+v with rule %q, want %+v", got, rule, w)
	}
	// A handle is 8 bytes. One byte requests the reason.
	for i, size := range []int{1 + 8 + 4 + 8, 1 + 8} {
		check.That(t, n.sizes[i] == size, "W-28: call %d is reported with %d bytes, want %d", i, n.sizes[i], size)
	}
	// A call that cannot wait ends immediately, whatever status the client named for waiting, so no denial is hidden.
	hidden := *closing
	hidden.Kind, hidden.Request = wire.Wait, 49
	hidden.Body = append(wire.AppendWait(nil, 400, ntstatus.InvalidHandle), hidden.Body...)
	st := s.status(&hidden)
	check.That(t, st == ntstatus.InvalidHandle && len(n.calls) == 4 && n.calls[3].Status == st,
		"W-28: status %v after %d reported calls, want STATUS_INVALID_HANDLE as the fourth", st, len(n.calls))
	n.calls = n.calls[:3]
	// A wait for an unsignalled event is reported at its end.
	waiting := call(t, "NtWaitForSingleObject", nt.WaitForSingleObjectIn{Handle: 8})
	waiting.Kind, waiting.Request = wire.Wait, 50
	waiting.Body = append(wire.AppendWait(nil, 8, ntstatus.Timeout), waiting.Body...)
	s.send(waiting)
	set := call(t, "NtSetEvent", nt.SetEventIn{EventHandle: 8})
	s.send(set)
	for range 2 {
		s.receive()
	}
	var reported []string
	for _, c := range n.calls[3:] {
		reported = append(reported, c.Row.Info().Name+" "+c.Status.String())
	}
	if len(reported) != 2 || reported[0] == reported[1] || reported[0] != "NtSetEvent STATUS_SUCCESS" &&
		reported[0] != "NtWaitForSingleObject STATUS_SUCCESS" {
		t.Errorf("W-28: reported calls = %q, want NtSetEvent and the end of the wait", reported)
	}
}
