package services_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// In user mode, an empty list is rejected before everything else. An unreadable list does not count as empty, and is
// rejected after the token.
func TestResultListErrorsComeInOrder(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	primary := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	w.impersonate(k, client, winnt.SecurityImpersonation)
	defer k.PsRevertToSelf()
	h := check.Result(th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
	in := nt.AccessCheckByTypeIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;0x1;;;WD)")), ClientToken: h,
		DesiredAccess: 1, GenericMapping: nt.Cap(winnt.GenericMapping{}), PrivilegeSetLength: 100,
		ObjectTypeList: nt.Cap(make([]access.ObjectTypeEntry, 1))}
	for _, c := range []struct {
		name   string
		change func(*nt.AccessCheckByTypeIn)
		want   ntstatus.Status
	}{
		{"valid", func(*nt.AccessCheckByTypeIn) {}, ntstatus.Success},
		{"empty list and bad token", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.ClientToken = nil, 0x7770
		}, ntstatus.InvalidParameter},
		{"unread, and the token", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.ObjectTypeList.Status, in.ClientToken = nil, unread(1), 0x7770
		}, ntstatus.InvalidHandle},
		{"unread", func(in *nt.AccessCheckByTypeIn) { in.ObjectTypeList.V, in.ObjectTypeList.Status = nil, unread(1) },
			unread(1)},
		{"unread, and a primary token", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.ObjectTypeList.Status, in.ClientToken = nil, unread(1), primary
		}, ntstatus.NoImpersonationToken},
		{"unread, and the right to the SACL", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.ObjectTypeList.Status = nil, unread(1)
			in.DesiredAccess = winnt.ACCESS_SYSTEM_SECURITY
		}, unread(1)},
		{"the mapping, and empty", func(in *nt.AccessCheckByTypeIn) {
			in.ObjectTypeList.V, in.GenericMapping.Status = nil, unread(2)
		}, unread(2)},
		{"the owner, and the SID", func(in *nt.AccessCheckByTypeIn) {
			in.SecurityDescriptor, in.PrincipalSelfSid.Status = nt.Cap(sddl.MustParse("G:BAD:")), unread(3)
		}, ntstatus.InvalidSecurityDescr},
		{"the group, and the SID", func(in *nt.AccessCheckByTypeIn) {
			in.SecurityDescriptor, in.PrincipalSelfSid.Status = nt.Cap(sddl.MustParse("O:BAD:")), unread(3)
		}, ntstatus.InvalidSecurityDescr},
		{"the descriptor, and its owner", func(in *nt.AccessCheckByTypeIn) {
			in.SecurityDescriptor.V, in.SecurityDescriptor.Status = nil, unread(4)
		}, unread(4)},
		{"room, where the answer needs none (A-16)", func(in *nt.AccessCheckByTypeIn) {
			in.PrivilegeSetLength, in.DesiredAccess = 0, winnt.ACCESS_SYSTEM_SECURITY
		}, ntstatus.Success},
		{"room, and the descriptor", func(in *nt.AccessCheckByTypeIn) {
			in.PrivilegeSetLength, in.SecurityDescriptor.Status = 19, unread(4)
		}, ntstatus.BufferTooSmall},
	} {
		one := in
		c.change(&one)
		out, st := th.Services().NtAccessCheckByTypeResultList(one)
		want(t, c.name, st, c.want)
		single, _ := th.Services().NtAccessCheckByType(one)
		need := [2]uint32{out.PrivilegeSetLength, single.PrivilegeSetLength}
		check.That(t, c.want != ntstatus.BufferTooSmall || need == [2]uint32{20, 20},
			"%s: required privilege set lengths %v, want 20", c.name, need)
	}
	in.ObjectTypeList.V = nil
	_, st := k.Zw().Services().NtAccessCheckByTypeResultList(in)
	want(t, "an empty list from kernel mode", st, ntstatus.Success)
	in.PrincipalSelfSid.Status = unread(3)
	want(t, "A-20: the SID without a list", check.Status(th.Services().NtAccessCheckByType(in)), unread(3))
}

