package mount

import (
	"container/list"
	"errors"
	"sync"
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
	payer  uint32              // the uid that is charged for the client
	name   nt.ObjectAttributes // name of the current open; a field, to save an allocation
	dir    nt.FileIdentity     // directory of the current open; a field, to save an allocation
	// refused is the last open of the request if it was refused.
	refused refusal
}

// Limits of requests. A user who is alone has at most half of each.
const (
	maxWorkers = 128  // requests that run
	maxWaiting = 4096 // refusable requests that wait: a write has its data in memory meanwhile, a read its buffer
)

// workers is a pool of kernel threads for requests. Users share them fairly. It is safe for concurrent use.
type workers struct {
	process *kernel.Process // immutable
	sys     *kernel.System  // immutable

	mu sync.Mutex
	// +checklocks:mu
	idle []*worker // guarded by mu
	// +checklocks:mu
	free int // guarded by mu: requests that may still begin
	// +checklocks:mu
	running map[uint32]int // guarded by mu: requests that run, by payer; without zeros
	// +checklocks:mu
	queues map[uint32]*requestQueue // guarded by mu: by payer, none empty
	// +checklocks:mu
	turns list.List // guarded by mu: of *requestQueue, the next one to be served in front
	// +checklocks:mu
	room int // guarded by mu: refusable requests that may still wait
}

// requestQueue has the waiting requests of one payer. It is guarded by workers.mu.
type requestQueue struct {
	payer     uint32
	waiting   []waiting
	refusable int // waiting requests that could have been refused
	turn      *list.Element
}

// waiting is a request that waits. begun is closed when it may begin.
type waiting struct {
	begun     chan struct{}
	refusable bool // it takes room
}

// newWorkers returns a pool without workers. It creates their threads in p, at most maxWorkers.
func newWorkers(sys *kernel.System, p *kernel.Process) *workers {
	return &workers{process: p, sys: sys, free: maxWorkers, room: maxWaiting, running: map[uint32]int{},
		queues: map[uint32]*requestQueue{}}
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

// get returns an idle worker, or creates one, for a request that payer is charged for. It waits while the payer has as
// many requests as could still begin, and for its turn. The caller returns the worker with put. It fails if a thread
// cannot be created, and with errManyWait if too many requests of the payer wait. If always is true, it waits then.
func (w *workers) get(payer uint32, always bool) (*worker, error) {
	t, turn, err := w.begin(payer, always)
	if turn != nil {
		<-turn
		t = w.takeIdle()
	}
	if t != nil || err != nil {
		return t, err
	}
	t, err = w.make()
	if err != nil {
		w.ended(payer, nil)
	}
	return t, err
}

// errManyWait says that a user has too many requests that wait for a worker.
var errManyWait = errors.New("too many requests wait")

// begin begins a request and returns an idle worker, nil if all are busy. If the request must wait, turn is not nil,
// and closed once it has begun. The error is errManyWait if the request may not wait. If always is true, it may.
func (w *workers) begin(payer uint32, always bool) (t *worker, turn chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.queues[payer]
	if q == nil && w.mayBeginLocked(payer) {
		w.free--
		w.running[payer]++
		return w.takeIdleLocked(), nil, nil
	}
	if q == nil {
		q = &requestQueue{payer: payer}
	}
	// A user's waiting requests take at most as much memory as remains for those of all others (M-72).
	if !always && q.refusable >= w.room {
		return nil, nil, errManyWait
	}
	if q.turn == nil {
		q.turn = w.turns.PushBack(q)
		w.queues[payer] = q
	}
	turn = make(chan struct{})
	q.waiting = append(q.waiting, waiting{turn, !always})
	if !always {
		q.refusable++
		w.room--
	}
	return nil, turn, nil
}

// mayBeginLocked reports whether a payer may have one more request: it has fewer than could still begin. So requests
// that last long, such as those that wait for a disk, leave workers to other users (M-72).
//
// +checklocks:w.mu
func (w *workers) mayBeginLocked(payer uint32) bool { return w.running[payer] < w.free }

// takeIdle removes an idle worker from the pool and returns it, nil if all are busy.
func (w *workers) takeIdle() *worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.takeIdleLocked()
}

