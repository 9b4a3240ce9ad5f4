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
	g, st := kernelOpen(desired, &jobKind)
	if !c.KernelMode {
		g, st = created(c, &jobKind, desired)
	}
	if st != ntstatus.Success {
		return failed(st)
	}
	who := c.subject().token
	if guard != nil && !c.may(winnt.SeRestorePrivilege) && !who.mayOwn(guard.Owner) {
		return failed(ntstatus.InvalidOwner) // the creator must be able to assign the owner (S-61)
	}
	j := &Job{Guard: defaultGuard(who, &jobKind, guard)}
	if who.Integrity < medium {
		// What is made below Medium is labelled (O-39).
		j.Guard.Label, j.Guard.Policy = who.Integrity, 1
	}
	m.Jobs = append(m.Jobs, j)
	return Result{Handle: m.insert(c, Slot{Job: j, Granted: g}, attributes), Granted: g}
}

// SetJob models NtSetInformationJobObject (I-89).
func (m *Machine) SetJob(c Caller, h, token winnt.Handle, l Limits) Result {
	s, st := m.reference(c, h, 0x10, isJob)
	switch {
	case st != ntstatus.Success:
		return failed(st)
	case l.Flags > 15, l.Flags&4 != 0 && token == 0:
		return failed(ntstatus.InvalidParameter)
	}
	if l.Flags&4 != 0 {
		t, st := m.reference(c, token, winnt.TOKEN_ASSIGN_PRIMARY, isToken)
		switch {
		case st != ntstatus.Success:
			return failed(st)
		case t.Token.Value.Type != winnt.TokenPrimary:
			return failed(ntstatus.BadTokenType)
		case !c.may(winnt.SeAssignPrimaryTokenPrivilege) && !c.kin(t.Token):
			return failed(ntstatus.PrivilegeNotHeld)
		}
		l.Token = t.Token
	}
	return Result{Status: s.Job.SetLimits(l)}
}

// AssignJob models NtAssignProcessToJobObject (I-90, I-91).
func (m *Machine) AssignJob(c Caller, job, process winnt.Handle) Result {
	j, st := m.reference(c, job, 1, isJob)
	if st != ntstatus.Success {
		return failed(st)
	}
	p, st := m.reference(c, process, 0x101, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	return m.Assign(p.Process, j.Job)
}

func createJob(p *Pair, c *call, a *args) bool {
	c.mode(a)
	desired := choose[winnt.AccessMask](a, 0x1F003F, 0x11, maximum, winnt.GENERIC_ALL, winnt.GENERIC_WRITE, 0,
		saclBit|1, 0x400000)
	attributes := choose[uint32](a, 0, 0, winnt.OBJ_INHERIT)
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
	c.model = func() Result {
		switch {
		case class != nt.JobObjectSecurityLimitInformation:
			return failed(ntstatus.InvalidInfoClass)
		case length != 40:
			return failed(ntstatus.InfoLengthMismatch)
		}
		return p.M.SetJob(p.caller(c), h, single, l)
	}
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
