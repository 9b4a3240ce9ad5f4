package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// recorded is a world whose log records everything.
func recorded(t *testing.T, sink audit.Sink, options audit.Options) *world {
	t.Helper()
	log := &audit.Log{Sink: sink}
	w := newWorld(t, kernel.Config{Log: log})
	setEverything(t, log, options)
	return w
}

// setEverything gives a log the policy that records everything.
func setEverything(t *testing.T, log *audit.Log, options audit.Options) {
	t.Helper()
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}, Options: options}
	for s := range audit.Subcategories {
		spec.System[s] = audit.OnBoth
	}
	p, err := audit.NewPolicy(spec)
	if err != nil {
		t.Fatal(err)
	}
	log.Policy.Store(p)
}

// said returns the records since the last call: the number, F for a failure, and what each
// field says, but for those that no service fills.
func said(m *audit.Memory) (out []string) {
	for _, e := range m.Drain() {
		text := fmt.Sprint(e.ID)
		if e.Outcome == audit.Failure {
			text += " F"
		}
		for f := range e.Fields() {
			switch f.Name {
			case "TransactionId", "RestrictedSidCount", "AccessList", "AccessReason", "SubjectUserName", "SubjectDomainName",
				"SubjectLogonId", "PrimaryLogonId", "AdditionalInfo", "AdditionalInfo2":
				continue
			}
			if f.Text() != "-" && f.Text() != "" {
				text += fmt.Sprintf(" %s=%s", f.Name, strings.Join(slices.Collect(f.Items()), ","))
			}
		}
		out = append(out, text)
	}
	return out
}

// acting is whom the thread of an auditServer acts as.
const acting = "S-1-5-21-1-2-3-1002"

// auditServer is a thread that acts as a client, with a handle of the client's token.
type auditServer struct {
	nt.Services
	client winnt.Handle
	who    string // the fields of each of its records that name the client
	by     string // those that name the process
}

func (w *world) auditServer(t *testing.T, level winnt.SecurityImpersonationLevel) *auditServer {
	t.Helper()
	p := w.process("server", winnt.SeAuditPrivilege, winnt.SeImpersonatePrivilege)
	th, k := w.thread(p)
	tok := w.token(k, client, winnt.SecurityImpersonation)
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	want(t, "open", st, ntstatus.Success)
	k.PsRevertToSelf()
	other := w.token(k, acting, winnt.SecurityImpersonation)
	want(t, "act", k.PsImpersonateClient(k.Thread(), other, false, false, level), ntstatus.Success)
	w.tb.Cleanup(k.PsRevertToSelf)
	return &auditServer{th.Services(), h, " SubjectUserSid=" + client,
		fmt.Sprintf(" ProcessId=%#x ProcessName=server", uint64(p.ID()))}
}

// sample is a descriptor whose SACL asks for records of what the type's GENERIC_READ stands for.
const sample = "O:BAG:SYD:(A;;0x1;;;WD)(OA;;0x2;0000000b-0000-0000-0000-000000000000;;WD)S:(AU;SAFA;GR;;;WD)"

var tcb = nt.Cap(&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}})

// TestWholeRecordsOfAlarms: each field of a record says what the server told, for the client of
// the handle and by the process of the server, and not for the one that its thread acts as (U-20, U-37,
// U-40, U-41, U-42, U-43).
func TestWholeRecordsOfAlarms(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	s := w.auditServer(t, winnt.SecurityImpersonation)
	primary := " PrimaryUserSid=" + svc
	object := " ObjectServer=sub ObjectType=Event ObjectName=obj"
	open := nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("sub"),
		ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("obj"), HandleID: nt.Cap(winnt.Handle(0x44)),
		DesiredAccess: 3, GrantedAccess: 1, AccessGranted: true, SecurityDescriptor: nt.Cap(sddl.MustParse(sample)),
		Privileges: tcb}
	refused := open
	refused.AccessGranted, refused.GrantedAccess, refused.DesiredAccess = false, 0, 1
	unasked := open
	unasked.GrantedAccess = 2
	alarm := func(in nt.OpenObjectAuditAlarmIn) func() (bool, ntstatus.Status) {
		return func() (bool, ntstatus.Status) {
			out, st := s.NtOpenObjectAuditAlarm(in)
			return out.GenerateOnClose, st
		}
	}
	used := func(granted bool) func() (bool, ntstatus.Status) {
		return func() (bool, ntstatus.Status) {
			_, st := s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				HandleID: 0x48, ClientToken: s.client, DesiredAccess: 0x20, Privileges: tcb, AccessGranted: granted})
			return false, st
		}
	}
	called := func(granted bool) func() (bool, ntstatus.Status) {
		return func() (bool, ntstatus.Status) {
			_, st := s.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ServiceName: nt.Cap("svc"), ClientToken: s.client, Privileges: tcb, AccessGranted: granted})
			return false, st
		}
	}
	end := nt.CloseObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"), HandleID: 0x4c, GenerateOnClose: true}
	another := " SubjectUserSid=" + acting
	for name, c := range map[string]struct {
		do    func() (bool, ntstatus.Status)
		close bool
		want  []string
	}{
		"open": {alarm(open), true, []string{
			"4656" + s.who + object + " HandleId=0x44 AccessMask=0x1 PrivilegeList=SeTcbPrivilege" + s.by + primary,
			"4674" + s.who + object + " HandleId=0x44 AccessMask=3 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"refused": {alarm(refused), false, []string{
			"4656 F" + s.who + object + " HandleId=0x0 AccessMask=0x1 PrivilegeList=SeTcbPrivilege" + s.by + primary,
			"4674 F" + s.who + object + " HandleId=0x0 AccessMask=1 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"not asked for": {alarm(unasked), false, []string{
			"4674" + s.who + object + " HandleId=0x44 AccessMask=3 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"object": {used(true), false, []string{"4674" + s.who +
			" ObjectServer=sub HandleId=0x48 AccessMask=32 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"object refused": {used(false), false, []string{"4674 F" + s.who +
			" ObjectServer=sub HandleId=0x48 AccessMask=32 PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"service": {called(true), false, []string{"4673" + s.who +
			" ObjectServer=sub Service=svc PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"service refused": {called(false), false, []string{"4673 F" + s.who +
			" ObjectServer=sub Service=svc PrivilegeList=SeTcbPrivilege" + s.by + primary}},
		"close": {func() (bool, ntstatus.Status) {
			_, st := s.NtCloseObjectAuditAlarm(end)
			return false, st
		}, false, []string{"4658" + another + " ObjectServer=sub HandleId=0x4c" + s.by + primary}},
		"delete": {func() (bool, ntstatus.Status) {
			_, st := s.NtDeleteObjectAuditAlarm(end)
			return false, st
		}, false, []string{"4660" + another + " ObjectServer=sub HandleId=0x4c" + s.by + primary}},
	} {
		said(m)
		close, st := c.do()
		if got := said(m); st != ntstatus.Success || close != c.close || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, the close is recorded: %v\n%s\nwant\n%s", name, st, close, strings.Join(got, "\n"),
				strings.Join(c.want, "\n"))
		}
	}
}

