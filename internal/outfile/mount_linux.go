package outfile

import "golang.org/x/sys/unix"

// isMount reports whether a file is a mount point, which no rename can replace. A Linux before 5.8 does not tell, and
// isMount returns false.
func isMount(name string) bool {
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, 0, &s)
	return err == nil && s.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}
