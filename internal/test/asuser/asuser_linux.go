// Package asuser runs functions of a test as another user of the host. Only root can be another user.
package asuser

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Run calls f on a thread of its own that has the uid, the gid and no other group, and returns its results. The thread
// ends with f. Without the right to change the user it returns the error of the system call and does not call f.
func Run[T any](uid, gid int, f func() (T, error)) (v T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread is of no further use
		for _, c := range [][2]uintptr{{unix.SYS_SETGROUPS, 0}, {unix.SYS_SETRESGID, uintptr(gid)},
			{unix.SYS_SETRESUID, uintptr(uid)}} {
			if _, _, e := unix.RawSyscall(c[0], c[1], c[1], c[1]); e != 0 {
				err = e
				return
			}
		}
		v, err = f()
	}()
	<-done
	return v, err
}
