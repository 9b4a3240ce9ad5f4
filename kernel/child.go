package kernel

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// run registers a process that NtCreateUserProcess created, and its first thread, so that the system closes them: when
// the process has ended, or its creator is closed. parent is the creator's process. If the system is closed, it ends
// both at once. It takes over the caller's references.
func (s *System) run(parent, p *ps.Process, t *ps.Thread) {
	defer t.Deref(ob.TagCall)
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if !closed {
		c := s.context(t, access.User)
		th := nt.NewThread(c, t.Name())
		child := &Process{sys: s, p: p, first: th}
		late := false // the creator was closed during this call, and nobody else would close the child
		s.mu.Lock()
		if closed = s.closed; !closed {
			s.processes = append(s.processes, child)
			if at := slices.IndexFunc(s.processes, func(x *Process) bool { return x.p == parent }); at >= 0 {
				child.parent = s.processes[at]
				child.parent.children = append(child.parent.children, child)
			} else {
				late = !parent.IsSystem()
			}
			s.modes[th], s.threads[c] = nil, th
		}
		s.mu.Unlock()
		if late {
			th.Close()
			child.Close()
		} else {
			p.AtExit(child.disown) // an ended child without a program is kept no longer (W-13)
		}
	}
	if closed {
		p.Exit()
		p.Deref(ob.TagCall)
	}
}

// disown closes a process that has ended and that no owner has taken over, so that its creator does not pay for it any
// longer (W-13). It does nothing for a process without a creator.
func (p *Process) disown() {
	p.sys.mu.Lock()
	owned := p.parent == nil
	p.leaveParentLocked()
	p.sys.mu.Unlock()
	if !owned {
		p.first.Close()
		p.Close()
	}
}

// Process returns the process with an id, or nil for an unknown id. The two low bits of id are ignored. It does not
// return the System process and closed processes. It still returns a process that has exited if its owner has not
// closed it; a child without an owner is closed when it exits.
func (s *System) Process(id winnt.Handle) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes {
		if p.p.ID() == id&^3 {
			return p
		}
	}
	return nil
}

// FirstThread returns the thread that NtCreateUserProcess created with the process.
// It returns nil for a process that was created in another way. A thread that was
// created suspended may be used only after NtResumeThread. The thread is closed
// when the process exits, unless TakeOver made an owner.
func (p *Process) FirstThread() *nt.Thread { return p.first }

// attachAccess holds the rights that a handle of a process needs before a program may be
// put into it: those to write code and to start a thread on Windows.
const attachAccess = winnt.PROCESS_CREATE_THREAD | winnt.PROCESS_VM_OPERATION | winnt.PROCESS_VM_WRITE

// TakeOver makes the caller the owner of a process that a client created with NtCreateUserProcess, so that it can run
// a program in it, with [Process.FirstThread] as its first thread. h is a handle of the process of th. The process
// outlives its creator, until [Process.Close]. may decides by the process's primary token, which does not change.
// Errors: those of the handle and of may, THREAD_IS_TERMINATING for a thread that was closed, PROCESS_IS_TERMINATING,
// and INVALID_PARAMETER for a process that has not started or already has an owner (W-52).
func (s *System) TakeOver(th *nt.Thread, h winnt.Handle, may func(*token.Token) ntstatus.Status) (*Process,
	ntstatus.Status) {
	k := s.KernelMode(th)
	if k == nil { // the thread or the system was closed
		return nil, ntstatus.ThreadIsTerminating
	}
	o, _, st := k.ObReferenceObjectByHandle(h, attachAccess, winnt.ProcessObject, UserMode)
	if st != ntstatus.Success {
		return nil, st
	}
	defer k.ObDereferenceObject(o)
	e := o.(*EProcess)
	switch {
	case e.Exited():
		return nil, ntstatus.ProcessIsTerminating
	case !e.Started():
		// Its token could still be replaced by another (T-110).
		return nil, ntstatus.InvalidParameter
	}
	if st := may(e.Token()); st != ntstatus.Success {
		return nil, st
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.processes, func(x *Process) bool { return x.p == e })
	if at < 0 || s.processes[at].parent == nil {
		// A program runs there already, or the system itself (W-52).
		return nil, ntstatus.InvalidParameter
	}
	p := s.processes[at]
	p.leaveParentLocked()
	return p, ntstatus.Success
}

// leaveParentLocked removes p from its creator's list of children. The caller holds System.mu. A second call does
// nothing.
func (p *Process) leaveParentLocked() {
	if p.parent == nil {
		return
	}
	p.parent.children = slices.DeleteFunc(p.parent.children, func(x *Process) bool { return x == p })
	p.parent = nil
}
