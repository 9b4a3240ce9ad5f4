package watch

import "golang.org/x/sys/unix"

// OverFUSE reports whether a FUSE file system is mounted at root or above it, so that the kernel reports no changes of
// its files (N-132). It returns false for a missing root.
func OverFUSE(root string) bool {
	var s unix.Statfs_t
	return unix.Statfs(root, &s) == nil && s.Type == unix.FUSE_SUPER_MAGIC
}
