package index_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/randtest"
)

// hostileEnv names the folder in which a child of the test acts as a hostile user.
const hostileEnv = "REFMON_INDEX_HOSTILE"

// plainUser is the number of a user without rights.
const plainUser = 65534

// TestHostileFilesDoNotEndRun checks that a user without rights cannot end a run or stop it from following
// other files with their own files, in the tree and elsewhere on the file system: overlong paths,
// names that are not UTF-8, folders without permissions, pipes, sockets, link loops, short-lived
// folders and event overflows. Names that cannot be stored are counted (N-5, N-89).
func TestHostileFilesDoNotEndRun(t *testing.T) {
	l := newLive(t, false)
	away := filepath.Join(filepath.Dir(l.tree), "home")
	for _, dir := range []string{filepath.Dir(filepath.Dir(l.tree)), filepath.Dir(l.tree), l.tree} {
		check.NoError(t, os.Chmod(dir, 0o755))
	}
	dirs := []string{away, l.path("drop")}
	for _, dir := range dirs {
		check.NoError(t, errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, plainUser, plainUser)))
	}
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	programs.Self(t, filepath.Dir(l.tree), "hostile") // where that user may run it
	program := filepath.Join(filepath.Dir(l.tree), "hostile")
	for _, dir := range dirs {
		child := exec.Command(program, "-test.run=^TestHostileUserHelperProcess$")
		child.Dir = dir
		child.Env = append(os.Environ(), hostileEnv+"="+dir)
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: plainUser, Gid: plainUser}}
		var out strings.Builder
		child.Stdout, child.Stderr = &out, &out
		check.NoError(t, child.Start())
		done := make(chan error, 1)
		go func() { done <- child.Wait() }()
		for running := true; running; { // the run must not wait for the receiver of watermarks
			select {
			case err := <-done:
				if running = false; err != nil {
					t.Fatalf("the user's program: %v\n%s", err, out.String())
				}
			case _, more := <-l.fences:
				if !more {
					err := <-l.done
					l.done <- nil // the test waits for it at the end
					t.Fatalf("in %s: the run has ended: %v", filepath.Base(dir), err)
				}
			}
		}
		for _, text := range []string{forCarol, forStaff} {
			l.put("plan", text)
			l.awaitBeats()
			l.want(x, "plan", map[string]string{forCarol: "c", forStaff: "abd"}[text])
		}
	}
	c, err := x.Counts()
	check.That(t, err == nil && c.Unnamed >= 2 && c.Unreadable >= 1 && c.Unnameable >= 1,
		"%+v, %v: want documents without a name, unreadable ones, and changes that no path names", c, err)
}

// TestHostileUserHelperProcess is the child of TestHostileFilesDoNotEndRun: no test of its own.
func TestHostileUserHelperProcess(t *testing.T) {
	dir := os.Getenv(hostileEnv)
	if dir == "" {
		t.Skip("a part of TestHostileFilesDoNotEndRun")
	}
	try := func(err error) {
		t.Helper()
		check.NoError(t, err)
	}
	for _, name := range []string{"a\nline", "\xff\xfe", "quote\" and \\", "\x1b[2J", strings.Repeat("n", 255)} {
		try(os.WriteFile(name, nil, 0o644))
		try(os.Chmod(name, 0o600))
		try(os.Mkdir(name[:min(len(name), 254)]+"d", 0o700))
	}
	try(os.Symlink("loop", "loop"))
	try(unix.Mkfifo("pipe", 0o644))
	try(os.Chmod("pipe", 0o600))
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	try(err)
	try(unix.Bind(s, &unix.SockaddrUnix{Name: "socket"}))
	try(errors.Join(os.Mkdir("shut", 0o700), os.WriteFile("shut/in", nil, 0o600), os.Chmod("shut/in", 0),
		os.Chmod("shut", 0)))
	try(errors.Join(os.Mkdir("swapped", 0o755), os.WriteFile("swapped/in", nil, 0o644)))
	try(errors.Join(os.Rename("swapped", "gone"), os.Symlink("gone", "swapped"), os.Chmod("gone/in", 0o600)))
	try(os.WriteFile("one", nil, 0o644))
	for i := range 200 { // names of one file
		try(os.Link("one", fmt.Sprint("name", i)))
	}
	for i := range randtest.Size(2000) { // short-lived folders
		name := fmt.Sprint("brief", i)
		try(errors.Join(os.Mkdir(name, 0o755), os.WriteFile(name+"/f", nil, 0o644), os.Chmod(name+"/f", 0o600),
			os.RemoveAll(name)))
	}
	for i := range randtest.Size(20000) { // with REFMON_DEEP=1 more than the kernel's queue holds
		name := fmt.Sprint("f", i)
		try(os.WriteFile(name, nil, 0o644))
		try(os.Remove(name))
	}
	long := strings.Repeat("d", 250)
	try(os.Mkdir("long", 0o755))
	try(os.Chdir("long"))
	for depth := range 40 { // 10,000 bytes
		try(os.WriteFile("f", nil, 0o644))
		try(os.Chmod("f", 0o600))
		if depth > 18 {
			try(errors.Join(os.Rename("f", "g"), os.Link("g", "h"), os.Mkdir("e", 0o700), os.Chmod("e", 0)))
		}
		try(unix.Mkdir(long, 0o755))
		try(unix.Chdir(long))
	}
}

