package broker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/broker"
)

// beat is how often stages vouch in tests.
const beat = 20 * time.Millisecond

// firm is a directory file of three people.
const firm = `{"domain":"S-1-5-21-1-2-3",
 "users":[{"name":"alice","sid":"S-1-5-21-1-2-3-1107","uid":70001,"memberOf":["Staff"]},
  {"name":"bob","sid":"S-1-5-21-1-2-3-1108","uid":70002,"memberOf":["Staff","Contractors"]},
  {"name":"carol","sid":"S-1-5-21-1-2-3-1109","uid":70003,"memberOf":[]}],
 "groups":[{"name":"Staff","sid":"S-1-5-21-1-2-3-2000"},{"name":"Contractors","sid":"S-1-5-21-1-2-3-2003"}]}`

// told hands on fences.
type told struct{ to chan index.Fence }

func (told) Write([]index.Event) error { return nil }
func (told) Close() error              { return nil }
func (s told) Fence(f *index.Fence) error {
	s.to <- *f
	return nil
}

// settle waits until some sources vouch for a moment after now, one after the other: a class that a
// tree's row names is decided when the directory has vouched behind the row.
func settle(t *testing.T, fences <-chan index.Fence, sources ...string) {
	t.Helper()
	for _, s := range sources {
		present, done := time.Now(), false
		for f := range fences {
			if done = f.Sources[s].Time.After(present); done {
				break
			}
		}
		if !done {
			t.Fatal("the run has ended")
		}
	}
}

// answers says of each document under a name without its host who may read it, by which class.
func answers(t *testing.T, state, host string) map[string]string {
	t.Helper()
	x, err := index.Open(state, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	b, err := os.ReadFile(filepath.Join(state, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range bytes.Lines(b) {
		var e struct {
			Row  *struct{ Path string }
			Gone string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
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

// fresh are the answers of a run that begins now, on one machine and without messages.
func fresh(t *testing.T, tree, dir string) map[string]string {
	t.Helper()
	return freshOf(t, index.Config{Trees: []string{tree}, Directory: dir})
}

// freshOf are those of a configuration, of which the rest is filled in.
func freshOf(t *testing.T, c index.Config) map[string]string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "fresh")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c.Rights, c.State, c.NoEvents, c.Beat, c.Ready = "read", state, true, time.Millisecond, stop
	err := index.Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return answers(t, state, "")
}

// same compares what two indexes say.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for at, w := range want {
		if got[at] != w {
			t.Errorf("%s: %q, a fresh run says %q", at, got[at], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d documents, a fresh run has %d", len(got), len(want))
	}
}

// start runs an index in three parts, whose fences are handed on, until end is called.
func start(t *testing.T, a broker.Alone) (fences chan index.Fence, end func()) {
	fences = make(chan index.Fence)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	a.Host, a.Rights, a.NoEvents, a.Beat, a.Every, a.Parts = "files1", "read", true, beat, beat, 3
	a.Sinks = []index.Sink{told{fences}}
	go func() {
		done <- a.Run(ctx)
		close(fences)
	}()
	return fences, func() {
		stop()
		for range fences { // no one waits for it
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestAlone: all stages of one process over a message server say what the run without one
// says of the same files, class for class: at the beginning, after files and memberships have
// changed, and when it goes on from its own folder (N-7, N-42, N-44, N-55).
func TestAlone(t *testing.T) {
	tree, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	dir := filepath.Join(t.TempDir(), "firm.json")
	put := func(name string, mode os.FileMode) {
		t.Helper()
		at := filepath.Join(tree, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, nil, 0o600), os.Chmod(at, mode))
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		put(fmt.Sprintf("d%d/f%d", i%3, i), os.FileMode(0o600|i))
	}
	if err := os.WriteFile(dir, []byte(firm), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func() (fences chan index.Fence, end func()) {
		return start(t, broker.Alone{Trees: []string{tree}, Directory: dir, State: state})
	}
	sources := []string{"//files1" + tree, "directory"}
	fences, end := run()
	settle(t, fences, sources...)
	same(t, answers(t, state, "//files1"), fresh(t, tree, dir))

	put("d0/f0", 0o644)
	put("d4/new", 0o604)
	without := strings.Replace(firm, `"memberOf":["Staff"]},`, `"memberOf":[]},`, 1)
	err := errors.Join(os.Rename(filepath.Join(tree, "d1"), filepath.Join(tree, "moved")),
		os.RemoveAll(filepath.Join(tree, "d2")), os.WriteFile(dir, []byte(without), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	settle(t, fences, sources...)
	settle(t, fences, sources...)
	same(t, answers(t, state, "//files1"), fresh(t, tree, dir))
	end()

	if err := os.RemoveAll(filepath.Join(tree, "moved")); err != nil {
		t.Fatal(err)
	}
	fences, end = run()
	settle(t, fences, sources...)
	same(t, answers(t, state, "//files1"), fresh(t, tree, dir))
	end()
}
