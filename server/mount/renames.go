package mount

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/ntstatus"
)

// renames counts the renames of a mount, so that a request can repeat what a rename of one of its directories made
// fail. The zero value is ready to use. It is safe for concurrent use.
type renames struct {
	running sync.RWMutex // read-locked by each rename
	began   atomic.Uint64
	ended   atomic.Uint64
}

// run runs f, which renames a file on the host and in the node table. f must not call [Mount.atPath].
func (r *renames) run(f func()) {
	r.running.RLock()
	defer r.running.RUnlock()
	r.began.Add(1)
	defer r.ended.Add(1)
	f()
}

// wait waits for the renames that run.
func (r *renames) wait() {
	r.running.Lock()
	defer r.running.Unlock()
}

// maxTries limits how often a request is tried because of renames.
const maxTries = 4

// atPath runs f with the path of name in a directory, and returns f's status. With an empty name it is the path of the
// node itself. If f does not find the file there and a rename ran meanwhile, which can have changed the path, atPath
// runs f again with the present path (M-11). f must change nothing if it does not find the file.
func (m *Mount) atPath(x *node, name string, f func(path string) ntstatus.Status) (st ntstatus.Status) {
	for range maxTries {
		ended := m.renames.ended.Load()
		switch st = f(m.nodes.path(x, name)); st {
		case ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NotSameObject:
		default:
			return st
		}
		if m.renames.began.Load() == ended {
			return st // no rename ran since the path was read
		}
		m.renames.wait() // the path can be the same again
	}
	return st
}
