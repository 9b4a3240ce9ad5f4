package token_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// naive returns the twin of adjustments of the model.
func (m *model) naive() naive {
	n := naive{present: m.Privileges, enabled: m.EnabledPrivileges, owner: m.Owner, primary: m.PrimaryGroup,
		modified: m.ModifiedID, groups: []token.Group{m.User}}
	for _, g := range m.Groups {
		n.groups = append(n.groups, token.Group{SID: g.SID, Attributes: attributesOf(&g)})
	}
	return n
}

// adjust runs an operation of the twin of adjustments on the model.
func (m *model) adjust(do func(n *naive) ntstatus.Status) ntstatus.Status {
	n := m.naive()
	st := do(&n)
	m.Privileges, m.EnabledPrivileges, m.DefaultPrivileges = n.present, n.enabled, m.DefaultPrivileges&n.present
	m.User, m.Groups = n.groups[0], token.AsGiven(n.groups[1:])
	m.Owner, m.PrimaryGroup, m.ModifiedID = n.owner, n.primary, n.modified
	return st
}

// compareDerived compares what a Spec does not have: the SIDs that match entries, and the flags that other fields
// determine (T-1).
func (m *model) compareDerived(t *testing.T, tok *token.Token) {
	t.Helper()
	n := m.naive()
	for _, s := range append(slices.Clone(groupSIDs), sid.MediumLevel) {
		if a, d := tok.Member(s, false), tok.Member(s, true); a != n.matches(s, false) || d != n.matches(s, true) {
			t.Fatalf("Member(%v): allow %v, deny %v; want %v, %v", s, a, d, n.matches(s, false), n.matches(s, true))
		}
	}
	want := m.Flags
	for flag, on := range map[uint32]bool{winnt.TOKEN_IS_RESTRICTED: m.IsRestricted,
		winnt.TOKEN_WRITE_RESTRICTED: m.WriteRestricted, winnt.TOKEN_SANDBOX_INERT: m.SandboxInert,
		winnt.TOKEN_NOT_LOW: !m.Integrity.IsZero() && m.Integrity.RID() > 0x1000, winnt.TOKEN_LOWBOX: !m.Package.IsZero(),
		1: n.enabled.Has(winnt.SeChangeNotifyPrivilege), 2: n.enabled.Has(winnt.SeBackupPrivilege),
		4: n.enabled.Has(winnt.SeRestorePrivilege), 0x80: n.enabled.Has(winnt.SeImpersonatePrivilege)} {
		if on {
			want |= flag
		}
	}
	check.Require(t, tok.Flags(), want, "T-1: flags")
}

// stepped is the outcome of an operation on a token and on its model.
type stepped struct {
	what      string
	after     *token.Token // nil if rejected
	got, want ntstatus.Status
	previous  string // the previous state that the token returned
	before    string // the previous state in the model
}

// attributesOfPrivilege returns the attributes ENABLED_BY_DEFAULT and ENABLED of a held privilege (T-71).
func (m *model) attributesOfPrivilege(p winnt.Privilege) (a uint32) {
	if m.DefaultPrivileges.Has(p) {
		a |= 1
	}
	if m.EnabledPrivileges.Has(p) {
		a |= 2
	}
	return a
}

func (d draws) adjustPrivileges(tok *token.Token, m *model) (s stepped) {
	id, all := winnt.LUID(d.Uint64()), d.chance(6)
	var changes []token.PrivilegeChange
	for range d.IntN(5) {
		changes = append(changes, token.PrivilegeChange{LUID: winnt.LUID(d.IntN(40) | d.IntN(2)*d.IntN(2)<<8),
			Attributes: []uint32{0, 2, 2, 4, 6, 1}[d.IntN(6)]})
	}
	old := *m
	s.want = m.adjust(func(n *naive) ntstatus.Status { return n.adjustPrivileges(id, all, changes) })
	var before, previous []token.PrivilegeChange
	for p := winnt.Privilege(2); p <= 36; p++ {
		if old.Privileges.Has(p) && (!m.Privileges.Has(p) || m.EnabledPrivileges.Has(p) != old.EnabledPrivileges.Has(p)) {
			before = append(before, token.PrivilegeChange{LUID: p.LUID(), Attributes: old.attributesOfPrivilege(p)})
		}
	}
	s.after, previous, s.got = tok.AdjustPrivileges(id, all, changes)
	s.previous, s.before = fmt.Sprint(previous), fmt.Sprint(before)
	return s
}

