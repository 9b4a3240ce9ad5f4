package model

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// openObject makes a handle to a process or thread that was found by its id (O-37).
func (m *Machine) openObject(c Caller, s Slot, desired winnt.AccessMask, attributes uint32) Result {
	k := s.kind()
	if attributes&k.invalid != 0 {
		return failed(ntstatus.InvalidParameter)
	}
	var st ntstatus.Status
	if c.subject().holds(winnt.SeDebugPrivilege) && !c.KernelMode && desired != 0 {
		// SeDebugPrivilege grants what is asked, without a check.
		s.Granted, st = grantNew(c.subject(), k.mapped(desired), k)
	} else {
		s.Granted, st = c.openFor(c.subject(), s.guard(), desired, k)
	}
	if st != ntstatus.Success {
		return failed(st)
	}
	return Result{Handle: m.insert(c, s, attributes), Granted: s.Granted}
}

// Next models NtGetNextProcess, and with a process NtGetNextThread (O-37, O-163): what
// the caller may not open is passed over.
func (m *Machine) Next(c Caller, of, after winnt.Handle, threads bool, desired winnt.AccessMask, attributes,
	flags uint32) Result {
	if threads && flags > 1 || !threads && flags != 0 || attributes&^0x1FF2 != 0 {
		return failed(ntstatus.InvalidParameter)
	}
	if st := m.gate(c, desired); st != ntstatus.Success {
		return failed(st)
	}
	var all []Slot // in the order of their ids
	var from winnt.Handle
	if threads {
		p, st := m.reference(c, of, 0x400, isProcess)
		if st != ntstatus.Success {
			return failed(st)
		}
		for _, t := range p.Process.Threads {
			if !t.Process.Over {
				all = append(all, Slot{Thread: t})
			}
		}
		if after != 0 {
			t, st := m.reference(c, after, 0, isThread)
			if st != ntstatus.Success {
				return failed(st)
			}
			if t.Thread.Process != p.Process {
				return failed(ntstatus.InvalidParameter)
			}
			from = t.Thread.ID
		}
	} else {
		p, st := m.reference(c, after, 0, isProcess)
		if st != ntstatus.Success {
			return failed(st)
		}
		from = p.Process.ID
		for _, p := range m.Processes {
			all = append(all, Slot{Process: p})
		}
	}
	if flags == 1 {
		slices.Reverse(all)
	}
	for _, s := range all {
		id := m.id(&s)
		if flags == 1 && from != 0 && id >= from || flags == 0 && id <= from {
			continue
		}
		if r := m.openObject(c, s, desired, attributes); r.Status != ntstatus.AccessDenied {
			return r
		}
	}
	return failed(ntstatus.NoMoreEntries)
}

func (m *Machine) id(s *Slot) winnt.Handle {
	if s.Thread != nil {
		return s.Thread.ID
	}
	return s.Process.ID
}

