package auditlog

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes the content of a file durable, and of its attributes only
// those that its content needs.
func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
