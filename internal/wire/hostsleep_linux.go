package wire

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// timer is a timerfd.
type timer struct {
	fd   int
	file *os.File // of fd, which is closed with it
}

// timers is the pool of unused timers.
var timers sync.Pool

// hostSleep blocks for d on a timerfd, through Go's network poller, which blocks no P. Without a free descriptor it
// sleeps in a system call, which may end early.
func hostSleep(d time.Duration) {
	t, _ := timers.Get().(*timer)
	if t == nil {
		fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
		if err != nil {
			blockingSleep(d) // the process has no free file descriptor
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
		blockingSleep(d)
		return
	}
	timers.Put(t)
}

// blockingSleep sleeps in a system call. A signal may end it early.
func blockingSleep(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
