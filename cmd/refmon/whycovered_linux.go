package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// mountAbove returns the directory of the mount of refmond that shows a path, "" if none does. Of mounts on each other
// the topmost counts: another kind of file system on top gives "". A host without /proc gives "".
func mountAbove(path string) (at string) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	kind := ""
	for line := range strings.Lines(string(text)) {
		mount, system, ok := strings.Cut(line, " - ")
		where, what := strings.Split(mount, " "), strings.Split(system, " ") // paths may contain Unicode spaces
		if !ok || len(where) < 5 || len(what) == 0 {
			continue
		}
		// The last line of the longest directory is the topmost mount.
		dir := unescapeMount.Replace(where[4])
		if _, ok := below(dir, path); ok && len(dir) >= len(at) {
			at, kind = dir, what[0]
		}
	}
	if kind != "fuse.refmon" {
		return ""
	}
	return at
}

// unescapeMount decodes the octal escapes of mountinfo.
var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`, `\043`, "#")

// uncovered runs f with the mount on dir detached, to see the files below. It needs CAP_SYS_ADMIN. The thread of f
// ends with it, so f must not start goroutines. If the private mount namespace cannot be created, uncovered returns
// an error without calling f.
func uncovered(dir string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("a mount namespace: %w", err)
			}
			// No change of this namespace reaches the others.
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return fmt.Errorf("a private mount namespace: %w", err)
			}
			if err := unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			return f()
		}()
	}()
	return <-done
}