func (d draws) adjustGroups(tok *token.Token, m *model) (s stepped) {
	id, reset := winnt.LUID(d.Uint64()), d.chance(4)
	var changes []token.Group
	for range d.IntN(4) {
		changes = append(changes, token.Group{SID: d.sid(), Attributes: uint32(d.IntN(8))})
	}
	if d.chance(8) {
		changes = append(changes, token.Group{SID: d.level(), Attributes: uint32(d.IntN(8))})
	}
	old := slices.Clone(m.Groups)
	s.want = m.adjust(func(n *naive) ntstatus.Status { return n.adjustGroups(id, reset, changes) })
	var before, previous []token.Group
	for i, g := range old {
		if m.Groups[i] != g {
			before = append(before, token.Group{SID: g.SID, Attributes: attributesOf(&g)})
		}
	}
	s.after, previous, s.got = tok.AdjustGroups(id, reset, changes)
	s.previous, s.before = fmt.Sprint(previous), fmt.Sprint(before)
	return s
}

// spaced returns Success if needs fits into the charged space.
func (m *model) spaced(needs uint32) ntstatus.Status {
	if needs > m.DynamicCharged {
		return ntstatus.AllottedSpaceExceeded
	}
	return ntstatus.Success
}

// setRandom calls a random setter of NtSetInformationToken on the token and its model.
func (d draws) setRandom(tok *token.Token, m *model) (s stepped) {
	id, n := winnt.LUID(d.Uint64()), uint32(d.IntN(5))
	change := func() {} // changes the model if the setter succeeds
	kind := d.IntN(10)
	switch s.what = fmt.Sprint("setter ", kind); kind {
	case 0:
		owner := d.sid()
		if d.chance(3) && m.Owner != m.User.SID {
			owner = m.Owner
		} else if d.chance(3) && !contains(m.Groups, m.User.SID) { // a second entry of the user could decide differently
			owner = m.User.SID
		} else if owner == m.User.SID {
			owner = sid.LocalSystem
		}
		s.want = m.setsOwner(owner)
		s.after, s.got = tok.WithOwner(id, owner)
	case 1:
		g := d.sid()
		if s.want = m.spaced(spaceOf(g, m.DefaultDACL)); s.want == 0 && g != m.User.SID && !contains(m.Groups, g) {
			s.want = ntstatus.InvalidPrimaryGroup
		}
		change = func() { m.PrimaryGroup = g }
		s.after, s.got = tok.WithPrimaryGroup(id, g)
	case 2:
		l := d.dacl()
		if l != nil {
			s.want = m.spaced(spaceOf(m.PrimaryGroup, l))
		}
		change = func() { m.DefaultDACL = l }
		s.after, s.got = tok.WithDefaultDACL(id, l)
	case 3:
		change, s.after = func() { m.SessionID = n }, tok.WithSessionID(id, n)
	case 4:
		l := d.level()
		change = func() { m.level(l) }
		s.after, s.got = tok.WithIntegrity(id, l)
	case 5:
		if n > 3 {
			s.want = ntstatus.InvalidParameter
		}
		change = func() { m.MandatoryPolicy = n }
		s.after, s.got = tok.WithMandatoryPolicy(id, n)
	case 6:
		if m.OriginatingLogon != 0 {
			s.want = ntstatus.InvalidParameter
		}
		change = func() { m.OriginatingLogon = id }
		s.after, s.got = tok.WithOriginatingLogon(id, id)
	case 7:
		// TOKEN_IS_FILTERED, TOKEN_WRITE_RESTRICTED and TOKEN_SANDBOX_INERT are not the setter's (T-1).
		const free = winnt.TOKEN_UIACCESS | winnt.TOKEN_VIRTUALIZE_ALLOWED | winnt.TOKEN_SESSION_NOT_REFERENCED
		const all = free | winnt.TOKEN_IS_FILTERED | winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT |
			winnt.TOKEN_IS_RESTRICTED
		set, clear := d.Uint32()&d.Uint32()&all, d.Uint32()&d.Uint32()&all
		change = func() { m.Flags = m.Flags&^(clear&free) | set&free }
		s.after = tok.WithFlags(id, set, clear)
	case 8:
		s.after = tok.WithModifiedID(id)
	default:
		typ, level := winnt.TokenType(1+n&1), winnt.SecurityImpersonationLevel(d.IntN(4))
		change = func() { m.Type, m.Level = typ, level }
		s.after, id = tok.WithTypeLevel(typ, level), m.ModifiedID // a duplicate keeps ModifiedID (T-49)
	}
	if s.want == ntstatus.Success {
		change()
		m.ModifiedID = id
	}
	return s
}

