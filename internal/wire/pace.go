package wire

import "sync"

// pace holds a connection's reader back while as many of its threads have work as its
// server lets run: what many threads send at once waits in the socket and not in this
// program, whose other connections would wait behind it (W-21).
type pace struct {
	most int // immutable; 0: no bound

	mu sync.Mutex
	// +checklocks:mu
	busy int // threads that have work; guarded by mu
	less *sync.Cond
}

func newPace(most int) *pace {
	p := &pace{most: most}
	p.less = sync.NewCond(&p.mu)
	return p
}

// add counts a thread that got work, or with -1 one that has none left.
func (p *pace) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy += n
	if n < 0 {
		p.less.Signal()
	}
}

// wait waits until a thread more may have work. Each call ends, so that it does.
func (p *pace) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.most > 0 && p.busy >= p.most {
		p.less.Wait()
	}
}
