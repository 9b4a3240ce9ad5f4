package kernel_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestDisabledGroupsOfCallers: attributes 0 of a group that a caller names are
// those of a disabled group, whatever a Spec means by them, and the mark that a
// Spec has for it is no attribute of a call (T-144).
func TestDisabledGroupsOfCallers(t *testing.T) {
	sys := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{})})
	t.Cleanup(func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	spec := token.LocalSystem()
	spec.Privileges |= winnt.Privileges(winnt.SeCreateTokenPrivilege, winnt.SeTcbPrivilege)
	spec.EnabledPrivileges |= winnt.Privileges(winnt.SeCreateTokenPrivilege, winnt.SeTcbPrivilege)
	v, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("p", v)
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	group := sid.MustParse("S-1-5-21-9-9-9-3001")
	makers := map[string]func(attributes uint32) (winnt.Handle, ntstatus.Status){
		"NtCreateToken": func(attributes uint32) (winnt.Handle, ntstatus.Status) {
			return th.NtCreateToken(nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_QUERY, TokenType: winnt.TokenPrimary,
				AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), User: nt.Cap(&token.Group{SID: sid.LocalSystem}),
				Groups:     nt.Cap([]token.Group{{SID: group, Attributes: attributes}}),
				Privileges: nt.Cap([]nt.LUIDAndAttributes{}), PrimaryGroup: nt.Cap(sid.LocalSystem),
				Source: nt.Cap(&token.Source{Name: "test"})})
		},
		"LsaLogonUser": func(attributes uint32) (winnt.Handle, ntstatus.Status) {
			out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
				LocalGroups: nt.Cap([]token.Group{{SID: group, Attributes: attributes}}),
				AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "User",
					Password: logon.ExamplePassword}})
			return out.Token, st
		},
	}
	for name, do := range makers {
		for given, want := range map[uint32]uint32{0: 0, winnt.SE_GROUP_ENABLED: winnt.SE_GROUP_ENABLED,
			winnt.SE_GROUP_MANDATORY:         token.GroupDefault,
			winnt.SE_GROUP_USE_FOR_DENY_ONLY: winnt.SE_GROUP_USE_FOR_DENY_ONLY} {
			h, st := do(given)
			if st != ntstatus.Success {
				t.Fatalf("%s %#x: %v", name, given, st)
			}
			groups, st := th.NtQueryInformationToken(h, winnt.TokenGroups)
			list, ok := groups.([]token.Group)
			at := slices.IndexFunc(list, func(g token.Group) bool { return g.SID == group })
			if !ok || at < 0 || list[at].Attributes != want {
				t.Errorf("T-144: %s: a group with %#x: %v in %v", name, given, st, list)
			}
		}
		for _, beside := range []uint32{0, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_OWNER} {
			if h, st := do(token.GroupDisabled | beside); h != 0 || st != ntstatus.InvalidParameter {
				t.Errorf("T-144: %s: the mark beside %#x: %v", name, beside, st)
			}
		}
	}
}