// The explanation of a denied check has the type name that the server passed, for types of the system and for the
// server's own (U-55).
func TestExplanationNamesTheGivenType(t *testing.T) {
	w := recorded(t, audit.NewMemory(0, 0), audit.Options{})
	s := w.auditServer(t, winnt.SecurityIdentification)
	s.RecordWhy(true)
	for _, name := range []string{"Event", "thing"} {
		out, st := s.NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("Process"),
			ObjectTypeName: nt.Cap(name), ObjectName: nt.Cap("Thread"), DesiredAccess: 2,
			SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:"))})
		if want(t, name, st, ntstatus.Success); out.AccessStatus != ntstatus.AccessDenied {
			t.Errorf("type %s: %+v, want access status %v", name, out, ntstatus.AccessDenied)
		}
		why := s.TakeWhy()
		check.That(t, why.Explanation != nil && why.Explanation.Record().Type == name,
			"type %s: reason %+v, want an explanation that names the type", name, why)
	}
}

// Each form of the check returns the privileges that it used, and an empty set if it used none.
func TestChecksReturnUsedPrivileges(t *testing.T) {
	spec := token.LocalSystem()
	spec.EnabledPrivileges = spec.Privileges
	sys, th := userThread(t, spec)
	client := token.NetworkUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	const both = winnt.PrivilegeSet(1<<winnt.SeSecurityPrivilege | 1<<winnt.SeTakeOwnershipPrivilege)
	client.Privileges |= both
	client.EnabledPrivileges |= both
	v := check.Must(token.New(client))
	k := sys.KernelMode(th)
	tok := k.NewToken(v)
	defer k.PsDereferenceImpersonationToken(tok)
	h := check.Result(k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_QUERY, winnt.TokenObject, kernel.KernelMode))
	for desired, want := range map[winnt.AccessMask]winnt.PrivilegeSet{winnt.FILE_READ_DATA: 0,
		winnt.FILE_READ_DATA | winnt.ACCESS_SYSTEM_SECURITY: winnt.SeSecurityPrivilege.Bit(),
		winnt.WRITE_OWNER | winnt.ACCESS_SYSTEM_SECURITY:    both} {
		room := uint32(20)
		if want == both {
			room = 20 + 12
		}
		in := nt.AccessCheckByTypeIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")),
			ClientToken: h, DesiredAccess: desired, GenericMapping: nt.Cap(winnt.FileObject.Mapping),
			PrivilegeSetLength: room, ObjectTypeList: nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{1}}})}
		one, st1 := th.Services().NtAccessCheckByType(in)
		list, st2 := th.Services().NtAccessCheckByTypeResultList(in)
		method, st3 := th.NtAccessCheck(in.SecurityDescriptor.V, h, desired, winnt.FileObject.Mapping)
		check.RequireThat(t, st1 == ntstatus.Success && st2 == ntstatus.Success && st3 == ntstatus.Success,
			"A-22: single and list check, and the method: %v, %v, %v, want success", st1, st2, st3)
		check.Equal(t, [2]uint32{one.PrivilegeSetLength, list.PrivilegeSetLength}, [2]uint32{room, room},
			"A-22: lengths")
		for name, set := range map[string]*nt.PrivilegeSet{"one result": one.PrivilegeSet, "a list": list.PrivilegeSet,
			"the method": method.PrivilegeSet} {
			var got winnt.PrivilegeSet
			if set == nil {
				t.Errorf("A-22: %s: no privilege set, want an empty or filled one", name)
				continue
			}
			for _, p := range set.Privilege {
				got |= winnt.Privilege(p.LUID).Bit()
			}
			check.Equal(t, got, want, "A-22: %s with desired access %#x: privileges", name, uint32(desired))
		}
		free, st := k.Zw().Services().NtAccessCheckByType(in)
		check.That(t, st == ntstatus.Success && free.GrantedAccess == desired && free.PrivilegeSet != nil &&
			len(free.PrivilegeSet.Privilege) == 0, "A-22, A-27: kernel mode: %v, %+v, want an empty set", st, free)
		each, st := k.Zw().Services().NtAccessCheckByTypeResultList(in)
		check.That(t, st == ntstatus.Success && slices.Equal(each.GrantedAccess, []winnt.AccessMask{desired}) &&
			slices.Equal(each.AccessStatus, []ntstatus.Status{ntstatus.Success}), "A-27: kernel mode: %v, %+v", st, each)
	}
}

