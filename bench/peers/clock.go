package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock is the processor time the calling thread has had. The goroutine must
// be locked to it.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
