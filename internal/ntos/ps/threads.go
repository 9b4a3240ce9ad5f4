package ps

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/winnt"
)

// ThreadAfter returns the live thread of the process with the smallest id above the
// one given, with one more reference and its id; nil if no thread follows. Ids only
// grow, so that who walks with it sees each thread once.
func (p *Process) ThreadAfter(after winnt.Handle) (*Thread, winnt.Handle) {
	s := p.sys
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		var next *Thread
		var id winnt.Handle
		for k, o := range s.byID {
			if t, ok := o.(*Thread); ok && t.process == p && k > after && (next == nil || k < id) && !t.Exited() {
				next, id = t, k
			}
		}
		if next == nil || next.TryRef(ob.TagCall) {
			return next, id
		}
		after = id // it is being destroyed
	}
}
