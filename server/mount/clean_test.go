package mount

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestOnlyDeadMountOfTreeIsRemoved: a dead mount of refmond's type with the tree as its source is
// removed. One of another type or source is an error and stays (M-39).
func TestOnlyDeadMountOfTreeIsRemoved(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root to mount")
	}
	for _, c := range []struct {
		kind, source string
		removed      bool
	}{{"fuse.sshfs", "projects", false}, {"fuse.refmon", "others", false}, {"fuse.refmon", "projects", true}} {
		at := t.TempDir()
		leaveDead(t, at, c.kind, c.source)
		err := RemoveStale(at, "projects")
		if said := fmt.Sprint(err); (err == nil) != c.removed ||
			err != nil && !strings.Contains(said, fmt.Sprintf("(%s, %s): end it with umount -l %s", c.kind, c.source, at)) {
			t.Errorf("M-39: %s of %s: %v", c.kind, c.source, err)
		}
		var s unix.Stat_t
		if dead := errors.Is(unix.Stat(at, &s), unix.ENOTCONN); dead == c.removed {
			t.Errorf("M-39: %s of %s: there afterwards: %v, want anything but %v", c.kind, c.source, dead, c.removed)
		}
	}
}

// TestDeadMountBehindLinkIsRemoved checks that a dead mount is found and removed if the configuration names its
// directory by symbolic links, whose targets are relative and absolute (M-39).
func TestDeadMountBehindLinkIsRemoved(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root to mount")
	}
	dir := t.TempDir()
	at, relative, absolute := filepath.Join(dir, "at"), filepath.Join(dir, "relative"), filepath.Join(dir, "absolute")
	for _, err := range []error{os.Mkdir(at, 0o755), os.Symlink("at", relative), os.Symlink(relative, absolute)} {
		check.NoError(t, err)
	}
	for _, link := range []string{relative, absolute} {
		leaveDead(t, at, "fuse.refmon", "projects")
		check.NoError(t, RemoveStale(link, "projects"))
		var s unix.Stat_t
		check.NoError(t, unix.Stat(at, &s))
	}
	check.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	check.ErrorIs(t, RemoveStale(filepath.Join(dir, "loop"), "projects"), unix.ELOOP, "M-39: a link to itself")
}

// Without CAP_SYS_ADMIN fusermount3 unmounts. Its exit code counts: a failure without a message is an error (M-26).
func TestFusermountFailsSilently(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, code := range []int{0, 1} {
		program := fmt.Sprintf("#!/bin/sh\nexit %d\n", code)
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

// leaveDead mounts a file system whose server is gone, for the time of the test.
func leaveDead(t *testing.T, at, kind, source string) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	defer func() { _ = unix.Close(fd) }() // that ends the server
	if err := unix.Mount(source, at, kind, unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("rootmode=40000,user_id=0,group_id=0,fd=%d", fd)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // it may be gone
}

// TestStaleMountIsRemovedAtStart checks that the next start removes the mount of a killed server, and
// nothing else (M-8).
func TestStaleMountIsRemovedAtStart(t *testing.T) {
	needs(t)
	dir := folder(t)
	at := filepath.Join(dir, "mount")
	for _, err := range []error{os.Mkdir(at, 0o755), os.Mkdir(filepath.Join(at, "kept"), 0o755)} {
		check.NoError(t, err)
	}
	check.Equal(t, RemoveStale(at, "tree"), nil, "M-8: an ordinary directory")
	// A server is killed by closing its end of the connection.
	fd := check.Must(unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0))
	options := "rootmode=40000,user_id=0,group_id=0,fd=" + strconv.Itoa(fd)
	check.NoError(t, unix.Mount("tree", at, "fuse.refmon", unix.MS_NOSUID|unix.MS_NODEV, options))
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // it is gone where all is well
	check.NoError(t, unix.Close(fd))
	if _, err := os.Stat(at); !errors.Is(err, syscall.ENOTCONN) {
		t.Fatalf("the server is gone: %v, want %v", err, syscall.ENOTCONN)
	}
	check.Equal(t, RemoveStale(at, "tree"), nil, "M-8")
	check.Equal(t, check.Err(os.Stat(filepath.Join(at, "kept"))), nil, "M-8: a file below the removed stale mount")
	if err := RemoveStale(filepath.Join(dir, "absent"), "tree"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("M-8: %v, want %v", err, os.ErrNotExist)
	}
	if out, err := exec.Command("mountpoint", at).CombinedOutput(); err == nil {
		t.Errorf("M-8: still mounted: %s", out)
	}
}
