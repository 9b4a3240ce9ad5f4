package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
)

// contents returns the contents of a folder, the names and texts of its files.
func contents(dir string) string {
	var b strings.Builder
	for _, e := range check.Must(os.ReadDir(dir)) {
		fmt.Fprintf(&b, "%s=%s ", e.Name(), check.Must(os.ReadFile(filepath.Join(dir, e.Name()))))
	}
	return strings.TrimSpace(b.String())
}

// TestFailedWriteKeepsEarlierFile checks that an error, a full disk and a kill leave the earlier file, and that only a
// kill leaves the new version (B-19).
func TestFailedWriteKeepsEarlierFile(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, WriteFile("f", []byte("old"), 0o644))
	broken := errors.New("broken")
	check.ErrorIs(t, Write("f", 0o644, func(w io.Writer) error {
		check.Must(w.Write(make([]byte, 1<<16)))
		return broken
	}), broken, "an error of the writer")
	check.Equal(t, contents("."), "f=old", "after an error")

	full := check.Must(Create("f", 0o644))
	check.NoError(t, full.f.Close())
	full.f = check.Must(os.OpenFile("/dev/full", os.O_WRONLY, 0))
	_, err := full.Write([]byte("new"))
	check.ErrorIs(t, err, syscall.ENOSPC, "a full disk")
	check.Equal(t, err.Error(), "write f: no space left on device: an earlier file is unchanged", "the error")
	other := check.Must(Create("other", 0o644))
	check.ErrorIs(t, Commit(other, full), syscall.ENOSPC, "a commit after an error of one file")
	check.NoError(t, errors.Join(full.f.Close(), other.Close()))
	device := check.Must(Create("/dev/full", 0o644))
	_, err = device.Write([]byte("new"))
	check.Equal(t, err.Error(), "write /dev/full: no space left on device", "the error of a file without a new version")
	check.NoError(t, errors.Join(device.Close(), os.Mkdir("other", 0o700)))
	other = check.Must(Create("late", 0o644))
	other.target = "other"
	check.ErrorIs(t, Commit(other), syscall.EEXIST, "a commit in place of a folder")
	check.NoError(t, errors.Join(other.Close(), os.Remove("other")))

	check.Must(check.Must(Create("f", 0o644)).Write([]byte("killed")))
	text := contents(".")
	check.That(t, strings.HasPrefix(text, "f=old f.new-") && !strings.Contains(text, "other"), "after a kill: %s", text)
}

// TestNewVersionIsLikeEarlierFile checks that the new file has the mode, the owner and the ACL of the earlier one, and
// that symbolic links stay. Another hard link keeps the earlier contents (B-19).
func TestNewVersionIsLikeEarlierFile(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, errors.Join(os.Mkdir("s", 0o755), os.WriteFile("s/f", nil, 0o640), os.Symlink("f", "s/link"),
		os.Link("s/f", "backup"),
		os.Symlink("s/link", "out"), os.Symlink("s/new", "dangling")))
	owner := os.Getuid()
	if owner == 0 {
		owner = 4001
		check.NoError(t, errors.Join(os.Chown("s/f", owner, owner), WriteFile("group", nil, 0o600),
			os.Chown("group", 0, 4001), WriteFile("group", nil, 0o600)))
		group := check.Must(os.Stat("group")).Sys().(*syscall.Stat_t).Gid
		check.Equal(t, group, 4001, "the group of a file that differs in the group only")
	}
	// user::rw-, user:5:r--, group::---, mask::r--, other::---
	acl := []byte("\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\x05\x00\x00\x00" +
		"\x04\x00\x00\x00\xff\xff\xff\xff\x10\x00\x04\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff")
	const name = "system.posix_acl_access"
	hasACL := unix.Setxattr("s/f", name, acl, 0) == nil
	check.NoError(t, errors.Join(WriteFile("out", []byte("new"), 0o600), WriteFile("dangling", []byte("x"), 0o604)))
	check.Equal(t, contents("s"), "f=new link=new new=x", "the folder of the links' targets")
	check.Equal(t, len(check.Must(os.ReadFile("backup"))), 0, "bytes of another hard link of the earlier file")
	info := check.Must(os.Lstat("s/f"))
	check.That(t, info.Mode() == 0o640 && ownerOf(info) == owner, "mode %v, owner %d", info.Mode(), ownerOf(info))
	got := make([]byte, 100)
	if hasACL { // a new file begins with the folder's default ACL, which the earlier file need not have
		check.NoError(t, errors.Join(unix.Setxattr("s", "system.posix_acl_default", acl, 0), WriteFile("s/new", nil, 0o600)))
		n, err := unix.Getxattr("s/new", name, got)
		check.That(t, errors.Is(err, unix.ENODATA), "POSIX ACL %x, %v, want none", got[:max(n, 0)], err)
		check.Equal(t, check.Must(os.Stat("s/new")).Mode(), fs.FileMode(0o604), "mode with a default ACL")
	}
	if n, err := unix.Getxattr("s/f", name, got); hasACL && (err != nil || string(got[:n]) != string(acl)) {
		t.Errorf("POSIX ACL %x, %v, want %x", got[:max(n, 0)], err, acl)
	}
	for _, link := range []string{"out", "s/link", "dangling"} {
		check.Equal(t, check.Must(os.Lstat(link)).Mode().Type(), fs.ModeSymlink, "type of %s", link)
	}
}

