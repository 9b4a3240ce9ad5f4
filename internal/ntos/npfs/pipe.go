package npfs

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Limits of a pipe.
const (
	MaxInstances = 255     // documented as PIPE_UNLIMITED_INSTANCES
	DefaultQuota = 1 << 16 // bytes queued in one direction
	MaxQuota     = 1 << 24
)

// DefaultSQOS is the quality of service of a client that states none (I-84).
var DefaultSQOS = nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
	ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING, EffectiveOnly: true}

// EndType is the object type of a pipe's ends: File.
var EndType = &ob.Type{ObjectType: winnt.FileObject, OnLastHandle: func(o ob.Object) { o.(*End).closed() },
	OnDestroy: func(o ob.Object) { o.(*End).destroy() }}

// State is the state of an instance.
type State uint8

const (
	Listening    State = iota // waits for a client
	Connected                 // has one
	Closing                   // one end is closed; its data can still be read
	Disconnected              // the server disconnected its client
)

// Config holds the properties of a pipe, most of which its first instance fixes. The zero value is a byte pipe with
// MaxInstances instances.
type Config struct {
	Message      bool // messages keep their bounds
	Instances    int  // limit; 0 means MaxInstances
	Inbound      int  // bytes queued for the server; 0 means DefaultQuota
	Outbound     int  // bytes queued for the client; 0 means DefaultQuota
	Which        Which
	LimitFirst   bool          // the limit of instances is checked before Which (T-136)
	ReadMessages bool          // of the end that is made: its reads keep to messages (I-139)
	Completes    bool          // of the end that is made, not of the pipe: no caller waits for it (T-135)
	Wait         time.Duration // wait of a client that specifies no time; 0 for 50 ms, below 0 for no limit
	Share        uint32        // FILE_SHARE_*, which determines the directions of a pipe; equal for all instances
}

// Which says whether Create may create the first instance of a pipe, a further one, or either (the zero value).
type Which uint8

const (
	Any     Which = iota
	First         // only if the pipe does not exist (FILE_FLAG_FIRST_PIPE_INSTANCE)
	Another       // only if the pipe exists
)

// FileSystem holds the pipes of one kernel. The zero value is empty.
type FileSystem struct {
	mu sync.Mutex
	// +checklocks:mu
	pipes map[string]*pipe // guarded by mu, by folded name
	begun atomic.Uint64    // the last number of Instance.begun
}

// pipe is a named pipe, or an unnamed one, with its instances and the clients that wait for one.
type pipe struct {
	fs        *FileSystem
	key       string
	cfg       Config
	security  *ob.SharedSecurity // immutable pointer: of every end of every instance (I-130)
	instances []*Instance        // guarded by fs.mu
	waiters   []*Waiter          // guarded by fs.mu: clients that wait for an instance, in the order they came
	gone      bool               // guarded by fs.mu: the last instance is gone
}

// Instance is one instance of a pipe: a server end that connects one client at a time.
type Instance struct {
	pipe *pipe // immutable

	mu sync.Mutex
	// +checklocks:mu
	state State // guarded by mu
	// +checklocks:mu
	begun uint64 // guarded by mu: counts up with each instance whose server waits for a client; 0 while it does not
	// +checklocks:mu
	server *End // guarded by mu; nil once closed
	// +checklocks:mu
	client *End // guarded by mu; nil until connected and once closed
	// +checklocks:mu
	turn   uint64 // guarded by mu: counts the clients that the server disconnected
	queues [2]queue
	sqos   nt.SecurityQualityOfService
	// +checklocks:mu
	static *ps.ClientContext // guarded by mu: made at connection (I-4)
	// +checklocks:mu
	last *ps.ClientContext // guarded by mu: of the last message read (I-85)
	// +checklocks:mu
	lastFail ps.Outcome // guarded by mu: why there is no context for it, if read is true
	// +checklocks:mu
	read bool // guarded by mu: the server has read something
	// +checklocks:mu
	changed chan struct{} // guarded by mu: closed and replaced at every change
	// +checklocks:mu
	waiting []*Request // guarded by mu, in the order they came
}

// The queues of an instance.
const (
	toServer = iota
	toClient
)

// End is the server's or the client's end of an instance: the object of type File behind a pipe handle.
type End struct {
	ob.Header
	instance *Instance
	isServer bool
	turn     uint64      // immutable: of the instance when this client came
	Options  uint32      // immutable once returned: FILE_SYNCHRONOUS_IO_*
	complete atomic.Bool // the caller does not wait (T-135)
	messages atomic.Bool // reads keep to messages, where the pipe has some (I-139)
	pending  int         // guarded by the instance's mu: requests that wait
	gone     bool        // guarded by the instance's mu: the last handle was closed
	File     ke.Signal   // of the last operation (I-137)
	process  *ps.Process // of the end's creator; one reference
}

