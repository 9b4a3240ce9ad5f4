package kernel_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// SeAppendPrivileges appends a set unchanged, including duplicates. A set that Privileges returned earlier does not
// change (T-134).
func TestAppendPrivilegesKeepsDuplicates(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	k := sys.KernelMode(th)
	s := k.SeCreateAccessState(winnt.READ_CONTROL, nil)
	defer k.SeDeleteAccessState(s)
	backup := nt.LUIDAndAttributes{LUID: winnt.LUID(winnt.SeBackupPrivilege),
		Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS}
	restore := nt.LUIDAndAttributes{LUID: winnt.LUID(winnt.SeRestorePrivilege)}
	first := s.Privileges()
	for _, set := range []*nt.PrivilegeSet{
		nil, {}, {Privilege: []nt.LUIDAndAttributes{backup}},
		{Privilege: []nt.LUIDAndAttributes{restore, backup, restore}},
	} {
		k.SeAppendPrivileges(s, set)
	}
	want := []nt.LUIDAndAttributes{backup, restore, backup, restore}
	check.SlicesEqual(t, first.Privilege, nil, "the set that Privileges returned before the calls")
	s.Privileges().Privilege[0] = restore // the set belongs to the caller
	check.SlicesEqual(t, s.Privileges().Privilege, want, "Privileges after 4 calls of SeAppendPrivileges")
}

// A driver that opens a file by backup intent notes the privilege that it used.
func ExampleKernelThread_SeAppendPrivileges() {
	sys := kernel.Boot(kernel.Config{})
	th := start(sys, "backup", `{"user":"S-1-5-21-1-2-3-1001"}`)
	k := sys.KernelMode(th)
	s := k.SeCreateAccessState(winnt.FILE_READ_DATA, nil)
	defer k.SeDeleteAccessState(s)
	k.SeAppendPrivileges(s, &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{
		{LUID: winnt.LUID(winnt.SeBackupPrivilege), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS}}})
	for _, used := range s.Privileges().Privilege {
		fmt.Println(winnt.Privilege(used.LUID))
	}
	// Output: SeBackupPrivilege
}

// SeCreateAccessState maps generic rights if it gets a mapping. The whole request remains, and the original request
// is kept (A-21, I-83).
func TestAccessStateMapsGenericRights(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	k := sys.KernelMode(th)
	const requested = winnt.GENERIC_READ | winnt.DELETE
	for want, mapping := range map[winnt.AccessMask]*winnt.GenericMapping{requested: nil,
		0x120089 | winnt.DELETE: &winnt.FileObject.Mapping, 0x20019 | winnt.DELETE: &winnt.KeyObject.Mapping} {
		s := k.SeCreateAccessState(requested, mapping)
		check.That(t, s.OriginalDesiredAccess == requested && s.RemainingDesiredAccess == want && s.TraversePrivilege,
			"SeCreateAccessState(%#x): original request %#x, remaining %#x, traverse privilege %t; want %#x, %#x, true",
			requested, s.OriginalDesiredAccess, s.RemainingDesiredAccess, s.TraversePrivilege, requested, want)
		k.SeDeleteAccessState(s)
	}
}

// ObOpenObjectByPointer opens with the subject of the access state and the rights that remain of its request (I-83).
func TestOpenByPointerAsksForRemainingRights(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	k := sys.KernelMode(th)
	s := k.SeCreateAccessState(winnt.THREAD_TERMINATE|winnt.READ_CONTROL, nil)
	defer k.SeDeleteAccessState(s)
	s.RemainingDesiredAccess = winnt.READ_CONTROL
	out := check.Result(k.CallRow(kernel.Table.Find("ObOpenObjectByPointer"),
		kernel.ObOpenObjectByPointerIn{Object: k.Thread(), PassedAccessState: s, DesiredAccess: winnt.THREAD_ALERT,
			ObjectType: winnt.ThreadObject, AccessMode: kernel.UserMode}))
	o, info, st := k.ObReferenceObjectByHandle(out.(kernel.ObOpenObjectByPointerOut).Handle, 0, winnt.ThreadObject,
		kernel.UserMode)
	check.Success(t, st)
	k.ObDereferenceObject(o)
	check.Equal(t, info.GrantedAccess, winnt.READ_CONTROL, "rights of the new handle")
}

// A zero AccessState has no subject: the traverse check denies, and SeDeleteAccessState does nothing (I-83).
func TestZeroAccessStateDenies(t *testing.T) {
	k := check.Must(boot(t, kernel.Config{}).SystemThread())
	var s kernel.AccessState
	for mode, want := range map[access.Mode]bool{access.User: false, access.Kernel: true} {
		check.Equal(t, k.SeFastTraverseCheck(nil, &s, 1, mode), want,
			"I-83, A-31: SeFastTraverseCheck with a zero AccessState in mode %v", mode)
	}
	k.SeDeleteAccessState(&s)
}

// The traverse privilege of an access state comes from the client while the thread impersonates, and otherwise from
// the process (T-134).
func TestTraversePrivilegeFollowsImpersonation(t *testing.T) {
	of := func(may bool) token.Spec {
		s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		s.Privileges, s.EnabledPrivileges, s.DefaultPrivileges = winnt.SeChangeNotifyPrivilege.Bit(), 0, 0
		if may {
			s.EnabledPrivileges = s.Privileges
		}
		return s
	}
	for i := range 4 {
		own, theirs := i&1 != 0, i&2 != 0
		sys, th := userThread(t, of(own))
		client := check.Must(token.New(of(theirs)))
		passes := func() bool {
			k := sys.KernelMode(th)
			s := k.SeCreateAccessState(winnt.READ_CONTROL, nil)
			defer k.SeDeleteAccessState(s)
			return s.TraversePrivilege
		}
		check.Equal(t, passes(), own, "process holds SeChangeNotifyPrivilege: %t; TraversePrivilege", own)
		check.NoError(t, sys.As(th, client, func() error {
			if got := passes(); got != theirs {
				t.Errorf("process holds SeChangeNotifyPrivilege: %t, client holds it: %t; TraversePrivilege = "+
					"%t, want %t", own, theirs, got, theirs)
			}
			return nil
		}))
	}
}
