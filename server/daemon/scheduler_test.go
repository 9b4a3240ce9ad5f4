package daemon

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// slotCounts returns the number of free slots, of users with a call, and of all users.
func (t *scheduler) slotCounts() (free, ready, users int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free, t.all.ready.Len() + t.all.active.Len(), len(t.users)
}

// callers has connections that call continuously.
type callers struct {
	scheduler *scheduler
	mu        sync.Mutex
	had       map[*share]time.Duration // guarded by mu
	stop      chan struct{}
	all       sync.WaitGroup
}

// add starts threads of a connection that make calls of one duration.
func (c *callers) add(s *share, threads int, call time.Duration) {
	for range threads {
		c.all.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
				}
				began := c.scheduler.enter(s)
				time.Sleep(call)
				c.scheduler.leave(s, began, false)
				c.mu.Lock()
				c.had[s] += call
				c.mu.Unlock()
			}
		})
	}
}

// runFor runs the callers for d and returns the time that each connection used.
func (c *callers) runFor(d time.Duration) map[*share]time.Duration {
	time.Sleep(d)
	close(c.stop)
	c.all.Wait()
	return c.had
}

// TestConnectionsGetEqualTime checks that three connections get equal time: one with a hundred waiting calls, one
// with few calls, and one with long calls (W-21).
func TestConnectionsGetEqualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newSchedulerOf(2, 1, 8)
		flood, slow, good := tr.join(1), tr.join(1), tr.join(1)
		c := callers{scheduler: tr, had: map[*share]time.Duration{}, stop: make(chan struct{})}
		c.add(flood, 100, time.Millisecond)
		c.add(slow, 10, 20*time.Millisecond)
		c.add(good, 3, time.Millisecond)
		had := c.runFor(30 * time.Second)
		// Two concurrent calls for 30 s, in three parts.
		const fair = 20 * time.Second
		for name, s := range map[string]*share{"flood": flood, "slow": slow, "good": good} {
			check.That(t, had[s] >= fair*8/10, "%s had %s, want 0.8 of %s at least", name, had[s], fair)
		}
		if free, ready, _ := tr.slotCounts(); free != 2 || ready != 0 {
			t.Errorf("%d are free, %d users ready or active, want 2, 0", free, ready)
		}
	})
}

// TestCallWaitsForOneCallOfEachConnection checks that a call behind a thousand calls of another connection waits for
// running calls and at most one further call of each other connection (W-21).
func TestCallWaitsForOneCallOfEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newSchedulerOf(2, 1, 8)
		flood, other, good := tr.join(1), tr.join(1), tr.join(1)
		before := 0
		var mu sync.Mutex
		var all sync.WaitGroup
		one := func(s *share, done func()) {
			all.Go(func() {
				began := tr.enter(s)
				time.Sleep(time.Millisecond)
				mu.Lock()
				done()
				mu.Unlock()
				tr.leave(s, began, false)
			})
		}
		over := false
		for range 1000 {
			one(flood, func() { before++ })
			one(other, func() { before++ })
		}
		synctest.Wait()
		one(good, func() { over = true })
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		check.That(t, over, "%d calls of others were over, and this one was not", before)
		mu.Unlock()
		all.Wait()
	})
}

// TestIdleTimeIsNotSavedUp checks that a connection or user that was idle starts with the least used
// time of the active ones, and that one that used more keeps its used time (W-42).
func TestIdleTimeIsNotSavedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newSchedulerOf(8, 8, 8)
		busy, idle, other := tr.join(1), tr.join(1), tr.join(2)
		began := tr.enter(busy)
		time.Sleep(time.Minute)
		tr.leave(busy, began, false)
		tr.enter(busy) // it has a call
		for name, s := range map[string]*share{"a connection of the same user": idle, "one of another user": other} {
			began := tr.enter(s)
			if s.of.had < time.Minute || s == idle && s.had < time.Minute {
				t.Errorf("%s starts with used time %s, its user with %s, want at least that of the active one",
					name, s.had, s.of.had)
			}
			tr.leave(s, began, false)
		}
		for _, s := range []*share{idle, other} { // both have used a minute and use another one
			began := tr.enter(s)
			time.Sleep(time.Minute)
			tr.leave(s, began, false)
			tr.enter(s)
			check.That(t, s.of.had >= 2*time.Minute && (s == other || s.had >= 2*time.Minute),
				"an idle connection that used two minutes starts with %s, its user with %s", s.had, s.of.had)
		}
	})
}

