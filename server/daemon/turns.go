package daemon

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/internal/wire"
)

// turns shares the daemon's time out: so many calls run at once, and the next one is of
// the user who has had the least time of those with a call waiting, and of that user's
// connection that has had the least (W-21, W-42). Calls that take long move out of the
// others' way, so many at once. A call that waits for nothing takes two locks.
type turns struct {
	each     int           // calls of one connection at once; immutable
	slowEach int           // of one user that take long; immutable
	lookout  *wire.Lookout // immutable
	waiting  atomic.Int32  // calls

	mu sync.Mutex
	// +checklocks:mu
	free int // calls that may begin now; guarded by mu; 0 while one is ready
	// +checklocks:mu
	slow int // calls that may take long now; guarded by mu
	// +checklocks:mu
	all share // its parts are the users; guarded by mu
	// +checklocks:mu
	users map[uint32]*share // with a connection; guarded by mu
	// +checklocks:mu
	calls uint64 // turns that are over; guarded by mu
	// +checklocks:mu
	served time.Duration // time in them; guarded by mu
	// +checklocks:mu
	newest ended // turn; guarded by mu
	// +checklocks:mu
	other ended // the newest turn of another connection than that one's; guarded by mu
}

// newTurns lets a call run at once for each processor, and several more that wait for
// the disk.
func newTurns() *turns {
	n := processors()
	return makeTurns(n, max(n/2, 1), 4*n)
}

// spare is how many processors more than there are Go is told of by [Spare].
var spare atomic.Int32

// Spare lets Go run one goroutine more than there are processors, for a program that is
// a daemon and nothing else. Go looks for input rarely as long as all that it may run
// at once has work, and turns give work to as many as there are processors: who sends
// something while others flood the daemon is heard at once (W-21).
func Spare() {
	if spare.CompareAndSwap(0, 1) {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// processors returns how many processors calls may use.
func processors() int { return max(runtime.GOMAXPROCS(0)-int(spare.Load()), 1) }

func makeTurns(all, each, slow int) *turns {
	t := &turns{free: all, each: each, slow: slow, slowEach: max(slow/2, 1), lookout: wire.NewLookout(),
		users: map[uint32]*share{}}
	t.all.active.which = 1
	return t
}

// join returns the share of a new connection of a user.
func (t *turns) join(uid uint32) *share {
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

// part forgets a connection of a user.
func (t *turns) part(uid uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[uid]
	if u.connections--; u.connections == 0 {
		delete(t.users, uid)
	}
}

// enter waits for the turn of a call and returns when it came.
func (t *turns) enter(s *share) time.Time {
	t.mu.Lock()
	s.begin()
	s.of.begin()
	if t.free > 0 && s.running < t.each && len(s.queue) == 0 {
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

// begin notes that a share has a call: who made none has saved nothing up.
func (s *share) begin() {
	if active := &s.of.active; s.place[active.which] == 0 && active.Len() > 0 {
		s.had = max(s.had, active.list[0].had)
	}
}

// leave ends the turn of a call that began then, and begins others.
func (t *turns) leave(s *share, began time.Time, slow bool) {
	spent := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	s.had += spent
	s.of.had += spent
	if t.newest.of != s {
		t.other = t.newest
	}
	t.newest = ended{s, began.Add(spent)}
	t.calls++
	t.served += spent
	if slow {
		t.slow++
		s.of.slow--
		t.offer(s)
		return
	}
	t.giveUp(s)
}

// takesLong lets others have the turn of a call that takes long, unless there are too
// many of them: of all, or of one user (W-43).
func (t *turns) takesLong(s *share) bool {
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

// giveUp gives a turn to who has had the least.
//
// +checklocks:t.mu
func (t *turns) giveUp(s *share) {
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

// offer puts a connection and its user where they belong.
//
// +checklocks:t.mu
func (t *turns) offer(s *share) {
	u := s.of
	u.ready.put(s, len(s.queue) > 0 && s.running < t.each)
	u.active.put(s, len(s.queue) > 0 || s.running > 0)
	t.all.ready.put(u, u.ready.Len() > 0)
	t.all.active.put(u, u.active.Len() > 0)
}

// ended says whose turn ended when. The zero value is that of no connection.
type ended struct {
	of *share
	at time.Time
}

// How a connection rests after a turn.
const (
	companyTime = time.Millisecond // since the turn of another one
	restTurns   = 4                // for as long as so many of its turn
	longestRest = time.Millisecond // at once
	mostRests   = 4                // one after the other, while another one goes on
)

// rest returns how long a connection stays away now after a turn that lasted so long, and
// after the rests that it had since: not at all, unless another one was served just now, or
// in the last of those rests, that has had less of the daemon's time. That one will come
// again, and it and the daemon need a processor then: who has many calls waiting would
// have them all (W-78).
func (t *turns) rest(s *share, lasted, rested time.Duration, now time.Time) time.Duration {
	one, company := min(restTurns*lasted, longestRest), companyTime
	if rested >= mostRests*one {
		return 0
	}
	if rested > 0 {
		company, lasted = one, 0 // what it had has been counted since
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

// hadLess reports whether a connection, or its user, has had less than another one with its
// turn.
func (s *share) hadLess(than *share, turn time.Duration) bool {
	if s.of != than.of {
		s, than = s.of, than.of
	}
	return s.had < than.had+turn
}

// Enter implements [wire.Turns], as the methods below do.
func (c *connection) Enter() time.Time { return c.d.turns.enter(c.share) }

// Leave ends a turn.
func (c *connection) Leave(began time.Time, slow bool) { c.d.turns.leave(c.share, began, slow) }

// Slow says that a call takes long.
func (c *connection) Slow() bool { return c.d.turns.takesLong(c.share) }

// Crowded reports whether a call waits for its turn.
func (c *connection) Crowded() bool { return c.d.turns.waiting.Load() > 0 }

// Rest returns how long the connection stays away after a turn, or how much longer.
func (c *connection) Rest(turn, rested time.Duration) time.Duration {
	return c.d.turns.rest(c.share, turn, rested, time.Now())
}

// Lookout looks for calls that take long, of all connections.
func (c *connection) Lookout() *wire.Lookout { return c.d.turns.lookout }
