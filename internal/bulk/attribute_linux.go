package bulk

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
)

// attribute reads an extended attribute of a file, not of what a link points
// to; nil if there is none, also where the file system has no attributes.
func attribute(path, name string) ([]byte, error) {
	buf := make([]byte, 1024)
	for {
		n, err := unix.Lgetxattr(path, name, buf)
		switch {
		case err == nil:
			return buf[:n], nil
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && len(buf) < ntacl.MaxSize:
			buf = make([]byte, 8*len(buf))
		case errors.Is(err, unix.EINTR):
		default:
			return nil, fmt.Errorf("%s: attribute %s: %w", path, name, err)
		}
	}
}

func owners(i os.FileInfo) (uid, gid uint32) {
	if s, ok := i.Sys().(*syscall.Stat_t); ok {
		return s.Uid, s.Gid
	}
	return 0, 0
}
