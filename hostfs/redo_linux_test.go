package hostfs

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// errKilled is the error of each call after the server was killed.
var errKilled = fmt.Errorf("killed: %w", unix.EIO)

// killer ends a server before its n-th call, as kill -9 does: no later call has an effect.
type killer struct {
	n, calls int
	part     int // bytes that the n-th call stores if it is a write or copy
	trace    []string
}

// do implements Config.Faults.
func (k *killer) do(call, name string) error {
	if call == "getxattr" || call == "stat" || call == "dup" || call == "open" {
		return nil // calls without an effect
	}
	k.calls++
	switch {
	case k.calls < k.n:
		k.trace = append(k.trace, call+" "+name)
		return nil
	case k.calls == k.n && (call == "copy" || call == "write") && k.part > 0:
		k.trace = append(k.trace, call+" "+name)
		return &diskio.Short{Bytes: k.part, Err: errKilled}
	}
	return errKilled
}

// contentsBelow returns the contents of each file of the tree, and "/" for a directory. It omits names that are hidden
// from clients, except the redo directory.
func (w *world) contentsBelow() map[string]string {
	w.Helper()
	all := map[string]string{}
	w.must(filepath.WalkDir(w.root, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(strings.TrimPrefix(path, w.root), "/")
		switch {
		case err != nil || name == "":
			return err
		case strings.HasPrefix(e.Name(), privatePrefix) && e.Name() != redoDirectory:
			return nil
		case e.IsDir():
			all[name] = "/"
			return nil
		}
		b, err := os.ReadFile(path)
		all[name] = string(b)
		return err
	}))
	return all
}

// change is a call that a crash may interrupt.
type change struct {
	name string
	do   func(w *world) ntstatus.Status
}

// changes returns the calls that replace a file or directory.
func changes() []change {
	refill := func(w *world) ntstatus.Status { return w.contents("f").Refill(w.contents("new")) }
	move := func(from, to string, link bool) func(w *world) ntstatus.Status {
		return func(w *world) ntstatus.Status {
			return w.opened(from, fileaccess.Request{}, winnt.DELETE).Move(&nt.FileMove{Name: to, Link: link,
				Replace: true, Decide: agree(nil)})
		}
	}
	over := func(from, to string) func(w *world) ntstatus.Status {
		return func(w *world) ntstatus.Status {
			return w.opened(from, fileaccess.Request{}, winnt.DELETE).Move(&nt.FileMove{Name: to, Decide: agree(nil),
				Aside: w.opened(to, fileaccess.Request{}, winnt.DELETE), AsideName: "aside", DecideAside: agree(nil)})
		}
	}
	return []change{{"refill", refill}, {"rename over a full directory", over("empty", "d")},
		{"rename of a directory over a file", over("d", "f")}, {"rename of a file over a directory", over("f", "d")},
		{"rename over a file", move("f", `d\f`, false)},
		{"rename out of a directory", move(`d\f`, "f", false)},
		{"rename of a directory over an empty one", move("d", "empty", false)},
		{"rename of a directory over a full one", move("empty", "d", false)}, {"link over a file", move("f", `d\f`, true)},
		{"rename", move("f", "x", false)}, {"rename of a directory", move("d", "x", false)}}
}

// crashable returns a tree with the files that changes need. k intercepts its calls.
func crashable(t *testing.T, k *killer) *world {
	if s, err := os.Stat("/dev/shm"); err == nil && s.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // a memory file system, where a sync is free
	}
	w := newWorld(t, func(c *Config) { c.Faults = k.do })
	for _, name := range []string{"d", "empty"} {
		w.dir(name, wide)
	}
	old, fresh := strings.Repeat("old", 3000), strings.Repeat("fresh", 2000)
	for name, contents := range map[string]string{"f": old, "new": fresh, `d\f`: "d"} {
		w.file(name, contents, wide)
	}
	return w
}

// reopened opens the tree again, as a server that starts after the crash, and closes it.
func (w *world) reopened() error {
	c := w.tree.cfg
	c.Faults = nil
	tree, err := Open(c)
	if err != nil {
		return err
	}
	return tree.Close()
}

// outcomes returns the contents before a change and after it.
func outcomes(t *testing.T, c change) (before, after map[string]string, calls int) {
	k := &killer{n: 1 << 30}
	w := crashable(t, k)
	before, k.calls = w.contentsBelow(), 0
	st := c.do(w)
	if want := c.name != "rename of a directory over a full one"; (st == ntstatus.Success) != want {
		t.Errorf("%s: %v, want success: %t", c.name, st, want)
	}
	return before, w.contentsBelow(), k.calls
}

