package index_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/truth"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// firm is a directory file of four people.
const firm = `{"domain":"S-1-5-21-1-2-3",
 "users":[{"name":"alice","sid":"S-1-5-21-1-2-3-1107","memberOf":["Staff"]},
  {"name":"bob","sid":"S-1-5-21-1-2-3-1108","memberOf":["Staff","Contractors"]},
  {"name":"carol","sid":"S-1-5-21-1-2-3-1109","memberOf":[]},
  {"name":"dave","sid":"S-1-5-21-1-2-3-1110","memberOf":["Staff"]}],
 "groups":[{"name":"Staff","sid":"S-1-5-21-1-2-3-2000"},{"name":"Contractors","sid":"S-1-5-21-1-2-3-2003"}]}`

const (
	forStaff   = "O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-2000)"
	butNotThem = "O:SYG:SYD:(D;;FR;;;S-1-5-21-1-2-3-2003)(A;;FR;;;S-1-5-21-1-2-3-2000)"
	forCarol   = "O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1109)"
)

// live is an index that runs in the test.
type live struct {
	t           testing.TB
	config      index.Config
	tree, state string
	dsn         string // of the database of a child; "": none
	kill        string // step of a compaction at which a child kills itself; "": none
	fences      chan index.Watermark
	done        chan error
	stop        context.CancelFunc
}

// newLive creates a tree with a few files, on a file system with extended attributes.
func newLive(t testing.TB, noEvents bool) *live {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("security.NTACL is set, and changes of a file system are reported, to root only")
	}
	l := &live{t: t, tree: filepath.Join(t.TempDir(), "srv"), state: filepath.Join(t.TempDir(), "state")}
	dir := filepath.Join(t.TempDir(), "firm.json")
	l.config = index.Config{Trees: []string{l.tree}, Directory: dir, Rights: "read", State: l.state,
		NoEvents: noEvents, Beat: 20 * time.Millisecond}
	if noEvents {
		l.config.Every = 20 * time.Millisecond
	}
	check.NoError(t, errors.Join(os.MkdirAll(filepath.Join(l.tree, "sub"), 0o755), os.WriteFile(dir, []byte(firm), 0o600)))
	l.put("plan", forStaff)
	l.put("sub/offer", butNotThem)
	return l
}

func (l *live) path(name string) string { return filepath.Join(l.tree, name) }

// put creates a file or changes its descriptor.
func (l *live) put(name, text string) {
	l.t.Helper()
	l.store(name, sddl.MustParse(text))
}

// store creates a file with a descriptor, as a file server does.
func (l *live) store(name string, d *sd.Descriptor) {
	l.t.Helper()
	f := check.Must(os.OpenFile(l.path(name), os.O_CREATE|os.O_WRONLY, 0o600))
	f.Close()
	err := unix.Setxattr(l.path(name), ntacl.Name, attribute(d), 0)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
		l.t.Skipf("the file system of %s has no security attributes for us: %v", l.tree, err)
	} else if err != nil {
		l.t.Fatal(err)
	}
}

// attribute returns a descriptor as a file server stores it.
func attribute(d *sd.Descriptor) []byte {
	a := ntacl.Attribute{Version: 1, Descriptor: d}
	return check.Must(a.Append(nil))
}

// watermarkChan forwards watermarks.
type watermarkChan struct{ to chan index.Watermark }

func (watermarkChan) Write([]index.Event) error { return nil }
func (watermarkChan) Close() error              { return nil }
func (s watermarkChan) SetWatermark(f *index.Watermark) error {
	c := *f
	c.Sources = map[string]index.Moment{}
	for k, v := range f.Sources {
		c.Sources[k] = v
	}
	s.to <- c
	return nil
}

// start runs the index.
func (l *live) start() {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	l.fences, l.done, l.stop = make(chan index.Watermark), make(chan error, 1), stop
	c := l.config
	c.Sinks = append(slices.Clone(c.Sinks), watermarkChan{l.fences})
	go func() {
		err := index.Run(ctx, c)
		close(l.fences)
		l.done <- err
	}()
	l.t.Cleanup(l.end)
}