// TestNtAccessCheckErrorsAndOutputs checks the order of the errors, and the outputs of a granted and a
// denied check.
func TestNtAccessCheckErrorsAndOutputs(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	opened := func(level winnt.SecurityImpersonationLevel) winnt.Handle {
		tok := w.token(k, client, level)
		return check.Result(k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_QUERY, winnt.TokenObject, kernel.KernelMode))
	}
	named, anonymous := opened(winnt.SecurityIdentification), opened(winnt.SecurityAnonymous)
	primary, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	want(t, "open", st, ntstatus.Success)
	check := func(in nt.AccessCheckIn) (nt.AccessCheckOut, ntstatus.Status) { return th.Services().NtAccessCheck(in) }
	in := nt.AccessCheckIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;0x3;;;WD)")), ClientToken: named,
		DesiredAccess: 1, GenericMapping: nt.Cap(winnt.FileObject.Mapping), PrivilegeSetLength: 20}
	badHandles(t, th, primary, winnt.TOKEN_DUPLICATE, winnt.NtCurrentProcess, func(h winnt.Handle) ntstatus.Status {
		one := in
		one.ClientToken = h
		_, st := check(one)
		return st
	})
	checkOrder(t, "NtAccessCheck", in, func(in nt.AccessCheckIn) ntstatus.Status {
		out, st := check(in)
		if st != ntstatus.Success && (out.AccessStatus != 0 || out.GrantedAccess != 0 || out.PrivilegeSet != nil) {
			t.Errorf("NtAccessCheck failed with %v but returned %+v, want no output", st, out)
		}
		return st
	}, []rung[nt.AccessCheckIn]{
		{"the mapping", unread(1), func(in *nt.AccessCheckIn) { in.GenericMapping.Status = unread(1) }},
		{"a generic bit", ntstatus.GenericNotMapped, func(in *nt.AccessCheckIn) { in.DesiredAccess |= winnt.GENERIC_READ }},
		{"the token", ntstatus.NoImpersonationToken, func(in *nt.AccessCheckIn) { in.ClientToken = primary }},
		{"the room", ntstatus.BufferTooSmall, func(in *nt.AccessCheckIn) { in.PrivilegeSetLength = 19 }},
		{"the descriptor", unread(2), func(in *nt.AccessCheckIn) { in.SecurityDescriptor.Status = unread(2) }},
		{"the owner", ntstatus.InvalidSecurityDescr,
			func(in *nt.AccessCheckIn) { in.SecurityDescriptor.V = sddl.MustParse("G:BAD:") }},
	})
	one := in
	one.ClientToken = anonymous
	_, st = check(one)
	want(t, "A-15: below SecurityIdentification", st, ntstatus.BadImpersonationLevel)
	for _, c := range []struct {
		name             string
		desired, granted winnt.AccessMask
		verdict          ntstatus.Status
		set              bool
	}{
		{"all requested rights", 3, 3, ntstatus.Success, true},
		{"as much as there is", winnt.MAXIMUM_ALLOWED, 3, ntstatus.Success, true},
		{"more than there is", 5, 0, ntstatus.AccessDenied, true},
		{"A-24: nothing", 0, 0, ntstatus.AccessDenied, true},
		{"A-16: the SACL", winnt.ACCESS_SYSTEM_SECURITY | 1, 0, ntstatus.PrivilegeNotHeld, false},
	} {
		one := in
		one.DesiredAccess = c.desired
		out, st := check(one)
		if st != ntstatus.Success || out.AccessStatus != c.verdict || out.GrantedAccess != c.granted ||
			(out.PrivilegeSet != nil) != c.set || out.PrivilegeSetLength != 20 {
			t.Errorf("%s: %v, %+v, want access status %v granting %#x", c.name, st, out, c.verdict, uint32(c.granted))
		}
	}
}
