package ps

import "github.com/refmon/refmon/internal/ntos/ke"

// Exited reports whether the process has ended.
func (p *Process) Exited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// Over returns the signal that the thread has ended (O-148).
func (t *Thread) Over() *ke.Signal { return &t.over }

// Over returns the signal that the process has ended (O-148).
func (p *Process) Over() *ke.Signal { return &p.over }
