package mount

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestOnlyDeadMountOfTreeIsRemoved checks that a dead mount of refmond's type with the tree as its source is removed,
// also if the configuration names its directory by symbolic links, whose targets are relative and absolute. One of
// another type or source is an error and stays. An ordinary directory stays, and so do the files below a removed mount
// (M-8, M-39).
func TestOnlyDeadMountOfTreeIsRemoved(t *testing.T) {
	needs(t)
	dir := t.TempDir()
	at, relative, absolute := filepath.Join(dir, "at"), filepath.Join(dir, "relative"), filepath.Join(dir, "absolute")
	kept, loop := filepath.Join(at, "kept"), filepath.Join(dir, "loop")
	for _, err := range []error{os.MkdirAll(kept, 0o755), os.Symlink("at", relative), os.Symlink(relative, absolute),
		os.Symlink("loop", loop)} {
		check.NoError(t, err)
	}
	check.NoError(t, RemoveStale(at, "projects"))
	leaveDead(t, at, "fuse.refmon", "projects") // below the others; the third case removes both
	for _, c := range []struct {
		name, kind, source string
		removed            bool
	}{{at, "fuse.sshfs", "projects", false}, {at, "fuse.refmon", "others", false}, {at, "fuse.refmon", "projects", true},
		{relative, "fuse.refmon", "projects", true}, {absolute, "fuse.refmon", "projects", true}} {
		leaveDead(t, at, c.kind, c.source)
		err := RemoveStale(c.name, "projects")
		if said := fmt.Sprint(err); (err == nil) != c.removed ||
			err != nil && !strings.Contains(said, fmt.Sprintf("(%s, %s): end it with umount -l %s", c.kind, c.source, at)) {
			t.Errorf("M-39: %s of %s: %v", c.kind, c.source, err)
		}
		var want error
		if !c.removed {
			want = unix.ENOTCONN
		}
		check.ErrorIs(t, check.Err(os.Stat(kept)), want, "M-8, M-39: a file below %s of %s", c.kind, c.source)
		_ = unix.Unmount(at, unix.MNT_DETACH) // it is gone if it was removed
	}
	check.ErrorIs(t, RemoveStale(loop, "projects"), unix.ELOOP, "M-39: a link to itself")
	check.ErrorIs(t, RemoveStale(filepath.Join(dir, "absent"), "projects"), os.ErrNotExist, "M-8: a missing directory")
	check.Equal(t, finish(filepath.Join(dir, "absent"), 0), nil, "M-27: the mount and its directory are gone")
	check.ErrorIs(t, detach(dir), unix.EINVAL, "a directory without a mount")
}

// Without CAP_SYS_ADMIN fusermount3 unmounts. Its exit code counts: a failure without a message is an error. It leads a
// process group of its own, so that signals from the terminal do not end it (M-26).
func TestFusermountFailsSilently(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, code := range []int{0, 1} {
		program := fmt.Sprintf("#!/bin/sh\nread -r _ _ _ _ group _ </proc/$$/stat\n[ $group = $$ ] && exit %d\nexit 2\n",
			code)
		check.NoError(t, os.WriteFile(filepath.Join(dir, "fusermount3"), []byte(program), 0o700))
		err := withoutAdmin(t, func() error { return detach(dir) })
		check.That(t, (err == nil) == (code == 0) && (err == nil || errors.Is(err, unix.EPERM)),
			"M-26: exit code %d: error %v, want one that is %v: %t", code, err, unix.EPERM, code != 0)
	}
}

// withoutAdmin runs f on a thread without capabilities, which ends with it.
func withoutAdmin(t *testing.T, f func() error) error {
	t.Helper()
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&h, &none[0]); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

// leaveDead mounts a file system without a server until the end of the test.
func leaveDead(t *testing.T, at, kind, source string) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	defer func() { _ = unix.Close(fd) }() // ends the server
	if err := unix.Mount(source, at, kind, unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("rootmode=40000,user_id=0,group_id=0,fd=%d", fd)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // the mount may be gone
}
