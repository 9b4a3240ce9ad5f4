package index_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
)

// TestMovedRootHasNoDocuments checks that a root that is moved away, alone or with a parent folder, has no documents.
// Once it is back, changes made in between are indexed. If a symbolic link replaces the root, or leads to another
// folder, the documents are those behind the link. A run whose tree is covered by another file system, from which it
// gets no events, ends (N-60).
func TestMovedRootHasNoDocuments(t *testing.T) {
	l := newLive(t, false)
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	l.want(x, "plan", "abd")
	for _, moved := range []string{l.tree, filepath.Dir(l.tree)} {
		check.NoError(t, os.Rename(moved, moved+".away"))
		there := l.tree
		l.tree = strings.Replace(there, moved, moved+".away", 1)
		l.put("plan", forCarol)
		l.tree = there
		l.awaitBeats()
		l.want(x, "plan", "")
		check.NoError(t, os.Rename(moved+".away", moved))
		l.awaitBeats()
		l.want(x, "plan", "c")
		l.put("plan", forStaff)
		l.awaitBeats()
		l.want(x, "plan", "abd")
	}
	check.NoError(t, os.Rename(l.tree, l.tree+".1"))
	check.NoError(t, os.Mkdir(l.tree+".2", 0o755))
	for _, behind := range []string{".1", ".2"} {
		check.NoError(t, os.Symlink(l.tree+behind, l.tree+".link"))
		check.NoError(t, os.Rename(l.tree+".link", l.tree))
		l.awaitBeats()
		l.want(x, "plan", map[string]string{".1": "abd"}[behind])
		l.put("plan", forCarol)
		l.awaitBeats()
		l.want(x, "plan", "c")
	}
	above := filepath.Dir(l.tree)
	if err := unix.Mount("tmpfs", above, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	l.awaitBeats()
	l.want(x, "plan", "")
	check.NoError(t, unix.Unmount(above, 0))
	l.awaitBeats()
	l.want(x, "plan", "c")
	check.NoError(t, unix.Mount("tmpfs", l.tree, "tmpfs", 0, "size=1m"))
	defer func() { _ = unix.Unmount(l.tree, unix.MNT_DETACH) }()
	for range l.fences { // until it ends
	}
	if err := <-l.done; err == nil || !strings.Contains(err.Error(), "another file system") {
		t.Errorf("with another file system in its place: %v", err)
	}
	l.stop()
	l.stop = nil
}

// TestTwoRunsIndexOneTree checks that two runs with a folder each can watch one tree, and that both index everything. A
// second run for the same folder is rejected while the first exists, even if that is stopped, and starts once it has
// ended (N-10).
func TestTwoRunsIndexOneTree(t *testing.T) {
	one := newLive(t, false)
	two := *one
	two.state = filepath.Join(t.TempDir(), "state")
	two.config.State = two.state
	child := one.child()
	two.start()
	defer two.end()
	one.put("plan", forCarol)
	two.awaitBeats()
	x, y := one.open(time.Minute), two.open(time.Minute)
	one.awaitAnswer(x, "plan")
	one.want(x, "plan", "c")
	two.want(y, "plan", "c")

	refused := func(when string) {
		t.Helper()
		check.ErrorIs(t, index.Run(t.Context(), one.config), unix.EWOULDBLOCK, "a second run while the first one %s", when)
	}
	refused("runs")
	check.NoError(t, child.Process.Signal(syscall.SIGSTOP))
	refused("is stopped")
	check.NoError(t, child.Process.Kill())
	_ = child.Wait()
	one.put("plan", forStaff)
	one.start()
	one.awaitBeats()
	one.want(x, "plan", "abd")
	two.awaitBeats()
	two.want(y, "plan", "abd")
}

// TestMountHidesCoveredDocuments checks that a mount takes the documents that it covers from everybody as soon as the
// index has a later heartbeat. The files that are mounted there have no readers either, also where the mount is a
// folder or a file of the same file system. When the mount is gone, the covered documents have their readers again
// (N-90). A mount point that moves with its folder hides the documents at its new path. Walks are an hour apart.
func TestMountHidesCoveredDocuments(t *testing.T) {
	l := newLive(t, false)
	for _, dir := range []string{"sub/deep", "other place\u00a0", "open"} {
		check.NoError(t, os.MkdirAll(l.path(dir), 0o755))
	}
	for _, name := range []string{"sub/deep/report", "other place\u00a0/plan", "open/plan", "cover"} {
		l.put(name, forStaff)
	}
	for _, c := range []struct {
		name          string
		source, at    string
		kind          string
		flags         uintptr
		gone, foreign []string // no readers while the mount exists
	}{
		{"tmpfs", "tmpfs", "sub", "tmpfs", 0, []string{"sub/offer", "sub/deep/report"}, []string{"sub", "sub/new"}},
		{"folder of the same file system", l.path("open"), "other place\u00a0", "", unix.MS_BIND, nil,
			[]string{"other place\u00a0", "other place\u00a0/plan"}},
		{"file of the same file system", l.path("cover"), "plan", "", unix.MS_BIND, nil, []string{"plan"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := *l
			l.t = t
			l.start()
			l.awaitBeats()
			x := l.open(time.Minute)
			l.want(x, "plan", "abd")
			l.want(x, "other place\u00a0/plan", "abd")
			l.want(x, "sub/deep/report", "abd")
			if err := unix.Mount(c.source, l.path(c.at), c.kind, c.flags, ""); err != nil {
				t.Skip("cannot mount here: ", err)
			}
			mounted := true
			defer func() {
				if mounted {
					_ = unix.Unmount(l.path(c.at), unix.MNT_DETACH)
				}
			}()
			if c.kind != "" {
				err := errors.Join(os.WriteFile(l.path("sub/new"), nil, 0o644),
					unix.Setxattr(l.path("sub/new"), ntacl.Name, attribute(sddl.MustParse(forStaff)), 0))
				check.RequireThat(t, err == nil || errors.Is(err, unix.ENOTSUP), "%v", err)
			}
			for range 2 { // by the event, then by a run that starts while the mount exists
				l.awaitBeats()
				for _, name := range append(c.gone, c.foreign...) {
					l.want(x, name, "")
				}
				l.want(x, "open/plan", "abd")
				l.end()
				l.start()
			}
			l.awaitBeats()
			check.NoError(t, unix.Unmount(l.path(c.at), 0))
			mounted = false
			l.awaitBeats()
			l.want(x, "plan", "abd")
			l.want(x, "other place\u00a0/plan", "abd")
			l.want(x, "sub/deep/report", "abd")
			l.want(x, "sub/offer", "ad")
			l.want(x, "sub/new", "")
			l.end()
		})
	}
	t.Run("in a folder that moves", func(t *testing.T) {
		l := *l
		l.t = t
		check.NoError(t, os.Mkdir(l.path("team"), 0o755))
		l.put("team/plan", forStaff)
		l.start()
		defer l.end()
		l.awaitBeats()
		x := l.open(time.Minute)
		if err := unix.Mount(l.path("cover"), l.path("team/plan"), "", unix.MS_BIND, ""); err != nil {
			t.Skip("cannot mount here: ", err)
		}
		at := "team"
		defer func() { _ = unix.Unmount(filepath.Join(l.path(at), "plan"), unix.MNT_DETACH) }()
		l.awaitBeats()
		for _, to := range []string{"moved", "../outside", "back"} {
			check.NoError(t, os.Rename(l.path(at), l.path(to)))
			at = to
			check.NoError(t, os.MkdirAll(l.path("team"), 0o755))
			l.put("team/plan", forStaff)
			l.awaitBeats()
			l.want(x, "team/plan", "abd")
			l.want(x, "moved/plan", "")
			l.want(x, "back/plan", "")
		}
	})
}

// TestRevocationReachesEveryHardLink checks that a right that is revoked through one name of a file is revoked for all
// of its names as soon as the index has a later heartbeat, whichever name the change came by: one of the tree, one
// outside, one that was made after the file was read, and a descriptor whose name is gone (N-88). Walks are an hour
// apart.
func TestRevocationReachesEveryHardLink(t *testing.T) {
	l := newLive(t, false)
	outside := filepath.Join(filepath.Dir(l.tree), "outside")
	link := func(from, to string) {
		t.Helper()
		check.NoError(t, os.Link(from, to))
	}
	link(l.path("plan"), l.path("sub/twin"))
	link(l.path("plan"), outside)
	l.put("single", forStaff)
	l.put("broken", forStaff)
	check.NoError(t, unix.Setxattr(l.path("broken"), ntacl.Name, []byte("x"), 0))
	link(l.path("broken"), outside+".broken")
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	names := []string{"plan", "sub/twin"}
	want := func(who string, names ...string) {
		t.Helper()
		l.awaitBeats()
		for _, n := range names {
			l.want(x, n, who)
		}
	}
	stored := func(path, text string) {
		t.Helper()
		check.NoError(t, unix.Setxattr(path, ntacl.Name, attribute(sddl.MustParse(text)), 0))
	}
	want("", "broken") // it cannot be read
	stored(outside+".broken", forCarol)
	want("c", "broken")
	want("abd", names...)
	l.put("sub/twin", forCarol)
	want("c", names...)
	stored(outside, forStaff)
	want("abd", names...)

	late := outside + ".late" // the file had one name when it was read
	link(l.path("single"), late)
	stored(late, forCarol)
	want("c", "single")
	link(l.path("single"), l.path("single too"))
	want("c", "single", "single too")
	check.NoError(t, os.Rename(l.path("single"), l.path("moved")))
	stored(late, forStaff)
	want("abd", "moved", "single too")
	want("", "single")

	f := check.Must(os.Open(late))
	defer f.Close()
	check.NoError(t, os.Remove(late))
	check.NoError(t, unix.Fsetxattr(int(f.Fd()), ntacl.Name, attribute(sddl.MustParse(forCarol)), 0))
	want("c", "moved", "single too")
	check.NoError(t, errors.Join(os.Remove(l.path("moved")), os.Remove(outside)))
	want("c", "single too")
	want("", "moved")
	want("abd", names...)
}

// closings counts the calls of Close of a sink.
type closings int

func (c *closings) Write([]index.Event) error           { return nil }
func (c *closings) SetWatermark(*index.Watermark) error { return nil }
func (c *closings) Close() error                        { *c++; return nil }

// TestRunClosesSinksOfARefusedConfiguration checks that Run closes its sinks once, also if it fails before it has a
// log.
func TestRunClosesSinksOfARefusedConfiguration(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end() // Run returns nil at once if it accepts the configuration
	for name, change := range map[string]func(*index.Config){
		"a relative tree":        func(c *index.Config) { c.Trees = []string{"t"} },
		"an unknown right":       func(c *index.Config) { c.Rights = "fly" },
		"a malformed descriptor": func(c *index.Config) { c.Share = "x" },
		"a guard and a share's descriptor": func(c *index.Config) {
			c.Guard, c.Share = &index.Guard{Name: "docs"}, "O:SYG:SYD:(A;;FA;;;WD)"
		},
		"a guard and another source": func(c *index.Config) {
			c.Guard, c.From = &index.Guard{Name: "docs"}, func(string) watch.Source { return nil }
		},
		"a state that is a file": func(c *index.Config) {
			c.State = filepath.Join(c.State, "file")
			check.NoError(t, os.WriteFile(c.State, nil, 0o600))
		},
	} {
		var got closings
		c := index.Config{Trees: []string{t.TempDir()}, Rights: "read", State: t.TempDir(), Sinks: []index.Sink{&got}}
		change(&c)
		if err := index.Run(ended, c); err == nil || got != 1 {
			t.Errorf("%s: Run returned %v and closed the sink %d times, want an error and 1", name, err, got)
		}
	}
}

// TestDirectoryIsRegularFile checks that a pipe in place of the directory file is an error. A read of it would block
// for ever, also after the file is back.
func TestDirectoryIsRegularFile(t *testing.T) {
	file, out := filepath.Join(t.TempDir(), "firm.yaml"), make(chan index.Version)
	check.NoError(t, unix.Mkfifo(file, 0o600))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	go func() { _ = (&index.Directory{File: file, Beat: time.Millisecond}).Run(ctx, out) }() // it never fails
	select {
	case v := <-out:
		check.That(t, v.Err != nil && strings.Contains(v.Err.Error(), "not a regular file"), "a pipe: %v", v.Err)
	case <-time.After(10 * time.Second):
		t.Fatal("the read of a pipe blocks")
	}
}
