package daemon

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestConnectionImplementsScheduler checks the methods of wire.Scheduler on a connection's own share: slots
// are returned, slow calls give them up, waiting calls are reported, and the backoff is that of the
// share (W-21, W-43, W-78).
func TestConnectionImplementsScheduler(t *testing.T) { synctest.Test(t, turnsOfAConnection) }

// turnsOfAConnection runs with a stopped clock.
//
// +checklocksignore
func turnsOfAConnection(t *testing.T) {
	tr := newSchedulerOf(1, 1, 1)
	d := &Daemon{scheduler: tr}
	c, other := &connection{d: d, share: tr.join(1)}, &connection{d: d, share: tr.join(2)}
	check.That(t, c.Watchdog() == tr.watchdog && c.Watchdog() == other.Watchdog() && c.Watchdog() != nil,
		"W-43: each connection has its own watchdog, want one for all connections")
	time.Sleep(time.Hour)
	began := c.Enter()
	check.That(t, began.Equal(time.Now()) && tr.free == 0 && c.share.running == 1 && other.share.running == 0,
		"W-21: a turn since %s: %d are free, %d and %d run", began, tr.free, c.share.running, other.share.running)
	came := make(chan time.Time)
	go func() { came <- other.Enter() }()
	synctest.Wait()
	check.That(t, c.Crowded() && other.Crowded(), "W-21: a call waits, and there is no crowd")
	time.Sleep(time.Second)
	check.That(t, c.Slow() && tr.slow == 0 && c.share.of.slow == 1,
		"W-43: %d long calls may begin, the user has %d", tr.slow, c.share.of.slow)
	if turn := <-came; !turn.Equal(began.Add(time.Second)) || c.Crowded() {
		t.Errorf("W-43: the other connection waited %s, crowded %t, want 1s, false", turn.Sub(began), c.Crowded())
	}
	check.That(t, !other.Slow(), "W-43: a second concurrent long call was allowed, want one at most")
	time.Sleep(time.Second)
	other.Leave(began.Add(time.Second), false)
	c.Leave(began, true)
	if c.share.had != 2*time.Second || other.share.had != time.Second || tr.free != 1 || tr.slow != 1 ||
		c.share.of.slow != 0 || c.share.of.had != 2*time.Second || tr.served != 3*time.Second {
		t.Errorf("W-21: had %s and %s, %d are free, %d long ones, %s in all",
			c.share.had, other.share.had, tr.free,
			tr.slow, tr.served)
	}
	check.Equal(t, c.Backoff(time.Microsecond, 0), 4*time.Microsecond, "W-78: a rest of")
	check.Equal(t, c.Backoff(time.Microsecond, 16*time.Microsecond), 0, "W-78: a fifth rest of")
	check.Equal(t, other.Backoff(time.Microsecond, 0), 0, "W-78: the connection with less used time backs off")
}

// TestUsedTimeComparesUsersFirst checks that equal time is not less, that users are compared if they differ, and that
// the other's current time slice counts (W-78).
func TestUsedTimeComparesUsersFirst(t *testing.T) {
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
		check.Equal(t, c.s.hadLess(c.than, c.turn), c.want, "%d of %d, than %d of %d with %d", c.s.had, c.s.of.had,
			c.than.had, c.than.of.had, c.turn)
	}
}
