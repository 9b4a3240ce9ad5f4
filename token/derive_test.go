package token_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// EffectiveOnly keeps the defaults of the remaining privileges. Owner and primary group stay if their entries remain,
// and otherwise become the user (T-48).
func TestEffectiveOnlyKeepsOwnerIfPossible(t *testing.T) {
	s := setup(token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER})
	s.Owner, s.PrimaryGroup = sid.Administrators, groupG1
	s.DefaultPrivileges = s.Privileges // SeShutdownPrivilege is a default but not enabled
	n := must(t, s).EffectiveOnly()
	if n.DefaultPrivileges() != winnt.SeChangeNotifyPrivilege.Bit() || n.Owner() != sid.Administrators ||
		n.PrimaryGroup() != groupG1 || n.GroupCount() != 4 {
		t.Errorf("T-48: EffectiveOnly: defaults %v, owner %v, primary group %v, %d groups; want "+
			"SeChangeNotifyPrivilege, %v, %v, 4", n.DefaultPrivileges().Names(), n.Owner(), n.PrimaryGroup(),
			n.GroupCount(), sid.Administrators, groupG1)
	}
	s.Groups[len(s.Groups)-1].Attributes = winnt.SE_GROUP_OWNER
	s.PrimaryGroup = groupG2
	if n = must(t, s).EffectiveOnly(); n.Owner() != userU || n.PrimaryGroup() != userU || n.GroupCount() != 3 {
		t.Errorf("T-48: EffectiveOnly without the owner's and the primary group's entry: owner %v, primary group "+
			"%v, %d groups; want %v, %v, 3", n.Owner(), n.PrimaryGroup(), n.GroupCount(), userU, userU)
	}
}

// A duplicate differs from the original in type and level only (TC-7, TC-21, T-49, T-54).
func TestDuplicateChangesOnlyTypeAndLevel(t *testing.T) {
	s := setup()
	s.Source, s.SessionID, s.OriginatingLogon, s.ParentTokenID, s.ExpirationTime = token.Source{Name: "User32", ID: 9},
		3, 0x77, 0x88, 12345
	tok := must(t, s)
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
		d := tok.WithTypeLevel(winnt.TokenImpersonation, level)
		if d.Type() != winnt.TokenImpersonation || d.Level() != level {
			t.Errorf("WithTypeLevel: type %v, level %v; want impersonation, %v", d.Type(), d.Level(), level)
		}
		if d.ModifiedID() != 100 || d.AuthenticationID() != 0x5000 || d.ParentTokenID() != 0x88 ||
			d.OriginatingLogon() != 0x77 ||
			d.SessionID() != 3 || d.Source() != s.Source || d.ExpirationTime() != 12345 || d.GroupCount() != 4 || !d.Equal(tok) {
			t.Errorf("T-49: WithTypeLevel(Impersonation, %v) changed a field other than type and level: %+v", level,
				d.Spec())
		}
		if back := d.WithTypeLevel(winnt.TokenPrimary, 0); back.Level() != 0 || back.Type() != winnt.TokenPrimary {
			t.Errorf("T-54: WithTypeLevel(Primary, 0): type %v, level %v; want primary, 0", back.Type(), back.Level())
		}
	}
	if tok.Type() != winnt.TokenPrimary || tok.Level() != 0 {
		t.Errorf("T-49: WithTypeLevel changed the original to type %v, level %v", tok.Type(), tok.Level())
	}
}

