package mount

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// full lets everybody of the tests do everything below.
const full = "O:BAG:SYD:P(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-22-1-61001)(A;OICI;0x1200a9;;;WD)"

// TestChange: what a user does to names and contents is decided by the descriptors of
// files and directories.
func TestChange(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.sees(alice, "", "sh", "-c", "echo one > d/f; echo two >> d/f")
	w.sees(bob, "one\ntwo", "cat", "d/f")
	w.refused(bob, "Permission denied", "sh", "-c", "echo three >> d/f")
	w.refused(bob, "Permission denied", "sh", "-c", "echo new > d/g")
	w.refused(bob, "Permission denied", "mkdir", "d/e")
	w.refused(bob, "Permission denied", "rm", "-f", "d/f")
	w.refused(bob, "Permission denied", "mv", "-f", "d/f", "d/g")
	w.refused(bob, "Permission denied", "ln", "d/f", "d/g")
	w.refused(bob, "Permission denied", "touch", "d/f")
	w.refused(bob, "Permission denied", "truncate", "-s", "0", "d/f")
	w.sees(alice, "", "mkdir", "d/e")
	w.sees(alice, "", "mv", "d/f", "d/e/g")
	w.sees(alice, "", "ln", "d/e/g", "d/link")
	w.sees(bob, "one\ntwo", "cat", "d/link")
	w.sees(alice, "", "touch", "-d", "@1000000000", "d/link")
	w.sees(bob, "1000000000 2 61001", "stat", "-c", "%Y %h %u", "d/e/g")
	w.refused(alice, "not empty", "rmdir", "d/e")
	w.sees(alice, "", "truncate", "-s", "3", "d/link")
	w.sees(bob, "one", "cat", "d/e/g")
	w.sees(alice, "", "rm", "d/e/g")
	w.sees(alice, "", "rmdir", "d/e")
	w.sees(bob, "link", "ls", "d")
	w.refused(alice, "Operation not permitted", "mkfifo", "d/pipe")
	if _, err := os.Lstat(filepath.Join(w.root, "d/link")); err != nil {
		t.Error(err)
	}
}

// TestOwnersAndModes: owner and group are changed by who may write the owner, to what
// the account may assign; permissions are not changed at all (M-22). Links, pipes and
// exchanged names are no things of a tree (M-21).
func TestOwnersAndModes(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/hers", "", "O:"+user(alice)+"G:SYD:P(A;;FA;;;"+user(alice)+")(A;;FR;;;WD)")
	w.file("d/taken", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;FR;;;WD)")
	w.sees(alice, "", "chmod", "755", "d/hers")
	w.refused(alice, "Operation not permitted", "chmod", "600", "d/hers")
	w.refused(alice, "Operation not permitted", "chmod", "4755", "d/hers")
	w.refused(bob, "Permission denied", "chown", "61002", "d/taken")
	w.refused(alice, "Operation not permitted", "chown", "61002", "d/taken")
	w.sees(alice, "", "chown", "61001", "d/taken")
	w.sees(bob, "61001", "stat", "-c", "%u", "d/taken")
	w.sees(alice, "", "chgrp", "62001", "d/taken")
	w.sees(bob, "62001", "stat", "-c", "%g", "d/taken")
	// Both at once are both changed, or neither.
	w.file("d/both", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;FR;;;WD)")
	before, err := w.run(bob, "stat", "-c", "%u:%g", "d/both")
	w.must(err)
	w.refused(alice, "Operation not permitted", "chown", "61002:62001", "d/both")
	w.sees(bob, before, "stat", "-c", "%u:%g", "d/both")
	w.sees(alice, "", "chown", "61001:62001", "d/both")
	w.sees(bob, "61001:62001", "stat", "-c", "%u:%g", "d/both")
	w.refused(alice, "Operation not permitted", "mkfifo", "d/pipe")
	if err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(w.at, "d/hers"), unix.AT_FDCWD,
		filepath.Join(w.at, "d/taken"), unix.RENAME_EXCHANGE); !errors.Is(err, unix.EINVAL) {
		t.Errorf("M-21: %v", err)
	}
}

// TestFinal: a handle does what it was granted when it was opened, also when its file
// has no name or no right left for the user (M-4, M-15).
func TestFinal(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/f", "before\n", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	// The shell opens, the test takes every right away, and the shell goes on.
	script := `exec 3<>d/f; echo opened; read go; cat <&3; echo after >&3; stat -L -c %s /dev/fd/3`
	cmd := as(alice, "/bin/sh", "-c", `cd "$0" && `+script, w.at)
	in, err := cmd.StdinPipe()
	w.must(err)
	out, err := cmd.StdoutPipe()
	w.must(err)
	cmd.Stderr = os.Stderr
	w.must(cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "opened" {
		t.Fatalf("M-4: %q", lines.Text())
	}
	w.describe("d/f", "O:BAG:SYD:P(A;;FA;;;BA)")
	w.refused(alice, "Permission denied", "cat", "d/f")
	w.must(os.Remove(filepath.Join(w.root, "d/f")))
	_, err = in.Write([]byte("go\n"))
	w.must(err)
	for _, want := range []string{"before", "13"} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("M-4, M-15: %q, want %q", lines.Text(), want)
		}
	}
	w.must(cmd.Wait())
}

// TestWholeOrNotAtAll: a user who may write a file and not see its attributes, which the
// host's kernel is told with a change of them, changes neither size nor times by name
// (M-24), and empties the file by opening it.
func TestWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FX;;;WD)")
	w.file("drop", "0123456789", "O:BAG:SYD:P(A;;0x100106;;;"+user(bob)+")")
	before, err := os.Stat(filepath.Join(w.root, "drop"))
	w.must(err)
	if err := w.byName(bob, "drop", 3); err != fuse.EACCES {
		t.Errorf("M-24: truncate: %v", err)
	}
	w.refused(bob, "Permission denied", "touch", "-c", "-d", "@1000000000", "drop")
	after, err := os.Stat(filepath.Join(w.root, "drop"))
	w.must(err)
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("M-24: %d bytes of %v became %d of %v", before.Size(), before.ModTime(), after.Size(), after.ModTime())
	}
	w.sees(bob, "", "sh", "-c", "echo new > drop")
	w.refused(bob, "Permission denied", "stat", "drop")
	w.sees(bob, "", "truncate", "-s", "4", "drop")
	if b, err := os.ReadFile(filepath.Join(w.root, "drop")); err != nil || string(b) != "new\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// byName changes the size of a file as truncate(2) asks for it.
func (w *world) byName(uid uint32, name string, size uint64) fuse.Status {
	w.Helper()
	return w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{
		InHeader: header(uid, w.known(uid, name)), Valid: fuse.FATTR_SIZE, Size: size}}, &fuse.AttrOut{})
}