// TestKilledServerLeavesOldOrNewTree checks that a server that is killed before any call of a change, or in the middle
// of a copy, leaves the tree as before the change or as after it, once the tree is opened again (F-210, F-211).
func TestKilledServerLeavesOldOrNewTree(t *testing.T) {
	for _, c := range changes() {
		before, after, calls := outcomes(t, c)
		seen := map[string]int{}
		for n := 1; n <= calls+1; n++ {
			for _, part := range []int{0, 4096} {
				k := &killer{n: 1 << 30}
				w := crashable(t, k)
				k.calls, k.n, k.part, k.trace = 0, n, part, nil
				st := c.do(w)
				err := w.reopened()
				switch got := w.contentsBelow(); {
				case err != nil:
					t.Errorf("F-210: %s killed before call %d, after %q: open the tree: %v", c.name, n, k.trace, err)
				case maps.Equal(got, before):
					seen["before"]++
				case maps.Equal(got, after):
					seen["after"]++
					left, _ := filepath.Glob(filepath.Join(w.root, "d", privatePrefix+"*"))
					check.Equal(t, len(left), 0, "F-211: %s killed before call %d: private names", c.name, n)
				default:
					t.Errorf("F-210: %s killed before call %d, after %q, with %v: %d files, neither as before nor as after",
						c.name, n, k.trace, st, len(got))
				}
			}
		}
		check.That(t, seen["before"] != 0 && (seen["after"] != 0 || maps.Equal(before, after)),
			"F-210: %s: %v, want both outcomes", c.name, seen)
	}
}

// TestSecondCrashDuringRedoLosesNothing checks that a second crash during the completion loses nothing either (F-210).
func TestSecondCrashDuringRedoLosesNothing(t *testing.T) {
	first, step := func(n int) int { return 1 + n%3 }, 3 // a third of all pairs
	if randtest.Deep() {
		first, step = func(int) int { return 1 }, 1
	}
	for _, c := range changes() {
		before, after, calls := outcomes(t, c)
		for n := 1; n <= calls; n++ {
			for again := first(n); ; again += step {
				k := &killer{n: 1 << 30}
				w := crashable(t, k)
				k.calls, k.n = 0, n
				_ = c.do(w)
				second := &killer{n: again, part: 4096}
				cfg := w.tree.cfg
				cfg.Faults = second.do
				tree, err := Open(cfg)
				if err == nil {
					w.must(tree.Close())
				} else if second.calls < again {
					t.Errorf("F-210: %s killed before call %d, then not: %v", c.name, n, err)
				}
				w.must(w.reopened())
				if got := w.contentsBelow(); !maps.Equal(got, before) && !maps.Equal(got, after) {
					t.Errorf("F-210: %s killed before calls %d and %d, after %q and %q: neither as before nor as after",
						c.name, n, again, k.trace, second.trace)
				}
				if second.calls < again {
					break
				}
			}
		}
	}
}

// TestPowerCutLeavesOldOrNewFile checks the order of writes of a replacement: whatever of the contents and names that
// were not made durable is lost, the file is old or new after the tree is opened again (F-213).
func TestPowerCutLeavesOldOrNewFile(t *testing.T) {
	c := changes()[0]
	before, after, calls := outcomes(t, c)
	for n := 1; n <= calls+2; n++ { // one more without a journal
		// Each bit selects a kind of unsynced change that is lost. The last bit means no journal.
		for lost := range 32 {
			if (n+lost)%5 != 0 && !randtest.Deep() {
				continue
			}
			k := &killer{n: 1 << 30}
			w := crashable(t, k)
			w.tree.journaled = lost&16 == 0
			k.calls, k.n, k.part, k.trace = 0, n, 4096, nil
			st := c.do(w)
			w.cutPower(k.trace, lost)
			err := w.reopened()
			got := w.contentsBelow()
			// The other file is the server's own temporary file. What a power failure leaves of it does not matter.
			got["new"] = before["new"]
			if err != nil || !maps.Equal(got, before) && !maps.Equal(got, after) {
				t.Errorf("F-213: power cut before call %d, after %q (%v), lost %05b: %v, %d bytes, neither old nor new",
					n, k.trace, st, lost, err, len(got["f"]))
			}
			check.That(t, st != ntstatus.Success || got["f"] == after["f"],
				"F-213: a completed replacement was lost (%05b)", lost)
		}
	}
}

