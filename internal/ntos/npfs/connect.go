package npfs

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Connect connects a client to a listening instance. With static tracking its
// context is captured now (I-4); a client that cannot give the level it
// promises is refused. open makes the client end ready to be handed out.
// Errors: STATUS_OBJECT_NAME_NOT_FOUND, STATUS_PIPE_NOT_AVAILABLE, those of
// I-80 and of open.
func (fs *FileSystem) Connect(name string, client *ps.Thread, sqos *nt.SecurityQualityOfService,
	open func(*End) ntstatus.Status) ps.Outcome {
	// A client that says nothing allows the default (I-84).
	q := DefaultSQOS
	if sqos != nil {
		q = *sqos
	}
	in, turn, server, st := fs.claim(name)
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
	e := newEnd(in, client.Process())
	defer e.Deref(ob.TagCall)
	e.turn = turn
	e.messages.Store(true)
	if st := open(e); st != ntstatus.Success {
		in.release(turn)
		if static != nil {
			static.Delete()
		}
		return ps.Outcome{Status: st}
	}
	var f finished
	in.mu.Lock()
	if in.turn == turn { // else the server sent the client away before it came
		in.client, in.sqos, in.static, static = e, q, static, nil
		in.settleLocked(&f)
	}
	in.mu.Unlock()
	f.tell()
	if static != nil {
		static.Delete()
	}
	return ps.Outcome{}
}

// claim takes a listening instance for a client, whose turn it is.
func (fs *FileSystem) claim(name string) (in *Instance, turn uint64, server *End, st ntstatus.Status) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	p := fs.pipes[fold(name)]
	if p == nil {
		return nil, 0, nil, ntstatus.ObjectNameNotFound
	}
	for _, in := range p.instances {
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

// release undoes claim.
func (in *Instance) release(turn uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.state == Connected && in.turn == turn {
		in.state = Listening
	}
}
