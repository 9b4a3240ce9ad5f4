package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// TestDocumentsOfParts: a document is taken by its own part alone; what is gone by each, and a folder by each where
// folders on the way are tested; a follower takes rows of each from its own part (N-44, N-51, N-75).
func TestDocumentsOfParts(t *testing.T) {
	const parts = 3
	for _, policy := range []index.Traverse{"", index.TraverseNever, index.TraversePrivilege, index.TraverseAlways} {
		s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv", "/var"}, "b": {"/srv"}},
			Parts: parts, Traverse: policy})
		if err != nil {
			t.Fatal(err)
		}
		tests := policy == index.TraversePrivilege || policy == index.TraverseAlways
		f := &following{c: &Conn{site: s}}
		owners := map[string]int{}
		for i := range 40 {
			at := fmt.Sprintf("/srv/f%d", i)
			for n := range parts {
				p := site.Part{Host: "a", Tree: "/srv", Number: n}
				for _, d := range []document{{}, {Folder: true}, {Gone: true}, {Folder: true, Gone: true}} {
					d.Path = []byte(at)
					b, err := json.Marshal(&seen{Run: "r", Started: 1, Documents: []document{d}})
					if err != nil {
						t.Fatal(err)
					}
					_, got, err := parseSeen(s, p, b)
					want := n == s.PartOf(at) || d.Gone || d.Folder && tests
					if (err == nil) != want || want && got.Seen[0] != (index.Seen{Path: "//a" + at, Folder: d.Folder,
						Gone: d.Gone}) {
						t.Errorf("N-75: traverse %q: %+v of part %d in part %d: %v", policy, d, s.PartOf(at), n, err)
					}
				}
			}
			owners[fmt.Sprintf("//a%s", at)] = s.PartOf(at)
		}
		names := map[string]bool{}
		for _, x := range f.all() {
			if names[x.name()] {
				t.Errorf("two shares are %s", x.name())
			}
			names[x.name()] = true
			for at, part := range owners {
				want := x.source == "//a/srv" && strings.HasSuffix(x.name(), fmt.Sprint(".", part))
				if x.own(at) != want {
					t.Errorf("N-44: %s has %s of part %d: %t", x.name(), at, part, !want)
				}
				if x.own(strings.Replace(at, "//a/srv", "//a/srv2", 1)) || x.own(strings.TrimPrefix(at, "//a")) ||
					x.source == "//a/srv" && x.own(strings.Replace(at, "//a", "//b", 1)) {
					t.Errorf("N-44: %s has another tree's", x.name())
				}
			}
		}
		if want := 3*parts + s.Deciders; len(names) != want {
			t.Errorf("%d shares, want %d", len(names), want)
		}
	}
}

// warned collects what a connection warns of.
type warned struct {
	mu  sync.Mutex
	all []string
}

func (w *warned) warn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, err.Error())
}

func (w *warned) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.all
	w.all = nil
	return out
}

