package services

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// Connections beyond a user's rate are not recorded, and the next record has their number. Other users are not
// affected. A record that the sink rejected is counted too (U-92).
func TestPeerRecordsAreLimitedPerUser(t *testing.T) {
	var p PeerRecords
	p.SetRate(3)
	now := time.Unix(1000, 0)
	take := func(user string, leftOut uint64, ok bool) {
		t.Helper()
		n, may := p.take(user, now)
		check.That(t, n == leftOut && may == ok, "take(%s) = %d left out, %t, want %d, %t", user, n, may, leftOut, ok)
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
	check.Equal(t, p.LeftOut(), 7, "LeftOut()")
	now = now.Add(time.Hour)
	for i := range 3 {
		take("a", uint64(max(1-i, 0)), true)
	}
	take("a", 0, false)
}

// The number of remembered users is bounded. A user with records that were left out is remembered longer.
func TestRememberedPeersAreBounded(t *testing.T) {
	var p PeerRecords
	now := time.Unix(1000, 0)
	p.take("lost", now)
	p.lost("lost", 0)
	for i := range maxPeers - 1 {
		p.take(fmt.Sprint(i), now)
	}
	now = now.Add(time.Hour)
	p.take("new", now)
	n, _ := p.take("lost", now)
	check.Equal(t, [2]int{int(n), len(p.users)}, [2]int{1, 2}, "left out, and remembered users after an hour")
	for i := range 3 * maxPeers {
		p.take(string(rune(i)), now)
	}
	check.That(t, len(p.users) <= maxPeers, "%d users are remembered, want at most %d", len(p.users), maxPeers)
}

// leftOutSink stores the number of omitted records that each record reports.
type leftOutSink struct {
	said []string
	full bool
}

// Write implements audit.Sink.
func (s *leftOutSink) Write(e audit.Event) error {
	if s.full {
		return errors.New("full")
	}
	text, _ := e.Field("RecordsLeftOut")
	s.said = append(s.said, text)
	return nil
}

// Of ten connections within a minute at a rate of two, two are recorded. The next record that its sink keeps reports
// the eight others, and one that the sink refused (U-92).
func TestNextRecordSaysHowManyWereLeftOut(t *testing.T) {
	sink := new(leftOutSink)
	s := &System{Log: &audit.Log{Sink: sink}}
	s.Peers.SetRate(2)
	for range 10 {
		s.recordPeer("a", audit.Event{})
	}
	s.Peers.users["a"].records = 2 // the minute is over
	sink.full = true
	check.Equal(t, s.recordPeer("a", audit.Event{}), false, "a full sink keeps the record")
	sink.full = false
	check.Equal(t, s.recordPeer("a", audit.Event{}), true, "the sink keeps the record")
	if want := []string{"", "", "9"}; !slices.Equal(sink.said, want) {
		t.Errorf("U-92: numbers of omitted connections in the records = %q, want %q", sink.said, want)
	}
}
