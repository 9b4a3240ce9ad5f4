package model

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

var jobKind = kind{"Job", 0x20004, 0x2000B, 0x120000, 0x1F003F, 0x1F003F, 0, 5}

func isJob(s *Slot) bool { return s.Job != nil }

// CreateJob models NtCreateJobObject of a job without a name.
func (m *Machine) CreateJob(c Caller, desired winnt.AccessMask, attributes uint32, guard *Descriptor) Result {
	o := c.creates(&jobKind, desired)
	if r, over := refuse("NtCreateJobObject", append(o.creation(), exclusiveInherited(attributes),
		c.givesOwner(guard))...); over {
		return r
	}
	o.grant()
	who := c.subject().token
	j := &Job{Guard: defaultGuard(who, &jobKind, guard)}
	if who.Integrity < medium {
		// What is made below Medium is labelled (O-39).
		j.Guard.Label, j.Guard.Policy = who.Integrity, 1
	}
	m.Jobs = append(m.Jobs, j)
	return Result{Handle: m.insert(c, Slot{Job: j, Granted: o.granted}, attributes), Granted: o.granted}
}

// SetJob models NtSetInformationJobObject (I-89).
func (m *Machine) SetJob(c Caller, h, token winnt.Handle, l Limits, class nt.JobObjectInfoClass, length uint32) Result {
	var s Slot
	only := l.Flags&4 != 0
	if r, over := refuse("NtSetInformationJobObject", append(l.replace(func() *Limits { return &s.Job.Limits }),
		when("I-89", "class", ntstatus.InvalidInfoClass, func() bool {
			return class != nt.JobObjectSecurityLimitInformation
		}),
		when("I-89", "length", ntstatus.InfoLengthMismatch, func() bool { return length != 40 }),
		m.handle(c, "O-31", "JobHandle", h, 0x10, isJob, &s),
		when("I-89", "JobToken is NULL", ntstatus.InvalidParameter, func() bool { return only && token == 0 }),
		several("T-111", "is not a valid handle", func() ntstatus.Status {
			if !only {
				return ntstatus.Success
			}
			t, st := m.reference(c, token, winnt.TOKEN_ASSIGN_PRIMARY, isToken)
			l.Token = t.Token
			return st
		}),
		when("T-111", "neither child nor sibling", ntstatus.PrivilegeNotHeld, func() bool {
			return only && !c.may(winnt.SeAssignPrimaryTokenPrivilege) && !c.kin(l.Token)
		}))...); over {
		return r
	}
	s.Job.Limits = l
	return Result{}
}

// AssignJob models NtAssignProcessToJobObject (I-90, I-91).
func (m *Machine) AssignJob(c Caller, job, process winnt.Handle) Result {
	var j, p Slot
	if r, over := refuse("NtAssignProcessToJobObject", m.handle(c, "O-31", "JobHandle", job, 1, isJob, &j),
		m.handle(c, "O-31", "ProcessHandle", process, 0x101, isProcess, &p)); over {
		return r
	}
	return m.Assign(p.Process, j.Job)
}

// createJob draws a call of NtCreateJobObject.
func createJob(p *Pair, c *call, a *args) bool {
	c.mode(a)
	desired := choose[winnt.AccessMask](a, 0x1F003F, 0x11, maximum, winnt.GENERIC_ALL, winnt.GENERIC_WRITE, 0,
		saclBit|1, 0x400000)
	attributes := choose[uint32](a, 0, 0, winnt.OBJ_INHERIT)
	if a.coin(16) {
		attributes |= 0x22
	}
	var guard *Descriptor
	if a.coin(3) {
		guard = newDraw(uint64(a.op.Args[6])).guard()
		guard.Label, guard.Policy = 0, 0
		if who := p.M.Threads[c.thread].subject().token; !a.coin(3) {
			guard.Owner = who.User
		}
	}
	c.text = fmt.Sprintf("%s(%#x, %#x, %s)", c.name("CreateJobObject"), uint32(desired), attributes, guard)
	c.model = func() Result { return p.M.CreateJob(p.caller(c), desired, attributes, guard) }
	c.kernel = func() Result {
		out, st := p.services(c).NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: desired,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{Attributes: attributes, SecurityDescriptor: descriptor(guard)})})
		return p.result(c, out.JobHandle, st)
	}
	return true
}

// setJob draws a call of NtSetInformationJobObject, mostly for a job.
func setJob(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.handle(c, a, a.with(isJob, 0x10))
	l := Limits{Flags: choose[uint32](a, 1, 2, 4, 8, 8, 9, 3, 16, 0)}
	if s, st := p.M.reference(p.caller(c), h, 0, isJob); st == ntstatus.Success && !a.coin(3) {
		// mostly what is in force, and more
		l.Flags |= s.Job.Limits.Flags
		l.Filter = s.Job.Limits.Filter
	}
	if l.Flags&8 != 0 && (a.coin(4) || len(l.Filter.Disable)+len(l.Filter.Restrict)+count(l.Filter.Delete) == 0) {
		f := a.filter()
		l.Filter = Filter{Disable: f.Disable, Delete: f.Delete, Restrict: f.Restrict}
	}
	single := p.handle(c, a, a.with(func(s *Slot) bool {
		return s.Token != nil && s.Token.Value.Type == winnt.TokenPrimary
	}, 1))
	if a.coin(8) {
		single = 0
	}
	length, class := choose[uint32](a, 40, 40, 40, 40, 40, 40, 8), nt.JobObjectSecurityLimitInformation
	if a.coin(16) {
		class++
	}
	c.text = fmt.Sprintf("%s(%s, class %d, limits %d, token %s, %+v, %d)", c.name("SetInformationJobObject"), h, class,
		l.Flags, single, l.Filter, length)
	c.model = func() Result { return p.M.SetJob(p.caller(c), h, single, l, class, length) }
	c.kernel = func() Result {
		in := l.Filter.in()
		_, st := p.services(c).NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: h,
			JobObjectInformationClass: class, JobObjectInformationLength: length,
			JobObjectInformation: nt.Cap(&nt.JobSecurityLimitInformation{SecurityLimitFlags: l.Flags, JobToken: single,
				SidsToDisable: in.SIDsToDisable.V, PrivilegesToDelete: in.PrivilegesToDelete.V,
				RestrictedSids: in.RestrictedSIDs.V})})
		return Result{Status: st}
	}
	return true
}

// assignJob draws a call of NtAssignProcessToJobObject.
func assignJob(p *Pair, c *call, a *args) bool {
	c.mode(a)
	job, process := p.handle(c, a, a.with(isJob, 1)), p.handle(c, a, a.with(isProcess, 0x101), winnt.NtCurrentProcess)
	s, st := p.M.reference(p.caller(c), process, 0, isProcess)
	if st == ntstatus.Success && s.Process.Over {
		return false
	}
	c.text = fmt.Sprintf("%s(%s, %s)", c.name("AssignProcessToJobObject"), job, process)
	c.model = func() Result { return p.M.AssignJob(p.caller(c), job, process) }
	c.kernel = func() Result {
		_, st := p.services(c).NtAssignProcessToJobObject(nt.AssignProcessToJobObjectIn{JobHandle: job,
			ProcessHandle: process})
		r := Result{Status: st}
		if st.IsSuccess() {
			r.Token = p.id(p.processes[slices.Index(p.M.Processes, s.Process)].Object().PrimaryToken())
		}
		return r
	}
	return true
}
