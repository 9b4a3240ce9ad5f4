package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// T-101: the marks of the answer are the check's: what the caller marked and the token does not
// have enabled comes back without its mark, other attributes as they are, and the set that was
// given stays.
func TestMarksOfPrivileges(t *testing.T) {
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.Privileges |= winnt.SeShutdownPrivilege.Bit() | winnt.SeUndockPrivilege.Bit()
	spec.EnabledPrivileges = winnt.SeUndockPrivilege.Bit()
	_, th := userThread(t, spec)
	const used, on = winnt.SE_PRIVILEGE_USED_FOR_ACCESS, winnt.SE_PRIVILEGE_ENABLED
	for _, given := range []uint32{0, on, used, used | on} {
		set := &nt.PrivilegeSet{}
		for _, p := range []winnt.Privilege{winnt.SeShutdownPrivilege, winnt.SeUndockPrivilege, winnt.SeTcbPrivilege} {
			set.Privilege = append(set.Privilege, nt.LUIDAndAttributes{LUID: winnt.LUID(p), Attributes: given})
		}
		out, st := th.Services().NtPrivilegeCheck(nt.PrivilegeCheckIn{ClientToken: winnt.NtCurrentProcessToken,
			RequiredPrivileges: nt.Cap(set)})
		if st != ntstatus.Success || !out.Result || len(out.RequiredPrivileges.Privilege) != 3 {
			t.Fatalf("T-101: %v, %+v", st, out)
		}
		for i, want := range []uint32{given &^ used, given | used, given &^ used} {
			if got := out.RequiredPrivileges.Privilege[i].Attributes; got != want {
				t.Errorf("T-101: privilege %d given with %#x comes back with %#x, want %#x", i, given, got, want)
			}
			if set.Privilege[i].Attributes != given {
				t.Errorf("O-4: the caller's set was changed: %#x", set.Privilege[i].Attributes)
			}
		}
	}
}

// F-10, F-110: outside of trees a file is opened and nothing is made; a disposition that does not
// exist is told from one that would make something.
func TestDispositionsOutsideTrees(t *testing.T) {
	sys, th := userThread(t, token.LocalSystem())
	if err := sys.CreateFile("plain", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")); err != nil {
		t.Fatal(err)
	}
	for d, want := range map[fileaccess.Disposition]ntstatus.Status{
		fileaccess.FileSupersede: ntstatus.NotSupported, fileaccess.FileOpen: ntstatus.Success,
		fileaccess.FileCreate: ntstatus.NotSupported, fileaccess.FileOpenIf: ntstatus.Success,
		fileaccess.FileOverwrite: ntstatus.NotSupported, fileaccess.FileOverwriteIf: ntstatus.NotSupported,
		fileaccess.FileOverwriteIf + 1: ntstatus.InvalidParameter, 0xFFFFFFFF: ntstatus.InvalidParameter,
	} {
		h, made, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: uint32(d),
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: "plain"})})
		if st != want || (h != 0) != (want == ntstatus.Success) || want == ntstatus.Success && made != fileaccess.Opened {
			t.Errorf("F-110: disposition %d: %v, %v, %v, want %v", d, h, made, st, want)
		}
	}
}
