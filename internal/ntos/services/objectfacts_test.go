package services_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// O-60, O-61: the sizes among the basic facts of an object are those that the queries of its name,
// type and security need, whichever object it is, with a name or without.
func TestSizesOfAnObject(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p", winnt.SeSecurityPrivilege, winnt.SeCreateGlobalPrivilege))
	all := map[string]winnt.Handle{}
	add := func(name string, h winnt.Handle, st ntstatus.Status) {
		t.Helper()
		want(t, name, st, ntstatus.Success)
		all[name] = h
	}
	const every = winnt.READ_CONTROL | winnt.ACCESS_SYSTEM_SECURITY
	h, st := th.NtOpenDirectoryObject(every, &nt.ObjectAttributes{ObjectName: `\`})
	add("the root", h, st)
	h, st = th.NtOpenDirectoryObject(every, &nt.ObjectAttributes{ObjectName: `\BaseNamedObjects`})
	add("a directory", h, st)
	h, st = th.NtCreateEvent(every, nil, nt.NotificationEvent, false)
	add("an event", h, st)
	h, st = th.NtCreateEvent(every, &nt.ObjectAttributes{ObjectName: "\\BaseNamedObjects\\\uffff\U00010000",
		SecurityDescriptor: sddl.MustParse("O:" + svc + "G:BGD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")}, nt.NotificationEvent, false)
	add("a named event", h, st)
	h, st = th.NtCreateTimer(every, nil, nt.NotificationTimer)
	add("a timer", h, st)
	h, st = th.NtOpenFile(every, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0)
	add("a device", h, st)
	pipe, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: every,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\facts`})})
	add("a pipe", pipe, st)
	child, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: every, ThreadDesiredAccess: every})
	add("a process", child.ProcessHandle, st)
	add("a thread", child.ThreadHandle, st)
	for name, length := range map[string]uint32{"the root": 16 + 4, "a directory": 16 + 36, "an event": 16,
		"a named event": 16 + 2*(18+1+2+1)} {
		out, st := th.Services().NtQueryObject(nt.QueryObjectIn{Handle: all[name],
			ObjectInformationClass: nt.ObjectNameInformation, ObjectInformationLength: length})
		if want(t, "the name of "+name, st, ntstatus.Success); out.ReturnLength != length {
			t.Errorf("%s: the name needs %d bytes, want %d", name, out.ReturnLength, length)
		}
	}
	for name, h := range all {
		v, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
		want(t, name, st, ntstatus.Success)
		b := v.(nt.BasicInformation)
		need := func(class nt.ObjectInfoClass) uint32 {
			out, st := th.Services().NtQueryObject(nt.QueryObjectIn{Handle: h, ObjectInformationClass: class})
			want(t, "without room", st, ntstatus.InfoLengthMismatch)
			return out.ReturnLength
		}
		text := need(nt.ObjectNameInformation)
		if n := need(nt.ObjectTypeInformation); b.TypeInfoSize != n {
			t.Errorf("%s: the type needs %d bytes, and %d are told", name, n, b.TypeInfoSize)
		}
		if text == 16 {
			text = 0 // an object without a name has none to tell
		}
		if b.NameInfoSize != text {
			t.Errorf("%s: the name needs %d bytes, and %d are told", name, text, b.NameInfoSize)
		}
		const parts = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION |
			winnt.DACL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION
		out, st := th.Services().NtQuerySecurityObject(nt.QuerySecurityObjectIn{Handle: h, Length: 1 << 16,
			SecurityInformation: nt.SecurityInformation(parts)})
		want(t, "the security of "+name, st, ntstatus.Success)
		if bare := out.SecurityDescriptor.Owner().IsZero(); bare && b.SecurityDescriptorSize != 0 ||
			!bare && b.SecurityDescriptorSize != out.LengthNeeded {
			t.Errorf("%s: the security needs %d bytes, and %d are told", name, out.LengthNeeded, b.SecurityDescriptorSize)
		}
	}
}

