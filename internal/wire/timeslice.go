package wire

import (
	"sync/atomic"
	"time"
)

// Scheduler is an optional interface of a Process whose server shares its time between connections (W-21). A logon
// runs outside a time slice, because logons have a limit of their own.
type Scheduler interface {
	// Enter waits for a time slice and returns its start.
	Enter() time.Time
	// Leave ends the time slice. slow is the last result of Slow.
	Leave(began time.Time, slow bool)
	// Slow moves the time slice of a slow call to those that block no others. It returns false if there are too
	// many.
	Slow() bool
	// Crowded reports whether another connection waits for a time slice.
	Crowded() bool
	// Backoff returns how long the connection must pause after a time slice, or how much longer after it has paused
	// for rested.
	Backoff(turn, rested time.Duration) time.Duration
	// Watchdog returns the watchdog that detects slow calls.
	Watchdog() *Watchdog
}

// sliceTime is the time slice of a connection while others wait.
const sliceTime = 50 * time.Microsecond

// timeSlice is the time in which one goroutine makes calls of a connection before others get the processors. That
// goroutine also reads the frames, or finishes the calls that waited for the disk. When a call is slow, another
// goroutine takes that work over (W-43).
type timeSlice struct {
	s *Server // immutable

	// Used by the goroutine alone.
	number uint64        // of the newest call, odd while it is under way
	began  time.Time     // start of the time slice
	in     bool          // there is a time slice
	turn   time.Duration // length of the last time slice that a pause follows
	rest   time.Duration // pause after it

	// Used by the goroutine, and by inspect between its change of state and the close of preempted.
	onward func() // runs in another goroutine, to read or to finish calls; nil: this one does neither
	slow   bool   // the last result of Scheduler.Slow

	watched atomic.Bool   // the watchdog has it in its list
	on      atomic.Bool   // as in
	state   atomic.Uint64 // number, or 0 once the call was preempted
	seen    atomic.Uint64 // state at the watchdog's last inspection

	preempted chan struct{} // closed by inspect when it has preempted the call
}

// newTimeSlice returns a time slice that has not begun. onward is what another goroutine does when a call is slow, nil
// for a goroutine that only makes calls.
func (s *Server) newTimeSlice(onward func()) *timeSlice {
	return &timeSlice{s: s, onward: onward, preempted: make(chan struct{})}
}

// enter begins a time slice unless there is one: it waits until the scheduler admits the connection. The first call
// also registers with the watchdog. Without a scheduler it does not wait.
func (t *timeSlice) enter() {
	if t.in {
		return
	}
	if t.s.scheduler != nil {
		t.began = t.s.scheduler.Enter()
	}
	t.in = true
	t.on.Store(true)
	if !t.watched.Load() && t.watched.CompareAndSwap(false, true) {
		t.s.watchdog.watch(t)
	}
}

// leave ends the time slice. It does nothing for a nil t, or if no time slice runs.
func (t *timeSlice) leave() {
	if t == nil || !t.in {
		return
	}
	t.in = false
	t.on.Store(false)
	if t.s.scheduler != nil {
		t.s.scheduler.Leave(t.began, t.slow)
	}
}

// spent reports whether the time slice must end because other connections need the time. It is false up to sliceTime,
// without a time slice, and without a scheduler. It also sets the pause for backOff.
func (t *timeSlice) spent() bool {
	if !t.in || t.s.scheduler == nil {
		return false
	}
	lasted := time.Since(t.began)
	if lasted <= sliceTime {
		return false
	}
	t.turn, t.rest = lasted, t.s.scheduler.Backoff(lasted, 0)
	return t.rest > 0 || t.s.scheduler.Crowded()
}

// backOff pauses after a long time slice, so that others get the processors (W-78). Without a long one before it does
// not pause.
func (t *timeSlice) backOff() {
	for rested := time.Duration(0); t.rest > 0; t.rest = t.s.scheduler.Backoff(t.turn, rested) {
		t.s.watchdog.sleep(t.rest)
		rested += t.rest
	}
}

// call runs f as one call that the watchdog can preempt. It returns whether this goroutine goes on to read frames or
// finish calls: false if f was slow and another goroutine does so now.
func (t *timeSlice) call(f func()) bool {
	t.number++
	t.state.Store(t.number)
	f()
	if !t.state.CompareAndSwap(t.number, t.number+1) {
		<-t.preempted
		t.number = 0
		return false
	}
	t.number++
	return t.onward != nil
}

// awaitDisk waits for the disk, until done is closed. The time slice ends during the wait. Outside a call it just
// waits.
func (t *timeSlice) awaitDisk(done <-chan struct{}) {
	if t.number&1 == 0 {
		<-done
		return
	}
	t.pause(func() { <-done })
}

// pause ends the time slice, runs f, and begins a new time slice if there was one before. Call it only during a call. f
// may call awaitDisk.
func (t *timeSlice) pause(f func()) {
	had := t.in
	t.split(t.leave)
	f()
	if had { // a nested pause has no time slice to take back
		t.split(t.enter)
	}
}

// split calls f outside the watchdog's view. The watchdog measures the parts of the call before and after f separately.
func (t *timeSlice) split(f func()) {
	if !t.state.CompareAndSwap(t.number, 0) {
		<-t.preempted
	}
	f()
	t.slow, t.preempted = false, make(chan struct{})
	t.number += 2
	t.state.Store(t.number)
}

// handOn starts another goroutine that reads the frames or finishes the calls instead of this one. It does nothing if
// this one does neither.
func (t *timeSlice) handOn() {
	if onward := t.onward; onward != nil {
		t.onward = nil
		t.s.running.Go(onward)
	}
}

// inspect preempts a call that two inspections found running. The watchdog calls it at intervals. It returns false if
// it need not be called again: there was no time slice. A preempted call may be slow again after a wait for the disk.
func (t *timeSlice) inspect() bool {
	if !t.on.Load() {
		t.seen.Store(0)
		t.watched.Store(false)
		if !t.on.Load() || !t.watched.CompareAndSwap(false, true) {
			return false // the next time slice is watched again, or another goroutine did that
		}
	}
	now := t.state.Load()
	if now&1 == 0 || now != t.seen.Load() || !t.state.CompareAndSwap(now, 0) {
		t.seen.Store(now)
		return true
	}
	// A call that takes long holds up calls of its own thread only (W-43).
	t.slow = t.s.scheduler != nil && t.s.scheduler.Slow()
	t.handOn()
	close(t.preempted)
	return true
}
