package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestAuditedCheckTestsItsInputInOrder checks the order of an access check that writes an audit record: type, the
// thread's client, list size, mapping and outputs, then token, privilege, generic rights, descriptor, names, the
// object's own SID and the list (U-45 to U-53).
func TestAuditedCheckTestsItsInputInOrder(t *testing.T) {
	s, mute := alarmWorld(t)
	type checking struct {
		nt.AccessCheckAndAuditAlarmByHandleIn
		mute bool
	}
	in := checking{AccessCheckAndAuditAlarmByHandleIn: nt.AccessCheckAndAuditAlarmByHandleIn{SubsystemName: nt.Cap("s"),
		ClientToken: s.client, ObjectTypeName: nt.Cap("t"), ObjectName: nt.Cap("o"),
		SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:")), DesiredAccess: 1, PrincipalSelfSid: nt.Cap(sid.SID{}),
		AuditType: nt.AuditEventDirectoryServiceAccess, ObjectTypeList: nt.Cap(make([]access.ObjectTypeEntry, 1)),
		GenericMapping: nt.Cap(winnt.GenericMapping{})}}
	typeRung := rung[checking]{"the audit type", ntstatus.InvalidParameter,
		func(in *checking) { in.AuditType = nt.AuditEventDirectoryServiceAccess + 1 }}
	sizeRung := rung[checking]{"the size of the list", ntstatus.InvalidParameter,
		func(in *checking) { in.ObjectTypeList.V = nil }}
	tokenRung := rung[checking]{"the token", ntstatus.InvalidHandle, func(in *checking) { in.ClientToken = 0x7770 }}
	rungs := []rung[checking]{
		{"the mapping", unread(1), func(in *checking) { in.GenericMapping.Status = unread(1) }},
		{"an output", unread(2), func(in *checking) { in.FaultOutputs = unread(2) }},
		{"the privilege", ntstatus.PrivilegeNotHeld, func(in *checking) { in.mute = true }},
		{"a generic right", ntstatus.GenericNotMapped, func(in *checking) { in.DesiredAccess |= winnt.GENERIC_READ }},
		{"the descriptor", unread(3), func(in *checking) { in.SecurityDescriptor.Status = unread(3) }},
		{"the subsystem", unread(4), func(in *checking) { in.SubsystemName.Status = unread(4) }},
		{"the type's name", unread(5), func(in *checking) { in.ObjectTypeName.Status = unread(5) }},
		{"the name", unread(6), func(in *checking) { in.ObjectName.Status = unread(6) }},
	}
	selfRung := rung[checking]{"the SID", unread(7), func(in *checking) { in.PrincipalSelfSid.Status = unread(7) }}
	listRung := rung[checking]{"the list", unread(8), func(in *checking) { in.ObjectTypeList.Status = unread(8) }}
	who := func(in *checking) nt.Services {
		if in.mute {
			return mute
		}
		return s
	}
	typed := func(in *checking) nt.AccessCheckByTypeAndAuditAlarmIn {
		return nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: in.SubsystemName, ObjectTypeName: in.ObjectTypeName,
			ObjectName: in.ObjectName, SecurityDescriptor: in.SecurityDescriptor, PrincipalSelfSid: in.PrincipalSelfSid,
			DesiredAccess: in.DesiredAccess, AuditType: in.AuditType, ObjectTypeList: in.ObjectTypeList,
			GenericMapping: in.GenericMapping, FaultOutputs: in.FaultOutputs}
	}
	checkOrder(t, "NtAccessCheckAndAuditAlarm", in, func(in checking) ntstatus.Status {
		_, st := who(&in).NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{SubsystemName: in.SubsystemName,
			ObjectTypeName: in.ObjectTypeName, ObjectName: in.ObjectName, SecurityDescriptor: in.SecurityDescriptor,
			DesiredAccess: in.DesiredAccess, GenericMapping: in.GenericMapping, FaultOutputs: in.FaultOutputs})
		return st
	}, rungs)
	with := func(all ...[]rung[checking]) (out []rung[checking]) {
		for _, l := range all {
			out = append(out, l...)
		}
		return out
	}
	last := []rung[checking]{selfRung, listRung}
	checkOrder(t, "NtAccessCheckByTypeAndAuditAlarm", in, func(in checking) ntstatus.Status {
		return check.Status(who(&in).NtAccessCheckByTypeAndAuditAlarm(typed(&in)))
	}, with([]rung[checking]{typeRung}, rungs, last))
	checkOrder(t, "NtAccessCheckByTypeResultListAndAuditAlarm", in, func(in checking) ntstatus.Status {
		return check.Status(who(&in).NtAccessCheckByTypeResultListAndAuditAlarm(typed(&in)))
	}, with([]rung[checking]{typeRung}, rungs, last))
	checkOrder(t, "NtAccessCheckByTypeResultListAndAuditAlarmByHandle", in, func(in checking) ntstatus.Status {
		if in.mute && in.ClientToken == s.client {
			var st ntstatus.Status
			in.ClientToken, st = nt.NewThread(mute, "").NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY,
				true)
			want(t, "open", st, ntstatus.Success)
		}
		_, st := who(&in).NtAccessCheckByTypeResultListAndAuditAlarmByHandle(in.AccessCheckAndAuditAlarmByHandleIn)
		return st
	}, with([]rung[checking]{typeRung}, rungs[:2], []rung[checking]{tokenRung}, rungs[2:], last))

	for n, wanted := range map[int]ntstatus.Status{0: ntstatus.InvalidParameter, 1: unread(1), 4096: unread(1),
		4097: ntstatus.InvalidParameter} {
		sized := in
		sized.ObjectTypeList.V, sized.GenericMapping.Status = make([]access.ObjectTypeEntry, n), unread(1)
		_, st := s.NtAccessCheckByTypeResultListAndAuditAlarm(typed(&sized))
		want(t, "U-47: the size of the list", st, wanted)
		sizeRung.invalidate(&sized)
		sized.ObjectTypeList.Status = unread(8)
		_, st = s.NtAccessCheckByTypeResultListAndAuditAlarm(typed(&sized))
		want(t, "U-47: a list that cannot be read has no size", st, unread(1))
	}
}

