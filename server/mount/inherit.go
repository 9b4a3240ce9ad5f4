package mount

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeFuseOnExec keeps programs that this process starts from inheriting its connections to the host's kernel. go-fuse
// opens them without O_CLOEXEC. If this process crashed, such a program would keep the mount alive, and every access to
// it would hang (M-39).
func closeFuseOnExec() {
	const open = "/proc/self/fd"
	descriptors, _ := os.ReadDir(open) // without /proc, programs inherit the connections
	for _, d := range descriptors {
		if to, err := os.Readlink(filepath.Join(open, d.Name())); err == nil && to == "/dev/fuse" {
			if fd, err := strconv.Atoi(d.Name()); err == nil {
				unix.CloseOnExec(fd)
			}
		}
	}
}
