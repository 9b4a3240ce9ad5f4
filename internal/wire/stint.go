package wire

import (
	"sync/atomic"
	"time"
)

// Turns may be implemented by a Process whose server shares its time out (W-21). A
// logon takes no turn: it hashes for long, and has a bound of its own.
type Turns interface {
	// Enter waits for a turn and says when it came.
	Enter() time.Time
	// Leave ends it; slow as Slow said.
	Leave(began time.Time, slow bool)
	// Slow makes the turn of a call that takes long one of those that hold up no others;
	// it reports false where there is no room among them yet.
	Slow() bool
	// Crowded reports whether another connection waits for a turn.
	Crowded() bool
}

// How long a connection keeps its turn.
const (
	turnTime   = 50 * time.Microsecond  // with frames that came at once, while others wait
	reliefTime = 500 * time.Microsecond // with one call; after once or twice that it is slow (W-43)
)

// stint is the time in which a goroutine makes calls of a connection, one after the
// other. The goroutine that reads the frames makes their calls too: no call waits for
// another goroutine. Once a call takes long, another goroutine reads on (W-43).
type stint struct {
	s     *Server // immutable
	reads bool    // immutable

	// Used by the goroutine alone.
	began time.Time   // of its turn
	in    bool        // it has a turn
	timer *time.Timer // of relieve; a turn starts it, and it goes on as long as it finds turns

	ticks atomic.Bool   // the timer runs
	on    atomic.Bool   // as in
	state atomic.Uint64 // a number, odd while a call is under way
	seen  atomic.Uint64 // the state that relieve expects of a call that takes long

	relieved chan struct{} // closed by relieve, which is over then
	slow     bool          // the turn is one of the slow ones; set before that
}

func (s *Server) newStint(reads bool) *stint {
	t := &stint{s: s, reads: reads, relieved: make(chan struct{})}
	t.timer = time.AfterFunc(time.Hour, t.relieve)
	t.timer.Stop()
	return t
}

// enter waits for a turn, unless there is one.
func (t *stint) enter() {
	if t.in {
		return
	}
	if t.s.turns != nil {
		t.began = t.s.turns.Enter()
	}
	t.in = true
	t.on.Store(true)
	// One timer for many turns: to start one costs as much as a call.
	if t.ticks.CompareAndSwap(false, true) {
		t.seen.Store(t.state.Load() + 1)
		t.timer.Reset(reliefTime)
	}
}

// leave ends the turn, if there is one.
func (t *stint) leave() {
	if !t.in {
		return
	}
	t.in = false
	t.on.Store(false)
	if t.s.turns != nil {
		t.s.turns.Leave(t.began, t.slow)
	}
}

// spent reports whether the turn has lasted long enough while others wait.
func (t *stint) spent() bool {
	return t.in && t.s.turns != nil && t.s.turns.Crowded() && time.Since(t.began) > turnTime
}

// call makes a call. It reports false where that took so long that the stint is over:
// its goroutine leaves, and reads no further frame.
func (t *stint) call(f func()) bool {
	n := t.state.Add(1)
	f()
	if t.state.CompareAndSwap(n, n+1) {
		return true
	}
	<-t.relieved
	return false
}

// relieve looks, beside the stint, for a call that takes long.
func (t *stint) relieve() {
	if !t.on.Load() {
		t.ticks.Store(false)
		if !t.on.Load() || !t.ticks.CompareAndSwap(false, true) {
			return // the next turn starts it, or has
		}
	}
	now := t.state.Load()
	if now&1 == 0 || now != t.seen.Load() || !t.state.CompareAndSwap(now, 0) {
		t.seen.Store(now | 1)
		t.timer.Reset(reliefTime)
		return
	}
	// A call that takes long holds up calls of its own thread only (W-43).
	t.slow = t.s.turns != nil && t.s.turns.Slow()
	if t.reads {
		t.s.running.Go(func() { t.s.read(t.s.newStint(true)) })
	}
	close(t.relieved)
}