// TestConcurrentCallsAreBounded checks the exact number of concurrent calls of one connection and of all, while more
// calls wait (W-21).
func TestConcurrentCallsAreBounded(t *testing.T) {
	for _, c := range []struct{ all, each, connections, want, wantEach int }{{4, 2, 1, 2, 2}, {4, 2, 2, 4,
		2}, {4, 2, 3, 4, 2},
		{1, 1, 3, 1, 1}, {3, 1, 2, 2, 1}, {2, 1, 1, 1, 1}} {
		synctest.Test(t, func(t *testing.T) {
			tr := newSchedulerOf(c.all, c.each, 8)
			var mu sync.Mutex
			running, most, mostEach := 0, 0, 0
			var all sync.WaitGroup
			for i := range c.connections {
				s, own := tr.join(uint32(i)), 0
				for range 6 {
					all.Go(func() {
						began := tr.enter(s)
						mu.Lock()
						running, own = running+1, own+1
						most, mostEach = max(most, running), max(mostEach, own)
						mu.Unlock()
						time.Sleep(time.Second)
						mu.Lock()
						running, own = running-1, own-1
						mu.Unlock()
						tr.leave(s, began, false)
					})
				}
			}
			all.Wait()
			check.That(t, most == c.want && mostEach == c.wantEach,
				"W-21: %+v: %d concurrent calls, %d of one connection, want %d, %d", c, most, mostEach, c.want, c.wantEach)
			if free, ready, _ := tr.slotCounts(); free != c.all || ready != 0 {
				t.Errorf("W-21: %+v: %d are free, %d users ready or active, want %d, 0", c, free, ready, c.all)
			}
		})
	}
}

// TestCallLimitsDependOnProcessors checks the numbers of concurrent calls: one for each processor, half of them from
// one connection, and four long calls for each processor (W-21, W-43). A spare processor, of which there is at most
// one, adds none.
//
// +checklocksignore
func TestCallLimitsDependOnProcessors(t *testing.T) {
	n := processors()
	defer func() {
		spare.Store(0)
		runtime.GOMAXPROCS(n)
	}()
	for range 2 {
		Spare()
		check.Equal(t, runtime.GOMAXPROCS(0), n+1, "GOMAXPROCS with a spare processor")
	}
	tr := newScheduler()
	if tr.free != n || tr.each != max(n/2, 1) || tr.slow != 4*n || tr.slowEach != 2*n {
		t.Errorf("%d processors: %d calls, %d of one connection, %d long ones, %d of one user",
			n, tr.free, tr.each, tr.slow,
			tr.slowEach)
	}
}

// TestConnectionsOfUserShareCPUTime checks that users with ten connections, three and one get equal time, split among
// the connections of each (W-42).
func TestConnectionsOfUserShareCPUTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newSchedulerOf(2, 1, 8)
		c := callers{scheduler: tr, had: map[*share]time.Duration{}, stop: make(chan struct{})}
		connections, user := []int{10, 3, 1}, map[*share]int{}
		for uid, n := range connections {
			for range n {
				s := tr.join(uint32(uid))
				user[s] = uid
				c.add(s, 4, time.Millisecond)
			}
		}
		of, had := c.runFor(10*time.Second), make([]time.Duration, len(connections))
		// Two concurrent calls for 10 s, for three users. A connection makes one call at a time.
		const fair = 20 * time.Second / 3 * 8 / 10
		for s, d := range of {
			had[user[s]] += d
			n := connections[user[s]]
			check.That(t, d >= fair/time.Duration(n), "one of %d connections had %s, want 0.8 of its share", n, d)
		}
		for uid, d := range had {
			check.That(t, d >= fair, "user %d had %s, want %s at least", uid, d, fair)
		}
		for uid, n := range connections {
			for range n {
				tr.part(uint32(uid))
			}
		}
		if _, _, users := tr.slotCounts(); users != 0 {
			t.Errorf("%d users are left, want 0", users)
		}
	})
}

