package npfs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"

	"github.com/refmon/refmon/internal/test/check"
)

// twinWrite is a write in the naive pipe: its text, and how much of it was read.
type twinWrite struct {
	text string
	read int
}

func (w *twinWrite) left() string { return w.text[w.read:] }

// twinOp is an operation that waits in the naive pipe.
type twinOp struct {
	name  string
	side  int // 0 the client's end, 1 the server's
	n     int // bytes that a read takes
	write *twinWrite
}

// twin is a naive pipe: a list of writes in each direction, whose bytes it counts again for each operation.
type twin struct {
	message  bool
	quota    int
	queues   [2][]*twinWrite // by the side that writes
	byMsg    [2]bool
	nowait   [2]bool
	closed   [2]bool
	gone     bool // the server disconnected the client
	waiting  []*twinOp
	ended    []string
	finished map[*twinWrite]bool
}

func (p *twin) bytes(side int) (n int) {
	for _, w := range p.queues[side] {
		n += len(w.left())
	}
	return n
}

// state returns the status of an operation that needs the other end.
func (p *twin) state() ntstatus.Status {
	switch {
	case p.gone:
		return ntstatus.PipeDisconnected
	case p.closed[0] || p.closed[1]:
		return ntstatus.PipeClosing
	}
	return good
}

// fits reports whether a write and all before it fit the quota.
func (p *twin) fits(side int, w *twinWrite) bool {
	sum := 0
	for _, x := range p.queues[side] {
		if sum += len(x.left()); sum > p.quota {
			return false
		}
		if x == w {
			return true
		}
	}
	return true // all of it was read
}

func (p *twin) write(name string, side int, text string) (st ntstatus.Status, n int) {
	if st := p.state(); st != good {
		return st, 0
	}
	w := &twinWrite{text: text}
	p.queues[side] = append(p.queues[side], w)
	if p.fits(side, w) {
		p.finished[w] = true
		return good, len(text)
	}
	if !p.nowait[side] {
		p.waiting = append(p.waiting, &twinOp{name: name, side: side, write: w})
		return pending, 0
	}
	p.queues[side] = p.queues[side][:len(p.queues[side])-1]
	n = p.quota - p.bytes(side)
	if p.message || n <= 0 {
		return good, 0
	}
	p.queues[side] = append(p.queues[side], &twinWrite{text: text[:n]})
	return good, n
}

// take reads from the other side's writes.
func (p *twin) take(side, n int) (data string, st ntstatus.Status) {
	q := &p.queues[1-side]
	if len(*q) == 0 || p.gone {
		switch st := p.state(); st {
		case good:
			return "", ntstatus.PipeEmpty
		case ntstatus.PipeClosing:
			return "", ntstatus.PipeBroken
		default:
			return "", st
		}
	}
	for len(*q) > 0 {
		w := (*q)[0]
		k := min(n-len(data), len(w.left()))
		data += w.left()[:k]
		w.read += k
		if w.left() != "" {
			if p.byMsg[side] {
				st = ntstatus.BufferOverflow
			}
			return data, st
		}
		*q = (*q)[1:]
		p.finished[w] = true
		if p.byMsg[side] || len(data) == n && n > 0 {
			return data, st
		}
	}
	return data, st
}

// complete completes all possible requests in order, until none is left.
func (p *twin) complete() {
	for again := true; again; {
		again = false
		for _, op := range slices.Clone(p.waiting) {
			st, data, n := pending, "", 0
			if op.write == nil {
				if data, st = p.take(op.side, op.n); st == ntstatus.PipeEmpty {
					st = pending
				}
				n = len(data)
			} else if n = op.write.read; p.finished[op.write] ||
				slices.Contains(p.queues[op.side], op.write) && p.fits(op.side, op.write) {
				p.finished[op.write] = true
				st, n = good, len(op.write.text)
			} else if s := p.state(); s == ntstatus.PipeClosing {
				st = ntstatus.PipeBroken
			} else if s != good {
				st = s
			}
			if st != pending {
				p.end(op, st, n, data)
				again = true
			}
		}
	}
}

func (p *twin) end(op *twinOp, st ntstatus.Status, n int, data string) {
	p.waiting = slices.DeleteFunc(p.waiting, func(x *twinOp) bool { return x == op })
	p.ended = append(p.ended, fmt.Sprintf("%s: %v %d %s", op.name, st, n, data))
}

func (p *twin) cancel(op *twinOp) {
	n := 0
	if op.write != nil {
		n = op.write.read
		p.queues[op.side] = slices.DeleteFunc(p.queues[op.side], func(x *twinWrite) bool { return x == op.write })
	}
	p.end(op, cancelled, n, "")
}

// close closes an end and cancels its requests. Closing the server's end discards the data written to it.
func (p *twin) close(side int) {
	for _, op := range slices.Clone(p.waiting) {
		if op.side == side {
			p.cancel(op)
		}
	}
	p.closed[side] = true
	if side == 1 {
		p.queues[0] = nil
	}
}

// pipeRun runs one history on the pipe and on the naive one.
type pipeRun struct {
	*asks
	r     *rand.Rand
	p     *twin
	ends  [2]*npfs.End
	began map[string]*npfs.Request
	log   []string
}

