package wire

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// timer is a clock of the host that is waited for as input is.
type timer struct {
	fd   int
	file *os.File // of fd, which is closed with it
}

// timers are those that nothing waits for.
var timers sync.Pool

// nap sleeps by the host's clock. Its goroutine waits as for input: a system call that
// sleeps would keep one of the program's processors from other goroutines.
func nap(d time.Duration) {
	t, _ := timers.Get().(*timer)
	if t == nil {
		fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
		if err != nil {
			napHere(d) // no descriptor is left
			return
		}
		t = &timer{fd, os.NewFile(uintptr(fd), "timer")}
	}
	due := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(d), 1))} // 0 would be never
	var expired [8]byte
	err := unix.TimerfdSettime(t.fd, 0, &due, nil)
	if err == nil {
		_, err = t.file.Read(expired[:])
	}
	if err != nil {
		_ = t.file.Close()
		napHere(d)
		return
	}
	timers.Put(t)
}

// napHere sleeps in a system call; a signal may end it early.
func napHere(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