// U-55: a traced check that says no is explained for the type that the server names, be it one of
// the system's or its own.
func TestTypeOfAnExplainedCheck(t *testing.T) {
	w := recorded(t, audit.NewMemory(0, 0), audit.Options{})
	s := w.auditServer(t, winnt.SecurityIdentification)
	s.RecordWhy(true)
	for _, name := range []string{"Event", "thing"} {
		out, st := s.NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("Process"),
			ObjectTypeName: nt.Cap(name), ObjectName: nt.Cap("Thread"), DesiredAccess: 2,
			SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:"))})
		if want(t, name, st, ntstatus.Success); out.AccessStatus != ntstatus.AccessDenied {
			t.Errorf("%s: %+v", name, out)
		}
		why := s.TakeWhy()
		if why.Explanation == nil || why.Explanation.Record().Type != name {
			t.Errorf("%s: %+v", name, why)
		}
	}
}

// TestWholeRecordsOfChecks: a check that records does so for the client of the thread, or for
// that of the token that is given, with all that it is told; generic rights of the SACL are
// those of the mapping given (U-13, U-20, U-46, U-49, U-54, U-58).
func TestWholeRecordsOfChecks(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	s := w.auditServer(t, winnt.SecurityIdentification)
	who, own := " SubjectUserSid="+acting, s.by+" PrimaryUserSid="+svc
	types := nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{0xa}}, {Level: 1, GUID: winnt.GUID{0xb}},
		{Level: 1, GUID: winnt.GUID{0xc}}})
	d := nt.Cap(sddl.MustParse("O:BAG:SYD:(A;;0x2;;;WD)(A;;0x4;;;PS)" +
		"(OA;;0x8;0000000b-0000-0000-0000-000000000000;;WD)S:(AU;SAFA;GR;;;WD)"))
	mapping := nt.Cap(winnt.GenericMapping{Read: 0xe})
	plain := nt.AccessCheckAndAuditAlarmIn{SubsystemName: nt.Cap("sub"), HandleID: 0x48,
		ObjectTypeName: nt.Cap("File"), ObjectName: nt.Cap("obj"), SecurityDescriptor: d, DesiredAccess: 2,
		GenericMapping: mapping}
	typed := nt.AccessCheckByTypeAndAuditAlarmIn{SubsystemName: nt.Cap("sub"), HandleID: 0x4c,
		ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("obj"), SecurityDescriptor: d,
		PrincipalSelfSid: nt.Cap(sid.MustParse(acting)), DesiredAccess: 4,
		AuditType:      nt.AuditEventDirectoryServiceAccess,
		ObjectTypeList: types, GenericMapping: mapping}
	list := typed
	list.HandleID, list.ObjectTypeName, list.DesiredAccess = 0x50, nt.Cap("thing"), 8
	given := nt.AccessCheckAndAuditAlarmByHandleIn{SubsystemName: nt.Cap("sub"), HandleID: 0x54, ClientToken: s.client,
		ObjectTypeName: nt.Cap("DS"), ObjectName: nt.Cap("obj"), SecurityDescriptor: d,
		PrincipalSelfSid: nt.Cap(sid.MustParse(client)), DesiredAccess: 4, ObjectTypeList: types,
		GenericMapping: mapping}
	for name, c := range map[string]struct {
		do   func() []any
		want []string
	}{
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
		}, []string{"[[0x4 0x4 0x4] [STATUS_SUCCESS STATUS_SUCCESS STATUS_SUCCESS] true STATUS_SUCCESS]", "4656" + s.who +
			" ObjectServer=sub ObjectType=DS ObjectName=obj HandleId=0x54 AccessMask=0x4" + own}},
	} {
		said(m)
		got := append([]string{fmt.Sprint(c.do())}, said(m)...)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
