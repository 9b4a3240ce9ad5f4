package hostfs

import (
	"time"

	"golang.org/x/sys/unix"
)

// settled is the minimum age of a file's last change at which its descriptor is cached. Kernels take change times from
// a ticking clock, so two changes in quick succession can have the same time (F-115).
const settled = 20 * time.Millisecond

// settling returns the minimum age of a file's last change at which its descriptor is cached: settled, or 0 for a file
// system on which a change never gets a time that was already reported (multigrain timestamps, since Linux 6.13).
// tmpfs has such timestamps too, but the removal of a file gives its directory the clock's time. The next change of the
// directory can then have that time again (F-115).
func settling(root int, fs *unix.Statfs_t) time.Duration {
	switch fs.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
	default:
		return settled // other file systems guarantee nothing about their times
	}
	if distinctTimes(root) {
		return 0
	}
	return settled
}

// distinctTimes changes an unnamed file faster than the kernel's clock ticks and reports whether every change got a
// distinct time. It returns false if it cannot create the file, or if three attempts were too slow. The file disappears
// when it returns.
func distinctTimes(root int) bool {
	const changes, tick = 64, time.Millisecond
	fd, err := openNameless(root, 0o600)
	if err != nil {
		return false
	}
	defer shut(fd)
	for range 3 { // a busy machine can be too slow
		begun := time.Now()
		var last unix.StatxTimestamp
		for i := range changes {
			err := unix.Fchmod(fd, 0o600|uint32(i%2)<<6)
			s, lost := stat(fd)
			if err != nil || lost != nil || s.Ctime == last {
				return false
			}
			last = s.Ctime
		}
		if time.Since(begun) < changes/2*tick {
			return true
		}
	}
	return false
}
