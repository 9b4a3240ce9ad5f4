package mount

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// counted counts the logons of the tests' people, and lets alice into staff while in is set.
type counted struct {
	people
	n  atomic.Int32
	in atomic.Bool
}

func (c *counted) LogOn(uid, gid uint32) (logon.Result, error) {
	c.n.Add(1)
	if uid == 61666 {
		panic("of the test")
	}
	if !c.in.Load() && uid == alice {
		uid, gid = bob, bob
	}
	return c.people.LogOn(uid, gid)
}

// TestTokenLife: a token is made once, made anew when accounts changed, and when it is
// old (M-2).
func TestTokenLife(t *testing.T) {
	from := &counted{}
	var now atomic.Int64
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts, c.now = from, func() time.Time { return time.Unix(now.Load(), 0) }
	})
	w.file("staff.txt", "theirs\n", "O:BAG:SYD:P(A;;FR;;;S-1-22-2-62001)")
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	before := from.n.Load()
	from.in.Store(true)
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	if from.n.Load() != before {
		t.Errorf("M-2: %d logons, %d before", from.n.Load(), before)
	}
	w.m.DropAccounts(bob, false)
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	w.m.DropAccounts(alice, false)
	w.sees(alice, "theirs", "cat", "staff.txt")
	from.in.Store(false)
	now.Add(29)
	w.sees(alice, "theirs", "cat", "staff.txt")
	now.Add(2)
	w.refused(alice, "Permission denied", "cat", "staff.txt")
	from.in.Store(true)
	w.m.DropAccounts(0, true)
	w.sees(alice, "theirs", "cat", "staff.txt")
}

// TestRefused: who is not logged on is refused everything, and so is a user whose
// request panics in the mount's own code, which goes on for others (M-3, M-7).
func TestRefused(t *testing.T) {
	from := &counted{}
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Accounts = from })
	w.file("all.txt", "everybody's\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	for uid, why := range map[uint32]string{61999: "Permission denied", 61666: "Input/output error"} {
		w.refused(uid, "can't cd", "true")
		for _, args := range [][]string{{"cat", w.at + "/all.txt"}, {"ls", w.at}} {
			cmd := as(uid, args[0], args[1])
			if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), why) {
				w.Errorf("M-3, M-7: uid %d: %s, %v; want %s", uid, out, err, why)
			}
		}
	}
	w.sees(bob, "everybody's", "cat", "all.txt")
}

// broken is a tree whose look-ups panic once it is told to.
type broken struct {
	nt.FileSystem
	on atomic.Bool
}

func (b *broken) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	if b.on.Load() {
		panic("of the test")
	}
	return b.FileSystem.Find(r, start)
}

// TestPanicBelow: a panic below a service ends the program (M-7).
func TestPanicBelow(t *testing.T) {
	ended := make(chan any, 64)
	b := &broken{}
	w := newWorldOn(t, func(tree nt.FileSystem) nt.FileSystem { b.FileSystem = tree; return b },
		func(_ *hostfs.Config, c *Config) { c.fatal = func(v any) { ended <- v } })
	b.on.Store(true)
	w.refused(bob, "input/output error", "cat", "all.txt")
	select {
	case v := <-ended:
		if v != "of the test" {
			t.Errorf("M-7: ended for %v", v)
		}
	default:
		t.Error("M-7: a panic below a service did not end the program")
	}
}

