package wire

import (
	"iter"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
)

// routine makes calls, one at a time, on a stack of its own, like a coroutine. A call that waits for the disk stays
// there, so the goroutine that made it can make others in the meantime.
type routine struct {
	next    func()                // goes on with the call until it waits for the disk or is over
	suspend func(<-chan struct{}) // called by the call: returns to the caller of next, until its next call
	stop    func()                // ends the routine, which must not have a call
	done    <-chan struct{}       // closed when the call may go on; nil: it is over

	w *worker // whose call it is
	f *Frame
	r result // once the call is over

	paid quota.Receipt // for the stack, while the routine is idle
	own  bool          // the connection's charge includes the stack
}

// Idle routines of a connection.
const (
	mostIdle    = 64
	routineSize = 16 << 10 // the charge for each but the first, in bytes
)

// newRoutine returns a routine without a call. It starts no call: set w and f, and call next.
func newRoutine() *routine {
	c := new(routine)
	next, stop := iter.Pull(func(yield func(<-chan struct{}) bool) {
		c.suspend = func(done <-chan struct{}) { yield(done) }
		for again := true; again; again = yield(nil) {
			c.r = c.w.handle(c.f)
		}
	})
	c.next, c.stop = func() { c.done, _ = next() }, stop
	return c
}

// newCall returns a routine for a call of a thread that the caller has claimed. The call begins with goOn. It reuses
// an idle routine if there is one.
func (s *Server) newCall(w *worker, f *Frame) *routine {
	s.mu.Lock()
	var c *routine
	if n := len(s.idle); n > 0 {
		c = s.idle[n-1]
		s.idle[n-1], s.idle = nil, s.idle[:n-1]
	}
	own := c == nil && !s.begun
	s.begun = true
	s.mu.Unlock()
	if c == nil {
		c = newRoutine()
		c.own = own
	}
	c.w, c.f = w, f
	return c
}

// goOn begins the routine's call, or resumes it after a wait for the disk, in the time slice t. It answers the call,
// unless the call waits again. goesOn is false if the goroutine was preempted. An error has ended the connection.
func (c *routine) goOn(t *timeSlice) (goesOn bool, err error) {
	w, f := c.w, c.f
	w.timeSlice, w.routine = t, c
	t.enter()
	goesOn = t.call(c.next)
	if c.done != nil {
		if !goesOn {
			t.leave()
		}
		w.s.await(c)
		return goesOn, nil
	}
	r := c.r
	w.routine = nil
	w.s.release(c)
	return goesOn, w.complete(t, f, r, goesOn)
}

// release keeps an idle routine for the next call, if there are not too many and the user can pay for its stack.
// Otherwise it ends the routine. The first routine of a connection is free.
func (s *Server) release(c *routine) {
	c.w, c.f, c.r = nil, nil, result{}
	s.mu.Lock()
	keep := len(s.idle) < mostIdle
	if keep && !c.own && c.paid.Bytes() == 0 {
		var st ntstatus.Status
		c.paid, st = s.payer().Charge(routineSize)
		keep = st == ntstatus.Success
	}
	if keep {
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if !keep {
		c.end()
	}
}

// end ends an idle routine and returns the charge for its stack.
func (c *routine) end() {
	c.stop()
	c.paid.Return()
}

// endRoutines ends the idle routines. No call may run or begin.
func (s *Server) endRoutines() {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.end()
	}
}

// await queues a routine whose call waits for the disk, and starts the goroutine that finishes such calls if there is
// none.
func (s *Server) await(c *routine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atDisk = append(s.atDisk, c)
	if !s.finishing {
		s.finishing = true
		s.running.Go(s.finish)
	}
}

// finish resumes the calls that waited for the disk, in the order of their waits, until none is left or another
// goroutine takes over. All calls that one flush released run in one time slice, and their answers are sent together
// (W-96).
func (s *Server) finish() {
	t := s.newTimeSlice(s.finish)
	for {
		c := s.waited(t)
		if c == nil {
			return
		}
		if goesOn, _ := c.goOn(t); !goesOn {
			return
		}
	}
}

// waited returns the next call whose disk wait has ended, and blocks until there is one. Without a waiting call the
// result is nil. Collected answers are sent, and the time slice t ends, before the goroutine blocks or gets nil. If
// the call has already ended, that happens only with full answers or a spent time slice.
func (s *Server) waited(t *timeSlice) *routine {
	var c *routine
	s.mu.Lock()
	if len(s.atDisk) > 0 {
		c = s.atDisk[0]
		s.atDisk[0], s.atDisk = nil, s.atDisk[1:]
	} else {
		s.finishing = false
	}
	s.mu.Unlock()
	if c == nil || !t.in || !isClosed(c.done) || s.full(t) || t.spent() {
		if err := s.deliver(t); err != nil {
			s.end(err)
		}
		t.leave()
		t.backOff()
	}
	if c != nil {
		<-c.done
		s.keep(t)
	}
	return c
}
