package client

import (
	"net"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/ntstatus"
)

// Concurrent calls get their own answers, whatever the order of arrival. The reading caller delivers the answers of
// other callers. Once it has its own, another waiting caller becomes the reader.
func TestConcurrentCallsGetTheirOwnReplies(t *testing.T) {
	for _, order := range [][]uint64{{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}} {
		for _, plain := range []bool{true, false} {
			if !answersArrive(t, order, plain) {
				return // each failure takes seconds
			}
		}
	}
}

// answersArrive makes one call for each number in order and answers them in that order. The first caller reads. The
// others may become the reader if plain is true. It reports whether each call returned its answer.
func answersArrive(t *testing.T, order []uint64, plain bool) (all bool) {
	t.Helper()
	ours, theirs := net.Pipe()
	s := &scripted{T: t, end: theirs, from: wire.NewReader(theirs)}
	// No timer starts another reader.
	c := &Conn{conn: ours, from: wire.NewReader(ours), waiting: map[uint64]waiter{}, now: wire.NewNowWriter(ours),
		idle: time.NewTimer(time.Hour), watched: true}
	limit := time.AfterFunc(5*time.Second, func() { _ = c.Close() })
	defer limit.Stop()
	defer c.Close()
	answers := make(chan uint64, len(order))
	for i := range order {
		var closed chan struct{}
		if i > 0 && !plain {
			closed = make(chan struct{})
		}
		go func() {
			f := &wire.Frame{Kind: wire.Save}
			head, _, err := c.askUntil(f, closed, nil)
			if err != nil || head.Status != ntstatus.Status(f.Request) {
				t.Errorf("answers in order %v, plain %t: request %d got status %d, %v; want %d, nil", order, plain,
					f.Request, head.Status, err, ntstatus.Status(f.Request))
				f.Request = 0
			}
			answers <- f.Request
		}()
		s.next(wire.Save)
		for waits := false; !waits; time.Sleep(time.Millisecond) {
			c.mu.Lock()
			waits = c.waiting == nil || i == 0 && c.reading || i > 0 && (!plain || c.waiting[c.last].heir)
			c.mu.Unlock()
		}
	}
	for _, n := range order {
		s.reply(&wire.Frame{Request: n}, ntstatus.Status(n), nil)
	}
	all = true
	for range order {
		select {
		case n := <-answers:
			all = all && n > 0
		case <-time.After(10 * time.Second): // longer than the limit, so that the other calls have failed
			t.Errorf("answers in order %v, plain %t: a call did not return within 10 s", order, plain)
			return false
		}
	}
	return all
}
