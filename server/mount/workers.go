package mount

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// worker is a thread of the mount's process, used by one request at a time.
type worker struct {
	*nt.Thread
	k      *kernel.KernelThread
	client *token.Token        // whom it impersonates; nil: itself
	uid    uint32              // the user of the client
	name   nt.ObjectAttributes // of the open that it makes, which takes no memory of its own
}

// maxWorkers bounds the requests that are decided at the same time.
const maxWorkers = 64

// workers is a pool of threads.
type workers struct {
	process *kernel.Process // immutable
	sys     *kernel.System  // immutable
	idle    chan *worker
	room    chan struct{} // one for each worker that there is
}

func newWorkers(sys *kernel.System, p *kernel.Process) *workers {
	return &workers{process: p, sys: sys, idle: make(chan *worker, maxWorkers), room: make(chan struct{}, maxWorkers)}
}

// make makes a worker.
func (w *workers) make() (*worker, error) {
	th, err := w.process.NewThread()
	if err != nil {
		return nil, err
	}
	return &worker{Thread: th, k: w.sys.KernelMode(th)}, nil
}

// get returns a worker that no other request uses.
func (w *workers) get() (*worker, error) {
	select {
	case t := <-w.idle:
		return t, nil
	default:
	}
	select {
	case t := <-w.idle:
		return t, nil
	case w.room <- struct{}{}:
		t, err := w.make()
		if err != nil {
			<-w.room
		}
		return t, err
	}
}

// put gives a worker back; one whose request panicked is given up.
func (w *workers) put(t *worker, sound bool) {
	if sound {
		w.idle <- t
		return
	}
	t.Close()
	<-w.room
}

// end closes the threads that no request uses: a process does not give up what its threads hold.
func (w *workers) end() {
	for {
		select {
		case t := <-w.idle:
			t.Close()
			<-w.room
		default:
			return
		}
	}
}

// do runs a request on a thread that acts as the server itself: what is asked of an
// open handle is decided by what the handle grants, not by who asks. M-4
func (m *Mount) do(f func(t *worker) fuse.Status) fuse.Status {
	t, err := m.workers.get()
	if err != nil {
		return fuse.Status(errnos[ntstatus.InsufficientResources])
	}
	sound := false
	defer func() { m.workers.put(t, sound) }()
	s := f(t)
	sound = true
	return s
}

// as runs a request on a thread that impersonates the account of who asks. M-1
func (m *Mount) as(h *fuse.InHeader, f func(t *worker) fuse.Status) fuse.Status {
	acc := m.accounts.get(person{h.Uid, h.Gid})
	defer m.accounts.put(acc)
	if acc.err != nil {
		// Who cannot be logged on is refused everything. M-3
		return fuse.EACCES
	}
	return m.do(func(t *worker) fuse.Status {
		if st := t.k.PsImpersonateClient(t.k.Thread(), acc.object, false, false,
			winnt.SecurityImpersonation); st != ntstatus.Success {
			return status(st)
		}
		t.client, t.uid = acc.token, h.Uid
		defer func() { t.client = nil; t.k.PsRevertToSelf() }()
		return f(t)
	})
}