// O-37, O-163: a walk passes over the threads that may not be opened, forward and backward, and
// one that asks for less finds them.
func TestWalkPassesOver(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p"))
	p, err := w.sys.NewProcess("other", value(t, client, winnt.TokenPrimary, 0))
	if err != nil {
		t.Fatal(err)
	}
	process := openProcess(t, k, p)
	var ids []winnt.Handle
	for i := range 5 {
		_, owner := w.thread(p)
		ids = append(ids, owner.Thread().ID())
		h, st := k.ObOpenObjectByPointer(owner.Thread(), 0, winnt.WRITE_DAC, winnt.ThreadObject, kernel.KernelMode)
		want(t, "open a thread", st, ntstatus.Success)
		text := "D:(A;;0x840;;;" + svc + ")"
		if i%2 == 0 {
			text = "D:(A;;0x800;;;" + svc + ")"
		}
		want(t, "protect it", th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse(text)),
			ntstatus.Success)
	}
	for rights, wanted := range map[winnt.AccessMask][]int{winnt.THREAD_QUERY_INFORMATION: {1, 3},
		winnt.THREAD_QUERY_LIMITED_INFORMATION: {0, 1, 2, 3, 4}, winnt.THREAD_SET_CONTEXT: nil} {
		for _, flags := range []uint32{0, nt.NextThreadBackward} {
			var after winnt.Handle
			for n := range len(wanted) + 1 {
				h, st := th.NtGetNextThread(process, after, rights, 0, flags)
				if n == len(wanted) {
					want(t, "at the end", st, ntstatus.NoMoreEntries)
					break
				}
				if want(t, "the next one", st, ntstatus.Success); st != ntstatus.Success {
					break
				}
				at := n
				if flags != 0 {
					at = len(wanted) - 1 - n
				}
				known := ids[wanted[at]]
				o, _, st := k.ObReferenceObjectByHandle(h, 0, winnt.ThreadObject, kernel.KernelMode)
				want(t, "reference", st, ntstatus.Success)
				if got := o.(*kernel.EThread).ID(); got != known {
					t.Errorf("%v, flags %d: thread %d is %v, want %v", rights, flags, n, got, known)
				}
				k.ObDereferenceObject(o)
				after = h
			}
		}
	}
}

// U-35, U-42, U-43: the record of an alarm names all the privileges of its set that there are, each
// once.
func TestSetsOfAlarms(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{FullPrivilegeAuditing: true})
	s := w.auditServer(t, winnt.SecurityImpersonation)
	set := &nt.PrivilegeSet{}
	for _, p := range []winnt.Privilege{winnt.SeTcbPrivilege, winnt.FirstPrivilege, winnt.LastPrivilege,
		winnt.LastPrivilege + 1, winnt.SeTcbPrivilege, winnt.SeDebugPrivilege} {
		set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: winnt.LUID(p)})
	}
	set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: 1<<32 + winnt.SeBackupPrivilege.LUID()},
		nt.LUIDAndAttributes{LUID: 256 + winnt.SeBackupPrivilege.LUID()}, nt.LUIDAndAttributes{})
	given := nt.Cap(set)
	said(m)
	for name, call := range map[string]func() ntstatus.Status{
		"object": func() ntstatus.Status {
			_, st := s.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ClientToken: s.client, Privileges: given, AccessGranted: true})
			return st
		},
		"service": func() ntstatus.Status {
			_, st := s.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{SubsystemName: nt.Cap("sub"),
				ServiceName: nt.Cap("svc"), ClientToken: s.client, Privileges: given, AccessGranted: true})
			return st
		},
		"open": func() ntstatus.Status {
			_, st := s.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn{ClientToken: s.client, SubsystemName: nt.Cap("sub"),
				ObjectTypeName: nt.Cap("Event"), ObjectName: nt.Cap("obj"), DesiredAccess: 1, GrantedAccess: 1,
				AccessGranted: true, SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:SYD:")), Privileges: given})
			return st
		},
	} {
		want(t, name, call(), ntstatus.Success)
		const all = "SeCreateTokenPrivilege SeTcbPrivilege SeDebugPrivilege SeDelegateSessionUserImpersonatePrivilege"
		for _, text := range fieldsOf(m, "PrivilegeList") {
			if !sameWords([]string{text[5:]}, all) {
				t.Errorf("%s: the record names %s, want %s", name, text[5:], all)
			}
		}
	}
}
