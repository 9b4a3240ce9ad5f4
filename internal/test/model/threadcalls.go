package model

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// openObject opens a process or thread that was found by its id. It fails if s is empty, which means that none was
// found (O-37).
func (m *Machine) openObject(c Caller, s Slot, thread bool, desired winnt.AccessMask, attributes uint32) Result {
	service, k := "NtOpenProcess", &processKind
	if thread {
		service, k = "NtOpenThread", &threadKind
	}
	o := c.opens(k, desired, func() *Descriptor { return s.guard() })
	// SeDebugPrivilege grants what is asked, without a check.
	o.creator = o.who.holds(winnt.SeDebugPrivilege) && desired != 0
	if r, over := refuse(service, append(o.refusals("I-1", "O-33", ""),
		when("O-22", "wrong Length", ntstatus.InvalidParameter, func() bool { return attributes&^0x1FF2 != 0 }),
		exclusiveInherited(attributes),
		when("O-37", "no such", ntstatus.InvalidCid, func() bool { return !s.used() }),
		when("O-22", "the type does not support", ntstatus.InvalidParameter, func() bool {
			return attributes&k.invalid != 0
		}))...); over {
		return r
	}
	s.Granted = o.granted
	return Result{Handle: m.insert(c, s, attributes), Granted: s.Granted}
}

// Next models NtGetNextProcess, and NtGetNextThread if threads is true (O-37, O-163). It skips objects that the
// caller may not open.
func (m *Machine) Next(c Caller, of, after winnt.Handle, threads bool, desired winnt.AccessMask, attributes,
	flags uint32) Result {
	var p, t Slot
	var all []Slot // in the order of their ids
	var from winnt.Handle
	o := c.creates(&processKind, desired)
	refusals := []refusal{o.reserved(), o.sacl("O-30"), exclusiveInherited(attributes),
		when("O-22", "", ntstatus.InvalidParameter, func() bool {
			return threads && flags > 1 || !threads && flags != 0 || attributes&^0x1FF2 != 0
		})}
	if threads {
		refusals = append(refusals, m.handle(c, "O-31", "ProcessHandle", of, 0x400, isProcess, &p),
			several("O-31", "ThreadHandle is not a valid handle", func() (st ntstatus.Status) {
				if after != 0 {
					t, st = m.reference(c, after, 0, isThread)
				}
				return st
			}),
			when("O-37", "another process", ntstatus.InvalidParameter, func() bool {
				return after != 0 && t.Thread.Process != p.Process
			}))
	} else {
		refusals = append(refusals, m.handle(c, "O-31", "ProcessHandle", after, 0, isProcess, &p))
	}
	if r, over := refuse(map[bool]string{true: "NtGetNextThread", false: "NtGetNextProcess"}[threads],
		refusals...); over {
		return r
	}
	if threads {
		for _, t := range p.Process.Threads {
			if !t.Process.Over {
				all = append(all, Slot{Thread: t})
			}
		}
		if after != 0 {
			from = t.Thread.ID
		}
	} else {
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
		if r := m.openObject(c, s, threads, desired, attributes); r.Status != ntstatus.AccessDenied {
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

// nextOne draws a call of NtGetNextThread or NtGetNextProcess. It returns false for walks that the model cannot
// predict.
func nextOne(p *Pair, c *call, a *args) bool {
	c.mode(a)
	threads := !a.coin(3)
	of, after := p.handle(c, a, isProcess, winnt.NtCurrentProcess), p.handle(c, a, isProcess, winnt.NtCurrentProcess)
	if threads {
		if after = p.handle(c, a, isThread, winnt.NtCurrentThread); a.coin(2) {
			after = 0
		}
		s, st := p.M.reference(p.caller(c), of, 0, isProcess)
		if st == ntstatus.Success && s.Process.Over {
			return false // threads that ended are there as long as references that the model does not count (O-171)
		}
		if after != 0 && st == ntstatus.Success && !a.coin(4) {
			// mostly one of that process
			after = p.handle(c, a, func(o *Slot) bool { return o.Thread != nil && o.Thread.Process == s.Process }, after)
		}
	} else if after == 0 {
		return false // the walk over all of them begins with the System process, which is not the model's
	}
	desired := choose[winnt.AccessMask](a, 0x40, 0x400, 0x1FFFFF, maximum, winnt.GENERIC_READ, 0x1000, 0x800, saclBit, 0)
	attributes := choose[uint32](a, 0, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, 0x10, 0x2000, 0x22)
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
	var s Slot
	service, refusals := "NtResumeThread", []refusal{m.handle(c, "O-31", "ThreadHandle", h, 2, isThread, &s)}
	if !resume {
		service, refusals = "NtSuspendThread", append(refusals,
			when("O-144", "has ended", ntstatus.ThreadIsTerminating, func() bool { return s.Thread.Process.Over }),
			when("O-144", "127", ntstatus.SuspendCountExceeded, func() bool { return s.Thread.Suspended == 127 }))
	}
	if r, over := refuse(service, refusals...); over {
		return r
	}
	r := Result{Number: uint64(s.Thread.Suspended)}
	switch {
	case !resume:
		s.Thread.Suspended++
	case s.Thread.Suspended > 0:
		s.Thread.Suspended--
	}
	return r
}

// suspend draws a call of NtSuspendThread or NtResumeThread.
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
	var s Slot
	if r, over := refuse("NtTerminateProcess", m.handle(c, "O-31", "ProcessHandle", h, 1, isProcess, &s),
		when("O-169", "", ntstatus.ProcessIsTerminating, func() bool { return s.Process.Over })); over {
		return r
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

// terminate draws a call of NtTerminateProcess. It returns false for every process but the last, because the others
// make calls.
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