// end stops the index, if it runs.
func (l *live) end() {
	if l.stop == nil {
		return
	}
	l.stop()
	l.stop = nil
	for range l.fences { // no one waits for it
	}
	check.Equal(l.t, <-l.done, nil, "run")
}

// awaitBeats waits until all sources of the index have a heartbeat later than now.
func (l *live) awaitBeats() {
	l.t.Helper()
	present := time.Now()
	for f := range l.fences {
		fresh := true
		for _, source := range []string{l.tree, "directory"} {
			fresh = fresh && f.Sources[source].Time.After(present)
		}
		if fresh {
			return
		}
	}
	err := <-l.done
	l.done <- err
	if err != nil && strings.Contains(err.Error(), "watch for changes") && errors.Is(err, unix.EPERM) {
		l.t.Skip("changes of a file system are not reported here: ", err)
	}
	l.t.Fatalf("the index has ended: %v", err)
}

// open opens the index for queries.
func (l *live) open(limit time.Duration) *index.Index {
	l.t.Helper()
	x := check.Must(index.Open(l.state, limit))
	l.t.Cleanup(func() { x.Close() })
	return x
}

// want compares the persons who can read a file with the expected ones, given by the first letters of their names.
func (l *live) want(x *index.Index, name, who string) {
	l.t.Helper()
	got, why := "", ""
	for _, p := range []string{"alice", "bob", "carol", "dave"} {
		a := x.CanRead(l.path(name), p, "read")
		if a.Allowed {
			got += p[:1]
		}
		why = a.Because
	}
	check.That(l.t, got == who, "%s: %q can read it, want %q (%s)", name, got, who, why)
}

// TestChangesReachAnswers checks that created, changed, moved and deleted files, moved folders and ended
// memberships take effect with the next heartbeat, by events and by walks alone (N-3, N-7).
func TestChangesReachAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		noEvents bool
	}{{"events", false}, {"walks", true}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(t, c.noEvents)
			l.start()
			l.awaitBeats()
			x := l.open(time.Minute)
			l.want(x, "plan", "abd")
			l.want(x, "sub/offer", "ad")
			l.want(x, "no such file", "")

			l.put("plan", forCarol)
			l.put("sub/new", forStaff)
			l.awaitBeats()
			l.want(x, "plan", "c")
			l.want(x, "sub/new", "abd")

			check.NoError(t, errors.Join(os.Rename(l.path("sub"), l.path("moved")), os.Remove(l.path("plan"))))
			l.awaitBeats()
			l.want(x, "plan", "")
			l.want(x, "sub/offer", "")
			l.want(x, "sub/new", "")
			l.want(x, "moved/new", "abd")
			l.want(x, "moved/offer", "ad")

			without := strings.Replace(firm, `"memberOf":["Staff"]},`, `"memberOf":[]},`, 1) // alice leaves
			check.NoError(t, os.WriteFile(l.config.Directory, []byte(without), 0o600))
			before := rows(t, l.state)
			l.awaitBeats()
			l.want(x, "moved/new", "bd")
			l.want(x, "moved/offer", "d")
			if after := rows(t, l.state); after != before {
				t.Errorf("a membership wrote %d rows", after-before)
			}
		})
	}
}

// rows returns the number of written rows.
func rows(t *testing.T, state string) (n int) {
	t.Helper()
	b := check.Must(os.ReadFile(filepath.Join(state, "events.jsonl")))
	for line := range strings.Lines(string(b)) {
		var e struct{ Row json.RawMessage }
		check.NoError(t, json.Unmarshal([]byte(line), &e))
		if e.Row != nil {
			n++
		}
	}
	return n
}