// TestPipesAndOpenFilesAreWrittenInPlace checks that a named pipe, a device and a file that this process has open are
// not replaced.
func TestPipesAndOpenFilesAreWrittenInPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, unix.Mkfifo("pipe", 0o600))
	reader := check.Must(os.OpenFile("pipe", os.O_RDWR, 0))
	open := check.Must(os.Create("open"))
	before := check.Must(open.Stat())
	fd := fmt.Sprintf("/dev/fd/%d", open.Fd())
	check.NoError(t, errors.Join(WriteFile("pipe", []byte("p"), 0o600), WriteFile(fd, []byte("o"), 0o600)))
	got := make([]byte, 1)
	check.Must(reader.Read(got))
	check.NoError(t, errors.Join(reader.Close(), open.Close(), os.Remove("pipe")))
	check.Equal(t, string(got)+" "+contents("."), "p open=o", "the pipe's byte and the folder")
	check.That(t, os.SameFile(before, check.Must(os.Stat("open"))), "the open file was replaced")
	check.ErrorIs(t, WriteFile("/dev/full", []byte("x"), 0o600), syscall.ENOSPC, "/dev/full")
}

// TestMountedFileIsWrittenInPlace checks that a file that is a mount point, as in a container, is written in place: no
// rename can replace it.
func TestMountedFileIsWrittenInPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, errors.Join(os.WriteFile("f", []byte("old text"), 0o600), os.WriteFile("mounted", nil, 0o600)))
	if err := unix.Mount("f", "mounted", "", unix.MS_BIND, ""); err != nil {
		t.Skipf("mount: %v", err)
	}
	err := WriteFile("mounted", []byte("new"), 0o600)
	check.NoError(t, errors.Join(err, unix.Unmount("mounted", 0)))
	check.Equal(t, contents("."), "f=new mounted=", "the folder")
}

// TestForbiddenTargetsAreRefused checks that a file that the caller may not write or cannot give its owner is not
// replaced, and neither is a file or link of another user in a folder like /tmp, by root too.
func TestForbiddenTargetsAreRefused(t *testing.T) {
	check.That(t, WriteFile("d/", nil, 0o600) != nil && WriteFile("", nil, 0o600) != nil, "a name of no file is written")
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		check.NoError(t, os.Chmod(at, 0o755))
	}
	t.Chdir(dir)
	check.NoError(t, errors.Join(os.Mkdir("tmp", 0o755), os.Mkdir("closed", 0o755)))
	for name, mode := range map[string]fs.FileMode{"read-only": 0o444, "others": 0o666, "closed/f": 0o666} {
		check.NoError(t, errors.Join(os.WriteFile(name, []byte("old"), 0o600), os.Chmod(name, mode)))
	}
	check.NoError(t, errors.Join(os.Chmod(".", 0o777), os.Chown("read-only", 4001, 4001),
		os.WriteFile("tmp/f", []byte("theirs"), 0o666), os.Chown("tmp/f", 4001, 0), os.Symlink("../others", "tmp/link"),
		os.Lchown("tmp/link", 4001, 4001), os.Chmod("tmp", 0o777|fs.ModeSticky)))
	// In a sticky folder, root may replace a file of the folder's owner.
	check.NoError(t, errors.Join(os.Mkdir("own", 0o755), WriteFile("own/f", nil, 0o666), os.Chown("own/f", 4001, 4001),
		os.Chown("own", 4001, 4001), os.Chmod("own", 0o777|fs.ModeSticky), WriteFile("own/f", []byte("new"), 0o666)))
	link := "another user created"
	if _, err := os.Stat("tmp/link"); err != nil { // this host follows no such link (fs.protected_symlinks)
		link = "permission denied"
	}
	for _, c := range []struct {
		user       int
		name, want string
	}{
		{4001, "read-only", "permission denied"},
		{4001, "others", "others belongs to another user or group"},
		{4001, "closed/f", "the folder must be writable"},
		{0, "tmp/f", "another user created"}, {0, "tmp/link", link},
	} {
		write := func() (any, error) { return nil, WriteFile(c.name, []byte("new"), 0o600) }
		_, err := asuser.Run(c.user, c.user, write)
		check.That(t, err != nil && strings.Contains(err.Error(), c.want), "%s: %v, want %q", c.name, err, c.want)
	}
	kept := string(check.Must(os.ReadFile("tmp/f"))) + " " + string(check.Must(os.ReadFile("others")))
	check.Equal(t, kept, "theirs old", "the files after the refusals")
	check.Equal(t, len(check.Must(filepath.Glob("*.new-*"))), 0, "new versions after the refusals")
}
