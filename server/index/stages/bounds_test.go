package stages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// reads says how a message is read: "" if it is, else a part of why not.
func reads(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestBoundsOfMessages: each bound of each kind of message from both sides, each thing that it lacks and each that it
// has
// and must not (N-51, N-54, N-76).
func TestBoundsOfMessages(t *testing.T) {
	s, p := oneSite(t)
	record := func(b []byte) error { _, err := parseRecord(b); return err }
	class := func(b []byte) error { _, err := parseClass(b); return err }
	ofFence := func(b []byte) error { _, err := parseFence(b); return err }
	ofHead := func(b []byte) error { _, err := parseHead(b); return err }
	ofSeen := func(b []byte) error { _, _, err := parseSeen(s, p, b); return err }
	padded := func(text string, n int) string { return text + strings.Repeat(" ", n-len(text)) }
	const rec, fen, one = `{"generation":1,"worker":"w","cursor":1}`,
		`{"generation":1,"log":0,"cursor":0,"beat":{"time":1}}`,
		`{"id":"a","version":"","members":""}`
	hea := func(version, pieces int) string {
		return fmt.Sprintf(`{"started":1,"version":"%s","pieces":%d,"beat":{"time":1}}`, strings.Repeat("a", version), pieces)
	}
	documents := func(n int) string {
		return `{"run":"r","started":1,"documents":[` + strings.TrimSuffix(strings.Repeat(`{"path":"L3Nydg==","gone":true},`,
			n),
			",") + `]}`
	}
	folders := func(n int) string {
		var b, names strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"id":"f%d","passing":true,"version":"","members":""}`+"\n", i)
			fmt.Fprintf(&names, `"f%d",`, i)
		}
		return b.String() + `{"id":"x","version":"","members":"","through":[` + strings.TrimSuffix(names.String(), ",") + `]}`
	}
	for i, c := range []struct {
		read func([]byte) error
		text string
		why  string
	}{
		{record, rec, ""}, {record, padded(rec, 8<<20), ""}, {record, padded(rec, 8<<20+1), "a record of 8388609 bytes"},
		{record, `{"generation":0,"worker":"w","cursor":1}`, "generation"},
		{record, `{"generation":1,"worker":"","cursor":1}`, "generation"},
		{record, `{"generation":1,"worker":"w","cursor":1,"piece":-1}`, "pieces"},
		{record, `{"generation":1,"worker":"w","cursor":1,"final":true}`, "pieces"},
		{record, `{"generation":1,"worker":"w","cursor":1,"piece":1,"final":true}`, ""}, {record, "", "generation"},
		{record, rec + "\n" + `{"seq":1,"time":0,"gone":"x"}`, ""}, {record, rec + "\n{}", "says 0 things"},
		{class, one, ""}, {class, padded(one, 8<<20), ""}, {class, padded(one, 8<<20+1), "a class of 8388609 bytes"},
		{class, folders(1), ""}, {class, folders(4096), ""}, {class, folders(4097), "behind more than 4096 folders"},
		{class, strings.Replace(folders(1), `"passing":true,`, "", 1), "class f0 is not a folder's on the way to x"},
		{class, strings.Replace(folders(1), `"id":"x",`, `"id":"x","passing":true,`, 1), "class x is not"},
		{class, strings.Replace(folders(2), `["f0","f1"]`, `["f1"]`, 1), "class f0 is not a folder's on the way to x"},
		{class, strings.Replace(one, `"id"`, `"passing":true,"id"`, 1), "class a is not"}, {class, "", "want a value"},
		{ofFence, fen, ""}, {ofFence, padded(fen, 1024), ""}, {ofFence, padded(fen, 1025), "1025 bytes"},
		{ofFence, strings.Replace(fen, `"generation":1`, `"generation":0`, 1), "without a generation"},
		{ofFence, strings.Replace(fen, `"time":1`, `"time":0`, 1), "or a beat"},
		{ofFence, strings.Replace(fen, `"time":1`, `"time":-1`, 1), "or a beat"},
		{ofHead, hea(64, 1), ""}, {ofHead, padded(hea(64, 256), 1024), ""}, {ofHead, padded(hea(64, 1), 1025), "1025 bytes"},
		{ofHead, hea(64, 257), "pieces"}, {ofHead, hea(64, 0), "pieces"}, {ofHead, hea(63, 1), "version"},
		{ofHead, hea(65, 1), "version"}, {ofHead, strings.Replace(hea(64, 1), `"started":1`, `"started":0`, 1), "directory"},
		{ofHead, strings.Replace(hea(64, 1), `"time":1`, `"time":0`, 1), "a beat"},
		{ofSeen, documents(1024), ""}, {ofSeen, documents(1025), "1025 documents"},
		{ofSeen, padded(documents(1), 4<<20), ""}, {ofSeen, padded(documents(1), 4<<20+1), "4194305 bytes"},
		{ofSeen, strings.Replace(documents(1), `"started":1`, `"started":-1`, 1), "run"},
	} {
		if why := reads(c.read([]byte(c.text))); (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%d: %.80q of %d bytes: %q, want %q", i, c.text, len(c.text), why, c.why)
		}
	}
}

// TestWhatMessagesSay: a record, a class, a document and a beat arrive with all that they said.
func TestWhatMessagesSay(t *testing.T) {
	r := record{Generation: 1, Worker: "w", Tries: 2, Cursor: 3, Started: 4, Whole: true, Refused: 5, Poison: 6, Piece: 7,
		Final: true, lines: [][]byte{[]byte(`{"seq":1,"time":2,"gone":"x"}`), []byte(`{"seq":2,"time":2,"directory":"v"}`)}}
	b, err := r.bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	events := got.events
	got.events, r.lines = nil, nil
	if fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", r) || len(events) != 2 || events[0].Gone != "x" ||
		events[1].Directory != "v" {
		t.Errorf("%+v with %+v, want %+v", got, events, r)
	}
	d, e := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	m, known := seen{Run: "r", Started: 9, End: true, Beat: &beat{5, 6, index.Boot()}}, map[string]int{}
	sizes := 0
	for _, x := range []index.Seen{{Path: "/srv/a", Folder: true, Descriptor: d}, {Path: "/srv/b", Descriptor: e},
		{Path: "/srv/c", Descriptor: d}, {Path: "/srv/d", Err: errors.New("no\xff"), Descriptor: e}, {Path: "/srv/e",
			Gone: true}, {Path: "/srv/f"}} {
		sizes += m.add(&x, known)
	}
	if want := 6*(2*6+64) + 2*(len(d.AppendOriginal(nil))+len(e.AppendOriginal(nil))) + 5; sizes != want ||
		len(m.Descriptors) != 2 {
		t.Errorf("%d bytes, want %d; %d descriptors", sizes, want, len(m.Descriptors))
	}
	body, err := json.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	one, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}})
	if err != nil {
		t.Fatal(err)
	}
	of, batch, err := parseSeen(one, site.Part{Host: "a", Tree: "/srv"}, body)
	if err != nil || of.Run != "r" || of.Started != 9 || !batch.End || batch.Begin || !batch.Beat.Time.Equal(time.Unix(0,
		5)) || batch.Beat.Up != 6 || len(batch.Seen) != 6 {
		t.Fatalf("%+v, %v", batch, err)
	}
	x := batch.Seen
	if !x[0].Folder || x[1].Folder || !x[0].Descriptor.Equal(d) || !x[1].Descriptor.Equal(e) ||
		x[2].Descriptor != x[0].Descriptor || x[3].Descriptor != nil || x[3].Err == nil ||
		x[3].Err.Error() != "no\uFFFD" || !x[4].Gone || x[5].Gone || x[5].Descriptor != nil || x[5].Err != nil {
		t.Errorf("%+v", x)
	}
	if run, started := walkOf(&message{Signed: site.Signed{Body: body}}); run != "r" || started != 9 {
		t.Errorf("%q %d", run, started)
	}
	if run, started := walkOf(&message{Signed: site.Signed{Body: bytes.Repeat([]byte(" "), maxSeen+1)}}); run != "" ||
		started != 0 {
		t.Errorf("%q %d", run, started)
	}
	if b := (&beat{5, 6, "another"}).moment(); b.Up != 0 || !b.Time.Equal(time.Unix(0, 5)) {
		t.Errorf("N-81: what another machine counts: %+v", b)
	}
	if beatOf(index.Beat{}) != nil || *beatOf(index.Beat{Time: time.Unix(0, 7), Up: 8}) != (beat{7, 8, index.Boot()}) {
		t.Error("a beat says another moment")
	}
	for ahead, want := range map[time.Duration]bool{time.Second: false, time.Second + 1: true, -time.Hour: false} {
		b := &beat{Time: time.Unix(100, 0).Add(ahead).UnixNano()}
		if b.ahead(index.Beat{Time: time.Unix(100, 0)}) != want || b.early(&message{stored: time.Unix(100, 0)}) != want {
			t.Errorf("N-80: by %v it is early: want %t", ahead, want)
		}
	}
}

// newFollowing is a follower of a site of one tree and one decider, without servers.
func newFollowing(t *testing.T) (f *following, k *kept, warned *int) {
	t.Helper()
	s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv", "/srv2"}}, Parts: 2})
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.Question()
	if err != nil {
		t.Fatal(err)
	}
	m, err := q.Merge(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	k, warned = &kept{}, new(int)
	f = &following{c: &Conn{site: s, warn: func(error) { *warned++ }}, merge: m, sinks: []index.Sink{k},
		fences: map[string]*sight{}, since: 7, began: true,
		clock: func() index.Beat { return index.Beat{Time: time.Unix(100, 0), Up: time.Minute} }}
	f.logs = f.all()
	for i, l := range f.logs {
		l.generation, l.whole, l.records.follower.head = uint64(5+i), true, 30
	}
	return f, k, warned
}

// TestFences: which fence of a share counts, by each of its fields from both sides, and what all of them vouch for: a
// tree as
// its oldest part, and nothing while one part vouches for nothing (N-49, N-55, N-80, N-81).
func TestFences(t *testing.T) {
	good := fence{Generation: 5, Log: 30, Cursor: 9, Beat: beat{Time: time.Unix(90, 0).UnixNano()}}
	for name, c := range map[string]struct {
		change func(f *following, x *fence, m *message)
		counts bool
		warns  int
	}{
		"as it is":           {func(*following, *fence, *message) {}, true, 0},
		"behind an earlier":  {func(_ *following, x *fence, _ *message) { x.Log = 29 }, true, 0},
		"behind a later":     {func(_ *following, x *fence, _ *message) { x.Log = 31 }, false, 0},
		"of one before":      {func(_ *following, x *fence, _ *message) { x.Generation = 4 }, false, 0},
		"of the next":        {func(_ *following, x *fence, _ *message) { x.Generation = 6 }, false, 0},
		"not read to an end": {func(f *following, _ *fence, _ *message) { f.logs[0].whole = false }, false, 0},
		"of another share":   {func(_ *following, _ *fence, m *message) { m.Subject += "x" }, false, 0},
		"not signed":         {func(_ *following, _ *fence, m *message) { m.signed = errors.New("no") }, false, 1},
		"there before":       {func(_ *following, _ *fence, m *message) { m.sequence = 7 }, false, 0},
		"stored ahead":       {func(_ *following, _ *fence, m *message) { m.stored = time.Unix(101, 1) }, false, 1},
		"stored by a second": {func(_ *following, _ *fence, m *message) { m.stored = time.Unix(101, 0) }, true, 0},
		"without a beat":     {func(_ *following, x *fence, _ *message) { x.Beat.Time = 0 }, false, 1},
		"older than known": {func(f *following, x *fence, _ *message) {
			f.fences[f.logs[0].name()] = &sight{&fence{Cursor: 1, Beat: beat{Time: x.Beat.Time + 1}}, 1}
		}, false, 0},
		"as old as known": {func(f *following, x *fence, _ *message) {
			f.fences[f.logs[0].name()] = &sight{&fence{Cursor: 1, Beat: beat{Time: x.Beat.Time}}, 1}
		}, false, 0},
		"newer than known": {func(f *following, x *fence, _ *message) {
			f.fences[f.logs[0].name()] = &sight{&fence{Cursor: 1, Beat: beat{Time: x.Beat.Time - 1}}, 1}
		}, true, 0},
		"known to be ahead": {func(f *following, _ *fence, _ *message) {
			f.fences[f.logs[0].name()] = &sight{&fence{Cursor: 1, Beat: beat{Time: time.Unix(102, 0).UnixNano()}}, 1}
		}, true, 0},
	} {
		f, _, warned := newFollowing(t)
		x := good
		m := &message{Signed: site.Signed{Subject: "fence." + f.logs[0].name()}, sequence: 8, stored: time.Unix(95, 0)}
		c.change(f, &x, m)
		m.Body, _ = json.Marshal(&x)
		f.fence(m)
		got := f.fences[f.logs[0].name()]
		if counts := got != nil && got.Cursor == 9; counts != c.counts || *warned != c.warns || counts &&
			got.up != time.Minute {
			t.Errorf("N-49: a fence %s counts: %t, %d warnings, %+v", name, counts, *warned, got)
		}
	}
	f, k, _ := newFollowing(t)
	ready := 0
	f.config.Ready = func() { ready++ }
	vouch := func(what string, want map[string]index.Moment) {
		t.Helper()
		k.last = index.Fence{}
		if err := f.vouch(); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(k.last.Sources, want) {
			t.Errorf("N-55: %s: %v, want %v", what, k.last.Sources, want)
		}
	}
	at := func(n int64, up time.Duration) index.Moment { return index.Moment{Time: time.Unix(0, n), Up: up} }
	give := func(i int, n int64, up time.Duration) {
		f.fences[f.logs[i].name()] = &sight{&fence{Beat: beat{Time: n}}, up}
	}
	vouch("nothing", nil)
	give(4, 50, 5)
	vouch("the directory", map[string]index.Moment{"directory": at(50, 5)})
	give(0, 40, 3)
	vouch("half a tree", map[string]index.Moment{"directory": at(50, 5)})
	give(1, 30, 4)
	vouch("a tree", map[string]index.Moment{"directory": at(50, 5), "//a/srv": at(30, 3)})
	give(1, 60, 2)
	vouch("the other part", map[string]index.Moment{"directory": at(50, 5), "//a/srv": at(40, 2)})
	if give(2, 70, 7); ready != 0 {
		t.Error("it is ready with a share of which nothing is known")
	}
	give(3, 70, 7)
	all := map[string]index.Moment{"directory": at(50, 5), "//a/srv": at(40, 2), "//a/srv2": at(70, 7)}
	vouch("all", all)
	vouch("all again", all)
	if ready != 1 {
		t.Errorf("it was ready %d times", ready)
	}
	for i, l := range f.logs[:4] {
		for at, tree := range map[string]int{"//a/srv/x": 0, "//a/srv2/x": 2, "//a/srv": 0, "/srv/x": -1, "//a/srv3": -1,
			"//ab/srv/x": -1} {
			local := strings.TrimPrefix(at, "//a")
			if own := l.own(at); own != (tree >= 0 && i == tree+f.c.site.PartOf(local)) {
				t.Errorf("N-44: share %d has %s: %t", i, at, own)
			}
		}
	}
	if f.logs[4].own("//a/srv/x") || f.logs[4].name() != "people.0" || f.logs[0].name() != "rows."+(site.Part{Host: "a",
		Tree: "/srv"}).Subject() {
		t.Error("a decider has documents")
	}
}

// TestCountedRecords: how large a log is by its records, and from where it can be taken away: before the first of the
// pieces
// that say what it amounts to, once the last is there (N-83, N-84).
func TestCountedRecords(t *testing.T) {
	r := &records{}
	three := make([]index.Event, 3)
	say := func(seq uint64, x record, size int, gap bool, want index.Size, before uint64) {
		t.Helper()
		x.events = three
		r.count(&message{Signed: site.Signed{Body: make([]byte, size)}, sequence: seq}, &x, gap)
		if r.size != want || r.before != before {
			t.Errorf("N-83: after message %d: %+v before %d, want %+v before %d", seq, r.size, r.before, want, before)
		}
	}
	say(1, record{}, 44, false, index.Size{Bytes: 300, Lines: 4}, 0)
	say(2, record{}, 744, false, index.Size{Bytes: 1300, Lines: 8}, 0)
	say(5, record{Piece: 1}, 44, false, index.Size{Bytes: 1300, Lines: 8}, 0)
	say(7, record{Piece: 1}, 44, false, index.Size{Bytes: 1300, Lines: 8}, 0) // begun again
	say(8, record{Piece: 2}, 44, false, index.Size{Bytes: 1300, Lines: 8}, 0)
	say(9, record{Piece: 3, Final: true}, 44, false, index.Size{Bytes: 900, Least: 900, Lines: 9}, 7)
	say(10, record{}, 44, false, index.Size{Bytes: 1200, Least: 900, Lines: 13}, 7)
	say(11, record{Piece: 1, Final: true}, 144, true, index.Size{Bytes: 400, Least: 400, Lines: 3}, 0)
}

// TestCutRecords: events are cut into records of a mebibyte, each at least one, in their order; none make one record
// (N-49).
func TestCutRecords(t *testing.T) {
	const half = 1 << 19
	event := func(n int) index.Event {
		e := index.Event{Seq: 1, Gone: "x"}
		b, _ := json.Marshal(&e)
		e.Gone += strings.Repeat("x", n-len(b))
		return e
	}
	for _, c := range []struct {
		sizes, want []int
	}{{nil, []int{0}}, {[]int{100}, []int{1}}, {[]int{half, half}, []int{2}}, {[]int{half, half + 1}, []int{1, 1}},
		{[]int{3 * half, 100}, []int{1, 1}}, {[]int{100, 3 * half, 3 * half, 100, 100}, []int{1, 1, 1, 2}}} {
		var list []index.Event
		for _, n := range c.sizes {
			list = append(list, event(n))
		}
		out, err := cut(list)
		var got, sizes []int
		for _, lines := range out {
			got = append(got, len(lines))
			for _, line := range lines {
				sizes = append(sizes, len(line))
			}
		}
		if err != nil || !slices.Equal(got, c.want) || !slices.Equal(sizes, c.sizes) {
			t.Errorf("%v are cut into %v with %v, want %v, %v", c.sizes, got, sizes, c.want, err)
		}
	}
}

// TestCrew: a share is of the nearest of all that were heard lately; who does not hear himself has none, and who was
// silent for
// three beats is forgotten (N-49).
//
// +checklocksignore
func TestCrew(t *testing.T) {
	const long = time.Hour
	names := []string{"w1", "w2", "w3"}
	had := map[string]int{}
	for i := range 60 {
		share, has := fmt.Sprint("rows.", i), 0
		for _, name := range names {
			w := &crew{name: name, beat: long, heard: map[string]time.Time{}}
			for _, other := range names {
				w.hear(other)
			}
			w.heard["gone"] = time.Now().Add(-3*long - time.Minute)
			if w.mine(share) {
				has++
				had[name]++
			}
			if _, known := w.heard["gone"]; known && w.mine(share) {
				t.Error("one who is silent is known")
			}
			w.heard[name] = time.Now().Add(-3*long - time.Minute)
			if w.mine(share) {
				t.Error("N-49: who does not hear himself has a share")
			}
		}
		if has != 1 {
			t.Errorf("N-49: %d have %s", has, share)
		}
	}
	if len(had) != 3 {
		t.Errorf("%v", had)
	}
	w := &crew{name: "w", beat: long, heard: map[string]time.Time{}}
	if w.mine("x") {
		t.Error("N-49: who has not heard himself yet has a share")
	}
	for i := range maxCrew + 5 {
		w.hear(fmt.Sprint(i))
	}
	if len(w.heard) != 1024 {
		t.Errorf("%d are known", len(w.heard))
	}
	for name, good := range map[string]bool{"w-1": true, "": false, "w.1": false, strings.Repeat("w", 64): true,
		strings.Repeat("w", 65): false, "w ": false} {
		if workerName.MatchString(name) != good {
			t.Errorf("a worker may be called %q: want %t", name, good)
		}
	}
}

// TestStreams: what the servers keep of each kind of message: a full part refuses, a log is not deleted from, of other
// subjects the last counts (N-45, N-48, N-83).
func TestStreams(t *testing.T) {
	for name, want := range map[string][4]any{site.StreamSeen: {int64(256), jetstream.DiscardNew, true, false},
		site.StreamRows:      {int64(0), jetstream.DiscardOld, false, true},
		site.StreamPeople:    {int64(0), jetstream.DiscardOld, false, true},
		site.StreamClass:     {int64(1), jetstream.DiscardOld, false, false},
		site.StreamDirectory: {int64(1), jetstream.DiscardOld, false, false},
		site.StreamFence:     {int64(1), jetstream.DiscardOld, false, false}} {
		c := stream(name, 3)
		if got := [4]any{c.MaxMsgsPerSubject, c.Discard, c.DiscardNewPerSubject, c.DenyDelete}; got != want ||
			c.Name != name ||
			!slices.Equal(c.Subjects, []string{strings.ToLower(name) + ".>"}) || c.Replicas != 3 || !c.AllowDirect ||
			c.Storage != jetstream.FileStorage || c.MaxMsgSize != 8<<20 {
			t.Errorf("N-48: %s is %+v", name, c)
		}
	}
}

// TestDialed: a connection is made with the key of the role alone, says what went wrong without the key, and ends.
func TestDialed(t *testing.T) {
	h := newHall(t, 1)
	for role, seed := range map[site.Role]string{site.Work: h.seeds[site.Follow], site.Follow: "SUA",
		"stranger": h.seeds[site.Work]} {
		if _, err := Dial(h.site, role, seed, Options{InProcess: h.server}); err == nil || strings.Contains(err.Error(),
			seed) {
			t.Errorf("as %s: %v", role, err)
		}
	}
	c, err := Dial(h.site, site.Follow, " "+h.seeds[site.Follow]+"\n", Options{InProcess: h.server})
	if err != nil {
		t.Fatal(err)
	}
	c.warn(errMayPass) // it is dropped
	if c.Site() != h.site || c.nc.IsClosed() {
		t.Error("of another site, or closed")
	}
	if c.Close(); !c.nc.IsClosed() {
		t.Error("it goes on")
	}
	var told []error
	c, err = Dial(h.site, site.Follow, h.seeds[site.Follow], Options{InProcess: h.server,
		Warn: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	if c.warn(errMayPass); len(told) != 1 {
		t.Errorf("told of %v", told)
	}
	c.Close()
	if _, err := c.last(t.Context(), site.StreamFence, "fence.x"); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("after the end: %v", err)
	}
}

var errMayPass = errors.New("what may pass")