// TestRunContinuesFromItsLog checks that a run continues from the last one's log, finds changes made in between,
// does not repeat unchanged rows, and ignores a partial last line. The share's descriptor counts in both.
func TestRunContinuesFromItsLog(t *testing.T) {
	l := newLive(t, true)
	l.config.Share = "O:SYG:SYD:(D;;FR;;;S-1-5-21-1-2-3-1110)(A;;FA;;;WD)" // not for dave
	l.start()
	l.awaitBeats()
	l.want(l.open(time.Minute), "plan", "ab")
	l.end()
	name := filepath.Join(l.state, "events.jsonl")
	first := check.Must(os.ReadFile(name))
	l.put("plan", forCarol)
	check.NoError(t, os.RemoveAll(l.path("sub")))
	check.NoError(t, os.WriteFile(name, append(bytes.Clone(first), `{"seq":99,"ti`...), 0o600))
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	l.want(x, "plan", "c")
	l.want(x, "sub/offer", "")
	l.end()
	second, err := os.ReadFile(name)
	check.RequireThat(t, err == nil && bytes.HasPrefix(second, first),
		"the next run changed earlier log lines: error %v", err)
	var what []string
	for line := range strings.Lines(string(second[len(first):])) {
		e, err := index.ParseEvent([]byte(strings.TrimSpace(line)))
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Gone != "":
			what = append(what, "gone "+strings.TrimPrefix(e.Gone, l.tree))
		case e.Row != nil:
			what = append(what, "row "+strings.TrimPrefix(e.Row.Path, l.tree))
		case e.Class != nil:
			what = append(what, "class")
		case e.Directory != "":
			what = append(what, "directory")
		}
	}
	check.Equal(t, strings.Join(what, ", "),
		"directory, class, row /plan, gone /sub, gone /sub/offer", "the second run wrote")
}

// TestIndexAgreesWithWhoCan compares the index with refmon who-can on the same tree for random pairs of document and
// person, with Samba's attribute and with file modes only.
func TestIndexAgreesWithWhoCan(t *testing.T) {
	l := newLive(t, true)
	l.config.Rights = "read+modify"
	s := company.Sample{Seed: randtest.Seed(t), Objects: 400, Descriptors: 100, Principals: 60, Groups: 20}
	var list, rows bytes.Buffer
	check.NoError(t, errors.Join(s.Directory(&list), s.Write(&rows)))
	check.NoError(t, os.WriteFile(l.config.Directory, list.Bytes(), 0o600))
	dir := check.Must(dirfile.Read(list.Bytes()))
	n := 0
	for line := range strings.Lines(rows.String()) {
		var o struct{ SD string }
		check.NoError(t, json.Unmarshal([]byte(line), &o))
		folder := fmt.Sprintf("d%d", n%17)
		check.NoError(t, os.MkdirAll(l.path(folder), os.FileMode(0o700|n%64)))
		name := fmt.Sprintf("%s/f%d", folder, n)
		if n++; n%9 == 0 { // without an attribute
			check.NoError(t, os.WriteFile(l.path(name), nil, os.FileMode(0o600|n%64)))
			continue
		}
		d := check.Must(sddl.Parse(o.SD, sddl.Options{Domain: dir.Domain}))
		l.store(name, d)
	}
	l.start()
	l.awaitBeats()
	want := check.Must(truth.WhoCan(l.tree, dir, l.config.Rights))
	l.end() // the last heartbeat is valid for the limit
	x := l.open(time.Hour)
	paths := make([]string, 0, len(want))
	for p := range want {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	r := rand.New(rand.NewPCG(randtest.Seed(t), 24))
	yes, pairs := 0, randtest.Count(t, "REFMON_PAIRS", 2_000)
	for range pairs {
		path, who := paths[r.IntN(len(paths))], dir.Principals[r.IntN(len(dir.Principals))].Name
		right := []string{"read", "modify"}[r.IntN(2)]
		may := slices.Contains(want[path][right], who)
		if a := x.CanRead(path, who, right); a.Allowed != may || a.Because != "" {
			t.Fatalf("%s %s %s: the index answers %+v, who-can says %t, want the same answer without a reason", who,
				right, path, a, may)
		}
		if may {
			yes++
		}
	}
	check.That(t, yes >= pairs/50 && yes <= pairs*49/50, "of %d pairs %d are allowed", pairs, yes)
	t.Logf("%d pairs, %d allowed, %d documents", pairs, yes, len(paths))
}