// takeIdleLocked is takeIdle for a caller that holds mu.
//
// +checklocks:w.mu
func (w *workers) takeIdleLocked() *worker {
	last := len(w.idle) - 1
	if last < 0 {
		return nil
	}
	t := w.idle[last]
	w.idle = w.idle[:last]
	return t
}

// put ends a request of payer and returns its worker to the pool. If sound is false, because the request panicked, it
// closes the worker.
func (w *workers) put(t *worker, payer uint32, sound bool) {
	if !sound {
		t.Close()
		t = nil
	}
	w.ended(payer, t)
}

// ended ends a request of payer, and begins waiting ones in turn. It adds t to the pool unless it is nil.
func (w *workers) ended(payer uint32, t *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t != nil {
		w.idle = append(w.idle, t)
	}
	w.free++
	subtract(w.running, payer)
	for e := w.turns.Front(); e != nil; {
		q := e.Value.(*requestQueue)
		if !w.mayBeginLocked(q.payer) {
			e = e.Next()
			continue
		}
		w.free--
		w.running[q.payer]++
		next := q.waiting[0]
		q.waiting = q.waiting[1:]
		close(next.begun)
		if next.refusable {
			q.refusable--
			w.room++
		}
		w.turns.MoveToBack(e)
		if len(q.waiting) == 0 {
			w.turns.Remove(e)
			delete(w.queues, q.payer)
		}
		e = w.turns.Front()
	}
}

// end closes the idle threads. It does not wait for a worker that is in use. Closing the process does not release what
// its threads hold.
func (w *workers) end() {
	for t := w.takeIdle(); t != nil; t = w.takeIdle() {
		t.Close()
	}
}

// do runs f on a thread with the server's own identity and returns its status. It waits for the turn of payer, and
// returns ENOMEM if no thread can be created, or if too many requests of payer wait already. Use it for requests on an
// open handle, whose rights decide (M-4). f must not call do or as: it would wait for a worker while it has one.
func (m *Mount) do(payer uint32, f func(t *worker) fuse.Status) fuse.Status {
	return m.run(payer, false, f)
}

// run runs f as do does. If always is true, the request may wait however many wait already. Use that for requests whose
// refusal would leave something held or lose data.
func (m *Mount) run(payer uint32, always bool, f func(t *worker) fuse.Status) fuse.Status {
	t, err := m.workers.get(payer, always)
	if err != nil {
		if errors.Is(err, errManyWait) {
			m.log.Warn("refused a request: too many requests of a user wait for the tree's disk", "uid", payer)
		}
		return fuse.Status(errnos[ntstatus.InsufficientResources])
	}
	sound := false
	defer func() { m.workers.put(t, payer, sound) }()
	s := f(t)
	sound = true
	return s
}

// as runs f on a thread that impersonates the request's sender, and returns its status. If the sender cannot log on,
// the status is EACCES and f is not called (M-1). The request and its duration are counted, and a denial is reported.
// f must not keep the thread, and must not call do or as: it would wait for a worker while it has one.
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
		m.denied(h, acc, nil, fuse.EACCES)
		return fuse.EACCES
	}
	return m.do(acc.payer, func(t *worker) fuse.Status {
		if st := t.k.PsImpersonateClient(t.k.Thread(), acc.object, false, false,
			winnt.SecurityImpersonation); st != ntstatus.Success {
			return status(st)
		}
		t.client, t.uid, t.payer, t.refused = acc.token, h.Uid, acc.payer, refusal{}
		defer func() { t.client = nil; t.k.PsRevertToSelf() }()
		s := f(t)
		if isDenial(s) {
			m.denied(h, acc, t, s)
		}
		return s
	})
}