// TestFolderIsRenamedContinuously checks that answers stay available while a folder is renamed thousands of times, that
// a change of a file in it takes effect meanwhile, and that only the last name has readers in the end (N-7).
func TestFolderIsRenamedContinuously(t *testing.T) {
	l := newLive(t, false)
	for i := range 100 {
		l.put(fmt.Sprintf("sub/f%d", i), forStaff)
	}
	l.config.Compact = 1
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	renames, done := randtest.Count(t, "REFMON_RENAMES", 10_000), make(chan error, 1)
	renames -= renames % 2
	go func() {
		var err error
		for i := 0; i < renames && err == nil; i++ {
			from, to := l.path("sub"), l.path("other")
			if i%2 == 1 {
				from, to = to, from
			}
			err = os.Rename(from, to)
			if i%20 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		done <- err
	}()
	answered := 0
	for running := true; running; answered++ {
		text, who := forStaff, "abd"
		if answered%2 == 0 {
			text, who = forCarol, "c"
		}
		l.put("plan", text)
		l.awaitBeats()
		l.want(x, "plan", who)
		select {
		case err := <-done:
			if running = false; err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
	t.Logf("%d renames, %d changes with their answers during them", renames, answered)
	l.put("sub/f7", forCarol)
	l.awaitBeats()
	l.want(x, "sub/f7", "c")
	l.want(x, "sub/f8", "abd")
	l.want(x, "sub/offer", "ad")
	l.want(x, "other/f8", "")
	if n := documents(t, l.state); n != 104 {
		t.Errorf("%d rows, want those of 100 files, the two first files and two folders", n)
	}
}

// TestOverflowGrantsNoLostRight stops a run, fills the kernel's queue of events, and takes a right away, so that its
// event is lost. After the run continues, no answer grants that right later than the limit, and the walk finds the
// change (N-8, N-9).
func TestOverflowGrantsNoLostRight(t *testing.T) {
	l := newLive(t, false)
	text, err := os.ReadFile("/proc/sys/fs/fanotify/max_queued_events")
	if err != nil {
		t.Skip("the length of the queue is unknown: ", err)
	}
	queue, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || queue > 1<<17 {
		t.Skipf("a queue of %s events: %v", text, err)
	}
	cmd := l.child()
	const limit = 300 * time.Millisecond
	x := l.open(limit)
	l.awaitAnswer(x, "plan")
	check.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	check.NoError(t, os.WriteFile(l.path("n"), nil, 0o600))
	last := l.path("n")
	for i := range queue + 100 { // each new name is an event
		before := last
		last = l.path(fmt.Sprint("n", i))
		check.NoError(t, os.Rename(before, last))
	}
	l.put("plan", forCarol)
	revoked := time.Now()
	check.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	for {
		asked := time.Now()
		a := x.CanRead(l.path("plan"), "alice", "read")
		if a.Allowed && asked.Sub(revoked) > limit {
			t.Fatalf("N-8: %v after the right was taken away, alice has it: %+v", asked.Sub(revoked), a)
		}
		if a.Because == "" && a.Time.After(revoked) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	l.awaitAnswer(x, "plan")
	l.want(x, "plan", "c")
	if a := x.CanRead(last, "alice", "read"); a.Because != "" {
		t.Errorf("N-8: a file whose event was lost: %+v, want an answer", a)
	}
}
