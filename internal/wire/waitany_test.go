package wire_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// anyWaiter can wait for several objects, as a client's thread can in addition to its services.
type anyWaiter interface {
	WaitAny([]winnt.Handle, bool, <-chan struct{}) ntstatus.Status
}

// TestWaitAnyReturnsFirstSignalledObject checks that a thread can wait for the first of several objects and for
// queued calls in one wait. Only the object that ended the wait is reset (W-54).
func TestWaitAnyReturnsFirstSignalledObject(t *testing.T) {
	s := serve(t)
	c := s.connect()
	th := c.Thread()
	events := make([]winnt.Handle, 3)
	for i := range events {
		var st ntstatus.Status
		events[i], st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{Unnamed: true},
			nt.SynchronizationEvent, i == 2)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	tr, err := c.NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	waiter := tr.(anyWaiter)
	if st := waiter.WaitAny(events, true, nil); st != 2 {
		t.Errorf("WaitAny with the third object signalled: %s, want 2", st)
	}
	over := make(chan struct{})
	close(over)
	if st := waiter.WaitAny(events, true, over); st != ntstatus.Cancelled {
		t.Errorf("WaitAny for an object that an earlier wait reset: %s, want %s", st, ntstatus.Cancelled)
	}
	many := make([]winnt.Handle, wire.MaxObjects+1)
	for i := range many {
		many[i] = events[0]
	}
	if st := waiter.WaitAny(many, false, nil); st != ntstatus.InvalidParameter1 {
		t.Errorf("WaitAny for too many objects: %s, want %s", st, ntstatus.InvalidParameter1)
	}
	if st := waiter.WaitAny([]winnt.Handle{events[0], 4000}, false, nil); st != ntstatus.InvalidHandle {
		t.Errorf("WaitAny with an invalid handle: %s, want %s", st, ntstatus.InvalidHandle)
	}
	for _, i := range []int{1, 0} {
		waited := make(chan ntstatus.Status)
		go func() { waited <- waiter.WaitAny(events, false, nil) }()
		if _, st := th.NtSetEvent(events[i]); st != ntstatus.Success {
			t.Fatal(st)
		}
		if st := <-waited; st != ntstatus.Status(i) {
			t.Errorf("WaitAny after object %d was signalled: %s, want %s", i, st, ntstatus.Status(i))
		}
	}
	// Of several signalled objects only the first is reset.
	for _, h := range events[1:] {
		if _, st := th.NtSetEvent(h); st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	for _, want := range []ntstatus.Status{1, 2, ntstatus.Cancelled} {
		if st := waiter.WaitAny(events, false, over); st != want {
			t.Errorf("WaitAny with several signalled objects: %s, want %s", st, want)
		}
	}
	calls(t, c, th, tr)
}

// TestQueuedCallWakesAlertableWait checks that a queued call wakes alertable waits only, and that a signalled object
// comes first (W-54, O-147).
func TestQueuedCallWakesAlertableWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ours, _ := pair(t, func(*wire.Server) {})
		c, err := client.New(ours)
		if err != nil {
			t.Fatal(err)
		}
		th := c.Thread()
		event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		tr, err := c.NewTransport()
		if err != nil {
			t.Fatal(err)
		}
		h := threadOf(t, th, tr)
		queue := func() {
			t.Helper()
			if st := th.NtQueueApcThread(h, nt.UserAPC{ApcRoutine: 7}); st != ntstatus.Success {
				t.Fatal(st)
			}
		}
		wait := func(alertable bool) <-chan ntstatus.Status {
			waited, due := make(chan ntstatus.Status, 1), make(chan struct{})
			time.AfterFunc(time.Hour, func() { close(due) })
			go func() { waited <- tr.(anyWaiter).WaitAny([]winnt.Handle{event}, alertable, due) }()
			synctest.Wait() // it waits, or is over
			return waited
		}
		waited := wait(true)
		if queue(); <-waited != ntstatus.UserAPC {
			t.Error("a queued call does not wake an alertable wait, want STATUS_USER_APC")
		}
		if st := <-wait(false); st != ntstatus.Cancelled {
			t.Errorf("wait that is not alertable, with a queued call: %s, want %s", st, ntstatus.Cancelled)
		}
		waited = wait(false)
		if queue(); <-waited != ntstatus.Cancelled {
			t.Error("a queued call wakes a wait that is not alertable, want it cancelled")
		}
		if _, st := th.NtSetEvent(event); st != ntstatus.Success {
			t.Fatal(st)
		}
		for _, want := range []ntstatus.Status{0, ntstatus.UserAPC} {
			if st := <-wait(true); st != want {
				t.Errorf("wait with queued calls and a signalled object: %s, want %s", st, want)
			}
		}
		_ = c.Close()
	})
}

// threadOf opens the thread of a transport.
func threadOf(t *testing.T, th *nt.Thread, tr nt.Transport) winnt.Handle {
	t.Helper()
	row := nt.NtTable.Find("NtQueryInformationThread")
	out, st, _ := tr.Call(row, nt.QueryInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
		ThreadInformationClass: nt.ThreadBasicInformation, ThreadInformationLength: ^uint32(0)}, false)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	id := out.(nt.QueryInformationThreadOut).ThreadInformation.(nt.ThreadBasic).ClientID
	h, st := th.NtOpenThread(winnt.THREAD_ALL_ACCESS, nil, &nt.ClientID{UniqueThread: id.UniqueThread})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return h
}

// calls queues a call to a thread that waits alertably for nothing else.
func calls(t *testing.T, c *client.Conn, th *nt.Thread, tr nt.Transport) {
	t.Helper()
	h := threadOf(t, th, tr)
	waited := make(chan ntstatus.Status)
	go func() { waited <- tr.(anyWaiter).WaitAny(nil, true, nil) }()
	if st := th.NtQueueApcThread(h, nt.UserAPC{ApcRoutine: 7}); st != ntstatus.Success {
		t.Fatal(st)
	}
	if st := <-waited; st != ntstatus.UserAPC {
		t.Errorf("alertable wait during which a call was queued: %s, want %s", st, ntstatus.UserAPC)
	}
	if st := tr.(anyWaiter).WaitAny(nil, true, nil); st != ntstatus.UserAPC {
		t.Errorf("alertable wait with a queued call: %s, want %s", st, ntstatus.UserAPC)
	}
	got, _, _ := tr.Call(nt.NtTable.Find("NtTestAlert"), nt.TestAlertIn{}, false)
	if list := got.(nt.TestAlertOut).UserApcs; len(list) != 1 || list[0].ApcRoutine != 7 {
		t.Errorf("calls returned by NtTestAlert = %+v, want the one with routine 7", list)
	}
	waits := make(chan ntstatus.Status)
	go func() { waits <- tr.(anyWaiter).WaitAny(nil, true, nil) }()
	_ = c.Close()
	if st := <-waits; st != ntstatus.PortDisconnected {
		t.Errorf("alertable wait on a closed connection: %s, want %s", st, ntstatus.PortDisconnected)
	}
}