func nextOne(p *Pair, c *call, a *args) bool {
	c.mode(a)
	threads := !a.coin(3)
	of, after := p.handle(c, a, isProcess, winnt.NtCurrentProcess), p.handle(c, a, isProcess, winnt.NtCurrentProcess)
	if threads {
		if after = p.handle(c, a, isThread, winnt.NtCurrentThread); a.coin(2) {
			after = 0
		}
		if s, st := p.M.reference(p.caller(c), of, 0, isProcess); after != 0 && st == ntstatus.Success && !a.coin(4) {
			// mostly one of that process
			after = p.handle(c, a, func(o *Slot) bool { return o.Thread != nil && o.Thread.Process == s.Process }, after)
		}
	} else if after == 0 {
		return false // the walk over all of them begins with the System process, which is not the model's
	}
	desired := choose[winnt.AccessMask](a, 0x40, 0x400, 0x1FFFFF, maximum, winnt.GENERIC_READ, 0x1000, 0x800, saclBit, 0)
	attributes := choose[uint32](a, 0, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, 0x10, 0x2000)
	flags := choose[uint32](a, 0, 0, 0, 0, 0, 2)
	if threads {
		flags = choose[uint32](a, 0, 0, 1, 1, 1, 1, 1, 2)
	}
	c.text = fmt.Sprintf("%s(%s, %s, %#x, %#x, flags %d)",
		c.name(map[bool]string{true: "GetNextThread", false: "GetNextProcess"}[threads]), of, after, uint32(desired),
		attributes, flags)
	c.model = func() Result { return p.M.Next(p.caller(c), of, after, threads, desired, attributes, flags) }
	c.kernel = func() Result {
		if threads {
			out, st := p.services(c).NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: of, ThreadHandle: after,
				DesiredAccess: desired, HandleAttributes: attributes, Flags: flags})
			return p.result(c, out.NewThreadHandle, st)
		}
		out, st := p.services(c).NtGetNextProcess(nt.GetNextProcessIn{ProcessHandle: after, DesiredAccess: desired,
			HandleAttributes: attributes, Flags: flags})
		return p.result(c, out.NewProcessHandle, st)
	}
	return true
}

// Suspend models NtSuspendThread and NtResumeThread (O-144): Number is how often it was
// suspended before.
func (m *Machine) Suspend(c Caller, h winnt.Handle, resume bool) Result {
	s, st := m.reference(c, h, 2, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	t := s.Thread
	r := Result{Number: uint64(t.Suspended)}
	switch {
	case resume && t.Suspended > 0:
		t.Suspended--
	case resume:
	case t.Process.Over:
		return failed(ntstatus.ThreadIsTerminating)
	case t.Suspended == 127:
		return failed(ntstatus.SuspendCountExceeded)
	default:
		t.Suspended++
	}
	return r
}

func suspend(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, resume := p.handle(c, a, isThread, winnt.NtCurrentThread), a.coin(3)
	c.text = fmt.Sprintf("%s(%s)", c.name(map[bool]string{true: "ResumeThread", false: "SuspendThread"}[resume]), h)
	c.model = func() Result { return p.M.Suspend(p.caller(c), h, resume) }
	c.kernel = func() Result {
		if resume {
			out, st := p.services(c).NtResumeThread(nt.ResumeThreadIn{ThreadHandle: h})
			return Result{Status: st, Number: uint64(out.PreviousSuspendCount)}
		}
		out, st := p.services(c).NtSuspendThread(nt.SuspendThreadIn{ThreadHandle: h})
		return Result{Status: st, Number: uint64(out.PreviousSuspendCount)}
	}
	return true
}

// Terminate models NtTerminateProcess (O-43, O-47, O-169).
func (m *Machine) Terminate(c Caller, h winnt.Handle, status ntstatus.Status) Result {
	s, st := m.reference(c, h, 1, isProcess)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case s.Process.Over:
		return failed(ntstatus.ProcessIsTerminating)
	}
	s.Process.Over, s.Process.Status, s.Process.Handles = true, status, Table{}
	for _, t := range s.Process.Threads {
		t.Record = nil
	}
	for _, j := range s.Process.Job.chain() {
		j.Active--
	}
	return Result{}
}

func terminate(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, status := p.handle(c, a, isProcess), choose[ntstatus.Status](a, 0, 1, 0xC0000005)
	s, st := p.M.reference(p.caller(c), h, 1, isProcess)
	if st == ntstatus.Success && s.Process != p.M.Processes[last] {
		return false // it goes on calling
	}
	c.ends = true
	c.text = fmt.Sprintf("%s(%s, %s)", c.name("TerminateProcess"), h, status)
	c.model = func() Result { return p.M.Terminate(p.caller(c), h, status) }
	c.kernel = func() Result {
		_, st := p.services(c).NtTerminateProcess(nt.TerminateProcessIn{ProcessHandle: h, ExitStatus: status})
		return Result{Status: st}
	}
	return true
}
