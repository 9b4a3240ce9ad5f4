package feed

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// asUser runs f on a thread of its own as another user, and lets the thread end with it.
func asUser(uid int, f func() error) error {
	runtime.LockOSThread() // and never unlocked: the thread is of no further use
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); e != 0 {
		return e
	}
	return f()
}
