package outfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// copyACL copies the POSIX ACL of an existing file to f. If the existing file has no ACL, copyACL removes that of f.
func copyACL(f, existing *os.File) error {
	const name = "system.posix_acl_access"
	acl := make([]byte, 64<<10) // the longest value
	n, err := unix.Fgetxattr(int(existing.Fd()), name, acl)
	switch {
	case err == nil:
		err = unix.Fsetxattr(int(f.Fd()), name, acl[:n], 0)
	case errors.Is(err, unix.ENODATA):
		err = unix.Fremovexattr(int(f.Fd()), name)
	}
	if err == nil || errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return fmt.Errorf("the POSIX ACL of the earlier file cannot be kept: %w", err)
}