// Random writes, reads, cancels, closes, disconnects and modes have the same results as on a naive pipe (I-138,
// I-139, I-152, I-153).
func TestPipeMatchesNaiveTwin(t *testing.T) {
	seed := randtest.Seed(t)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range randtest.Count(t, "REFMON_PIPES", 400) {
		s := newSite(t)
		run := &pipeRun{asks: &asks{site: s}, r: r, began: map[string]*npfs.Request{}}
		run.p = &twin{message: i%2 == 0, quota: 1 + r.IntN(9), finished: map[*twinWrite]bool{}}
		cfg := npfs.Config{Message: run.p.message, ReadMessages: run.p.message, Inbound: run.p.quota, Outbound: run.p.quota}
		e, c := s.pair(cfg)
		run.ends = [2]*npfs.End{c, e}
		run.p.byMsg = [2]bool{run.p.message, run.p.message}
		for j := range 40 {
			run.step(j)
			check.RequireThat(t, !t.Failed(),
				"pipe and naive pipe differ in history %d:\n%s", i, strings.Join(run.log, "\n"))
		}
		for side, x := range run.ends {
			if !run.p.closed[side] {
				closeAll(x)
			}
		}
	}
}

// step makes one call on both and compares all that can be seen.
func (x *pipeRun) step(j int) {
	side, p := x.r.IntN(2), x.p
	name := fmt.Sprintf("%d", j)
	if p.closed[side] {
		return
	}
	switch k := x.r.IntN(40); {
	case k < 16:
		text := strings.Repeat(string(rune('a'+j%26)), x.r.IntN(13))
		x.log = append(x.log, fmt.Sprintf("%s: side %d writes %d", name, side, len(text)))
		st, n := p.write(name, side, text)
		x.compare(x.start(npfs.OpWrite, name, side, 0, text), st, n, "")
	case k < 32:
		n := x.r.IntN(9)
		x.log = append(x.log, fmt.Sprintf("%s: side %d reads %d", name, side, n))
		data, st := p.take(side, n)
		if st == ntstatus.PipeEmpty && !p.nowait[side] {
			st = pending
			p.waiting = append(p.waiting, &twinOp{name: name, side: side, n: n})
		}
		x.compare(x.start(npfs.OpRead, name, side, n, ""), st, len(data), data)
	case k < 36 && len(p.waiting) > 0:
		op := p.waiting[x.r.IntN(len(p.waiting))]
		x.log = append(x.log, "cancel "+op.name)
		p.cancel(op)
		check.That(x.T, x.began[op.name].Cancel(), "Cancel of %s = false, want true", op.name)
	case k < 38 && !p.gone:
		i := nt.PipeInformation{ReadMode: uint32(x.r.IntN(2)), CompletionMode: uint32(x.r.IntN(2))}
		x.log = append(x.log, fmt.Sprintf("side %d: %+v", side, i))
		if st := x.ends[side].SetModes(i); (st == good) != (p.message || i.ReadMode == 0) {
			x.T.Errorf("SetModes(%+v) = %v, want success = %v", i, st, p.message || i.ReadMode == 0)
		} else if st == good {
			p.byMsg[side], p.nowait[side] = i.ReadMode == 1, i.CompletionMode == 1
		}
	case k == 38 && x.r.IntN(3) == 0 && !p.gone && !p.closed[0]:
		x.log = append(x.log, fmt.Sprintf("close %d", side))
		p.close(side)
		closeAll(x.ends[side])
	case k == 39 && x.r.IntN(3) == 0 && side == 1 && !p.gone:
		x.log = append(x.log, "disconnect")
		p.gone, p.queues = true, [2][]*twinWrite{}
		want(x.T, "disconnect", x.ends[1].Disconnect(), good)
	}
	p.complete()
	x.compareState()
}

func (x *pipeRun) start(op npfs.Op, name string, side, n int, text string) npfs.Result {
	r := &npfs.Request{End: x.ends[side], Op: op, Length: n, Data: []byte(text), Thread: x.client}
	r.Finish = func(res npfs.Result) {
		x.ended = append(x.ended, fmt.Sprintf("%s: %v %d %s", name, res.Status, res.Count, res.Data))
	}
	x.began[name] = r
	return r.Start()
}

func (x *pipeRun) compare(got npfs.Result, st ntstatus.Status, n int, data string) {
	if got.Status != st || st != pending && (got.Count != n || string(got.Data) != data) {
		x.T.Errorf("%s returned %v %d %q, want %v %d %q as the naive pipe", x.log[len(x.log)-1], got.Status, got.Count,
			got.Data, st, n, data)
	}
}

// compareState compares the requests that completed since the last call, and the byte counts of each end.
func (x *pipeRun) compareState() {
	x.end(strings.Join(x.log[max(0, len(x.log)-1):], ""), x.p.ended...)
	x.p.ended = nil
	for side, e := range x.ends {
		if x.p.closed[side] || x.p.gone {
			continue
		}
		l := e.Local()
		read, room := x.p.bytes(1-side), max(0, x.p.quota-x.p.bytes(side))
		if int(l.ReadDataAvailable) != read || int(l.WriteQuotaAvailable) != room {
			x.T.Errorf("side %d: %d readable bytes, room for %d, want %d and %d", side, l.ReadDataAvailable,
				l.WriteQuotaAvailable, read, room)
		}
	}
}
