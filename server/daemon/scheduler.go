package daemon

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/internal/wire"
)

// scheduler shares the daemon's time between users. It runs a fixed number of calls concurrently. The
// next call belongs to the waiting user with the least used time, and to that user's connection
// with the least used time (W-21, W-42). A limited number of slow calls give up their slots. A call
// that need not wait locks a mutex twice. It is safe for concurrent use.
type scheduler struct {
	each     int            // concurrent calls of one connection; immutable
	slowEach int            // slow calls of one user; immutable
	watchdog *wire.Watchdog // immutable
	waiting  atomic.Int32   // waiting calls

	mu sync.Mutex
	// +checklocks:mu
	free int // free slots; guarded by mu; 0 while a call is ready
	// +checklocks:mu
	slow int // remaining slow calls; guarded by mu
	// +checklocks:mu
	all share // contains the users; guarded by mu
	// +checklocks:mu
	users map[uint32]*share // users with a connection; guarded by mu
	// +checklocks:mu
	served time.Duration // total time of ended time slices; guarded by mu
	// +checklocks:mu
	newest ended // newest time slice; guarded by mu
	// +checklocks:mu
	other ended // newest time slice of another connection than newest's; guarded by mu
}

// newScheduler returns a scheduler that runs one call for each processor, and four times as many slow ones.
func newScheduler() *scheduler {
	n := processors()
	return newSchedulerOf(n, max(n/2, 1), 4*n)
}

// spare is the number of extra Ps that Spare adds to GOMAXPROCS.
var spare atomic.Int32

