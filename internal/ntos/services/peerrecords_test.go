package services

import (
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
)

// TestPeerRecordsPerUser: a user beyond the rate leaves no record, the next one has the count, another user
// is not touched, and a record that the sink did not take is counted too (U-92).
func TestPeerRecordsPerUser(t *testing.T) {
	var p PeerRecords
	p.SetRate(3)
	now := time.Unix(1000, 0)
	take := func(user string, leftOut uint64, ok bool) {
		t.Helper()
		if n, may := p.take(user, now); n != leftOut || may != ok {
			t.Errorf("%s: %d left out, %t; want %d, %t", user, n, may, leftOut, ok)
		}
	}
	for range 3 {
		take("a", 0, true)
	}
	for range 5 {
		take("a", 0, false)
	}
	take("b", 0, true)
	now = now.Add(20 * time.Second) // a third of a minute brings one record
	take("a", 5, true)
	take("a", 0, false)
	p.lost("b", 2)
	take("b", 3, true)
	if n := p.LeftOut(); n != 7 {
		t.Errorf("%d left out, want 7", n)
	}
	now = now.Add(time.Hour)
	for i := range 3 {
		take("a", uint64(max(1-i, 0)), true)
	}
	take("a", 0, false)
}

// The users who are remembered are bounded.
func TestPeerRecordsAreBounded(t *testing.T) {
	var p PeerRecords
	now := time.Unix(1000, 0)
	for i := range 3 * maxPeers {
		p.take(string(rune(i)), now)
	}
	if len(p.users) > maxPeers {
		t.Errorf("%d users are remembered, want at most %d", len(p.users), maxPeers)
	}
}

// leftOutSink keeps what each record says was left out before it.
type leftOutSink struct{ said []string }

// Write implements audit.Sink.
func (s *leftOutSink) Write(e audit.Event) error {
	text, _ := e.Field("RecordsLeftOut")
	s.said = append(s.said, text)
	return nil
}

// TestNextRecordSaysHowManyWereLeftOut: of ten connections within a minute and a rate of two, two are recorded; the
// record after them says that eight were left out (U-92).
func TestNextRecordSaysHowManyWereLeftOut(t *testing.T) {
	sink := new(leftOutSink)
	s := &System{Log: &audit.Log{Sink: sink}}
	s.Peers.SetRate(2)
	for range 10 {
		s.recordPeer("a", audit.Event{})
	}
	s.Peers.users["a"].records = 1 // the minute is over
	s.recordPeer("a", audit.Event{})
	if want := []string{"", "", "8"}; !slices.Equal(sink.said, want) {
		t.Errorf("U-92: the records say %q of those left out, want %q", sink.said, want)
	}
}