// TestLongCallsReleaseTheirSlot checks that a long call releases its slot to others, up to a limit for each user and
// one for all (W-43).
//
// +checklocksignore
func TestLongCallsReleaseTheirSlot(t *testing.T) {
	tr := newSchedulerOf(2, 1, 4)
	var uids []*share
	for uid := range uint32(4) {
		uids = append(uids, tr.join(uid))
	}
	turn := func(uid int, want bool) time.Time {
		t.Helper()
		began := tr.enter(uids[uid])
		check.Equal(t, tr.takesLong(uids[uid]), want, "a further long call of user %d", uid)
		return began
	}
	now := turn(0, true)
	turn(0, true)
	tr.leave(uids[0], turn(0, false), false) // half of all at most
	turn(1, true)
	turn(1, true)
	tr.leave(uids[2], turn(2, false), false) // of all
	tr.leave(uids[0], now, true)
	turn(3, true)
	tr.leave(uids[0], turn(0, false), false)
	if tr.free != 2 || tr.slow != 0 || tr.waiting.Load() != 0 {
		t.Errorf("%d turns are free, %d long ones, %d wait, want 2, 0, 0", tr.free, tr.slow, tr.waiting.Load())
	}
	// A finished long call no longer counts towards the limit.
	tr = newSchedulerOf(2, 1, 4)
	s := tr.join(9)
	for range 10 {
		began := tr.enter(s)
		check.RequireThat(t, tr.takesLong(s), "takesLong = false for a user whose long calls have finished, want true")
		tr.leave(s, began, true)
	}
}

// TestBackoffYieldsToShorterCalls checks the backoff: four lengths of a long time slice, if a connection with less
// used time, counted by user, was served within the last millisecond, otherwise none. It is repeated at most three
// times while that connection is served (W-78).
func TestBackoffYieldsToShorterCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newSchedulerOf(2, 1, 8)
		flood, good, other := tr.join(1), tr.join(1), tr.join(2)
		turn := func(s *share, d time.Duration) {
			began := tr.enter(s)
			time.Sleep(d)
			tr.leave(s, began, false)
		}
		rests := func(s *share, lasted, want time.Duration) {
			t.Helper()
			check.Equal(t, tr.backoff(s, lasted, 0, time.Now()), want, "after a turn of %s", lasted)
		}
		on := func(s *share, lasted, rested, want time.Duration) {
			t.Helper()
			check.Equal(t, tr.backoff(s, lasted, rested, time.Now()), want, "after a turn of %s and rests of %s", lasted, rested)
		}
		const us = time.Microsecond
		rests(flood, 60*us, 0) // no other connection was served
		turn(flood, 60*us)
		turn(flood, 60*us)
		rests(flood, 60*us, 0) // it is the only connection
		turn(good, 10*us)
		rests(flood, 60*us, 240*us)
		rests(flood, time.Second, time.Millisecond)
		turn(flood, 60*us)
		rests(flood, 60*us, 240*us)      // only its own calls since then
		on(flood, 60*us, 240*us, 240*us) // the other connection was served in that time
		on(flood, 60*us, 720*us, 240*us)
		on(flood, 60*us, 960*us, 0) // it backed off long enough
		time.Sleep(180 * us)
		on(flood, 60*us, 240*us, 240*us)
		time.Sleep(us)
		on(flood, 60*us, 240*us, 0) // the other connection was served before that backoff
		rests(flood, 60*us, 240*us)
		rests(good, 60*us, 0) // the other connection used more
		rests(good, 200*us, 800*us)
		time.Sleep(time.Millisecond - 241*us)
		rests(flood, 60*us, 240*us)
		time.Sleep(us)
		rests(flood, 60*us, 0) // the other connection has ended
		turn(good, 500*us)
		on(flood, time.Microsecond, 4*us, 0) // the other connection has used more
		turn(other, 300*us)
		rests(good, 60*us, 240*us) // the user with two connections used more than the other
		rests(other, 60*us, 0)
	})
}
