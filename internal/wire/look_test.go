package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// open is a process that can be looked into, watched, and made to wait for its turn. It
// answers a question with the bytes of its name, and notes what it is told.
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

// take returns what was noted since the last time.
func (o *open) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.got
	o.got = nil
	return got
}

func (o *open) Look(th *nt.Thread, question []byte) ([]byte, ntstatus.Status) {
	switch string(question) {
	case "longest": // 15 bytes are left for the head of a frame
		return make([]byte, wire.MaxBody-15), ntstatus.Success
	case "long":
		return make([]byte, wire.MaxBody-14), ntstatus.Success
	case "no":
		return []byte("because"), ntstatus.AccessDenied
	}
	return append([]byte(th.Name()+" asks "), question...), ntstatus.Success
}

func (o *open) Wants(st ntstatus.Status) bool { return st != ntstatus.Success }

func (o *open) Called(_ *nt.Thread, c *nt.Call, size int) {
	o.note("%s %s %v %t", c.Thread, c.Row.Info().Name, c.Status, size > 0)
}

func (o *open) Enter() time.Time { o.note("enter"); return time.Time{} }

func (o *open) Leave(began time.Time, slow bool) { o.note("leave %t", began.IsZero() && !slow) }

func (o *open) Slow() bool { return false }

func (o *open) Crowded() bool { return false }

func (o *open) Rest(_, _ time.Duration) time.Duration { return 0 }

func (o *open) Lookout() *wire.Lookout { return new(wire.Lookout) }

// TestLook: a question goes to the process as it is, with the thread that asks; status
// and answer come back, one too long for a frame is STATUS_BUFFER_OVERFLOW without an
// answer, and a process that cannot be looked into is STATUS_NOT_SUPPORTED (W-27).
func TestLook(t *testing.T) {
	s := serveAs(t, func(p process) wire.Process { return &open{process: p} })
	s.greet()
	for _, c := range []struct {
		question, answer string
		want             ntstatus.Status
	}{
		{"who", "client/1 asks who", ntstatus.Success},
		{"", "client/1 asks ", ntstatus.Success},
		{"no", "because", ntstatus.AccessDenied},
		{"longest", strings.Repeat("\x00", wire.MaxBody-15), ntstatus.Success},
		{"long", "", ntstatus.BufferOverflow},
	} {
		s.send(&wire.Frame{Kind: wire.Look, Request: 7, Thread: 1, Body: []byte(c.question)})
		head, rest, err := wire.DecodeAnswer(s.receive().Body)
		if err != nil || head.Status != c.want || !bytes.Equal(rest, []byte(c.answer)) {
			t.Errorf("%q: %v, %q, %v, want %v, %q", c.question, head.Status, rest, err, c.want, c.answer)
		}
	}
	plain := serve(t)
	plain.greet()
	if st := plain.status(&wire.Frame{Kind: wire.Look, Request: 7, Thread: 1}); st != ntstatus.NotSupported {
		t.Errorf("a process that cannot be looked into: %v", st)
	}
}

// TestWatched: a call that the watcher wants is told once, with its thread and status,
// and no other; each call has one turn, which it gives back (W-21, W-28).
func TestWatched(t *testing.T) {
	var p *open
	s := serveAs(t, func(inner process) wire.Process { p = &open{process: inner}; return p })
	s.greet()
	closing := call(t, "NtClose", nt.CloseIn{Handle: 400})
	reverting := call(t, "NtTestAlert", nt.TestAlertIn{})
	for _, c := range []struct {
		frame *wire.Frame
		st    ntstatus.Status
		want  []string
	}{
		{closing, ntstatus.InvalidHandle, []string{"enter", "client/1 NtClose STATUS_INVALID_HANDLE true", "leave true"}},
		{reverting, ntstatus.Success, []string{"enter", "leave true"}},
	} {
		if st := s.status(c.frame); st != c.st {
			t.Errorf("%v, want %v", st, c.st)
		}
		if got := p.take(); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("noted %q, want %q", got, c.want)
		}
	}
	// A thread that has no work left holds no other one up: two may have some at once.
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		s.send(&wire.Frame{Kind: wire.NewThread, Request: 7})
		_, rest, err := wire.DecodeAnswer(s.receive().Body)
		if err != nil {
			t.Fatal(err)
		}
		made, err := wire.DecodeThread(rest)
		if err != nil {
			t.Fatal(err)
		}
		again := *reverting
		again.Thread = made.Thread
		if st := s.status(&again); st != ntstatus.Success {
			t.Errorf("W-21: thread %d: %v", made.Thread, st)
		}
	}
	p.take()
	// A logon takes no turn: it has a bound of its own (W-21).
	s.status(call(t, "LsaLogonUser", nt.LsaLogonUserIn{}))
	for _, text := range p.take() {
		if text == "enter" || text == "leave true" {
			t.Errorf("W-21: a logon: %s", text)
		}
	}
}
