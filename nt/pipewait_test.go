package nt

import (
	"testing"
	"testing/synctest"
	"time"
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
