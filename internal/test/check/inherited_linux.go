package check

import "golang.org/x/sys/unix"

// inherited reports whether children inherit an open descriptor.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}
