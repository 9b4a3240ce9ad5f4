package npfs

import (
	"cmp"
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Connect connects a client to a listening instance of the pipe of the given server end, named or not, for a caller who
// has checked the access to that pipe. A nil sqos means [DefaultSQOS]. With static tracking it captures the client's
// context now (I-4), and refuses a client that cannot give that level. Connect calls open with the client end, without
// a lock. If open fails, the instance listens again. Errors: STATUS_OBJECT_NAME_NOT_FOUND if the pipe is gone, even if
// its name is in use again, STATUS_PIPE_NOT_AVAILABLE, and the errors of I-80 and of open.
func (fs *FileSystem) Connect(server *End, client *ps.Thread, sqos *nt.SecurityQualityOfService,
	open func(*End) ntstatus.Status) ps.Outcome {
	// A client that states no quality of service gets the default (I-84).
	q := DefaultSQOS
	if sqos != nil {
		q = *sqos
	}
	in, turn, server, st := fs.claim(server.instance.pipe)
	if st != ntstatus.Success {
		return ps.Outcome{Status: st, Rule: "I-85"}
	}
	defer server.Deref(ob.TagCall)
	var static *ps.ClientContext
	if q.ContextTrackingMode == winnt.SECURITY_STATIC_TRACKING {
		var out ps.Outcome
		if static, out = client.CreateClientSecurity(q, false, server.process); out.Status != ntstatus.Success {
			in.release(turn)
			return out
		}
	}
	e := newEnd(in, client.Process()) // in byte-read mode and blocking mode, even on a message pipe (I-157)
	defer e.Deref(ob.TagCall)
	e.turn = turn
	// Another thread of the client can write as soon as the handle is open, so the instance knows the client's quality of
	// service before (I-85).
	in.mu.Lock()
	if in.turn == turn && in.server != nil {
		in.sqos, in.static, static = q, static, nil
	}
	in.mu.Unlock()
	if static != nil { // the server disconnected this client, or has closed its end
		static.Delete()
	}
	if st := open(e); st != ntstatus.Success {
		in.release(turn)
		return ps.Outcome{Status: st}
	}
	var f finished
	in.mu.Lock()
	if in.turn == turn && !e.gone { // otherwise the server disconnected this client, or it closed its handle already
		in.client, in.begun = e, 0
		in.settleLocked(&f)
	}
	in.mu.Unlock()
	f.complete()
	return ps.Outcome{}
}

// claim reserves a listening instance for a client and marks it connected. Instances are tried in the order that
// inOrder returns. turn is the client's number, for release. The caller must release the reference on server. If
// another pipe has the name of p by now, the status is STATUS_OBJECT_NAME_NOT_FOUND. Without a listening instance it is
// STATUS_PIPE_NOT_AVAILABLE.
func (fs *FileSystem) claim(p *pipe) (in *Instance, turn uint64, server *End, st ntstatus.Status) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if p.key != "" && fs.pipes[p.key] != p {
		// The descriptor that was checked is not that of the pipe that has the name now (I-130).
		return nil, 0, nil, ntstatus.ObjectNameNotFound
	}
	for _, in := range p.inOrder() {
		in.mu.Lock()
		server := in.server
		free := in.state == Listening && server != nil && server.TryRef(ob.TagCall)
		if free {
			in.state, turn = Connected, in.turn
		}
		in.mu.Unlock()
		if free {
			return in, turn, server, ntstatus.Success
		}
	}
	return nil, 0, nil, ntstatus.PipeNotAvailable
}

// inOrder returns the instances in the order in which clients take them: first those whose
// servers wait for a client, longest wait first, then the others, oldest first (I-156). The
// caller holds fs.mu.
func (p *pipe) inOrder() []*Instance {
	begun := map[*Instance]uint64{}
	for _, in := range p.instances {
		in.mu.Lock()
		begun[in] = in.begun - 1 // 0 means that no server waits; 0 - 1 is the largest number and sorts last
		in.mu.Unlock()
	}
	order := slices.Clone(p.instances)
	slices.SortStableFunc(order, func(a, b *Instance) int { return cmp.Compare(begun[a], begun[b]) })
	return order
}

// release undoes claim for a client that could not connect: the instance listens again, unless the server has
// disconnected the client since. In either case it ends waits for the pipe.
func (in *Instance) release(turn uint64) {
	var f finished
	in.mu.Lock()
	if in.state == Connected && in.turn == turn {
		in.state = Listening
		f.contexts = in.clearLocked()
	}
	in.mu.Unlock()
	f.complete()
	in.pipe.wake()
}