// Spare adds one P to GOMAXPROCS; a second call has no effect. It changes the whole program, so call it only in
// one that is nothing else than a daemon, before [Start]. Go polls the network rarely while all Ps are busy, and
// the scheduler can keep one busy for each processor. The extra P reads requests immediately, even under load
// (W-21).
func Spare() {
	if spare.CompareAndSwap(0, 1) {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// processors returns the number of processors for calls, at least 1.
func processors() int { return max(runtime.GOMAXPROCS(0)-int(spare.Load()), 1) }

// newSchedulerOf returns a scheduler with the given limits: at most all calls run concurrently, each of them for one
// connection, and at most slow further calls run without a slot. One user may have half of those slow calls, and at
// least one.
func newSchedulerOf(all, each, slow int) *scheduler {
	t := &scheduler{free: all, each: each, slow: slow, slowEach: max(slow/2, 1), watchdog: wire.NewWatchdog(),
		users: map[uint32]*share{}}
	t.all.active.which = 1
	return t
}

// join registers a connection of a user with the scheduler and returns the connection's share of the time. The caller
// calls part when the connection ends.
func (t *scheduler) join(uid uint32) *share {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[uid]
	if u == nil {
		u = &share{of: &t.all, active: shares{which: 1}}
		t.users[uid] = u
	}
	u.connections++
	return &share{of: u}
}

// part unregisters a connection of a user, for which the caller must have called join. The last one forgets the user's
// share.
func (t *scheduler) part(uid uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[uid]
	if u.connections--; u.connections == 0 {
		delete(t.users, uid)
	}
}

// enter schedules a call: it blocks until the call of a connection may run, and returns the time at which its time
// slice starts. The caller ends it with leave. It cannot be cancelled.
func (t *scheduler) enter(s *share) time.Time {
	t.mu.Lock()
	s.begin()
	s.of.begin()
	if t.free > 0 && s.running < t.each { // a waiting call of s would have started already
		t.free--
		s.running++
		t.offer(s)
		t.mu.Unlock()
		return time.Now()
	}
	turn := make(chan struct{})
	s.queue = append(s.queue, turn)
	t.offer(s)
	t.mu.Unlock()
	t.waiting.Add(1)
	<-turn
	t.waiting.Add(-1)
	return time.Now()
}

// begin prevents that an idle connection or user gains an advantage: when an idle share gets a call, begin raises its
// used time to the least of the active ones.
func (s *share) begin() {
	if active := &s.of.active; s.place[active.which] == 0 && active.Len() > 0 {
		s.had = max(s.had, active.list[0].had)
	}
}

// leave ends a time slice that started at began, charges the time to the connection and its user, and starts
// waiting calls. slow is the last result of takesLong for this call, false if it was not called.
func (t *scheduler) leave(s *share, began time.Time, slow bool) {
	spent := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	s.had += spent
	s.of.had += spent
	if t.newest.of != s {
		t.other = t.newest
	}
	t.newest = ended{s, began.Add(spent)}
	t.served += spent
	if slow {
		t.slow++
		s.of.slow--
		t.offer(s)
		return
	}
	t.giveUp(s)
}

// takesLong marks a call as slow, gives its slot to a waiting call and returns true. takesLong returns false, and the
// call keeps its slot, if this user or all users together have too many slow calls (W-43).
func (t *scheduler) takesLong(s *share) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slow == 0 || s.of.slow >= t.slowEach {
		return false
	}
	t.slow--
	s.of.slow++
	t.giveUp(s)
	return true
}

// giveUp frees the slot of a connection's call and starts the waiting calls of those that used the least time.
// +checklocks:t.mu
func (t *scheduler) giveUp(s *share) {
	s.running--
	t.free++
	t.offer(s)
	for t.free > 0 && t.all.ready.Len() > 0 {
		next := t.all.ready.list[0].ready.list[0]
		close(next.queue[0])
		next.queue[0] = nil
		next.queue = next.queue[1:]
		next.running++
		t.free--
		t.offer(next)
	}
}

// offer keeps the heaps of waiting and active shares in order, after a connection's calls or used time changed. It also
// moves the connection's user.
// +checklocks:t.mu
func (t *scheduler) offer(s *share) {
	u := s.of
	u.ready.put(s, len(s.queue) > 0 && s.running < t.each)
	u.active.put(s, len(s.queue) > 0 || s.running > 0)
	t.all.ready.put(u, u.ready.Len() > 0)
	t.all.active.put(u, u.active.Len() > 0)
}

// ended is the share and end of a time slice. The zero value has no share.
type ended struct {
	of *share
	at time.Time
}

// Parameters of the backoff.
const (
	companyTime    = time.Millisecond // maximum age of another connection's time slice
	backoffTurns   = 4                // length of a pause, in lengths of the last time slice
	longestBackoff = time.Millisecond // maximum of a single pause
	mostBackoffs   = 4                // maximum number of successive pauses
)

// backoff returns how long a busy connection must pause so that others get a processor (W-78). lasted is the length
// of its last time slice, and rested its pause so far. The result is 0 after mostBackoffs pauses, or if no other
// connection that used less time was served recently.
func (t *scheduler) backoff(s *share, lasted, rested time.Duration, now time.Time) time.Duration {
	one, company := min(backoffTurns*lasted, longestBackoff), companyTime
	if rested >= mostBackoffs*one {
		return 0
	}
	if rested > 0 {
		company, lasted = one, 0 // the used time already includes the previous slice
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.newest
	if o.of == s {
		o = t.other
	}
	if o.of == nil || now.Sub(o.at) > company || !o.of.hadLess(s, lasted) {
		return 0
	}
	return one
}

// hadLess decides whose turn is first: it reports whether s used less time than the connection than, whose time counts
// with turn added. For connections of different users it compares the times of the users.
func (s *share) hadLess(than *share, turn time.Duration) bool {
	if s.of != than.of {
		s, than = s.of, than.of
	}
	return s.had < than.had+turn
}

// Enter blocks until a call of the connection may run and returns the start of its time slice. The caller calls
// Leave.
func (c *connection) Enter() time.Time { return c.d.scheduler.enter(c.share) }

// Leave ends the time slice that Enter returned as began. slow is the last result of Slow for this call, false
// without one.
func (c *connection) Leave(began time.Time, slow bool) { c.d.scheduler.leave(c.share, began, slow) }

// Slow reports that the running call is slow, so that it need not keep its slot. It returns true if the slot
// went to other calls, and false if the call must keep it.
func (c *connection) Slow() bool { return c.d.scheduler.takesLong(c.share) }

// Crowded reports whether a call of any connection waits for a time slice, so that a long call should let others run.
func (c *connection) Crowded() bool { return c.d.scheduler.waiting.Load() > 0 }

// Backoff returns how long the connection must pause after a time slice of length turn, if it has paused for
// rested so far. 0 means that it may go on.
func (c *connection) Backoff(turn, rested time.Duration) time.Duration {
	return c.d.scheduler.backoff(c.share, turn, rested, time.Now())
}

// Watchdog returns the watchdog that detects slow calls. All connections share it.
func (c *connection) Watchdog() *wire.Watchdog { return c.d.scheduler.watchdog }
