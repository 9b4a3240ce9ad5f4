package mount

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// worker is a thread of the mount's process on which requests call the kernel. One request uses it at a time.
type worker struct {
	*nt.Thread
	k      *kernel.KernelThread
	client *token.Token        // the impersonated user; nil: the server itself
	uid    uint32              // the user of the client
	name   nt.ObjectAttributes // name of the current open; a field, to save an allocation
	dir    nt.FileIdentity     // directory of the current open; a field, to save an allocation
	// refused is the last open of the request if it was refused.
	refused refusal
}

// maxWorkers is the most concurrent requests.
const maxWorkers = 64

// workers is a pool of kernel threads for requests. It is safe for concurrent use.
type workers struct {
	process *kernel.Process // immutable
	sys     *kernel.System  // immutable
	idle    chan *worker
	room    chan struct{} // one entry for each existing worker
}

// newWorkers returns a pool without workers. It creates their threads in p, at most maxWorkers.
func newWorkers(sys *kernel.System, p *kernel.Process) *workers {
	return &workers{process: p, sys: sys, idle: make(chan *worker, maxWorkers), room: make(chan struct{}, maxWorkers)}
}

// make creates a worker outside the pool. It fails only if the process cannot have another thread. The caller closes
// it.
func (w *workers) make() (*worker, error) {
	th, err := w.process.NewThread()
	if err != nil {
		return nil, err
	}
	return &worker{Thread: th, k: w.sys.KernelMode(th)}, nil
}

// get returns an idle worker, or creates one. With maxWorkers in use it waits until one is returned. The caller
// returns the worker with put. It fails only if a thread cannot be created.
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

// put returns a worker to the pool. If sound is false, because its request panicked, it closes the worker.
func (w *workers) put(t *worker, sound bool) {
	if sound {
		w.idle <- t
		return
	}
	t.Close()
	<-w.room
}

// end closes the idle threads. It does not wait for a worker that is in use. Closing the process does not release what
// its threads hold.
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

// do runs f on a thread with the server's own identity and returns its status. It waits if maxWorkers requests run,
// and returns ENOMEM if no thread can be created. Use it for requests on an open handle, whose rights decide (M-4).
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

// as runs f on a thread that impersonates the request's sender, and returns its status. If the sender cannot log on,
// the status is EACCES and f is not called (M-1). The request and its duration are counted, and a denial is reported.
// f must not keep the thread.
func (m *Mount) as(h *fuse.InHeader, f func(t *worker) fuse.Status) fuse.Status {
	started := time.Now()
	s := m.asClient(h, f)
	m.counts.add(h.Opcode, time.Since(started), isDenial(s))
	if s == fuse.Status(syscall.ENOSPC) {
		m.full(h)
	}
	return s
}

// full logs that the tree's file system had no room for a request, because few programs report which limit they met
// (M-48).
func (m *Mount) full(h *fuse.InHeader) {
	path := m.directory
	if n := m.nodes.get(h.NodeId); n != nil {
		path = m.hostPath(m.nodes.path(n, ""))
	}
	m.log.Warn("no room: the disk is full, or the file's extended attributes are (ext4 has about 4,000 bytes for them);"+
		" see df -h, df -i and getfattr -d -m -", "uid", h.Uid, "operation", operationName(h.Opcode), "path", path)
}

// asClient runs f as the sender of the request, as [Mount.as] does, without counting the request. The worker stops
// impersonating before it returns. A user who cannot log on gets EACCES. A denial is reported before it returns.
func (m *Mount) asClient(h *fuse.InHeader, f func(t *worker) fuse.Status) fuse.Status {
	acc := m.accounts.get(person{h.Uid, h.Gid})
	defer m.accounts.put(acc)
	if acc.err != nil {
		// A user who cannot log on is refused every request (M-3).
		m.denied(h, nil, fuse.EACCES, acc.err)
		return fuse.EACCES
	}
	return m.do(func(t *worker) fuse.Status {
		if st := t.k.PsImpersonateClient(t.k.Thread(), acc.object, false, false,
			winnt.SecurityImpersonation); st != ntstatus.Success {
			return status(st)
		}
		t.client, t.uid, t.refused = acc.token, h.Uid, refusal{}
		defer func() { t.client = nil; t.k.PsRevertToSelf() }()
		s := f(t)
		if isDenial(s) {
			m.denied(h, t, s, nil)
		}
		return s
	})
}
