package model

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// used returns the privileges that a check uses, even if it fails later.
func used(v *Value, d *Descriptor, desired winnt.AccessMask, k *kind) (list []nt.LUIDAndAttributes) {
	add := func(p winnt.Privilege) {
		list = append(list, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS})
	}
	if desired&saclBit != 0 {
		if !v.Enabled.has(winnt.SeSecurityPrivilege) {
			return nil
		}
		add(winnt.SeSecurityPrivilege)
	}
	switch ceiling := ceilingOf(v, d, k); {
	case desired&winnt.WRITE_OWNER == 0:
	case desired&maximum == 0 && desired&^ceiling != 0: // the label comes first
	case v.Enabled.has(winnt.SeTakeOwnershipPrivilege):
		add(winnt.SeTakeOwnershipPrivilege)
	case v.Enabled.has(winnt.SeRelabelPrivilege):
		add(winnt.SeRelabelPrivilege)
	}
	return list
}

// checkSubject draws a call of SeAccessCheck.
func checkSubject(p *Pair, c *call, a *args) bool {
	if len(p.subjects) == 0 {
		return false
	}
	i, desired := a.n(len(p.subjects)), fileMask(a)&^reserved
	guard := newDraw(uint64(a.op.Args[6])).guard()
	previous := choose[winnt.AccessMask](a, 0, 0, 0, winnt.READ_CONTROL, winnt.GENERIC_READ, 0x2)
	mode := choose(a, access.User, access.User, access.User, access.User, access.Kernel)
	in := kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(descriptor(guard)), DesiredAccess: desired,
		PreviouslyGrantedAccess: previous, GenericMapping: nt.Cap(winnt.FileObject.Mapping), AccessMode: mode}
	missing := a.coin(12)
	if missing {
		in.SecurityDescriptor.V = nil
	}
	c.text = fmt.Sprintf("SeAccessCheck(subject %d, %s, none %t, %#x, previously %#x, %v)", i, guard, missing,
		uint32(desired), uint32(previous), mode)
	c.model = func() Result { return p.M.CheckSubject(i, guard, missing, desired, previous, mode == access.Kernel) }
	c.kernel = func() Result {
		in.SubjectSecurityContext = p.subjects[i]
		out := p.modes[c.thread].SeAccessCheck(in)
		r := Result{Granted: out.GrantedAccess, Verdict: out.AccessStatus, Flag: out.Result}
		if out.Privileges != nil {
			r.Out = printed(out.Privileges.Privilege)
		}
		return r
	}
	return true
}

// CheckSubject models SeAccessCheck with a file's mapping.
func (m *Machine) CheckSubject(i int, d *Descriptor, missing bool, desired, previous winnt.AccessMask,
	kernel bool) Result {
	s := m.Subjects[i].subject()
	mapped, before := fileKind.mapped(desired), fileKind.mapped(previous)
	all := mapped | before
	if mapped&maximum != 0 {
		all |= fileKind.all
	}
	verdict := func(rule string, st ntstatus.Status, holds func() bool) refusal {
		return ending(rule, "", Result{Verdict: st}, holds)
	}
	if r, over := refuse("SeAccessCheck",
		ending("A-31", "", Result{Granted: all &^ maximum, Flag: true}, func() bool { return kernel }),
		verdict("A-32", ntstatus.AccessDenied, func() bool { return missing }),
		// A client below SecurityImpersonation is refused.
		verdict("A-30", ntstatus.BadImpersonationLevel, func() bool { return s.client && s.level < 2 }),
		verdict("A-33", ntstatus.AccessDenied, func() bool { return mapped == 0 && before == 0 }),
		verdict("A-50", ntstatus.PrivilegeNotHeld, func() bool {
			return mapped&^before&saclBit != 0 && !s.token.Enabled.has(winnt.SeSecurityPrivilege)
		})); over {
		return r
	}
	// What was granted before is part of the result and not checked again.
	left := mapped &^ before
	if left == 0 {
		return Result{Granted: before, Flag: true}
	}
	r := Result{Out: printed(used(s.token, d, left, &fileKind))}
	g, st := decide(s.token, d, left, &fileKind)
	if st != ntstatus.Success && left&maximum != 0 && before != 0 && left&^maximum == 0 {
		g, st = 0, ntstatus.Success // something was granted before
	}
	if r.Verdict = st; st == ntstatus.Success {
		r.Granted, r.Flag = g|before, true
	}
	return r
}

// subject returns the subject of a captured context.
func (s *Subject) subject() subject {
	if s.Client != nil {
		return subject{&s.Client.Value, true, s.Level}
	}
	return subject{token: &s.Primary.Value}
}

// accessCheck draws a call of NtAccessCheck. It always finds one.
func accessCheck(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired := p.queryHandle(c, a), fileMask(a)
	guard := newDraw(uint64(a.op.Args[6])).guard()
	if a.coin(12) {
		guard.Group = ""
	}
	byType, each := a.coin(3), a.coin(2)
	service := "NtAccessCheck"
	switch {
	case byType && each:
		service = "NtAccessCheckByTypeResultList"
	case byType:
		service = "NtAccessCheckByType"
	}
	c.text = fmt.Sprintf("%s(%s, %s, %#x)", c.name("AccessCheck"), h, guard, uint32(desired))
	in := nt.AccessCheckByTypeIn{SecurityDescriptor: nt.Cap(descriptor(guard)), ClientToken: h, DesiredAccess: desired,
		GenericMapping: nt.Cap(winnt.FileObject.Mapping), PrivilegeSetLength: 1 << 16}
	// Each property has its own part of what a list of results denies, which is not the
	// model's.
	parts := func(r Result) Result {
		if byType && each && r.Verdict == ntstatus.AccessDenied {
			return Result{Status: r.Status, Verdict: r.Verdict}
		}
		return r
	}
	c.model = func() Result { return parts(p.M.AccessCheck(p.caller(c), service, h, guard, desired)) }
	if byType {
		// No entry of the model is for a property: each has the same answer.
		in.ObjectTypeList = nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{1}},
			{Level: 1, GUID: winnt.GUID{2}}})
	}
	c.kernel = func() Result {
		var out nt.AccessCheckOut
		var st ntstatus.Status
		switch {
		case byType && each:
			var all nt.AccessCheckByTypeResultListOut
			all, st = p.services(c).NtAccessCheckByTypeResultList(in)
			out = nt.AccessCheckOut{PrivilegeSet: all.PrivilegeSet, PrivilegeSetLength: all.PrivilegeSetLength}
			if st.IsSuccess() {
				out.GrantedAccess, out.AccessStatus = all.GrantedAccess[0], all.AccessStatus[0]
				if len(all.AccessStatus) != 2 || all.GrantedAccess[1] != out.GrantedAccess ||
					all.AccessStatus[1] != out.AccessStatus {
					return Result{Status: st, Out: fmt.Sprintf("%+v", all)}
				}
			}
		case byType:
			out, st = p.services(c).NtAccessCheckByType(in)
		default:
			out, st = p.services(c).NtAccessCheck(nt.AccessCheckIn{SecurityDescriptor: in.SecurityDescriptor,
				ClientToken: h, DesiredAccess: desired, GenericMapping: in.GenericMapping,
				PrivilegeSetLength: in.PrivilegeSetLength})
		}
		r := Result{Status: st, Granted: out.GrantedAccess, Verdict: out.AccessStatus}
		if st.IsSuccess() {
			r.Out, r.Number = privilegeSet(out.PrivilegeSet), uint64(out.PrivilegeSetLength)
		}
		return parts(r)
	}
	return true
}
