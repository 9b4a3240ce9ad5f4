package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// U-47: a list of results has 1 to 4096 entries.
func TestLengthsOfResultLists(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	server := token.LocalSystem()
	server.EnabledPrivileges = server.Privileges
	v, err := token.New(server)
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("server", v)
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	client := token.NetworkUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	c, err := token.New(client)
	if err != nil {
		t.Fatal(err)
	}
	k := sys.KernelMode(th)
	tok := k.NewToken(c)
	if st := k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation); st != ntstatus.Success {
		t.Fatal(st)
	}
	types := make([]access.ObjectTypeEntry, 4097)
	for i := range types {
		types[i].GUID = winnt.GUID{byte(i + 1), byte((i + 1) >> 8)}
		if i > 0 {
			types[i].Level = 1
		}
	}
	for n, want := range map[int]ntstatus.Status{0: ntstatus.InvalidParameter, 1: ntstatus.Success,
		4095: ntstatus.Success, 4096: ntstatus.Success, 4097: ntstatus.InvalidParameter} {
		out, st := th.Services().NtAccessCheckByTypeResultListAndAuditAlarm(nt.AccessCheckByTypeAndAuditAlarmIn{
			SubsystemName: nt.Cap("s"), ObjectTypeName: nt.Cap("File"), ObjectName: nt.Cap("f"),
			SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")), DesiredAccess: winnt.FILE_READ_DATA,
			ObjectTypeList: nt.Cap(types[:n]), GenericMapping: nt.Cap(winnt.FileObject.Mapping)})
		if st != want || want == ntstatus.Success && len(out.AccessStatus) != n {
			t.Errorf("U-47: %d entries: %v, %d results, want %v", n, st, len(out.AccessStatus), want)
		}
	}
}

// each form of the check tells the privileges that it used, and the set is empty where none
// was.
func TestChecksTellPrivileges(t *testing.T) {
	spec := token.LocalSystem()
	spec.EnabledPrivileges = spec.Privileges
	sys, th := userThread(t, spec)
	client := token.NetworkUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	client.Privileges |= winnt.SeSecurityPrivilege.Bit()
	client.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit()
	v, err := token.New(client)
	if err != nil {
		t.Fatal(err)
	}
	k := sys.KernelMode(th)
	tok := k.NewToken(v)
	defer k.PsDereferenceImpersonationToken(tok)
	h, st := k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_QUERY, winnt.TokenObject, kernel.KernelMode)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for desired, want := range map[winnt.AccessMask]winnt.PrivilegeSet{winnt.FILE_READ_DATA: 0,
		winnt.FILE_READ_DATA | winnt.ACCESS_SYSTEM_SECURITY: winnt.SeSecurityPrivilege.Bit()} {
		in := nt.AccessCheckByTypeIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")), ClientToken: h,
			DesiredAccess: desired, GenericMapping: nt.Cap(winnt.FileObject.Mapping), PrivilegeSetLength: 100,
			ObjectTypeList: nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{1}}})}
		one, st1 := th.Services().NtAccessCheckByType(in)
		list, st2 := th.Services().NtAccessCheckByTypeResultList(in)
		if st1 != ntstatus.Success || st2 != ntstatus.Success {
			t.Fatalf("A-22: %v, %v", st1, st2)
		}
		for name, set := range map[string]*nt.PrivilegeSet{"one result": one.PrivilegeSet, "a list": list.PrivilegeSet} {
			var got winnt.PrivilegeSet
			if set == nil {
				t.Errorf("A-22: %s: no set", name)
				continue
			}
			for _, p := range set.Privilege {
				got |= winnt.Privilege(p.LUID).Bit()
			}
			if got != want {
				t.Errorf("A-22: %s, %#x: privileges %v, want %v", name, uint32(desired), got, want)
			}
		}
	}
}

// I-81: the form without a status impersonates all the same.
func TestImpersonateWithoutStatus(t *testing.T) {
	spec := token.LocalSystem()
	spec.EnabledPrivileges = spec.Privileges
	sys, th := userThread(t, spec)
	k := sys.KernelMode(th)
	c, st := k.SeCreateClientSecurity(k.Thread(), nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation}, false)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for range 2 {
		k.SeImpersonateClient(c, k.Thread())
		got, copies, _, level := k.PsReferenceImpersonationToken(k.Thread())
		if got == nil || !copies || level != winnt.SecurityImpersonation {
			t.Errorf("I-81: the thread acts with %v, copies %t, at %v", got, copies, level)
		}
		k.PsDereferenceImpersonationToken(got)
		k.PsRevertToSelf()
	}
	k.SeDeleteClientSecurity(c)
}
