package daemon

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// TestTurnsOfAConnection: the turns that a connection takes are those of its own share: a turn is given back, a call
// that takes long leaves it to others, a call that waits is a crowd, and the rest is that of the share (W-21, W-43,
// W-78).
func TestTurnsOfAConnection(t *testing.T) { synctest.Test(t, turnsOfAConnection) }

// turnsOfAConnection runs where time stands still.
//
// +checklocksignore
func turnsOfAConnection(t *testing.T) {
	tr := makeTurns(1, 1, 1)
	d := &Daemon{turns: tr}
	c, other := &connection{d: d, share: tr.join(1)}, &connection{d: d, share: tr.join(2)}
	if c.Lookout() != tr.lookout || c.Lookout() != other.Lookout() || c.Lookout() == nil {
		t.Error("W-43: connections have a lookout each")
	}
	time.Sleep(time.Hour)
	began := c.Enter()
	if !began.Equal(time.Now()) || tr.free != 0 || c.share.running != 1 || other.share.running != 0 {
		t.Errorf("W-21: a turn since %s: %d are free, %d and %d run", began, tr.free, c.share.running, other.share.running)
	}
	came := make(chan time.Time)
	go func() { came <- other.Enter() }()
	synctest.Wait()
	if !c.Crowded() || !other.Crowded() {
		t.Error("W-21: a call waits, and there is no crowd")
	}
	time.Sleep(time.Second)
	if !c.Slow() || tr.slow != 0 || c.share.of.slow != 1 {
		t.Errorf("W-43: %d long calls may begin, the user has %d", tr.slow, c.share.of.slow)
	}
	if turn := <-came; !turn.Equal(began.Add(time.Second)) || c.Crowded() {
		t.Errorf("W-43: the turn of the other one came %s later, a crowd: %t", turn.Sub(began), c.Crowded())
	}
	if other.Slow() {
		t.Error("W-43: a second long call, of the one that may be")
	}
	time.Sleep(time.Second)
	other.Leave(began.Add(time.Second), false)
	c.Leave(began, true)
	if c.share.had != 2*time.Second || other.share.had != time.Second || tr.free != 1 || tr.slow != 1 ||
		c.share.of.slow != 0 || c.share.of.had != 2*time.Second || tr.calls != 2 || tr.served != 3*time.Second {
		t.Errorf("W-21: had %s and %s, %d are free, %d long ones, %d calls in %s", c.share.had, other.share.had, tr.free,
			tr.slow, tr.calls, tr.served)
	}
	if got := c.Rest(time.Microsecond, 0); got != 4*time.Microsecond {
		t.Errorf("W-78: a rest of %s", got)
	}
	if got := c.Rest(time.Microsecond, 16*time.Microsecond); got != 0 {
		t.Errorf("W-78: a fifth rest of %s", got)
	}
	if got := other.Rest(time.Microsecond, 0); got != 0 {
		t.Errorf("W-78: a rest of %s of the one that had less", got)
	}
}

// TestHadLess: as much is not less; of two users the users count, and the turn with what the other one had (W-78).
func TestHadLess(t *testing.T) {
	one, two := &share{had: 10}, &share{had: 20}
	of := func(user *share, had time.Duration) *share { return &share{of: user, had: had} }
	for _, c := range []struct {
		s, than *share
		turn    time.Duration
		want    bool
	}{
		{of(one, 5), of(one, 5), 0, false}, {of(one, 5), of(one, 5), 1, true}, {of(one, 6), of(one, 5), 1, false},
		{of(one, 4), of(one, 5), 0, true}, {of(one, 90), of(two, 5), 0, true}, {of(two, 1), of(one, 50), 9, false},
		{of(two, 1), of(one, 50), 10, false}, {of(two, 1), of(one, 5), 11, true},
	} {
		if got := c.s.hadLess(c.than, c.turn); got != c.want {
			t.Errorf("%d of %d, than %d of %d with %d: %t", c.s.had, c.s.of.had, c.than.had, c.than.of.had, c.turn, got)
		}
	}
}

// TestCountsOfNow: every count of a daemon is its own: none of another, and nothing before anything has happened.
//
// +checklocksignore
func TestCountsOfNow(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	defer func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := &Daemon{sys: sys, turns: makeTurns(1, 1, 1), denials: kept{most: 4, next: 1}, calls: kept{most: 4, next: 1}}
	objects, handles, references := sys.Counts()
	want := Stats{Objects: objects, Handles: handles, References: references}
	if got := d.Stats(); got != want || objects == handles {
		t.Errorf("at first %+v, want %+v", got, want)
	}
	d.connections = map[*connection]struct{}{{}: {}, {full: true}: {}, {asked: true}: {}}
	d.users = map[uint32]user{1: {}, 2: {}}
	d.refused = 4
	d.turns.calls, d.turns.served = 5, 6
	for range 7 {
		d.denials.add(&seen{size: 1})
	}
	d.calls.add(&seen{size: 1})
	d.watchers.Store(8)
	want.Connections, want.Users, want.Refused, want.Calls, want.Served, want.Denied, want.Watchers = 3, 2, 4, 5, 6, 7, 8
	if got := d.Stats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLentByProcess: what programs were handed out is told in the order of their processes (F-177), and a daemon
// without accounts answers no client about them.
//
// +checklocksignore
func TestLentByProcess(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	who := access.SubjectOf(tok)
	d := &Daemon{sys: sys, connections: map[*connection]struct{}{}}
	want := []uint64{3, 3, 7, 9, 12, 20, 31}
	for i, process := range slices.Compact(slices.Clone(want)) {
		c := &connection{d: d, full: i%2 == 0}
		c.session.Store(&Session{Process: process})
		c.lent.add(&kernel.HandedOut{Name: "f", Used: 1})
		if i == 0 {
			c.lent.add(&kernel.HandedOut{Name: "g", Used: 1})
		}
		d.connections[c] = struct{}{}
		if answer, st := c.Administer([]byte("{}")); answer != nil || st != ntstatus.NotSupported {
			t.Errorf("accounts: %q, %v", answer, st)
		}
	}
	d.connections[&connection{d: d}] = struct{}{} // it has no process yet
	var got []uint64
	for _, e := range (&looker{d: d, who: &who}).lent() {
		got = append(got, e.Process)
	}
	if !slices.Equal(got, want) {
		t.Errorf("F-177: of processes %v, want %v", got, want)
	}
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}