// TestReplacementSyncsContentsAndFile checks how often a replacement waits for the disk: for the new contents with the
// names of the record, and for the file. Without a journal the names take a sync of their own (F-213).
func TestReplacementSyncsContentsAndFile(t *testing.T) {
	for journaled, want := range map[bool]string{true: "new f", false: "new " + redoDirectory + " f"} {
		var disk inject.Injector
		w := newWorld(t, func(c *Config) { c.Faults = disk.Do })
		w.tree.journaled = journaled
		w.file("f", "old", wide)
		w.file("new", "fresh", wide)
		w.want(w.contents("f").Refill(w.contents("new")), ntstatus.Success)
		var synced []string
		for _, op := range disk.Ops() {
			if name, ok := strings.CutPrefix(op, "sync "); ok {
				synced = append(synced, name)
			}
		}
		check.Equal(t, strings.Join(synced, " "), want, "F-213: with a journal %t a replacement syncs", journaled)
	}
}

// cutPower drops what the calls of a trace did not make durable: with bit 0 the contents of the new file, with bit 1
// those that the replaced file got, and with bits 2 and 3 the record's names.
func (w *world) cutPower(trace []string, lost int) {
	w.Helper()
	since := func(call string, to int) bool { return !slices.Contains(trace[to:], call) }
	last := func(prefix string) int {
		for i, call := range slices.Backward(trace) {
			if strings.HasPrefix(call, prefix) {
				return i + 1
			}
		}
		return 0
	}
	names := "sync " + redoDirectory
	if w.tree.journaled {
		names = "sync new" // the journal goes with the contents
	}
	fresh := check.Must(os.ReadFile(w.path("new")))
	if lost&1 != 0 && since("sync new", 0) {
		w.must(os.WriteFile(w.path("new"), make([]byte, len(fresh)), 0o600))
	}
	if changed := max(last("copy f"), last("truncate f")); lost&2 != 0 && changed > 0 && since("sync f", changed) {
		b := check.Must(os.ReadFile(w.path("f")))
		clear(b[:len(b)/2])
		w.must(os.WriteFile(w.path("f"), b, 0o600))
	}
	if since(names, last("link ")) {
		for bit, suffix := range map[int]string{4: redoTarget, 8: redoData} {
			names, _ := filepath.Glob(filepath.Join(w.root, redoDirectory, "*"+suffix))
			for _, name := range names {
				if lost&bit != 0 {
					w.must(os.Remove(name))
				}
			}
		}
	}
}

// A sync of a file makes earlier changes of names durable on a file system with a journal only (F-213).
func TestJournalOfFileSystemIsFound(t *testing.T) {
	for kind, want := range map[string]bool{"ext2": false, "ext4": true} {
		_, at := newFileSystem(t, kind, 16<<20)
		w := newWorld(t, func(c *Config) { c.Path = at })
		check.Equal(t, w.tree.journaled, want, "F-213: %s has a journal", kind)
	}
}

