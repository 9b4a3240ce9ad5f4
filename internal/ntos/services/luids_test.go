package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestLUIDsThatAreNoPrivileges: a LUID of 64 bits names a privilege only as a whole; one
// whose low byte or low half is the number of a privilege is another, which no service
// takes for it (T-10, T-62, T-71, T-101).
func TestLUIDsThatAreNoPrivileges(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server", winnt.SeBackupPrivilege, winnt.SeCreateTokenPrivilege))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open", st, ntstatus.Success)
	held := func(h winnt.Handle) bool {
		set, all, st := th.NtPrivilegeCheck(h, &nt.PrivilegeSet{Control: winnt.PRIVILEGE_SET_ALL_NECESSARY,
			Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}})
		want(t, "check", st, ntstatus.Success)
		return all && set.Privilege[0].Attributes == winnt.SE_PRIVILEGE_USED_FOR_ACCESS
	}
	if !held(own) {
		t.Fatal("the privilege is not held")
	}
	for _, high := range []winnt.LUID{1 << 8, 1 << 16, 1 << 32, 1 << 62} {
		list := []nt.LUIDAndAttributes{{LUID: high | winnt.SeBackupPrivilege.LUID()}}
		set, found, st := th.NtPrivilegeCheck(own, &nt.PrivilegeSet{Privilege: list})
		if st != ntstatus.Success || found || set.Privilege[0].Attributes != 0 {
			t.Errorf("T-101: %#x is found: %v %+v", uint64(list[0].LUID), st, set)
		}
		_, st = th.NtAdjustPrivilegesToken(own, false, list, false)
		want(t, "T-71: adjust", st, ntstatus.NotAllAssigned)
		in := nt.FilterTokenExIn{ExistingTokenHandle: own, PrivilegesToDelete: nt.Cap(list)}
		filtered, st := th.NtFilterTokenEx(in)
		want(t, "filter", st, ntstatus.Success)
		if !held(filtered) || !held(own) {
			t.Errorf("T-62: %#x takes SeBackupPrivilege away", uint64(list[0].LUID))
		}
		create := nt.CreateTokenIn{TokenType: winnt.TokenPrimary, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
			User: nt.Cap(&token.Group{SID: sid.LocalSystem}), Groups: nt.Cap([]token.Group{}),
			PrimaryGroup: nt.Cap(sid.LocalSystem), Source: nt.Cap(&token.Source{Name: "test"})}
		create.Privileges = nt.Cap(list)
		_, st = th.NtCreateToken(create)
		want(t, "T-10: create", st, ntstatus.NoSuchPrivilege)
		create.Privileges = nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}})
		_, st = th.NtCreateToken(create)
		want(t, "T-10: create", st, ntstatus.Success)
	}
}
