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
	// Rest returns how long the connection stays away after a turn that lasted so long, or how
	// much longer, after it has stayed away for a time.
	Rest(turn, rested time.Duration) time.Duration
	// Lookout looks for calls that take long.
	Lookout() *Lookout
}

// turnTime is how long a connection keeps its turn with frames that came at once, while
// others wait.
const turnTime = 50 * time.Microsecond

// stint is the time in which a goroutine makes calls of a connection, one after the
// other. The goroutine that reads the frames makes their calls too: no call waits for
// another goroutine. Once a call takes long, another goroutine reads on (W-43).
type stint struct {
	s     *Server // immutable
	reads bool    // immutable

	// Used by the goroutine alone.
	began time.Time     // of its turn
	in    bool          // it has a turn
	turn  time.Duration // how long the last one lasted that a rest follows
	rest  time.Duration // after it

	watched atomic.Bool   // by the lookout; a turn sets it, and it stays as long as turns are found
	on      atomic.Bool   // as in
	state   atomic.Uint64 // a number, odd while a call is under way
	seen    atomic.Uint64 // by the lookout, the last time

	relieved chan struct{} // closed by look, which is over then
	slow     bool          // the turn is one of the slow ones; set before that
}

func (s *Server) newStint(reads bool) *stint {
	return &stint{s: s, reads: reads, relieved: make(chan struct{})}
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
	if !t.watched.Load() && t.watched.CompareAndSwap(false, true) {
		t.s.lookout.watch(t)
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

// spent reports whether the turn has lasted long enough where others wait, or were served
// not long ago.
func (t *stint) spent() bool {
	if !t.in || t.s.turns == nil {
		return false
	}
	lasted := time.Since(t.began)
	if lasted <= turnTime {
		return false
	}
	t.turn, t.rest = lasted, t.s.turns.Rest(lasted, 0)
	return t.rest > 0 || t.s.turns.Crowded()
}

// pause stays away after a turn that had much: the processors are others' meanwhile (W-78).
func (t *stint) pause() {
	for rested := time.Duration(0); t.rest > 0; t.rest = t.s.turns.Rest(t.turn, rested) {
		t.s.lookout.sleep(t.rest)
		rested += t.rest
	}
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

// look looks, beside the stint, for a call that takes long; it is called again as long as
// it finds turns, and reports whether it did.
func (t *stint) look() bool {
	if !t.on.Load() {
		t.seen.Store(0)
		t.watched.Store(false)
		if !t.on.Load() || !t.watched.CompareAndSwap(false, true) {
			return false // the next turn has it watched, or did
		}
	}
	now := t.state.Load()
	if now&1 == 0 || now != t.seen.Load() || !t.state.CompareAndSwap(now, 0) {
		t.seen.Store(now)
		return true
	}
	// A call that takes long holds up calls of its own thread only (W-43).
	t.slow = t.s.turns != nil && t.s.turns.Slow()
	if t.reads {
		t.s.running.Go(func() { t.s.read(t.s.newStint(true)) })
	}
	close(t.relieved)
	return false
}
