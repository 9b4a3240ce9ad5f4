package nt

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestDeadlineMovesWhilePassing checks that if the deadline expires while set moves it to a later time, the wait for
// the later time does not end early. A wait follows a deadline that is set later.
func TestDeadlineMovesWhilePassing(t *testing.T) {
	for range 1000 {
		synctest.Test(t, func(t *testing.T) {
			var d deadline
			d.set(time.Now().Add(time.Second))
			time.Sleep(time.Second) // ends when the timer fires
			d.set(time.Now().Add(time.Hour))
			synctest.Wait()
			select {
			case <-d.wait():
				t.Fatal("wait of a deadline in an hour is closed already")
			default:
			}
			d.set(time.Time{})
		})
	}
	var d deadline
	early := d.wait()
	d.set(time.Now())
	check.That(t, isClosed(early), "a wait from before the deadline goes on")
}

// A read or write that comes after Close uses no handle: its value may be that of another connection. It releases the
// worker's lock.
func TestWorkerMakesNoCallAfterClose(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	until := Wait{Closed: closed}
	succeed := func(*Thread) ntstatus.Status { return ntstatus.Success }
	for name, f := range map[string]func(*worker) ntstatus.Status{
		"try":   func(w *worker) ntstatus.Status { _, st := w.try(until, succeed); return st },
		"wait":  func(w *worker) ntstatus.Status { return w.wait(until, succeed) },
		"start": func(w *worker) ntstatus.Status { _, _, st := w.start(until, WriteFileIn{}); return st },
	} {
		w := &worker{t: &Thread{}} // a call would panic
		check.Equal(t, f(w), ntstatus.Cancelled, "%s", name)
		check.That(t, w.mu.TryLock(), "%s keeps the worker's lock", name)
	}
	var w worker
	w.do(func(*Thread) { check.That(t, !w.mu.TryLock(), "do calls without the worker's lock") })
}