// TestUntrustedRedoDirectoryIsIgnored checks that a redo directory that others own or can write to is not used,
// and that names without a valid record are removed (F-212).
func TestUntrustedRedoDirectoryIsIgnored(t *testing.T) {
	w := newWorld(t)
	w.file("f", "f", wide)
	plant := func(mode os.FileMode, names map[string]string) {
		w.must(os.Mkdir(w.path(redoDirectory), 0o700))
		w.must(os.Link(w.path("f"), w.path(redoDirectory+`\a`+redoTarget)))
		for name, contents := range names {
			w.must(os.WriteFile(w.path(redoDirectory+`\`+name), []byte(contents), 0o600))
		}
		w.must(os.Chmod(w.path(redoDirectory), mode))
	}
	for _, mode := range []os.FileMode{0o770, 0o707, 0o711, 0o700} {
		if mode == 0o700 && os.Getuid() != 0 {
			continue // only root can give the directory away
		}
		plant(mode, map[string]string{"a" + dataSuffix(7, crc32.Checksum([]byte("planted"), castagnoli)): "planted"})
		if mode == 0o700 { // of another account
			w.must(os.Chown(w.path(redoDirectory), 4001, -1))
		}
		if err := w.reopened(); !errors.Is(err, unix.EACCES) {
			t.Errorf("F-212: open with a redo directory of mode %o (700: of another account): %v, want EACCES", mode, err)
		}
		f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA|winnt.FILE_READ_DATA)
		w.file("other", "other", wide)
		w.want(f.Refill(w.opened("other", fileaccess.Request{}, winnt.FILE_READ_DATA)), ntstatus.AccessDenied)
		w.holds(map[string]string{"f": "f"})
		w.must(os.RemoveAll(w.path(redoDirectory)))
	}
	for _, names := range []map[string]string{{}, {"b" + redoData: "x"}, {"a" + redoData: "x"},
		{"a" + dataSuffix(1, 1): "x"}, {"a" + dataSuffix(2, crc32.Checksum([]byte("x"), castagnoli)): "x"},
		{"a" + redoPart: "x"},
		{"a" + redoMove: ""}, {"a" + redoMove: "move 2\x00"}, {"a" + redoGone: "x"}, {"x": "x"}} {
		plant(0o700, names)
		w.must(w.reopened())
		w.holds(map[string]string{"f": "f"})
		w.exists(redoDirectory, false)
	}
	// A record that cannot be completed is an error, and stays.
	sum := dataSuffix(7, crc32.Checksum([]byte("planted"), castagnoli))
	for what, prepare := range map[string]func() error{
		"no contents":     func() error { return os.Mkdir(w.path(redoDirectory+`\a`+sum), 0o700) },
		"no regular file": func() error { return mkfifo(w.path(redoDirectory + `\a` + sum)) },
		"no target's file": func() error {
			return errors.Join(os.Remove(w.path(redoDirectory+`\a`+redoTarget)),
				os.Mkdir(w.path(redoDirectory+`\a`+redoTarget), 0o700),
				os.WriteFile(w.path(redoDirectory+`\a`+sum), []byte("planted"), 0o600))
		},
	} {
		plant(0o700, nil)
		w.must(prepare())
		open := check.OpenDescriptors(t)
		check.That(t, w.reopened() != nil, "F-210: open with a record that has %s: no error, want one", what)
		check.Equal(t, check.OpenDescriptors(t), open, "host descriptors after a record that has %s", what)
		w.holds(map[string]string{"f": "f"})
		w.must(os.RemoveAll(w.path(redoDirectory)))
	}
	// The tree opens while another server changes it.
	r := check.Must(w.tree.newRecord())
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	w.must(r.link(f.fd, redoTarget))
	w.must(w.reopened())
	w.exists(redoDirectory+`\`+r.id+redoTarget, true)
	r.drop(redoTarget)
	r.end()
	w.exists(redoDirectory, false)
}

// TestRedoWaitsForLease checks that a replacement which a crash interrupted is completed once another program gives up
// its lease on the file (F-210).
func TestRedoWaitsForLease(t *testing.T) {
	w := newWorld(t)
	w.file("f", "f", wide)
	lease := check.Must(os.Open(w.path("f")))
	defer func() { w.must(lease.Close()) }()
	set := func(kind int) error { return check.Err(unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, kind)) }
	if err := set(unix.F_RDLCK); err != nil {
		t.Skipf("no lease can be had in %s: %v", w.root, err)
	}
	w.must(os.Mkdir(w.path(redoDirectory), 0o700))
	w.must(os.Link(w.path("f"), w.path(redoDirectory+`\a`+redoTarget)))
	sum := crc32.Checksum([]byte("new"), castagnoli)
	w.must(os.WriteFile(w.path(redoDirectory+`\a`+dataSuffix(3, sum)), []byte("new"), 0o600))
	opened := make(chan error, 1)
	go func() { opened <- w.reopened() }()
	check.Eventually(t, func() bool { // the kernel lets the open wait
		kind, err := unix.FcntlInt(lease.Fd(), unix.F_GETLEASE, 0)
		return err == nil && kind == unix.F_UNLCK
	}, "no open waits for the lease")
	w.must(set(unix.F_UNLCK))
	w.must(<-opened)
	w.holds(map[string]string{"f": "new"})
}

// TestEndOfRecordLeavesOtherServersRecord checks that a server whose last record ends does not remove the directory in
// which another server of the tree is about to create a record, and neither does a listing (F-210).
func TestEndOfRecordLeavesOtherServersRecord(t *testing.T) {
	w := newWorld(t)
	w.file("f", "f", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	other := check.Must(Open(w.tree.cfg))
	defer func() { w.must(other.Close()) }()
	first, second := check.Must(w.tree.newRecord()), check.Must(other.newRecord())
	w.tree.abandoned = -time.Hour // a listing finds the empty directory old
	check.Equal(t, check.Status(w.opened("", fileaccess.Request{}, winnt.FILE_READ_DATA).List("", true, 9, nil)),
		ntstatus.Success, "List")
	first.end()
	w.must(second.link(f.fd, redoTarget))
	second.drop(redoTarget)
	second.end()
	w.exists(redoDirectory, false)
}
