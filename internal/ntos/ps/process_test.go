package ps_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// An exit function runs once, after the threads have ended and the handles are closed, and not for another process
// (O-43). One that is set later runs at once (W-76).
func TestExitFunctionRunsOnceAtEnd(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p, q := w.process("p", nil), w.process("q", nil)
	th := w.thread(p)
	check.Success(t, check.Status(p.Table().Insert(q, winnt.PROCESS_QUERY_INFORMATION, 0)))
	times := 0
	p.AtExit(func() {
		times++
		check.That(t, p.Exited() && th.Exited() && p.Table().Count() == 0 && p.Over().Take(false) &&
			th.Over().Take(false), "the exit function ran before threads and handles had ended, want after")
	})
	check.That(t, !p.Over().Take(false) && !th.Over().Take(false) && !p.Exited() && !th.Exited(),
		"process or thread has ended before Exit, want both running")
	q.Exit()
	th.Exit()
	check.That(t, times == 0, "exit function ran %d times when another process ended, want 0", times)
	check.That(t, p.Exit() && !p.Exit() && times == 1, "exit function ran %d times, want 1", times)
	late := 0
	p.AtExit(func() { late++ })
	check.Equal(t, late, 1, "calls of an exit function that was set after the end")
}
