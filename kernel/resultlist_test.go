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
