package token_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestDerivedIsAsMade: a token that was derived from another decides as one that is made
// anew of what it tells: the same flags, and the same SIDs match to allow and to deny
// (T-1, T-48, T-61, T-75).
func TestDerivedIsAsMade(t *testing.T) {
	plain := setup(token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER},
		token.Group{SID: sid.Guests, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		token.Group{SID: sid.Guests, Attributes: winnt.SE_GROUP_ENABLED_BY_DEFAULT})
	client := plain
	client.Type, client.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	privileged := plain
	privileged.Privileges |= winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege,
		winnt.SeImpersonatePrivilege)
	privileged.EnabledPrivileges = privileged.Privileges
	level := func(l sid.SID) func(*token.Token) (*token.Token, ntstatus.Status) {
		return func(tok *token.Token) (*token.Token, ntstatus.Status) { return tok.WithIntegrity(7, l) }
	}
	filtered := func(f token.FilterSpec) func(*token.Token) (*token.Token, ntstatus.Status) {
		return func(tok *token.Token) (*token.Token, ntstatus.Status) { return tok.Filter(f) }
	}
	derive := map[string]func(*token.Token) (*token.Token, ntstatus.Status){
		"effective only": func(tok *token.Token) (*token.Token, ntstatus.Status) {
			return tok.EffectiveOnly(), ntstatus.Success
		},
		"another level": func(tok *token.Token) (*token.Token, ntstatus.Status) {
			return tok.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityDelegation), ntstatus.Success
		},
		"low": level(sid.LowLevel), "high": level(sid.HighLevel), "untrusted": level(sid.UntrustedLevel),
		"without administrators": filtered(token.FilterSpec{Disable: []sid.SID{sid.Administrators}}),
		"without guests":         filtered(token.FilterSpec{Disable: []sid.SID{sid.Guests, userU}}),
		"without privileges":     filtered(token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE}),
		"limited":                filtered(token.FilterSpec{Flags: winnt.LUA_TOKEN}),
		"inert":                  filtered(token.FilterSpec{Flags: winnt.SANDBOX_INERT}),
		"restricted":             filtered(token.FilterSpec{Restrict: restricting(sid.Users, groupG1)}),
		"write-restricted": filtered(token.FilterSpec{Flags: winnt.WRITE_RESTRICTED,
			Restrict: restricting(sid.Users)}),
		"an AppContainer": func(tok *token.Token) (*token.Token, ntstatus.Status) {
			return tok.LowBox(token.LowBoxSpec{ModifiedID: 7, Package: sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"),
				Capabilities: []token.Group{{SID: sid.MustParse("S-1-15-3-1")}}})
		},
	}
	for of, spec := range map[string]token.Spec{"plain": plain, "client": client, "privileged": privileged,
		"everything": everything(t)} {
		for name, f := range derive {
			old := must(t, spec)
			n, st := f(old)
			if of == "everything" && st == ntstatus.InvalidParameter {
				continue // it is an AppContainer already
			}
			if st != ntstatus.Success {
				t.Fatal(of, name, st)
			}
			again := must(t, n.Spec())
			if n.Flags() != again.Flags() || n.IsAdmin() != again.IsAdmin() || n.Integrity() != again.Integrity() {
				t.Errorf("%s, %s: flags %#x, administrator %t, level %#x; made anew %#x, %t, %#x", of, name, n.Flags(),
					n.IsAdmin(), n.Integrity(), again.Flags(), again.IsAdmin(), again.Integrity())
			}
			sids := []sid.SID{userU, sid.LocalSystem}
			for _, g := range old.Groups() {
				sids = append(sids, g.SID)
			}
			for _, who := range sids {
				for _, deny := range []bool{false, true} {
					if n.Member(who, deny) != again.Member(who, deny) {
						t.Errorf("%s, %s: %v matches %t to deny (%t), made anew %t", of, name, who, n.Member(who, deny), deny,
							again.Member(who, deny))
					}
				}
			}
			if d := differs(must(t, spec).Spec(), old.Spec()); d != nil {
				t.Errorf("%s, %s: the old token changed: %v", of, name, d)
			}
			if d := differs(n.Spec(), again.Spec()); d != nil {
				t.Errorf("%s, %s: made anew these differ: %v", of, name, d)
			}
		}
	}
}
