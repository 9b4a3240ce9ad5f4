package stages

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

var errForged = errors.New("not signed by its role")

// TestWhatCounts: a message counts on its own subject, signed, behind the last one that counts or as the
// root of a chain; a class without a signature is not read (N-43).
func TestWhatCounts(t *testing.T) {
	begins := func(*message) bool { return true }
	for name, c := range map[string]struct {
		m    message
		root func(*message) bool
		want bool
	}{
		"the next one":        {message{Signed: site.Signed{Subject: "rows.a", After: 3}}, nil, true},
		"of another subject":  {message{Signed: site.Signed{Subject: "rows.b", After: 3}}, nil, false},
		"not signed":          {message{Signed: site.Signed{Subject: "rows.a", After: 3}, signed: errForged}, nil, false},
		"behind an earlier":   {message{Signed: site.Signed{Subject: "rows.a", After: 2}}, nil, false},
		"behind a later":      {message{Signed: site.Signed{Subject: "rows.a", After: 4}}, nil, false},
		"a first one":         {message{Signed: site.Signed{Subject: "rows.a"}}, nil, false},
		"a root":              {message{Signed: site.Signed{Subject: "rows.a"}}, begins, true},
		"a root elsewhere":    {message{Signed: site.Signed{Subject: "rows.b"}}, begins, false},
		"a root not signed":   {message{Signed: site.Signed{Subject: "rows.a"}, signed: errForged}, begins, false},
		"a root behind other": {message{Signed: site.Signed{Subject: "rows.a", After: 2}}, begins, false},
	} {
		f := follower{subject: "rows.a", head: 3, root: c.root}
		if got := f.counts(&c.m); got != c.want {
			t.Errorf("N-43: %s: %v", name, got)
		}
	}
	forged := &message{Signed: site.Signed{Subject: "class.0.c", Body: []byte(`{"id":"c","version":""}`)},
		signed: errForged}
	if err := (&deciding{}).class(forged); !errors.Is(err, errForged) {
		t.Errorf("N-43: a class that no one signed: %v", err)
	}
}

// TestWhichFence: a fence counts that is signed, of the generation that has the share, behind what was
// read of its log, and newer than the last (N-43, N-49).
func TestWhichFence(t *testing.T) {
	present := time.Now().UnixNano()
	for name, c := range map[string]struct {
		subject    string
		signed     error
		generation uint64
		log        uint64
		beat       int64
		want       bool
	}{
		"the present one":        {"fence.people.0", nil, 2, 5, present, true},
		"behind less":            {"fence.people.0", nil, 2, 4, present, true},
		"ahead of the log":       {"fence.people.0", nil, 2, 6, present, false},
		"of the one before":      {"fence.people.0", nil, 1, 5, present, false},
		"of one that is to come": {"fence.people.0", nil, 3, 5, present, false},
		"as old as the last":     {"fence.people.0", nil, 2, 5, present - 1000, false},
		"older":                  {"fence.people.0", nil, 2, 5, present - 2000, false},
		"of another share":       {"fence.people.1", nil, 2, 5, present, false},
		"not signed":             {"fence.people.0", errForged, 2, 5, present, false},
	} {
		body, err := json.Marshal(&fence{Generation: c.generation, Log: c.log, Cursor: 1, Beat: beat{Time: c.beat}})
		if err != nil {
			t.Fatal(err)
		}
		last := &sight{fence: &fence{Generation: 2, Log: 5, Beat: beat{Time: present - 1000}}}
		f := &following{c: &Conn{warn: func(error) {}}, fences: map[string]*sight{"people.0": last}, clock: index.Now,
			logs: []*share{{generation: 2, follower: follower{subject: "people.0", head: 5}}}}
		f.fence(&message{Signed: site.Signed{Subject: c.subject, Body: body}, signed: c.signed, sequence: 1,
			stored: time.Unix(0, present)})
		if got := f.fences["people.0"] != last; got != c.want || len(f.fences) != 1 {
			t.Errorf("N-49: %s: it counts: %v, %d fences", name, got, len(f.fences))
		}
	}
}

// TestStreams: a part that is full refuses what comes, and keeps what waits; logs lose nothing (N-48).
func TestStreams(t *testing.T) {
	for _, name := range site.Streams() {
		c := stream(name, 1)
		waits := name == site.StreamSeen
		full := c.Discard == jetstream.DiscardNew && c.DiscardNewPerSubject && c.MaxMsgsPerSubject == waiting
		if waits != full {
			t.Errorf("N-48: %s: %+v", name, c)
		}
		log := name == site.StreamRows || name == site.StreamPeople
		if kept := c.DenyDelete && c.DenyPurge && c.MaxMsgsPerSubject <= 0; kept != log {
			t.Errorf("N-48: %s: %+v", name, c)
		}
	}
}