// step does one random operation on a token and on its model.
func (d draws) step(tok *token.Token, m *model) (s stepped) {
	switch d.IntN(9) {
	case 0:
		m.adjust(func(n *naive) ntstatus.Status { n.effectiveOnly(); return 0 })
		return stepped{what: "effective only", after: tok.EffectiveOnly()}
	case 1, 2:
		f := d.filters()
		s.what = fmt.Sprintf("filter %v", f.Flags&winnt.LUA_TOKEN != 0)
		m.filter(f)
		s.after, s.got = tok.Filter(f)
	case 3:
		s = d.adjustPrivileges(tok, m)
		s.what = "adjust privileges"
	case 4:
		s = d.adjustGroups(tok, m)
		s.what = "adjust groups"
	case 5:
		l := token.LowBoxSpec{Package: sid.MustParse("S-1-15-2-5"), LowPrivilege: d.chance(2), Number: d.Uint32(),
			ModifiedID: winnt.LUID(d.Uint64()), Capabilities: []token.Group{{SID: sid.MustParse("S-1-15-3-9"),
				Attributes: uint32(d.IntN(2))}}}
		s.what, s.want = "low box", m.lowBox(l)
		s.after, s.got = tok.LowBox(l)
	default:
		s = d.setRandom(tok, m)
	}
	return s
}

// A token agrees with a model in every part after random operations. The original token does not change (T-1, T-11,
// T-48, T-49, T-54, T-61 to T-72, T-75).
func TestTokenMatchesModel(t *testing.T) {
	d := draws{newRand(t)}
	seen := map[string]int{}
	for range max(150, randtest.Count(t, "REFMON_TOKENS", 500)) { // fewer rounds do not reach every outcome
		tok := must(t, d.spec(t))
		m := model{Spec: tok.Spec()}
		before := format(tok.Spec())
		for range 10 {
			s := d.step(tok, &m)
			seen[fmt.Sprintf("%s: %v", s.what, s.want)]++
			check.RequireThat(t, s.got == s.want && s.previous == s.before,
				"%s: %v, want %v; previous state %s, want %s", s.what, s.got, s.want, s.previous, s.before)
			if after := format(tok.Spec()); !maps.Equal(before, after) {
				t.Fatalf("%s changed the original token: %v", s.what, differences(before, after))
			}
			if s.after != nil {
				tok = s.after
			}
			want := format(m.Spec)
			if before = format(tok.Spec()); !maps.Equal(before, want) {
				t.Fatalf("%s: the token differs from the model: %v", s.what, differences(before, want))
			}
			m.compareDerived(t, tok)
		}
		again := must(t, tok.Spec())
		check.RequireThat(t, again.Equal(tok) && tok.Equal(again), "New(tok.Spec()) is not equal to %+v", tok.Spec())
	}
	// Ten setters, six of which can fail, have 16 outcomes. The two adjustments have 6: success and NotAllAssigned
	// each, and two errors of groups. Filters with and without LUA_TOKEN, a low box that succeeds or fails, and an
	// effective-only copy have 5.
	check.That(t, len(seen) == 16+6+5, "%d different outcomes occurred: %v, want %d", len(seen), seen, 16+6+5)
}

// differences lists the fields in which two tokens differ.
func differences(got, want map[string]string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			out = append(out, fmt.Sprintf("%s: got %s, want %s", name, got[name], want[name]))
		}
	}
	return out
}
