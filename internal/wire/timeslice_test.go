package wire_test

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// patient is a process with one slow frame. It counts the time slices of its server.
type patient struct {
	process
	watchdog wire.Watchdog
	until    chan struct{} // the long call is over
	takes    time.Duration // a call that is not long

	mu          sync.Mutex
	turns, slow int
	most        int // at once
	all         int // turns that there were
	crowded     bool
	rest        time.Duration // after a turn
	rests       int           // so many one after the other
}

func (p *patient) Inspect(*nt.Thread, []byte) ([]byte, ntstatus.Status) {
	if p.takes > 0 {
		time.Sleep(p.takes)
	} else {
		<-p.until
	}
	return nil, ntstatus.Success
}

func (p *patient) Enter() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns++
	p.all++
	p.most = max(p.most, p.turns)
	return time.Now()
}

func (p *patient) Leave(_ time.Time, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slow {
		p.slow--
	} else {
		p.turns--
	}
}

func (p *patient) Slow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns--
	p.slow++
	return true
}

func (p *patient) Crowded() bool { return p.crowded }

func (p *patient) Backoff(turn, rested time.Duration) time.Duration {
	if rested > 0 && (turn != 60*time.Microsecond || rested >= time.Duration(p.rests)*p.rest) {
		return 0
	}
	return p.rest
}

func (p *patient) Watchdog() *wire.Watchdog { return &p.watchdog }

// now returns the number of used slots, normal and slow ones.
func (p *patient) now() [2]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return [2]int{p.turns, p.slow}
}

// counted counts the writes to a connection.
type counted struct {
	net.Conn
	writes chan int // the bytes of each
}

func (c counted) Write(b []byte) (int, error) {
	c.writes <- len(b)
	return c.Conn.Write(b)
}

// servePatient serves a patient process in the bubble of a synctest.
func servePatient(t *testing.T) (*served, *patient, <-chan int) {
	t.Helper()
	s, own, theirs := newServed(t)
	p := &patient{process: own, until: make(chan struct{})}
	writes := make(chan int, 1000)
	go func() { s.end <- wire.Serve(counted{theirs, writes}, p) }()
	t.Cleanup(func() {
		_ = s.conn.Close()
		synctest.Wait()
		check.Equal(t, p.now(), [2]int{}, "time slices [normal, slow] in use at the end")
		check.NoError(t, s.sys.Close())
	})
	s.exchangeHello()
	<-writes
	return s, p, writes
}

func frames(f *wire.Frame, n int) (b []byte) {
	for i := range n {
		f.Request = uint64(i)
		b = wire.AppendFrame(b, f)
	}
	return b
}

// TestLongCallDoesNotDelayOtherThreads checks that calls of other threads are made during one thread's long call,
// which keeps its scheduler slot, and that the thread's next calls are made after it (W-11, W-43).
func TestLongCallDoesNotDelayOtherThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, _ := servePatient(t)
		closing := call(t, "NtClose", nt.CloseIn{Handle: 4})
		check.Require(t, s.status(&wire.Frame{Kind: wire.NewThread}), ntstatus.Success, "status")
		behind, beside := *closing, *closing
		behind.Request, beside.Request, beside.Thread = 2, 3, 2
		begun := time.Now()
		s.send(&wire.Frame{Kind: wire.Inspect, Request: 1, Thread: 1})
		s.send(&behind)
		s.send(&beside)
		f := s.receive()
		check.That(t, f.Request == 3, "first reply is to request %d, want 3 of the other thread", f.Request)
		for range 10 {
			check.Equal(t, s.status(&beside), ntstatus.InvalidHandle, "call of the other thread")
		}
		if waited := time.Since(begun); waited > 2*time.Millisecond {
			t.Errorf("the other thread waited %s, want at most %s", waited, 2*time.Millisecond)
		}
		synctest.Wait()
		got := p.now()
		check.That(t, got == [2]int{0, 1}, "time slices [normal, slow] in use during the call = %d, want [0 1]", got)
		close(p.until)
		for want := uint64(1); want <= 2; want++ {
			f := s.receive()
			check.That(t, f.Request == want, "reply to request %d, want %d", f.Request, want)
		}
	})
}

