package services_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A query of a token's audit policy requires SeSecurityPrivilege, enabled, and no other privilege. No other class
// requires a privilege (T-80).
func TestTokenAuditPolicyNeedsSecurityPrivilege(t *testing.T) {
	for p := winnt.SeCreateTokenPrivilege; p <= winnt.LastPrivilege; p++ {
		if !p.Valid() {
			continue
		}
		spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		spec.Privileges = p.Bit()
		spec.EnabledPrivileges, spec.DefaultPrivileges = p.Bit(), 0
		_, th := userThread(t, spec)
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_QUERY_SOURCE)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		for class := winnt.TokenUser; class <= winnt.MaxTokenInfoClass; class++ {
			refused := class == winnt.TokenAuditPolicy && p != winnt.SeSecurityPrivilege
			if _, st := th.NtQueryInformationToken(own, class); (st == ntstatus.PrivilegeNotHeld) != refused {
				t.Errorf("T-80: query of %v with only %v enabled: %v, want STATUS_PRIVILEGE_NOT_HELD = %v",
					class, p, st, refused)
			}
		}
	}
}
