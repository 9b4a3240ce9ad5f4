package kernel

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// run takes over a process and its first thread that a service made, as if
// NewProcess and NewThread had. In a system that has closed they end at once.
func (s *System) run(parent, p *ps.Process, t *ps.Thread) {
	defer t.Deref(ob.TagCall)
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if !closed {
		c := s.context(t, access.User)
		th := nt.NewThread(c, t.Name())
		s.mu.Lock()
		if closed = s.closed; !closed {
			child := &Process{sys: s, p: p, first: th}
			s.processes = append(s.processes, child)
			if at := slices.IndexFunc(s.processes, func(x *Process) bool { return x.p == parent }); at >= 0 {
				s.processes[at].children = append(s.processes[at].children, child)
			}
			s.modes[th], s.threads[c] = nil, th
		}
		s.mu.Unlock()
	}
	if closed {
		p.Exit()
		p.Deref(ob.TagCall)
	}
}

// Process returns the process of that id that this system's programs run, nil if
// no such process runs. The System process is not one of them.
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

// FirstThread returns the thread that NtCreateUserProcess made with the process; nil
// for a process that was made otherwise. A thread made suspended may be used
// only after NtResumeThread.
func (p *Process) FirstThread() *nt.Thread { return p.first }
