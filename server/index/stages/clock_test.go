package stages

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// kept is a sink that keeps the last fence alone.
type kept struct{ last index.Fence }

func (*kept) Write([]index.Event) error { return nil }
func (*kept) Close() error              { return nil }
func (k *kept) Fence(f *index.Fence) error {
	k.last = *f
	return nil
}

// TestFollowerClocks: what a follower makes of a beat of another machine, whose clock, that of the message
// servers or its own was set: it counts from when it was first seen by the time since this machine started,
// one that was there before counts as none (N-81), and so does one that was stored at a time yet to come (N-80).
func TestFollowerClocks(t *testing.T) {
	s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}, Parts: 1, Deciders: 1})
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.Question()
	if err != nil {
		t.Fatal(err)
	}
	base := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return base.Add(time.Duration(n) * time.Second) }
	const minute = 60
	for _, c := range []struct {
		name                 string
		sequence             uint64
		beat, stored, follow int // what each clock says
		up                   int
		want                 int  // the time of the tree's moment; 0: nothing is vouched for
		wantUp               int  // and since when it is known
		own                  bool // the beat is of the follower's own machine
	}{
		{"all agree", 8, 100, 100, 100, 50, 100, 50, false},
		{"within a second", 8, 100, 100, 99, 50, 100, 50, false},
		{"it was there already", 7, 100, 100, 100, 50, 0, 0, false},
		{"the follower's clock is back", 8, 100, 100, 100 - 5*minute, 50, 0, 0, false},
		{"the servers' clock is ahead", 8, 100, 100 + 5*minute, 100, 50, 0, 0, false},
		{"all servers' and the watcher's are", 8, 100 + 5*minute, 100 + 5*minute, 100, 50, 0, 0, false},
		{"an old beat, and the follower's clock back to it", 8, 100, 100 + 5*minute, 100, 50, 0, 0, false},
		{"the servers' clock is back", 8, 100, 100 - 5*minute, 100, 50, 100, 50, false},       // the others' count
		{"the watcher's is back", 8, 100 - 5*minute, 100, 100, 50, 100 - 5*minute, 50, false}, // old for who asks
		{"its own, and it was held up", 8, 100, 100, 100, 50, 100, 9, true},
	} {
		m, err := q.Merge(nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		k := &kept{}
		f := &following{c: &Conn{site: s, warn: func(error) {}}, merge: m, sinks: []index.Sink{k},
			fences: map[string]*sight{}, since: 7, began: true,
			clock: func() index.Beat { return index.Beat{Time: at(c.follow), Up: time.Duration(c.up) * time.Second} }}
		f.logs = f.all()
		for _, l := range f.logs {
			l.generation, l.whole, l.records.follower.head = 1, true, 3
		}
		boot := "another"
		if c.own {
			boot = index.Boot()
		}
		body, err := json.Marshal(&fence{Generation: 1, Log: 3, Beat: beat{
			Time: at(c.beat).UnixNano(), Up: int64(9 * time.Second), Boot: boot}})
		if err != nil {
			t.Fatal(err)
		}
		f.fence(&message{Signed: site.Signed{Subject: "fence." + f.logs[0].name(), Body: body},
			sequence: c.sequence, stored: at(c.stored)})
		if err := f.vouch(); err != nil {
			t.Fatal(err)
		}
		got, given := k.last.Sources["//a/srv"]
		if given != (c.want != 0) || given && (!got.Time.Equal(at(c.want)) || got.Up != time.Duration(c.wantUp)*time.Second) {
			t.Errorf("%s: %+v %v", c.name, got, given)
		}
	}
}

// TestEarlyBeats: a beat that servers had before its time vouches for nothing: neither a worker of rows
// nor one of people writes a fence for it (N-80).
func TestEarlyBeats(t *testing.T) {
	b := newBench(t)
	d := &lister{c: b.dial(site.Directory), head: head{Started: 1}, run: "r"}
	d.chain = &chain{c: d.c, stream: site.StreamDirectory, subject: headSubject, rival: d.rival}
	defer b.work("w1")()
	list := anyPeople(t)
	tell := func(at time.Time) {
		t.Helper()
		b.tell(index.Batch{Beat: index.Beat{Time: at}})
		v := index.Version{People: list, File: []byte(company), Beat: index.Beat{Time: at}}
		if err := d.version(t.Context(), &v); err != nil {
			t.Fatal(err)
		}
	}
	ahead := time.Now().Add(time.Hour)
	fences := func() uint64 { // behind the one of each share that is of now
		t.Helper()
		present := time.Now()
		tell(present)
		var last uint64
		for _, name := range []string{"rows." + b.part.Subject(), "people.0"} {
			for {
				m, err := b.c.last(t.Context(), site.StreamFence, "fence."+name)
				if err == nil && m != nil {
					f, err := parseFence(m.Body)
					if err != nil || f.Beat.Time >= ahead.UnixNano() {
						t.Fatalf("%s: %+v %v", name, f, err)
					}
					if f.Beat.Time >= present.UnixNano() {
						last = max(last, m.sequence)
						break
					}
				}
				time.Sleep(time.Millisecond)
			}
		}
		return last
	}
	b.tell(index.Batch{Begin: true, End: true, Seen: []index.Seen{b.file("plan")}, Beat: beatNow()})
	before := fences()
	tell(ahead)
	if n := fences() - before; n != 2 {
		t.Errorf("%d fences of two shares", n)
	}
}