// An audited access check uses the thread's client, or the client of a given token, and all of its parameters. It
// maps generic rights in the SACL with the given mapping (U-13, U-20, U-46, U-49, U-54, U-58).
func TestAuditedCheckRecordsClientAndMappedRights(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	s := w.auditServer(t, winnt.SecurityIdentification)
	who, own := " SubjectUserSid="+acting, s.by+" PrimaryUserSid="+svc
	types := nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{0xa}}, {Level: 1, GUID: winnt.GUID{0xb}},
		{Level: 1, GUID: winnt.GUID{0xc}}})
	d := nt.Cap(sddl.MustParse("O:BAG:SYD:(A;;0x2;;;WD)(A;;0x4;;;PS)" +
		"(OA;;0x8;0000000b-0000-0000-0000-000000000000;;WD)S:(AU;SAFA;GR;;;WD)"))
	mapping := nt.Cap(winnt.GenericMapping{Read: 0xe})
	plain := nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("sub"), HandleID: 0x48, ObjectTypeName: nt.Cap("File"),
		ObjectName: nt.Cap("obj"), SecurityDescriptor: d, DesiredAccess: 2, GenericMapping: mapping}
	typed := nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: nt.Cap("sub"), HandleID: 0x4c,
		ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("obj"), SecurityDescriptor: d,
		PrincipalSelfSid: nt.Cap(sid.MustParse(acting)), DesiredAccess: 4,
		AuditType: nt.AuditEventDirectoryServiceAccess, ObjectTypeList: types, GenericMapping: mapping}
	list := typed
	list.HandleID, list.ObjectTypeName, list.DesiredAccess = 0x50, nt.Cap("thing"), 8
	given := nt.AccessCheckAndAuditAlarmByHandleIn{SubsystemName: nt.Cap("sub"), HandleID: 0x54, ClientToken: s.client,
		ObjectTypeName: nt.Cap("DS"), ObjectName: nt.Cap("obj"), SecurityDescriptor: d,
		PrincipalSelfSid: nt.Cap(sid.MustParse(client)), DesiredAccess: 4, ObjectTypeList: types,
		GenericMapping: mapping}
	mute, k := w.thread(w.process("mute", winnt.SeImpersonatePrivilege))
	tok := k.CaptureToken(value(t, acting, winnt.TokenPrimary, 0), k.Thread())
	check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityIdentification))
	k.PsDereferenceImpersonationToken(tok)
	defer k.PsRevertToSelf()
	quiet := typed
	quiet.Flags, quiet.ObjectTypeList.V = winnt.AUDIT_ALLOW_NO_PRIVILEGE, nil
	for name, c := range map[string]struct {
		do   func() []any
		want []string
	}{
		"by type, of a primary token, without the privilege and a list": {func() []any {
			out, st := mute.Services().NtAccessCheckByTypeAndAuditAlarm(quiet)
			return []any{out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st}
		}, []string{"[0x4 STATUS_SUCCESS false STATUS_SUCCESS]"}},
		"plain": {func() []any {
			out, st := s.NtAccessCheckAndAuditAlarm(plain)
			return []any{out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st}
		}, []string{"[0x2 STATUS_SUCCESS true STATUS_SUCCESS]", "4656" + who +
			" ObjectServer=sub ObjectType=File ObjectName=obj HandleId=0x48 AccessMask=0x2" + s.by +
			" ResourceAttributes=S:AI PrimaryUserSid=" + svc}},
		"by type": {func() []any {
			out, st := s.NtAccessCheckByTypeAndAuditAlarm(typed)
			return []any{out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st}
		}, []string{"[0x4 STATUS_SUCCESS true STATUS_SUCCESS]", "4656" + who +
			" ObjectServer=sub ObjectType=Event ObjectName=obj HandleId=0x4c AccessMask=0x4" + own}},
		"list": {func() []any {
			out, st := s.NtAccessCheckByTypeResultListAndAuditAlarm(list)
			return []any{out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st}
		}, []string{"[[0x0 0x8 0x0] [STATUS_ACCESS_DENIED STATUS_SUCCESS STATUS_ACCESS_DENIED] true STATUS_SUCCESS]",
			"4656" + who + " ObjectServer=sub ObjectType=thing ObjectName=obj HandleId=0x50 AccessMask=0x8" + own,
			"4656 F" + who + " ObjectServer=sub ObjectType=thing ObjectName=obj HandleId=0x0 AccessMask=0x8" + own}},
		"handle": {func() []any {
			out, st := s.NtAccessCheckByTypeResultListAndAuditAlarmByHandle(given)
			return []any{out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st}
		}, []string{"[[0x4 0x4 0x4] [STATUS_SUCCESS STATUS_SUCCESS STATUS_SUCCESS] true STATUS_SUCCESS]",
			"4656" + s.who + " ObjectServer=sub ObjectType=DS ObjectName=obj HandleId=0x54 AccessMask=0x4" + own}},
	} {
		drain(m)
		got := append([]string{fmt.Sprint(c.do())}, drain(m)...)
		check.That(t, slices.Equal(got, c.want),
			"%s: result and records\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
	}
}
