//go:build unix

package auditlog

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock locks the folder for this process with flock on a file that has the process id, and returns the function that
// unlocks it. It does not wait: ErrLocked means that another writer has the lock. The kernel releases the lock when the
// process ends. It does not follow a symbolic link, which could name another file. Any other failure is returned, and
// then the folder is not locked.
func (d folder) Lock() (func() error, error) {
	f, err := os.OpenFile(d.path(lockName), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		b, _ := os.ReadFile(d.path(lockName)) // for the message only
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: process %s writes %s", ErrLocked, strings.TrimSpace(string(b)), d.dir)
		}
		return nil, os.NewSyscallError("flock", err)
	}
	if err := writePID(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f.Close, nil
}

// writePID makes the process id and a line feed the content of f. It overwrites first, which needs no space (U-67).
func writePID(f *os.File) error {
	n, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	if err != nil {
		return err
	}
	return f.Truncate(int64(n))
}

// isReadOnly reports whether a file system refuses all writing.
func isReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }

// isFull reports whether an operation failed because the disk, the quota or the table of descriptors is full. It
// changed nothing, and a later one may succeed.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) ||
		errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}
