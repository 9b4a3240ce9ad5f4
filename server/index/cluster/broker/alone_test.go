package broker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/roster"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
)

// heartbeatInterval is the interval of heartbeats in tests. Under the race detector, more frequent ones pile up.
const heartbeatInterval = 100 * time.Millisecond

// firm is a directory file of three people.
const firm = `{"domain":"S-1-5-21-1-2-3",
 "users":[{"name":"alice","sid":"S-1-5-21-1-2-3-1107","uid":70001,"memberOf":["Staff"]},
  {"name":"bob","sid":"S-1-5-21-1-2-3-1108","uid":70002,"memberOf":["Staff","Contractors"]},
  {"name":"carol","sid":"S-1-5-21-1-2-3-1109","uid":70003,"memberOf":[]}],
 "groups":[{"name":"Staff","sid":"S-1-5-21-1-2-3-2000"},{"name":"Contractors","sid":"S-1-5-21-1-2-3-2003"}]}`

// watermarkChan forwards watermarks. The run closes it once.
type watermarkChan struct{ to chan index.Watermark }

func (watermarkChan) Write([]index.Event) error { return nil }
func (s watermarkChan) Close() error            { close(s.to); return nil }
func (s watermarkChan) SetWatermark(f *index.Watermark) error {
	s.to <- *f
	return nil
}

// awaitBeats waits until each source in turn has a heartbeat later than now. A class of a tree's row is
// decided when the directory has a heartbeat after the row.
func awaitBeats(t *testing.T, fences <-chan index.Watermark, sources ...string) {
	t.Helper()
	for _, s := range sources {
		present, done := time.Now(), false
		for f := range fences {
			if done = f.Sources[s].Time.After(present); done {
				break
			}
		}
		check.RequireThat(t, done, "the run has ended")
	}
}

// answers returns the readers and the class of each document, by its name without host.
func answers(t *testing.T, state, host string) map[string]string {
	t.Helper()
	x := check.Must(index.Open(state, time.Hour))
	defer x.Close()
	b := check.Must(os.ReadFile(filepath.Join(state, "events.jsonl")))
	out := map[string]string{}
	for line := range bytes.Lines(b) {
		var e struct {
			Row  *struct{ Path string }
			Gone string
		}
		check.NoError(t, json.Unmarshal(line, &e))
		if e.Row == nil {
			delete(out, strings.TrimPrefix(e.Gone, host))
			continue
		}
		who := ""
		for _, p := range []string{"alice", "bob", "carol"} {
			a := x.CanRead(e.Row.Path, p, "read")
			if a.Allowed {
				who += p[:1]
			}
			if p == "carol" {
				who += " " + a.Because + a.Class + " " + a.Descriptor + " " + a.Directory
			}
		}
		out[strings.TrimPrefix(e.Row.Path, host)] = who
	}
	return out
}

// share is the descriptor of a share that alice may not read.
const share = "D:(D;;FA;;;S-1-5-21-1-2-3-1107)(A;;FA;;;WD)"

// freshAnswers returns the answers of a new run on one machine, without NATS.
func freshAnswers(t *testing.T, dir string, trees ...string) map[string]string {
	t.Helper()
	return freshOf(t, index.Config{Trees: trees, Directory: dir, Share: share})
}

// freshOf returns the answers of a new index with the given configuration and defaults for the rest.
func freshOf(t *testing.T, c index.Config) map[string]string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "fresh")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c.Rights, c.State, c.NoEvents, c.Beat, c.Ready = "read", state, true, time.Millisecond, stop
	check.NoError(t, index.Run(ctx, c))
	return answers(t, state, "")
}

// compareAnswers compares the answers of two indexes.
func compareAnswers(t *testing.T, got, want map[string]string) {
	t.Helper()
	for at, w := range want {
		check.That(t, got[at] == w, "%s: %q, a fresh run says %q, want %q", at, got[at], w, w)
	}
	check.That(t, len(got) == len(want), "%d documents, a fresh run has %d, want %d", len(got), len(want), len(want))
}

