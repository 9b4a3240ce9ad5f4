package ps

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/winnt"
)

// ThreadAfter is the live thread of the process with the smallest id above the
// one given, with one more reference; nil if there is none. Ids only grow, so
// that who walks with it sees each thread once.
func (p *Process) ThreadAfter(id winnt.Handle) *Thread {
	p.mu.Lock()
	defer p.mu.Unlock()
	var next *Thread
	for t := range p.threads {
		if t.id <= id || next != nil && t.id >= next.id || !t.TryRef(ob.TagCall) {
			continue
		}
		if next != nil {
			next.Deref(ob.TagCall) // it is in the set, which its exit would take it from: not the last one
		}
		next = t
	}
	return next
}
