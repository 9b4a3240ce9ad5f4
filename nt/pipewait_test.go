package nt

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestDeadlineMovesWhilePassing: a deadline that is moved at the moment when it passes does not end the new wait.
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
}

// A read or write that comes after Close uses no handle: its value may be that of another connection.
func TestWorkerMakesNoCallAfterClose(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	until := Wait{Closed: closed}
	w := &worker{t: &Thread{}} // a call would panic
	_, st := w.try(until, func(*Thread) ntstatus.Status { return ntstatus.Success })
	check.Equal(t, st, ntstatus.Cancelled, "try")
	_, _, st = w.start(until, WriteFileIn{})
	check.Equal(t, st, ntstatus.Cancelled, "start")
}