// Create creates a listening instance of the pipe with a name, or of an unnamed pipe for "". The first instance
// gives the name its descriptor.
// Create calls open with the server end, without a lock; open learns whether the pipe existed, and may refuse.
// Errors: STATUS_INVALID_PARAMETER for a cfg beyond the limits; STATUS_INSTANCE_NOT_AVAILABLE at the pipe's own
// limit; STATUS_ACCESS_DENIED if the first instance is required and the
// pipe exists, or if the directions differ from the first instance (T-132); STATUS_OBJECT_NAME_NOT_FOUND if an
// existing pipe is required and there is none; and the errors of open.
func (fs *FileSystem) Create(name string, cfg Config, creator *ps.Process, d *sd.Descriptor,
	open func(e *End, existed bool) ntstatus.Status) ntstatus.Status {
	if cfg.Instances < 0 || cfg.Instances > MaxInstances ||
		min(cfg.Inbound, cfg.Outbound) < 0 || max(cfg.Inbound, cfg.Outbound) > MaxQuota {
		return ntstatus.InvalidParameter
	}
	if cfg.Instances == 0 {
		cfg.Instances = MaxInstances
	}
	in := &Instance{changed: make(chan struct{})}
	existed, st := fs.add(name, cfg, in, d)
	if st != ntstatus.Success {
		return st
	}
	e := newEnd(in, creator)
	defer e.Deref(ob.TagCall)
	e.isServer = true
	e.complete.Store(cfg.Completes)
	e.messages.Store(cfg.ReadMessages)
	if st := open(e, existed); st != ntstatus.Success {
		in.pipe.remove(in)
		return st
	}
	in.mu.Lock()
	in.server = e // from now on clients can connect
	in.mu.Unlock()
	in.pipe.wake()
	return ntstatus.Success
}

// newEnd returns a new end with one reference for the caller. The end shares the descriptor of the pipe.
func newEnd(in *Instance, p *ps.Process) *End {
	e := &End{instance: in, process: p}
	p.Ref(ob.TagLink)
	e.Init(EndType, e, nil)
	e.File.Set()                      // No operation is under way. I-137
	e.ShareSecurity(in.pipe.security) // The descriptor belongs to the name, not to the end (I-130).
	return e
}

// firstEnd returns a live server end of the pipe with a name, in any case of letters. The caller releases its
// reference. It returns nil if there is no such pipe or end.
func (fs *FileSystem) firstEnd(name string) *End {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	p := fs.pipes[ob.Upcase(name)]
	if p == nil {
		return nil
	}
	for _, in := range p.instances {
		in.mu.Lock()
		e := in.server
		ok := e != nil && e.TryRef(ob.TagCall)
		in.mu.Unlock()
		if ok {
			return e
		}
	}
	return nil
}

// Find returns a server end of the pipe with a name, with a reference for the caller. It returns nil for an unknown
// pipe, and for a pipe without an open server end.
func (fs *FileSystem) Find(name string) *End { return fs.firstEnd(name) }

// add adds an instance to the pipe with this name. The first instance creates the pipe with descriptor d. existed
// reports whether the pipe existed. Names match by their upper-case forms (O-25). A pipe without a name has one
// instance. Errors are:
//   - an existing pipe with cfg.Which First: STATUS_ACCESS_DENIED
//   - a missing pipe with cfg.Which Another: STATUS_OBJECT_NAME_NOT_FOUND
//   - the maximum number of instances: STATUS_INSTANCE_NOT_AVAILABLE
//   - another share mode than the first instance's: STATUS_ACCESS_DENIED
func (fs *FileSystem) add(name string, cfg Config, in *Instance, d *sd.Descriptor) (existed bool,
	st ntstatus.Status) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var p *pipe
	if name != "" {
		p = fs.pipes[ob.Upcase(name)]
	}
	switch {
	case p != nil && cfg.LimitFirst && len(p.instances) >= p.cfg.Instances:
		return true, ntstatus.InstanceNotAvailable // Observed: the limit is tested before the owner (T-136)
	case p != nil && cfg.Which == First:
		return true, ntstatus.AccessDenied // documented: the name belongs to another pipe
	case p == nil && cfg.Which == Another:
		return false, ntstatus.ObjectNameNotFound
	}
	existed = p != nil
	if p == nil {
		if fs.pipes == nil {
			fs.pipes = map[string]*pipe{}
		}
		p = &pipe{fs: fs, key: ob.Upcase(name), cfg: cfg, security: ob.NewSharedSecurity(d)}
		if name == "" {
			// A pipe without a name has one instance, which clients reach only through its server's end (I-161).
			p.cfg.Instances = 1
		} else {
			fs.pipes[p.key] = p
		}
	}
	if len(p.instances) >= p.cfg.Instances {
		return existed, ntstatus.InstanceNotAvailable
	}
	if cfg.Share != p.cfg.Share {
		// Each instance has the directions of the first (T-132).
		return existed, ntstatus.AccessDenied
	}
	in.pipe = p
	in.queues[toServer].quota, in.queues[toClient].quota = quotaOf(p.cfg.Inbound), quotaOf(p.cfg.Outbound)
	p.instances = append(p.instances, in)
	return existed, ntstatus.Success
}

// remove removes an instance. Removing the last one also frees the name and ends the waits for the pipe.
func (p *pipe) remove(in *Instance) {
	if p.without(in) {
		p.wake()
	}
}

// without removes an instance from the pipe, unless it is gone already, and reports whether none is left. The last one
// also removes the pipe's name. The waiters are not notified; see remove.
func (p *pipe) without(in *Instance) bool {
	p.fs.mu.Lock()
	defer p.fs.mu.Unlock()
	for i, x := range p.instances {
		if x == in {
			p.instances = append(p.instances[:i:i], p.instances[i+1:]...)
			break
		}
	}
	p.gone = len(p.instances) == 0
	if p.gone && p.fs.pipes[p.key] == p {
		delete(p.fs.pipes, p.key)
	}
	return p.gone
}
