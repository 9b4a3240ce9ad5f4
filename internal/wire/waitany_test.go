package wire_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
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
		events[i] = check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{Unnamed: true},
			nt.SynchronizationEvent, i == 2))
	}
	tr := check.Must(c.NewTransport())
	waiter := tr.(anyWaiter)
	check.Require(t, waiter.WaitAny([]winnt.Handle{events[2], 4000}, false, nil), ntstatus.InvalidHandle,
		"WaitAny with a signalled object before an invalid handle")
	check.Equal(t, waiter.WaitAny(events, true, nil), 2, "WaitAny with the third object signalled")
	over := make(chan struct{})
	close(over)
	check.Equal(t, waiter.WaitAny(events, true, over), ntstatus.Cancelled,
		"WaitAny for an object that an earlier wait reset")
	many := make([]winnt.Handle, wire.MaxObjects+1)
	for i := range many {
		many[i] = events[0]
	}
	check.Equal(t, waiter.WaitAny(many, false, nil), ntstatus.InvalidParameter1, "WaitAny for too many objects")
	check.Equal(t, waiter.WaitAny(many[1:], false, over), ntstatus.Cancelled, "WaitAny for the most objects")
	check.Equal(t, waiter.WaitAny([]winnt.Handle{events[0], 4000}, false, nil), ntstatus.InvalidHandle,
		"WaitAny with an invalid handle")
	for _, i := range []int{1, 0} {
		waited := make(chan ntstatus.Status)
		go func() { waited <- waiter.WaitAny(events, false, nil) }()
		check.Success(t, check.Status(th.NtSetEvent(events[i])))
		check.Equal(t, <-waited, ntstatus.Status(i), "WaitAny after object %d was signalled", i)
	}
	// Of several signalled objects only the first is reset.
	for _, h := range events[1:] {
		check.Success(t, check.Status(th.NtSetEvent(h)))
	}
	for _, want := range []ntstatus.Status{1, 2, ntstatus.Cancelled} {
		check.Equal(t, waiter.WaitAny(events, false, over), want, "WaitAny with several signalled objects")
	}
	calls(t, c, th, tr)
}

// TestQueuedCallWakesAlertableWait checks that a queued call wakes alertable waits only, and that a signalled object
// comes first (W-54, O-147).
func TestQueuedCallWakesAlertableWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ours, _ := pair(t, func(*wire.Server) {})
		c := check.Must(client.New(ours))
		th := c.Thread()
		event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false))
		tr := check.Must(c.NewTransport())
		h := threadOf(t, th, tr)
		queue := func() {
			t.Helper()
			check.Require(t, th.NtQueueApcThread(h, nt.UserAPC{ApcRoutine: 7}), ntstatus.Success, "NtQueueApcThread")
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
		check.Equal(t, <-wait(false), ntstatus.Cancelled, "wait that is not alertable, with a queued call")
		waited = wait(false)
		if queue(); <-waited != ntstatus.Cancelled {
			t.Error("a queued call wakes a wait that is not alertable, want it cancelled")
		}
		check.Require(t, check.Status(th.NtSetEvent(event)), ntstatus.Success, "NtSetEvent")
		for _, want := range []ntstatus.Status{0, ntstatus.UserAPC} {
			check.Equal(t, <-wait(true), want, "wait with queued calls and a signalled object")
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
	check.Success(t, st)
	id := out.(nt.QueryInformationThreadOut).ThreadInformation.(nt.ThreadBasic).ClientID
	return check.Result(th.NtOpenThread(winnt.THREAD_ALL_ACCESS, nil, &nt.ClientID{UniqueThread: id.UniqueThread}))
}

// calls queues a call to a thread that waits alertably for nothing else.
func calls(t *testing.T, c *client.Conn, th *nt.Thread, tr nt.Transport) {
	t.Helper()
	h := threadOf(t, th, tr)
	waited := make(chan ntstatus.Status)
	go func() { waited <- tr.(anyWaiter).WaitAny(nil, true, nil) }()
	check.Success(t, th.NtQueueApcThread(h, nt.UserAPC{ApcRoutine: 7}))
	check.Equal(t, <-waited, ntstatus.UserAPC, "alertable wait during which a call was queued")
	check.Equal(t, tr.(anyWaiter).WaitAny(nil, true, nil), ntstatus.UserAPC, "alertable wait with a queued call")
	got, _, _ := tr.Call(nt.NtTable.Find("NtTestAlert"), nt.TestAlertIn{}, false)
	if list := got.(nt.TestAlertOut).UserApcs; len(list) != 1 || list[0].ApcRoutine != 7 {
		t.Errorf("calls returned by NtTestAlert = %+v, want the one with routine 7", list)
	}
	waits := make(chan ntstatus.Status)
	go func() { waits <- tr.(anyWaiter).WaitAny(nil, true, nil) }()
	_ = c.Close()
	check.Equal(t, <-waits, ntstatus.PortDisconnected, "alertable wait on a closed connection")
}

// Two signals of a synchronization event end two waits, and one of a notification event ends all waits even if it is
// reset at once. A wait that is cancelled leaves its release to another (O-149).
func TestEachSignalEndsWait(t *testing.T) {
	const waiters = 2
	wait := map[string]func(*client.Conn, winnt.Handle, chan struct{}) ntstatus.Status{
		"single": func(c *client.Conn, event winnt.Handle, due chan struct{}) ntstatus.Status {
			_, st := check.Must(c.NewTransport()).CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"),
				nt.WaitForSingleObjectIn{Handle: event}, nt.Wait{Handle: event, NotYet: ntstatus.Timeout, Due: due})
			return st
		},
		"any": func(c *client.Conn, event winnt.Handle, due chan struct{}) ntstatus.Status {
			return check.Must(c.NewTransport()).(anyWaiter).WaitAny([]winnt.Handle{event}, false, due)
		},
	}
	for name, wait := range wait {
		for _, kind := range []nt.EventType{nt.SynchronizationEvent, nt.NotificationEvent} {
			synctest.Test(t, func(t *testing.T) {
				_, ours, _ := pair(t, func(*wire.Server) {})
				c := check.Must(client.New(ours))
				th := c.Thread()
				event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, kind, false))
				ended, due := make(chan ntstatus.Status, waiters+1), make(chan struct{})
				begin := func(due chan struct{}) {
					go func() { ended <- wait(c, event, due) }()
					synctest.Wait()
				}
				begin(due)
				close(due)
				check.Equal(t, <-ended, ntstatus.Cancelled, "%s %d: a wait that is cancelled", name, kind)
				for range waiters {
					begin(nil)
				}
				check.Success(t, check.Status(th.NtSetEvent(event)))
				if kind == nt.SynchronizationEvent {
					check.Success(t, check.Status(th.NtSetEvent(event)))
				} else {
					check.Success(t, check.Status(th.NtResetEvent(event)))
				}
				synctest.Wait()
				check.RequireThat(t, len(ended) == waiters, "%s %d: %d waits ended, want %d", name, kind, len(ended), waiters)
				for range waiters {
					check.Success(t, <-ended)
				}
				check.Equal(t, check.Status(th.NtWaitForSingleObject(event, false)), ntstatus.Timeout, "a later wait")
			})
		}
	}
}