// TestDisconnectWaitsForLongCall checks that the end of the connection waits for a long call and makes none of the
// queued ones (W-12, W-43).
func TestDisconnectWaitsForLongCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, _ := servePatient(t)
		s.send(&wire.Frame{Kind: wire.Inspect, Thread: 1})
		s.send(call(t, "NtImpersonateAnonymousToken", nt.ImpersonateAnonymousTokenIn{}))
		_ = s.conn.Close()
		synctest.Wait()
		select {
		case err := <-s.end:
			t.Errorf("the server ended during a call: %v, want it to wait", err)
		default:
		}
		close(p.until)
		if err := s.awaitEnd(); err != nil {
			t.Error(err)
		}
	})
}

// TestRepliesAreSentTogether checks that replies to frames that arrived together are sent together and in their order,
// and that none waits for the rest of a partial frame (W-11, W-44).
func TestRepliesAreSentTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		tail []byte
	}{{"alone", nil}, {"with half a frame", []byte("\x20\x00\x00\x00half ")}, {"with one byte", []byte("\x20")},
		{"with a malformed frame", wire.AppendFrame(nil, &wire.Frame{Kind: 200})}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p, writes := servePatient(t)
				b := frames(call(t, "NtClose", nt.CloseIn{Handle: 4}), 50)
				go func() { _, _ = s.conn.Write(append(b, c.tail...)) }()
				for i := range uint64(50) {
					f := s.receive()
					check.RequireThat(t, f.Request == i, "reply to request %d, want %d", f.Request, i)
				}
				synctest.Wait()
				n := len(writes)
				check.That(t, n == 1, "replies sent in %d writes, want 1", n)
				got := p.now()
				check.That(t, got == [2]int{} && p.most == 1,
					"%d time slices in use after the replies, at most %d at a time, want 0 and 1", got, p.most)
			})
		})
	}
}

// TestUnreadRepliesHoldNoTimeSlice checks that a client that reads no replies keeps no scheduler slot (W-21, W-44),
// also if its last frame ends the connection.
func TestUnreadRepliesHoldNoTimeSlice(t *testing.T) {
	for _, last := range [][]byte{{0}, nil} { // nil breaks a rule
		synctest.Test(t, func(t *testing.T) {
			s, p, writes := servePatient(t)
			test := &wire.Frame{Kind: wire.Call, Thread: 1, Service: rowNumber("NtTestAlert"), Body: last}
			all := append(frames(call(t, "NtClose", nt.CloseIn{Handle: 4}), 50), frames(test, 1)...)
			go func() { _, _ = s.conn.Write(all) }()
			<-writes
			synctest.Wait()
			check.Equal(t, p.now(), [2]int{}, "time slices [normal, slow] in use while the client does not read")
		})
	}
}

// A connection with many calls keeps its time slice for all of them while no other waits. Otherwise its slice ends
// with the first call after the limit, and its answers have been sent by then (W-21, W-44). A connection in a pause
// makes no calls (W-78).
func TestTimeSliceIsPassedOn(t *testing.T) {
	for _, c := range []struct {
		crowded bool
		rest    time.Duration
		rests   int // so many one after the other
		takes   time.Duration
		want    int // turns of ten calls
		lasts   time.Duration
	}{
		{false, 0, 0, 60 * time.Microsecond, 1, 600 * time.Microsecond},
		{true, 0, 0, 60 * time.Microsecond, 10, 600 * time.Microsecond},
		{true, 0, 0, 30 * time.Microsecond, 5, 300 * time.Microsecond},
		{true, 0, 0, time.Microsecond, 1, 10 * time.Microsecond},
		// a connection that used much time pauses after each slice, its replies sent
		{false, time.Millisecond, 1, 60 * time.Microsecond, 10, 9600 * time.Microsecond},
		{true, time.Millisecond, 1, 30 * time.Microsecond, 5, 4300 * time.Microsecond},
		{true, time.Millisecond, 1, time.Microsecond, 1, 10 * time.Microsecond},
		{false, time.Millisecond, 3, 60 * time.Microsecond, 10, 27600 * time.Microsecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, p, writes := servePatient(t)
			p.crowded, p.rest, p.rests, p.takes = c.crowded, c.rest, c.rests, c.takes
			begun := time.Now()
			go func() { _, _ = s.conn.Write(frames(&wire.Frame{Kind: wire.Inspect, Thread: 1}, 10)) }()
			for range 10 {
				s.receive()
			}
			lasted := time.Since(begun)
			synctest.Wait()
			check.That(t, p.all == c.want && len(writes) == c.want && lasted == c.lasts,
				"%+v: %d time slices, %d writes in %s, want %d, %d, %s", c, p.all, len(writes), lasted, c.want, c.want,
				c.lasts)
		})
	}
}