// decides returns a share of the people as a worker has it that never rests, and who tells it of directories.
func (b *bench) decides() (*deciding, *lister, *warned) {
	b.t.Helper()
	told := &warned{}
	b.c.warn = told.warn
	s := b.shift("w1")
	s.name = "people.0"
	d, err := newDeciding(b.t.Context(), s, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	l := &lister{c: b.dial(site.Directory), head: head{Started: 1}, run: "r"}
	l.chain = &chain{c: l.c, stream: site.StreamDirectory, subject: headSubject, rival: l.rival}
	return d, l, told
}

// TestUnusableDirectories: a directory that no one can read is told of once, however often it is vouched for; nothing
// is vouched for by it, what was known stays, and the next one counts (N-52). Who writes a log counts it as a reader.
func TestUnusableDirectories(t *testing.T) {
	b := newBench(t)
	d, l, told := b.decides()
	list := anyPeople(t)
	tell := func(file string, of *people.Directory) int64 {
		t.Helper()
		v := index.Version{People: of, File: []byte(file), Beat: beatNow()}
		if of == nil {
			v.File = nil
		}
		if err := l.version(t.Context(), &v); err != nil {
			t.Fatal(err)
		}
		if err := d.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		return v.Beat.Time.UnixNano()
	}
	last := func() int64 {
		t.Helper()
		m, err := b.c.last(t.Context(), site.StreamFence, "fence.people.0")
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			return 0
		}
		f, err := parseFence(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		return f.Beat.Time
	}
	if at := tell(company, list); last() != at || d.version == "" || len(told.take()) != 0 {
		t.Fatalf("a directory vouches for %d, want %d", last(), at)
	}
	good := tell("", nil) // a beat of the same
	version := d.version
	if last() != good {
		t.Errorf("N-7: a beat vouches for %d, want %d", last(), good)
	}
	tell("half of", list)
	for range 3 {
		tell("", nil)
	}
	if got := told.take(); len(got) != 1 || !strings.HasPrefix(got[0], "directory ") || last() != good ||
		d.version != version {
		t.Errorf("N-52: told of %q, vouched for %d, want %d", got, last(), good)
	}
	if at := tell(strings.Replace(company, "bob", "bea", 1), list); last() != at || d.version == version ||
		len(told.take()) != 0 {
		t.Errorf("N-52: the next one vouches for %d, want %d", last(), at)
	}
	again := newRecords(b.c, site.StreamPeople, "people.0")
	err := again.all(t.Context(), func() {}, func(*record) error { return nil })
	if err != nil || again.size != d.records.size || again.size.Lines < 4 {
		t.Errorf("N-83: the log is of %+v, a reader counts %+v, %v", d.records.size, again.size, err)
	}
}

// TestNoServer: without a message server each step says so, and none takes what was not read for what is not there: no
// one vouches for anything (N-7, N-54).
func TestNoServer(t *testing.T) {
	b := newBench(t)
	d, _, _ := b.decides()
	s := b.shift("w1")
	r, err := newRows(t.Context(), s, b.part)
	if err != nil {
		t.Fatal(err)
	}
	q, err := b.site.Question()
	if err != nil {
		t.Fatal(err)
	}
	m, err := q.Merge(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{}
	f := &following{c: b.c, merge: m, sinks: []index.Sink{k}, fences: map[string]*sight{}, clock: index.Now}
	f.logs = f.all()
	r.left, r.durable = often, 9
	b.c.Close()
	ctx := t.Context()
	chain := &chain{c: b.c, stream: site.StreamSeen, subject: subjectOf(b.part)}
	for step, run := range map[string]func() error{
		"the next messages":         func() error { return second(b.c.next(ctx, site.StreamSeen, subjectOf(b.part), 1)) },
		"the last message":          func() error { return second(b.c.last(ctx, site.StreamSeen, subjectOf(b.part))) },
		"the directory":             func() error { _, _, err := b.c.newest(ctx); return err },
		"its pieces":                func() error { return second(b.c.pieces(ctx, &head{Version: "v", Pieces: 1})) },
		"a purge":                   func() error { return b.c.purge(ctx, site.StreamSeen, subjectOf(b.part), 1) },
		"classes":                   func() error { return d.classes(ctx) },
		"a turn of people":          func() error { return d.turns(ctx) },
		"a turn of rows":            func() error { return second(r.turn(ctx)) },
		"who has it":                func() error { return r.held(ctx) },
		"a fence":                   func() error { return r.vouch(ctx, 1, &beat{Time: 1}, "") },
		"where to go on":            func() error { return r.resume(ctx) },
		"a share":                   func() error { return second(take(ctx, b.c, site.StreamRows, s.name, "w2")) },
		"a turn of one who follows": func() error { return f.turn(ctx) },
		"a look at what is in the way": func() error {
			return second(chain.look(ctx, &site.Signed{Subject: chain.subject, ID: "x"}))
		},
	} {
		if err := run(); err == nil {
			t.Errorf("%s: no error", step)
		}
	}
	if len(k.last.Sources) != 0 || f.began {
		t.Errorf("one who follows vouches for %v", k.last)
	}
}

func second[T any](_ T, err error) error { return err }

// TestWalksAskedFor: a worker asks for a walk while it knows of none to its end and none goes on, and no longer then
// (N-53).
func TestWalksAskedFor(t *testing.T) {
	b := newBench(t)
	s := b.shift("w1")
	s.crew.beat, s.beat = time.Hour, time.Millisecond // it is thought alive, and never rests for long
	s.crew.hear("w1")
	r, err := newRows(t.Context(), s, b.part)
	if err != nil {
		t.Fatal(err)
	}
	asked := func() bool {
		t.Helper()
		for len(b.again) > 0 {
			<-b.again
		}
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		if err := r.run(ctx); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if err := b.c.nc.Flush(); err != nil {
			t.Fatal(err)
		}
		return len(b.again) > 0
	}
	settled := func() {
		t.Helper()
		for more := true; more; {
			var err error
			if more, err = r.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if settled(); !asked() {
		t.Error("N-53: no walk is asked for at first")
	}
	b.tell(index.Batch{Begin: true, Seen: []index.Seen{b.file("plan")}})
	if settled(); asked() {
		t.Error("N-53: a walk is asked for while one goes on")
	}
	b.tell(index.Batch{End: true})
	if settled(); asked() || !r.last.Whole {
		t.Error("N-53: a walk is asked for behind one that has ended")
	}
	b.tell(index.Batch{Seen: []index.Seen{b.file("own")}})
	if settled(); asked() || !r.last.Whole {
		t.Error("N-53: a walk is asked for behind a change")
	}
	if err := b.teller.chains[0].append(t.Context(), "poison", []byte("garbage"), false); err != nil {
		t.Fatal(err)
	}
	if settled(); !asked() || r.last.Whole {
		t.Error("N-54: no walk is asked for behind what could not be used")
	}
}

// TestFailedTurns: a turn that fails is told of with its share, and the next one begins (N-54).
func TestFailedTurns(t *testing.T) {
	told := &warned{}
	s := &shift{c: &Conn{warn: told.warn}, name: "rows.a.x.0", beat: time.Millisecond, woken: make(chan struct{}, 1),
		crew: &crew{name: "w", beat: time.Hour, heard: map[string]time.Time{"w": time.Now()}}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	turns := 0
	err := s.again(ctx, func(context.Context, *shift) error {
		switch turns++; turns {
		case 2:
			return nil
		case 4:
			stop()
		}
		return errors.New("no")
	})
	want := "[rows.a.x.0: no rows.a.x.0: no]" // the last one is of a worker that was told to end
	if got := fmt.Sprint(told.take()); err != nil || turns != 4 || got != want {
		t.Errorf("%d turns, %v, told of %s, want %s", turns, err, got, want)
	}
}