// start runs an index in three parts and forwards its watermarks until end is called.
func start(t *testing.T, a broker.Alone) (fences chan index.Watermark, end func()) {
	fences = make(chan index.Watermark)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	a.Host, a.Rights, a.NoEvents, a.Beat, a.Every, a.Parts = "files1", "read", true, heartbeatInterval,
		heartbeatInterval, 3
	a.Sinks = []index.Sink{watermarkChan{fences}}
	go func() { done <- a.Run(ctx) }()
	return fences, func() {
		stop()
		for range fences { // no one waits for it
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// closing is a sink that counts its closes, each of which fails.
type closing struct {
	index.Sink
	closed int
}

// errClosed is returned by each Close of closing.
var errClosed = errors.New("no room to close")

func (c *closing) Close() error { c.closed++; return errClosed }

// TestFailedRunClosesSinksOnce checks that a run closes its sinks once if it fails before a stage starts: for unknown
// rights, and for a folder that another run uses (N-10).
func TestFailedRunClosesSinksOnce(t *testing.T) {
	held := t.TempDir()
	lock, err := os.Create(filepath.Join(held, "messages.lock"))
	check.NoError(t, err)
	defer lock.Close()
	check.NoError(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	for name, a := range map[string]broker.Alone{"unknown rights": {Rights: "fly", State: t.TempDir()},
		"another refmon-index": {Rights: "read", State: held}} {
		sink := &closing{}
		a.Host, a.Trees, a.Sinks = "files1", []string{"/srv"}, []index.Sink{sink}
		if err := a.Run(t.Context()); sink.closed != 1 || !errors.Is(err, errClosed) {
			t.Errorf("%s: %v, sinks closed %d times, want the error of Close, 1", name, err, sink.closed)
		}
	}
}

// TestStoreErrorNamesItsCause checks that only a held lock is reported as another run. Messages that cannot be removed
// are reported as such, and the failed run keeps no lock.
func TestStoreErrorNamesItsCause(t *testing.T) {
	held := t.TempDir()
	lock, err := os.Create(filepath.Join(held, "messages.lock"))
	check.NoError(t, err)
	defer lock.Close()
	check.NoError(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	full := check.Must(filepath.EvalSymlinks(t.TempDir()))
	stream := filepath.Join(full, "messages", "stream")
	check.NoError(t, os.MkdirAll(filepath.Join(stream, "block"), 0o700))
	check.NoError(t, os.Chmod(stream, 0o500))
	defer os.Chmod(stream, 0o700)
	const uid = 4711
	if os.Geteuid() == 0 { // root can remove any file
		for _, path := range []string{full, filepath.Dir(stream), stream} {
			check.NoError(t, os.Chown(path, uid, uid))
		}
		check.NoError(t, os.Chmod(filepath.Dir(full), 0o711)) //nolint:gosec // the other user can traverse it
	}
	const another = "another refmon-index"
	for state, want := range map[string]bool{held: true, full: false} {
		run := func() (struct{}, error) {
			a := broker.Alone{Host: "files1", Trees: []string{"/srv"}, Rights: "read", State: state}
			_ = a.Run(t.Context()) // the second run fails in the same way
			return struct{}{}, a.Run(t.Context())
		}
		if os.Geteuid() == 0 && !want {
			_, err = asuser.Run(uid, uid, run)
		} else {
			_, err = run()
		}
		check.That(t, err != nil && strings.Contains(err.Error(), another) == want && errors.Is(err, unix.EACCES) != want,
			"state %s: %v, want %q in it: %t", state, err, another, want)
	}
}

// TestSingleProcessClusterMatchesPlainRun checks that all stages in one process over a NATS server give the same
// classes as a run without one: at the start, after changes of files and memberships, and after a restart
// (N-7, N-42, N-44, N-55).
func TestSingleProcessClusterMatchesPlainRun(t *testing.T) {
	tree, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	dir := filepath.Join(t.TempDir(), "firm.json")
	put := func(name string, mode os.FileMode) {
		t.Helper()
		at := filepath.Join(tree, name)
		check.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, nil, 0o600), os.Chmod(at, mode)))
	}
	for i := range 40 {
		put(fmt.Sprintf("d%d/f%d", i%3, i), os.FileMode(0o600|i))
	}
	check.NoError(t, os.WriteFile(dir, []byte(firm), 0o600))
	var ready atomic.Bool
	empty := t.TempDir()
	config := broker.Alone{Trees: []string{tree, empty}, Directory: dir, State: state, Share: share,
		Ready: func() { ready.Store(true) }}
	sources := []string{"//files1" + tree, "//files1" + empty, "directory"}
	fences, end := start(t, config)
	awaitBeats(t, fences, sources...)
	compareAnswers(t, answers(t, state, "//files1"), freshAnswers(t, dir, tree, empty))
	for _, fd := range check.Must(filepath.Glob("/proc/self/fd/*")) {
		at, _ := os.Readlink(fd)
		check.That(t, !strings.Contains(at, "fanotify"), "watchers with NoEvents listen for changes")
	}

	put("d0/f0", 0o644)
	put("d4/new", 0o604)
	without := strings.Replace(firm, `"memberOf":["Staff"]},`, `"memberOf":[]},`, 1)
	err := errors.Join(os.Rename(filepath.Join(tree, "d1"), filepath.Join(tree, "moved")),
		os.RemoveAll(filepath.Join(tree, "d2")), os.WriteFile(dir, []byte(without), 0o600))
	check.NoError(t, err)
	awaitBeats(t, fences, sources...)
	awaitBeats(t, fences, sources...)
	compareAnswers(t, answers(t, state, "//files1"), freshAnswers(t, dir, tree, empty))
	end()
	check.That(t, ready.Load(), "Ready was not called after a heartbeat of every source")
	if _, err := os.Stat(filepath.Join(state, "messages")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("messages of a run that has ended: %v, want none", err)
	}

	check.NoError(t, os.RemoveAll(filepath.Join(tree, "moved")))
	var walked atomic.Bool
	config.From = func(tree string) watch.Source {
		walked.Store(true)
		return &watch.Watcher{Root: tree, NoEvents: true, Every: heartbeatInterval}
	}
	fences, end = start(t, config)
	awaitBeats(t, fences, sources...)
	compareAnswers(t, answers(t, state, "//files1"), freshAnswers(t, dir, tree, empty))
	check.That(t, walked.Load(), "the sources are not those of From")
	end()
}

// domain is an LDAP directory whose users a test sets. It reports a change until the users have been read.
type domain struct {
	users atomic.Pointer[[]user]
	read  atomic.Bool
}

type user struct {
	name     string
	uid, gid int
}

func (d *domain) set(users ...user) {
	d.users.Store(&users)
	d.read.Store(false)
}

func (d *domain) Since(context.Context, ldap.Mark) (ldap.Mark, bool, error) {
	return ldap.Mark{}, !d.read.Load(), nil
}

func (d *domain) People(_ context.Context, p *ldap.People) error {
	d.read.Store(true)
	return p.Read(func(add func(*goldap.Entry) error) error {
		for _, u := range *d.users.Load() {
			id := sid.MustParse("S-1-5-21-1-2-3").WithRID(uint32(u.uid))
			err := add(goldap.NewEntry("CN="+u.name+",DC=corp", map[string][]string{
				"objectClass": {"user"}, "sAMAccountName": {u.name}, "objectSid": {id.Binary()},
				"uidNumber": {strconv.Itoa(u.uid)}, "gidNumber": {strconv.Itoa(u.gid)},
			}))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// TestSingleProcessClusterMatchesWithTraverse checks the rows with traverse rights and people from LDAP. A folder's new
// descriptor must also change the classes of rows in another part (N-75, N-76). With TraverseHost the folder's mode
// decides, and is sent with the folder (N-95).
func TestSingleProcessClusterMatchesWithTraverse(t *testing.T) {
	for _, policy := range []index.Traverse{index.TraverseAlways, index.TraverseHost} {
		t.Run(string(policy), func(t *testing.T) { checkAlone(t, policy) })
	}
}

func checkAlone(t *testing.T, policy index.Traverse) {
	t.Helper()
	tree, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	r := rand.New(rand.NewPCG(randtest.Seed(t), 75))
	d := &domain{}
	d.set(user{"alice", 70001, 100}, user{"bob", 70002, 100}, user{"carol", 70003, 100})
	var folders []string
	for i := range 12 {
		folder := filepath.Join(tree, fmt.Sprint("d", i))
		if i > 0 {
			folder = filepath.Join(folders[(i-1)/2], fmt.Sprint("d", i))
		}
		folders = append(folders, folder)
		check.NoError(t, os.Mkdir(folder, 0o755))
		for f := range 3 {
			at := filepath.Join(folder, fmt.Sprint("f", f))
			check.NoError(t, errors.Join(os.WriteFile(at, nil, 0o600), os.Chmod(at, os.FileMode(0o600|r.IntN(64)))))
		}
	}
	shut := func(of ...string) {
		t.Helper()
		for _, folder := range of {
			check.NoError(t, os.Chmod(folder, os.FileMode(0o700|r.IntN(64))))
		}
	}
	shut(folders[3:]...)
	same := func(what string) {
		t.Helper()
		got := answers(t, state, "//files1")
		want := freshOf(t, index.Config{Trees: []string{tree}, Roster: &roster.LDAP{Directory: d, Beat: heartbeatInterval},
			Traverse: policy})
		hidden := 0
		for at, w := range want {
			check.That(t, got[at] == w, "%s: %s: %q, one worker says %q, want %q", what, at, got[at], w, w)
			if mode, err := os.Stat(at); err == nil && mode.Mode()&4 != 0 && !strings.HasPrefix(w, "abc") {
				hidden++
			}
		}
		if len(got) != len(want) || hidden == 0 {
			t.Errorf("%s: the filter finds %d of %d documents, %d of them hidden behind folders, want %d, at least 1",
				what, len(got),
				len(want), hidden, len(want))
		}
	}
	fences, end := start(t, broker.Alone{Trees: []string{tree}, State: state, Traverse: policy,
		Roster: &roster.LDAP{Directory: d, Beat: heartbeatInterval}})
	defer end()
	settled := func() { awaitBeats(t, fences, "//files1"+tree, "directory") }
	settled()
	same("at the beginning")

	shut(folders[0], folders[4])
	d.set(user{"alice", 70001, 100}, user{"bob", 70002, 101}, user{"carol", 70003, 100})
	settled()
	settled()
	same("afterwards")

	moved := filepath.Join(tree, "moved")
	check.NoError(t, errors.Join(os.Rename(folders[1], moved), os.RemoveAll(folders[5])))
	settled()
	settled()
	same("elsewhere")
}