// EffectiveOnly removes disabled groups and privileges permanently. The user stays, and owner and primary group fall
// back to it (TC-11).
func TestEffectiveOnlyRemovesDisabledEntries(t *testing.T) {
	deny := account(2003)
	s := setup(token.Group{SID: deny, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
	s.PrimaryGroup = groupG2
	tok := must(t, s).EffectiveOnly()
	if _, ok := attributes(t, tok, groupG2); ok || tok.Present().Has(winnt.SeShutdownPrivilege) {
		t.Errorf("EffectiveOnly: disabled group G2 present %t, held privileges %v; want false, without "+
			"SeShutdownPrivilege", ok, tok.Present().Names())
	}
	for _, keep := range []sid.SID{sid.Users, groupG1, deny, sid.MediumLevel} {
		if _, ok := attributes(t, tok, keep); !ok {
			t.Errorf("EffectiveOnly removed %v, want it kept", keep)
		}
	}
	if tok.User().SID != userU || tok.PrimaryGroup() != userU {
		t.Errorf("EffectiveOnly: user %v, primary group %v; want U for both", tok.User().SID, tok.PrimaryGroup())
	}
	_, _, st := tok.AdjustPrivileges(1, false, []token.PrivilegeChange{enable(winnt.SeShutdownPrivilege)})
	wantStatus(t, "enable a privilege that EffectiveOnly removed", st, ntstatus.NotAllAssigned)
	_, _, st = tok.AdjustGroups(1, false, []token.Group{{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	wantStatus(t, "enable a group that EffectiveOnly removed", st, ntstatus.NotAllAssigned)
	if got := tok.ModifiedID(); got != 100 {
		t.Errorf("T-49: ModifiedID of the effective-only copy = %d, want 100", got)
	}

	owner := token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_OWNER}
	s = setup(owner)
	s.Owner = sid.Administrators
	if got := must(t, s).EffectiveOnly().Owner(); got != userU {
		t.Errorf("T-48: EffectiveOnly of a token whose owner group is disabled: owner %v, want U", got)
	}
}

// A group and a privilege that were disabled are missing from the effective-only copy for a child process. The
// original keeps them (TC-12).
func TestEffectiveOnlyCopyHidesWhatWasDisabled(t *testing.T) {
	s := setup(token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_ENABLED |
		winnt.SE_GROUP_ENABLED_BY_DEFAULT})
	s.Privileges |= winnt.SeTcbPrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeTcbPrivilege.Bit()
	tok := must(t, s)
	off, _, st := tok.AdjustGroups(101, false, []token.Group{{SID: sid.Administrators}})
	wantStatus(t, "disable Administrators", st, ntstatus.Success)
	off, _, st = off.AdjustPrivileges(102, false, []token.PrivilegeChange{{LUID: winnt.SeTcbPrivilege.LUID()}})
	wantStatus(t, "disable SeTcb", st, ntstatus.Success)
	child := off.EffectiveOnly()
	if _, ok := attributes(t, child, sid.Administrators); ok || child.Present().Has(winnt.SeTcbPrivilege) {
		t.Errorf("the effective-only copy has Administrators: %t, SeTcbPrivilege: %t; want neither", ok,
			child.Present().Has(winnt.SeTcbPrivilege))
	}
	if _, ok := attributes(t, off, sid.Administrators); !ok || !off.Present().Has(winnt.SeTcbPrivilege) {
		t.Errorf("the original has Administrators: %t, SeTcbPrivilege: %t; want both", ok,
			off.Present().Has(winnt.SeTcbPrivilege))
	}
}

// A derived token equals a token made from its Spec: the same flags, and the same SIDs match allow and deny entries.
// Deriving does not change the original (T-1, T-48, T-61, T-75).
func TestDerivedTokenEqualsNew(t *testing.T) {
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
				t.Fatalf("%s of %s: %v, want success", name, of, st)
			}
			again := must(t, n.Spec())
			if n.Flags() != again.Flags() || n.IsAdmin() != again.IsAdmin() || n.Integrity() != again.Integrity() {
				t.Errorf("%s, %s: flags %#x, administrator %t, level %#x; a token made from its Spec has %#x, "+
					"%t, %#x", of, name, n.Flags(), n.IsAdmin(), n.Integrity(), again.Flags(), again.IsAdmin(),
					again.Integrity())
			}
			sids := []sid.SID{userU, sid.LocalSystem}
			for _, g := range old.Groups() {
				sids = append(sids, g.SID)
			}
			for _, who := range sids {
				for _, deny := range []bool{false, true} {
					if n.Member(who, deny) != again.Member(who, deny) {
						t.Errorf("%s, %s: Member(%v, deny %t) = %t, for a token made from its Spec %t", of, name, who,
							deny, n.Member(who, deny), again.Member(who, deny))
					}
				}
			}
			if d := differs(must(t, spec).Spec(), old.Spec()); d != nil {
				t.Errorf("%s, %s: the original changed in %v, want no field", of, name, d)
			}
			if d := differs(n.Spec(), again.Spec()); d != nil {
				t.Errorf("%s, %s: a token made from the Spec differs in %v, want no field", of, name, d)
			}
		}
	}
}
