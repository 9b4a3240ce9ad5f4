package kernel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// System is a running kernel. Do not use the zero value: [Boot] returns a
// System.
type System struct {
	sys  *services.System // immutable
	work workQueue

	mu sync.Mutex
	// +checklocks:mu
	processes []*Process // guarded by mu
	// +checklocks:mu
	contexts map[*services.Context]struct{} // guarded by mu
	// +checklocks:mu
	files []*services.File // guarded by mu: one reference each
	// +checklocks:mu
	modes map[*nt.Thread]*KernelThread // guarded by mu: kernel-mode interfaces, nil until first used
	// +checklocks:mu
	threads map[*services.Context]*nt.Thread // guarded by mu: the keys of modes by their contexts
	// +checklocks:mu
	closed bool // guarded by mu
}

// Boot starts a kernel with its System process, which runs as LocalSystem (T-114). A nil Log keeps records in memory.
// It panics if a built-in object cannot be made.
func Boot(cfg Config) *System {
	boot, err := token.New(token.LocalSystem())
	if err != nil {
		panic("kernel: the built-in LocalSystem token: " + err.Error())
	}
	p := ps.New(cfg.Profile, ob.NewKernelTable(0), boot, cfg.FirstLUID)
	p.Faults = cfg.Faults
	log := cfg.Log
	if log == nil {
		log = &audit.Log{Sink: audit.NewMemory(0, 0)}
	}
	p.Clock = log.Clock
	s := &System{
		sys:      &services.System{System: p, Log: log},
		modes:    map[*nt.Thread]*KernelThread{},
		threads:  map[*services.Context]*nt.Thread{},
		contexts: map[*services.Context]struct{}{},
	}
	s.sys.Adopt, s.sys.Disown = s.adopt, s.disown
	s.sys.Root = ob.NewDirectory(rootDescriptor(), 0)
	s.sys.Names = ob.NewNamespace(s.sys.Root)
	s.sys.Run = s.run
	p.Security.Sessions.Ended = s.sys.RecordLogoff
	s.makePolicy(cfg.LSA)
	s.makeDirectories()
	s.sys.Files = ob.NewDirectory(rootDescriptor(), 0)
	s.sys.Files.SetBirth(ob.Birth{Permanent: true})
	if st := s.sys.Root.Insert(filesDirectory[1:], s.sys.Files, false); !st.IsSuccess() {
		panic("kernel: " + filesDirectory + ": " + st.String())
	}
	return s
}

// filesDirectory is the directory of the files that CreateFile makes; NtOpenFile takes
// names without a leading backslash from it.
const filesDirectory = `\Files`

// rootDescriptor returns the descriptor of the root directory. Everyone may list and traverse it. LocalSystem and
// Administrators have all rights, such as to create objects in it.
func rootDescriptor() *sd.Descriptor {
	list, err := sd.NewACL(
		allow(winnt.DIRECTORY_QUERY|winnt.DIRECTORY_TRAVERSE|winnt.READ_CONTROL, sid.Everyone),
		allow(winnt.DIRECTORY_QUERY|winnt.DIRECTORY_TRAVERSE|winnt.READ_CONTROL, sid.Restricted),
		allow(winnt.DIRECTORY_ALL_ACCESS, sid.LocalSystem), allow(winnt.DIRECTORY_ALL_ACCESS, sid.Administrators))
	if err != nil {
		panic("kernel: root descriptor: " + err.Error())
	}
	return sd.New(sd.Parts{Control: sd.DACLPresent, Owner: sid.Administrators, Group: sid.LocalSystem, DACL: list})
}

// allow returns an ACE that grants the rights m to s. It panics for a malformed SID, which is a bug in this package.
func allow(m winnt.AccessMask, s sid.SID) sd.ACE {
	a, err := sd.NewACE(sd.AccessAllowed, 0, m, s)
	if err != nil {
		panic("kernel: root entry: " + err.Error())
	}
	return a
}

// Audit returns the audit log. Its policy may be replaced at any time. Its sink is
// that of the configuration.
func (s *System) Audit() *audit.Log { return s.sys.Log }

// Profile returns the conformance profile with which the kernel was booted.
func (s *System) Profile() nt.Profile { return s.sys.Profile }

// Process is a process of the system, as its creator uses it. [System.NewProcess] returns one. Do not use the zero
// value.
type Process struct {
	sys      *System
	p        *ps.Process // one reference until Exit and Close
	first    *nt.Thread  // immutable; nil unless a service made the process
	parent   *Process    // guarded by sys.mu: the process whose children contain this one, nil for none
	children []*Process  // guarded by sys.mu: what NtCreateUserProcess made of it
}

// NewProcess creates a process with a primary token. A nil token and an
// impersonation token are errors. The name is for display. Errors are those of
// CreateProcess.
func (s *System) NewProcess(name string, tok *token.Token) (*Process, error) {
	return s.CreateProcess(ProcessSpec{Name: name, Token: tok})
}

// ID returns the process id, a multiple of 4.
func (p *Process) ID() winnt.Handle { return p.p.ID() }

// Name returns the display name.
func (p *Process) Name() string { return p.p.Name() }

// Object returns the process object, for the routines of a KernelThread.
func (p *Process) Object() *EProcess { return p.p }

