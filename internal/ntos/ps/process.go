package ps

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ProcessType and ThreadType are the object types Process and Thread.
var (
	ProcessType = &ob.Type{ObjectType: winnt.ProcessObject, AddRights: addProcessRights,
		OnDestroy: func(o ob.Object) { o.(*Process).destroy() }}
	ThreadType = &ob.Type{ObjectType: winnt.ThreadObject, AddRights: addThreadRights,
		OnDestroy: func(o ob.Object) { o.(*Thread).destroy() }}
)

// addProcessRights adds the limited query and set rights that the full ones include (O-36). It runs after the access
// check. It removes no right.
func addProcessRights(g winnt.AccessMask) winnt.AccessMask {
	if g&winnt.PROCESS_QUERY_INFORMATION != 0 {
		g |= winnt.PROCESS_QUERY_LIMITED_INFORMATION
	}
	if g&winnt.PROCESS_SET_INFORMATION != 0 {
		g |= winnt.PROCESS_SET_LIMITED_INFORMATION
	}
	return g
}

// addThreadRights returns g with the limited rights that its full rights include (O-36). It removes no right.
func addThreadRights(g winnt.AccessMask) winnt.AccessMask {
	if g&winnt.THREAD_QUERY_INFORMATION != 0 {
		g |= winnt.THREAD_QUERY_LIMITED_INFORMATION
	}
	if g&winnt.THREAD_SET_INFORMATION != 0 {
		g |= winnt.THREAD_SET_LIMITED_INFORMATION
	}
	return g
}

// System holds what processes and threads share: the ids, the security state,
// the kernel's handle table and the profile. It is made by New.
type System struct {
	Security *se.State  // immutable
	Kernel   *ob.Table  // immutable: the one table of kernel handles
	Profile  nt.Profile // immutable
	// Faults is called at each allocation that can fail (O-81). If it returns true the allocation fails. It may be
	// nil. Immutable after boot.
	Faults func(point string) bool
	// Clock returns the time in 100-ns units since 1601-01-01 UTC. It may be nil. Immutable after boot.
	Clock func() int64

	// jobs serialises what changes a process's job or primary token, so that
	// limits and tokens are judged together.
	jobs sync.Mutex

	mu sync.Mutex
	// +checklocks:mu
	nextID winnt.Handle // guarded by mu
	// +checklocks:mu
	byID map[winnt.Handle]ob.Object // guarded by mu; holds no reference: an object leaves when destroyed
	// +checklocks:mu
	peak       int     // guarded by mu: see quota.Shrunk
	processIDs idOrder // guarded by mu

	system *Process // immutable after New: the System process, id 4
}

// New makes the system with its System process, whose token is boot. Its identifiers follow first; with 0 they follow
// a random number.
func New(profile nt.Profile, kernel *ob.Table, boot *token.Token, first winnt.LUID) *System {
	s := &System{Security: se.NewState(first), Kernel: kernel, Profile: profile, nextID: 4,
		byID: map[winnt.Handle]ob.Object{}}
	tok := s.Security.NewToken(boot, se.DefaultDescriptor(boot, winnt.TokenObject))
	s.system = s.NewProcess("System", tok)
	tok.Deref(ob.TagCall)
	s.system.isSystem = true
	return s
}

// Fault reports whether an allocation is to fail at this point (O-81).
func (s *System) Fault(point string) bool { return s.Faults != nil && s.Faults(point) }

// now returns the system time in 100-ns units since 1601-01-01, or 0 in a system without a clock.
func (s *System) now() int64 {
	if s.Clock == nil {
		return 0
	}
	return s.Clock()
}

// SystemProcess returns the System process, without a reference.
func (s *System) SystemProcess() *Process { return s.system }

// Process is a process object.
type Process struct {
	ob.Header
	sys   *System // immutable
	name  string  // immutable
	id    winnt.Handle
	table *ob.Table // immutable; drained at exit

	parent  winnt.Handle // immutable; 0: no process made it
	created int64        // immutable

	block atomic.Pointer[quota.Block] // charged for what the process creates; nil: the kernel

	token      atomic.Pointer[se.TokenObject] // primary token; one reference
	selfAccess atomic.Uint32                  // rights that the pseudo handle -1 grants
	started    atomic.Bool                    // true from the start of the first thread on
	isSystem   bool                           // immutable after New

	mu sync.Mutex
	// +checklocks:mu
	threads map[*Thread]struct{} // guarded by mu
	// +checklocks:mu
	count int // guarded by mu: threads ever made, for names
	// +checklocks:mu
	exited bool // guarded by mu
	// +checklocks:mu
	status ntstatus.Status // guarded by mu: the exit status
	// +checklocks:mu
	atExit  func()       // guarded by mu: called once the process has ended; nil: nothing
	pending atomic.Int64 // operations on files under way: 0 to MaxPendingIO
	over    ke.Signal    // signalled when the process has ended (O-148)

	job atomic.Pointer[Job] // the innermost one; written under System.jobs; one reference
	// +checklocks:sys.jobs
	left bool // guarded by System.jobs: taken off the job's count
	// +checklocks:sys.jobs
	children  int     // guarded by System.jobs: processes ever made by it, for names
	threadIDs idOrder // guarded by System.mu: those of its threads
}

