package index_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
	fences      chan index.Fence
	done        chan error
	stop        context.CancelFunc
}

// newLive makes a tree with a few files, on a file system that has attributes.
func newLive(t testing.TB, noEvents bool) *live {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("security.NTACL is set, and changes of a file system are heard, by root only")
	}
	l := &live{t: t, tree: filepath.Join(t.TempDir(), "srv"), state: filepath.Join(t.TempDir(), "state")}
	dir := filepath.Join(t.TempDir(), "firm.json")
	l.config = index.Config{Trees: []string{l.tree}, Directory: dir, Rights: "read", State: l.state,
		NoEvents: noEvents, Beat: 20 * time.Millisecond}
	if noEvents {
		l.config.Every = 20 * time.Millisecond
	}
	err := errors.Join(os.MkdirAll(filepath.Join(l.tree, "sub"), 0o755), os.WriteFile(dir, []byte(firm), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	l.put("plan", forStaff)
	l.put("sub/offer", butNotThem)
	return l
}

func (l *live) path(name string) string { return filepath.Join(l.tree, name) }

// put makes a file or gives it another descriptor.
func (l *live) put(name, text string) {
	l.t.Helper()
	l.store(name, sddl.MustParse(text))
}

// store makes a file with a descriptor, as a file server does.
func (l *live) store(name string, d *sd.Descriptor) {
	l.t.Helper()
	f, err := os.OpenFile(l.path(name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	f.Close()
	a := ntacl.Attribute{Version: 1, Descriptor: d}
	value, err := a.Append(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	err = unix.Setxattr(l.path(name), ntacl.Name, value, 0)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
		l.t.Skipf("the file system of %s has no security attributes for us: %v", l.tree, err)
	} else if err != nil {
		l.t.Fatal(err)
	}
}

// told hands on fences.
type told struct{ to chan index.Fence }

func (told) Write([]index.Event) error { return nil }
func (told) Close() error              { return nil }
func (s told) Fence(f *index.Fence) error {
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
	l.fences, l.done, l.stop = make(chan index.Fence), make(chan error, 1), stop
	c := l.config
	c.Sinks = append(slices.Clone(c.Sinks), told{l.fences})
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
	if err := <-l.done; err != nil {
		l.t.Errorf("run: %v", err)
	}
}

// settle waits until the index vouches for a moment after now, by all sources.
func (l *live) settle() {
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
	if err != nil && strings.Contains(err.Error(), "hear of changes") && errors.Is(err, unix.EPERM) {
		l.t.Skip("changes of a file system cannot be heard here: ", err)
	}
	l.t.Fatalf("the index has ended: %v", err)
}

// open opens the index for questions.
func (l *live) open(limit time.Duration) *index.Index {
	l.t.Helper()
	x, err := index.Open(l.state, limit)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { x.Close() })
	return x
}

// want compares who of the firm can read a file, by the first letters of their names.
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
	if got != who {
		l.t.Errorf("%s: %q can read it, want %q (%s)", name, got, who, why)
	}
}

// TestLive: files that are made, changed, moved and taken away, folders that move, and a
// membership that ends are in the answers as soon as the index vouches for a later moment,
// by events and by walks alone (N-3, N-7).
func TestLive(t *testing.T) {
	for _, c := range []struct {
		name     string
		noEvents bool
	}{{"events", false}, {"walks", true}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(t, c.noEvents)
			l.start()
			l.settle()
			x := l.open(time.Minute)
			l.want(x, "plan", "abd")
			l.want(x, "sub/offer", "ad")
			l.want(x, "no such file", "")

			l.put("plan", forCarol)
			l.put("sub/new", forStaff)
			l.settle()
			l.want(x, "plan", "c")
			l.want(x, "sub/new", "abd")

			if err := errors.Join(os.Rename(l.path("sub"), l.path("moved")), os.Remove(l.path("plan"))); err != nil {
				t.Fatal(err)
			}
			l.settle()
			l.want(x, "plan", "")
			l.want(x, "sub/offer", "")
			l.want(x, "sub/new", "")
			l.want(x, "moved/new", "abd")
			l.want(x, "moved/offer", "ad")

			without := strings.Replace(firm, `"memberOf":["Staff"]},`, `"memberOf":[]},`, 1) // alice leaves
			if err := os.WriteFile(l.config.Directory, []byte(without), 0o600); err != nil {
				t.Fatal(err)
			}
			before := rows(t, l.state)
			l.settle()
			l.want(x, "moved/new", "bd")
			l.want(x, "moved/offer", "d")
			if after := rows(t, l.state); after != before {
				t.Errorf("a membership wrote %d rows", after-before)
			}
		})
	}
}

// rows counts the rows that were written.
func rows(t *testing.T, state string) (n int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(state, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var e struct{ Row json.RawMessage }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Row != nil {
			n++
		}
	}
	return n
}