// NewThread creates a user-mode thread of the process. It starts without
// impersonation (I-9). The error wraps STATUS_PROCESS_IS_TERMINATING if the
// process has ended.
func (p *Process) NewThread() (*nt.Thread, error) {
	t, st := p.p.NewThread()
	if err := st.Err(); err != nil {
		return nil, fmt.Errorf("thread of process %q: %w", p.Name(), err)
	}
	defer t.Deref(ob.TagCall)
	c := p.sys.context(t, access.User)
	th := nt.NewThread(c, t.Name())
	p.sys.know(th, c)
	return th, nil
}

// context returns a new service context, through which thread t makes calls with the given previous mode. Close
// closes it.
func (s *System) context(t *ps.Thread, mode access.Mode) *services.Context {
	c := services.NewContext(s.sys, t, mode)
	s.adopt(c)
	return c
}

// adopt registers a context so that Close releases it. It does nothing after Close.
func (s *System) adopt(c *services.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.contexts != nil { // nil once closed: no thread starts then
		s.contexts[c] = struct{}{}
	}
}

// disown removes the service context of a thread that has ended. It also removes and closes the kernel-mode context
// of that thread. An unknown context changes nothing.
func (s *System) disown(c *services.Context) {
	s.mu.Lock()
	delete(s.contexts, c)
	var face *KernelThread
	if th := s.threads[c]; th != nil {
		face = s.modes[th]
		delete(s.modes, th)
		delete(s.threads, c)
	}
	if face != nil {
		delete(s.contexts, face.ctx)
	}
	s.mu.Unlock()
	if face != nil {
		face.ctx.Close()
	}
}

// know registers a user-mode thread so that KernelMode accepts it. It does nothing after Close.
func (s *System) know(th *nt.Thread, c *services.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.modes != nil {
		s.modes[th], s.threads[c] = nil, th
	}
}

// CreateFile creates a named object of type File that NtOpenFile can open. It exists until the system
// closes. The error wraps STATUS_OBJECT_NAME_INVALID (empty, or with a backslash),
// STATUS_OBJECT_NAME_COLLISION (taken) or STATUS_INSUFFICIENT_RESOURCES (no room for more names). With a nil
// descriptor everybody can open the file.
func (s *System) CreateFile(name string, d *sd.Descriptor) error {
	f := &services.File{}
	f.Init(services.FileType, f, d)
	f.SetBirth(ob.Birth{Permanent: true})
	s.sys.Security.Objects.Track(f)
	if st := s.sys.Files.Insert(name, f, false); !st.IsSuccess() {
		f.Deref(ob.TagCall)
		return fmt.Errorf("file %q: %w", name, st.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
	return nil
}

// Counts returns the numbers of existing objects, handles and references.
func (s *System) Counts() (objects, handles, references int64) {
	return s.sys.Security.Objects.Counts()
}

// Close ends every process and drops the references of the system. Objects that are still referenced were leaked. The
// error lists them, and in builds with the tag "invariants" also who references them. A later Close returns nil.
func (s *System) Close() error {
	busy := s.work.close() // first: work makes threads and refers to tokens
	s.mu.Lock()
	processes, contexts, files, closed := s.processes, s.contexts, s.files, s.closed
	s.processes, s.contexts, s.files, s.modes, s.threads, s.closed = nil, nil, nil, nil, nil, true
	s.mu.Unlock()
	if closed {
		return nil
	}
	for _, p := range processes {
		p.p.Exit()
	}
	system := s.sys.SystemProcess()
	system.Exit()
	s.sys.Kernel.Drain()
	for c := range contexts {
		c.Close()
	}
	for _, p := range processes {
		p.p.Deref(ob.TagCall)
	}
	system.Deref(ob.TagCall)
	s.sys.Files.Clear()
	s.sys.Root.Clear()
	s.sys.Policy.Deref(ob.TagCall)
	for _, f := range files {
		f.Deref(ob.TagCall)
	}
	if left := s.sys.Security.Objects.Report(); len(left) > 0 {
		return errors.Join(busy, fmt.Errorf("%d objects still referenced:\n%s", len(left), strings.Join(left, "\n")))
	}
	return busy
}

// CloseAllHandles closes every handle of every process and of the kernel and ends all impersonation, as if all had
// been closed by their owners. The processes and threads continue to run.
func (s *System) CloseAllHandles() {
	s.mu.Lock()
	processes, contexts := slices.Clone(s.processes), maps.Clone(s.contexts)
	s.mu.Unlock()
	for c := range contexts {
		c.Thread().RevertToSelf()
	}
	for _, p := range processes {
		closeAll(p.p.Table())
	}
	closeAll(s.sys.SystemProcess().Table())
	closeAll(s.sys.Kernel)
}

// closeAll closes every handle of a table, protected ones too.
func closeAll(t *ob.Table) {
	for e := range t.All() {
		t.SetAttributes(e.Handle, 0)
		t.Close(e.Handle)
	}
}

// Spawn creates another thread of th's process, for another goroutine. For a
// thread of another system the error has no status. Other errors are those of
// [Process.NewThread].
func (s *System) Spawn(th *nt.Thread) (*nt.Thread, error) {
	o := s.ThreadObject(th)
	if o == nil {
		return nil, fmt.Errorf("thread %s belongs to another system", th.Name())
	}
	return (&Process{sys: s, p: o.Process()}).NewThread()
}