// NewProcess returns a process with one reference for the caller. It attaches and references the token object itself.
// The descriptor follows O-38 with the defaults of the token.
func (s *System) NewProcess(name string, tok *se.TokenObject) *Process {
	return s.newProcess(name, tok, se.DefaultDescriptor(tok.Value(), winnt.ProcessObject), 0)
}

// newProcess creates a process like NewProcess, with a descriptor and the id of its parent, 0 for none. It takes its
// own reference to tok. The process has no threads yet, and its creator holds the first reference.
func (s *System) newProcess(name string, tok *se.TokenObject, d *sd.Descriptor, parent winnt.Handle) *Process {
	p := &Process{sys: s, name: name, table: ob.NewTable(0), threads: map[*Thread]struct{}{}, parent: parent,
		created: s.now()}
	p.Init(ProcessType, p, d)
	s.Security.Objects.Track(p)
	tok.Ref(ob.TagPrimary)
	tok.AttachPrimary()
	p.token.Store(tok)
	p.selfAccess.Store(uint32(winnt.PROCESS_ALL_ACCESS & winnt.ProcessObject.Valid)) // all rights to itself (O-17)
	s.allotID(p, &p.id, &s.processIDs)
	return p
}

// ID returns the process id.
func (p *Process) ID() winnt.Handle { return p.id }

// Name returns the display name, which need not be unique.
func (p *Process) Name() string { return p.name }

// Parent returns the id of the process that made this one, 0 if no process did.
func (p *Process) Parent() winnt.Handle { return p.parent }

// Created returns the process's creation time in 100-ns units since 1601-01-01 UTC, or 0 if the system has no clock.
func (p *Process) Created() int64 { return p.created }

// System returns the system that the process belongs to.
func (p *Process) System() *System { return p.sys }

// SetQuota sets the block that pays for the process's future allocations. Child processes inherit it. Earlier charges
// stay with their block.
func (p *Process) SetQuota(b *quota.Block) {
	p.block.Store(b)
	p.table.SetQuota(b)
}

// Quota returns the block that pays for the objects of the process, or nil if the kernel pays.
func (p *Process) Quota() *quota.Block { return p.block.Load() }

// Table returns the handle table. It is empty after the process has ended.
func (p *Process) Table() *ob.Table { return p.table }

// IsSystem reports whether this is the System process.
func (p *Process) IsSystem() bool { return p.isSystem }

// Started reports whether a thread of the process ever ran. It stays true after the threads end.
func (p *Process) Started() bool { return p.started.Load() }

// SelfAccess returns the rights that the pseudo handle -1 grants (O-17).
func (p *Process) SelfAccess() winnt.AccessMask { return winnt.AccessMask(p.selfAccess.Load()) }

// ReferenceToken returns the primary token with one more reference, never nil
// (I-62).
func (p *Process) ReferenceToken(tag ob.Tag) *se.TokenObject {
	for {
		t := p.token.Load()
		if t.TryRef(tag) {
			if p.token.Load() == t {
				return t
			}
			t.Deref(tag) // another thread replaced the token: take the new one
		}
	}
}

// Token returns a snapshot of the primary token's value. A later change of the token makes a new value.
func (p *Process) Token() *token.Token { return p.token.Load().Value() }

// PrimaryToken returns the primary token without a reference. Use it only for comparisons, or while System.jobs is
// held.
func (p *Process) PrimaryToken() *se.TokenObject { return p.token.Load() }

// swapToken exchanges the process's primary token for tok, on which it takes a reference, and returns the old one. The
// caller holds System.jobs; after unlocking it must detach and release the old token and call recomputeSelfAccess.
func (p *Process) swapToken(tok *se.TokenObject) (old *se.TokenObject) {
	tok.Ref(ob.TagPrimary)
	tok.AttachPrimary()
	return p.token.Swap(tok)
}

// recomputeSelfAccess computes which rights the process has to itself, after its primary token was replaced (O-17).
// It starts again if the token is replaced meanwhile. A process without a descriptor keeps only the fixed rights.
func (p *Process) recomputeSelfAccess() {
	for {
		tok := p.token.Load()
		granted := winnt.AccessMask(0)
		if d := p.Security(); d != nil {
			dec, err := access.Check(tok.Value(), d, winnt.MAXIMUM_ALLOWED, winnt.ProcessObject)
			if err == nil && dec.Allowed() {
				granted = dec.Granted
			}
		}
		// The result is the new token's grant and a fixed set of rights (O-17).
		p.selfAccess.Store(uint32(granted | selfAlways))
		if p.token.Load() == tok {
			return
		}
	}
}

// selfAlways holds what a process may always do to itself (O-17).
const selfAlways winnt.AccessMask = 0x1F07FB

// Job returns the innermost job of the process, or nil without one. The caller releases its reference.
func (p *Process) Job() *Job {
	for {
		j := p.job.Load()
		if j == nil || j.TryRef(ob.TagCall) {
			return j
		}
	}
}

// destroy frees the id and releases the primary token and the job. It runs when the last reference is gone.
func (p *Process) destroy() {
	p.sys.freeID(p.id, &p.sys.processIDs)
	t := p.token.Load()
	t.DetachPrimary()
	t.Deref(ob.TagPrimary)
	p.leaveJobs()
	if j := p.job.Load(); j != nil {
		j.Deref(ob.TagLink)
	}
}