// TestBare: a user who may not see a directory's attributes passes through it, sees
// none of them after another user did, and is told that it is there (M-5).
func TestBare(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FX;;;WD)(A;;FA;;;"+user(alice)+")")
	w.dir("secret", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("secret/inner.txt", "passed\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file("drop.txt", "", "O:BAG:SYD:P(A;;0x100006;;;"+user(bob)+")(A;;FA;;;"+user(alice)+")")
	for range 3 {
		w.sees(alice, "directory 0", "stat", "-c", "%F %u", "secret")
		w.refused(bob, "Permission denied", "stat", "secret")
		w.sees(bob, "passed", "cat", "secret/inner.txt")
		w.refused(bob, "Permission denied", "stat", "drop.txt")
	}
	w.refused(bob, "No such file", "stat", "absent")
	w.refused(bob, "Permission denied", "ls")
}

// TestStaleNode: what a program has looked up is opened only while its name means that
// file (M-11). The descriptor of a directory keeps its node known.
func TestStaleNode(t *testing.T) {
	w := newWorld(t)
	w.dir("d", everybody)
	w.file("d/f", "first\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	dir, err := os.Open(filepath.Join(w.at, "d"))
	w.must(err)
	defer func() { w.must(dir.Close()) }()
	w.must(os.Rename(filepath.Join(w.root, "d"), filepath.Join(w.root, "gone")))
	w.dir("d", everybody)
	w.file("d/f", "second\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if !errors.Is(err, unix.ESTALE) {
		t.Errorf("M-11: descriptor %d, %v of another directory, want ESTALE", fd, err)
	}
	w.sees(bob, "second", "cat", "d/f")
}

// TestHidden: where that is wanted, a listing shows each user what it may read (M-14).
func TestHidden(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.HideUnreadable = true })
	w.file("a", "", "O:BAG:SYD:P(A;;FR;;;"+user(alice)+")")
	w.file("b", "", "O:BAG:SYD:P(A;;FR;;;"+user(bob)+")")
	w.file("c", "", "O:BAG:SYD:P(A;;FR;;;WD)")
	for range 2 {
		w.sees(alice, "a\nc", "ls")
		w.sees(bob, "b\nc", "ls")
	}
}

// TestNames: what Windows cannot name is not there; sharing is never refused (M-9, M-10,
// M-6).
func TestNames(t *testing.T) {
	w := newWorld(t)
	w.file("plain", "", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.must(os.WriteFile(filepath.Join(w.root, `with\slash`), nil, 0o600))
	w.must(os.WriteFile(filepath.Join(w.root, "with:colon"), nil, 0o600))
	w.sees(bob, "plain", "ls")
	w.refused(bob, "No such file", "cat", `with\slash`)
	w.refused(bob, "No such file", "cat", "with:colon")
	long := make([]byte, 256)
	for i := range long {
		long[i] = 'x'
	}
	w.refused(bob, "name too long", "cat", string(long))
	w.refused(bob, "No such file", "cat", "\xff\xfe")
	var open []*os.File
	for range 3 {
		f, err := os.Open(filepath.Join(w.at, "plain"))
		w.must(err)
		open = append(open, f)
	}
	for _, f := range open {
		w.must(f.Close())
	}
}

// TestExecute: to run a program takes the right to execute it and the one to read it
// (M-13); the permissions that are shown say nothing (M-12).
func TestExecute(t *testing.T) {
	w := newWorld(t)
	program, err := os.ReadFile("/bin/true")
	w.must(err)
	for name, rights := range map[string]string{"both": "0x1200a9", "read": "0x120089", "execute": "0x1200a0"} {
		w.file(name, string(program), "O:BAG:SYD:P(A;;"+rights+";;;WD)")
	}
	w.sees(bob, "", "./both")
	w.refused(bob, "permission denied", "./read")
	w.refused(bob, "permission denied", "./execute")
	w.sees(bob, "755 0 0", "stat", "-c", "%a %u %g", "execute")
	w.file("owned", "", "O:"+user(alice)+"G:S-1-22-2-62001D:P(A;;FR;;;WD)")
	w.sees(bob, "755 61001 62001", "stat", "-c", "%a %u %g", "owned")
}

// TestStaleMount: the mount of a killed server is removed at the start of the next, and
// nothing else is (M-8).
func TestStaleMount(t *testing.T) {
	needs(t)
	dir := folder(t)
	at := filepath.Join(dir, "mount")
	for _, err := range []error{os.Mkdir(at, 0o755), os.Mkdir(filepath.Join(at, "kept"), 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveStale(at); err != nil {
		t.Errorf("M-8: an ordinary directory: %v", err)
	}
	// A server is killed by closing its end of the connection.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	options := "rootmode=40000,user_id=0,group_id=0,fd=" + strconv.Itoa(fd)
	if err := unix.Mount("refmon", at, "fuse.refmon", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // it is gone where all is well
	if err := unix.Close(fd); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(at); !errors.Is(err, syscall.ENOTCONN) {
		t.Fatalf("the server is gone: %v", err)
	}
	if err := RemoveStale(at); err != nil {
		t.Errorf("M-8: %v", err)
	}
	if _, err := os.Stat(filepath.Join(at, "kept")); err != nil {
		t.Errorf("M-8: what is below the stale mount: %v", err)
	}
	if err := RemoveStale(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("M-8: %v", err)
	}
	if out, err := exec.Command("mountpoint", at).CombinedOutput(); err == nil {
		t.Errorf("M-8: still mounted: %s", out)
	}
}
