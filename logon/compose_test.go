package logon_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const allRights = logon.SeInteractiveLogonRight | logon.SeNetworkLogonRight | logon.SeBatchLogonRight |
	logon.SeServiceLogonRight | logon.SeRemoteInteractiveLogonRight

const (
	alice = "S-1-5-21-1-2-3-1001"
	users = "S-1-5-21-1-2-3-513"
	team  = "S-1-5-21-1-2-3-2001"
)

// person returns a user with the given rights and groups, and four privileges.
func person(rights logon.Rights, groups ...string) logon.Person {
	p := logon.Person{Account: logon.Account{SID: sid.MustParse(alice), Use: winnt.SidTypeUser, Name: "alice"},
		Rights: rights, Privileges: winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeBackupPrivilege,
			winnt.SeShutdownPrivilege, winnt.SeCreateGlobalPrivilege)}
	for _, g := range groups {
		p.Groups = append(p.Groups, sid.MustParse(g))
	}
	return p
}

// sids returns a token's groups in order, deny-only ones with a "-" in front.
func sids(s token.Spec) (out []string) {
	for _, g := range s.Groups {
		name := g.SID.String()
		if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
			name = "-" + name
		}
		out = append(out, name)
	}
	return out
}

// types are the ways to log on: the right each needs, the right that denies it,
// and the SIDs of the type.
var types = []struct {
	typ        winnt.LogonType
	need, deny logon.Rights
	sids       []string
}{
	{winnt.LOGON32_LOGON_INTERACTIVE, logon.SeInteractiveLogonRight, logon.SeDenyInteractiveLogonRight,
		[]string{"S-1-5-4", "S-1-2-1", "S-1-2-0"}},
	{winnt.LOGON32_LOGON_UNLOCK, logon.SeInteractiveLogonRight, logon.SeDenyInteractiveLogonRight,
		[]string{"S-1-5-4", "S-1-2-0"}},
	{winnt.LOGON32_LOGON_NETWORK, logon.SeNetworkLogonRight, logon.SeDenyNetworkLogonRight, []string{"S-1-5-2"}},
	{winnt.LOGON32_LOGON_NETWORK_CLEARTEXT, logon.SeNetworkLogonRight, logon.SeDenyNetworkLogonRight,
		[]string{"S-1-5-2"}},
	{winnt.LOGON32_LOGON_BATCH, logon.SeBatchLogonRight, logon.SeDenyBatchLogonRight,
		[]string{"S-1-5-3", "S-1-2-1", "S-1-2-0"}},
	{winnt.LOGON32_LOGON_SERVICE, logon.SeServiceLogonRight, logon.SeDenyServiceLogonRight,
		[]string{"S-1-5-6", "S-1-2-1", "S-1-2-0"}},
	{winnt.LOGON32_LOGON_REMOTE_INTERACTIVE, logon.SeRemoteInteractiveLogonRight,
		logon.SeDenyRemoteInteractiveLogonRight, []string{"S-1-5-4", "S-1-5-14", "S-1-2-0"}},
}

// TestAccountRightsBecomePrivileges checks that each type needs its own right, and that its deny form
// removes it. No other right matters (L-2), and there is no other type (L-3).
func TestAccountRightsBecomePrivileges(t *testing.T) {
	ask := func(rights logon.Rights, typ winnt.LogonType) ntstatus.Status {
		return check.Status(logon.Compose(person(rights, users), typ))
	}
	const allDenials = allRights << 5
	for _, c := range types {
		for _, q := range []struct {
			what   string
			rights logon.Rights
			want   ntstatus.Status
		}{
			{"its right alone", c.need, ntstatus.Success},
			{"its right, denied to log on otherwise", c.need | allDenials&^c.deny, ntstatus.Success},
			{"every right but its own", allRights &^ c.need, ntstatus.LogonTypeNotGranted},
			{"every right, and denied", allRights | c.deny, ntstatus.LogonTypeNotGranted},
			{"no right", 0, ntstatus.LogonTypeNotGranted},
		} {
			check.Equal(t, ask(q.rights, c.typ), q.want, "L-2: type %d, %s", c.typ, q.what)
		}
	}
	for _, typ := range []winnt.LogonType{0, 1, 6, 9, 11, 14, 1 << 31} {
		check.Equal(t, ask(allRights, typ), ntstatus.InvalidLogonType, "L-3: type %d", typ)
	}
}

// TestLogonAddsItsGroups checks the order of groups: the user's, then Everyone, the SIDs of the logon type and
// Authenticated Users, then those that the caller adds (L-8). A network logon gives an impersonation token (L-9).
func TestLogonAddsItsGroups(t *testing.T) {
	added := token.Group{SID: sid.MustParse("S-1-5-21-9-9-9-77"), Attributes: winnt.SE_GROUP_ENABLED}
	p := person(allRights, users, team)
	p.Claims = check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{1}}}))
	for _, c := range types {
		r, st := logon.Compose(p, c.typ, added)
		check.RequireThat(t, st == ntstatus.Success && r.Linked == nil,
			"type %d: %v, linked %v, want %v, nil", c.typ, st, r.Linked, ntstatus.Success)
		want := append([]string{users, team, "S-1-1-0"}, c.sids...)
		want = append(want, "S-1-5-113", "S-1-5-11", "S-1-5-15", "S-1-5-21-9-9-9-77")
		check.SlicesEqual(t, sids(r.Token), want, "L-8: type %d: groups", c.typ)
		for i, g := range r.Token.Groups {
			if wanted := token.GroupDefault; i < len(want)-1 && g.Attributes != wanted {
				t.Errorf("L-8: type %d: %v has attributes %#x, want %#x", c.typ, g.SID, g.Attributes, wanted)
			}
		}
		last := r.Token.Groups[len(want)-1]
		check.That(t, last == added, "L-33: type %d: added as %+v, want %+v", c.typ, last, added)
		typ, level := winnt.TokenPrimary, winnt.SecurityAnonymous
		if c.typ == winnt.LOGON32_LOGON_NETWORK {
			typ, level = winnt.TokenImpersonation, winnt.SecurityImpersonation
		}
		s := r.Token
		check.That(t, s.Type == typ && s.Level == level && s.User.SID.String() == alice &&
			s.Integrity == sid.MediumLevel && s.Owner.IsZero() && (s.ElevationType == 0 ||
			s.ElevationType == winnt.TokenElevationTypeDefault), "L-9: type %d: %+v", c.typ, s)
		made := check.Must(token.New(r.Token))
		check.That(t, made.PrimaryGroup().String() == users && made.MandatoryPolicy() == 3 &&
			r.Token.UserClaims == p.Claims && r.Token.Source.Name == "refmon",
			"type %d: primary group %v, policy %d, claims %v, source %v, want the first group, 3, the person's and refmon",
			c.typ, made.PrimaryGroup(), made.MandatoryPolicy(), r.Token.UserClaims, r.Token.Source)
	}
	// One group more than a token holds is rejected, including those that every logon adds (L-4).
	for _, n := range []int{token.MaxGroups - 5, token.MaxGroups - 4} {
		p := person(allRights)
		for i := range n {
			p.Groups = append(p.Groups, sid.MustParse(alice).Prefix().WithRID(uint32(3000+i)))
		}
		want := ntstatus.Success
		if n == token.MaxGroups-4 {
			want = ntstatus.TooManyContextIDs
		}
		check.Equal(t, check.Status(logon.Compose(p, winnt.LOGON32_LOGON_NETWORK)), want, "L-4: %d groups", n)
	}
	// A repeated group counts once, but not one with other attributes (L-4).
	p = person(allRights)
	for i := range token.MaxGroups - 5 {
		p.Groups = append(p.Groups, sid.MustParse(alice).Prefix().WithRID(uint32(3000+i)))
	}
	p.Groups = append(p.Groups, p.Groups[:100]...)
	again := token.Group{SID: p.Groups[7], Attributes: token.GroupDefault}
	full, st := logon.Compose(p, winnt.LOGON32_LOGON_NETWORK, again)
	if st != ntstatus.Success || len(full.Token.Groups) != token.MaxGroups || full.Token.Groups[100].SID != p.Groups[100] {
		t.Errorf("L-4: repeated groups: %v with %d groups, want success with %d", st, len(full.Token.Groups), token.MaxGroups)
	}
	again.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	check.Equal(t, check.Status(logon.Compose(p, winnt.LOGON32_LOGON_NETWORK, again)), ntstatus.TooManyContextIDs,
		"L-4: a repeated group with other attributes")
	// Without a group the user is the primary group.
	r, _ := logon.Compose(person(allRights), winnt.LOGON32_LOGON_NETWORK)
	check.That(t, r.Token.PrimaryGroup.String() == alice, "primary group %v, want %v", r.Token.PrimaryGroup, alice)
}

// TestAdministratorGetsTwoTokens checks that each group that splits a token gives a pair in an interactive logon
// (L-5), the full token in a batch or service logon (L-6), and the limited one alone over the network (L-7).
func TestAdministratorGetsTwoTokens(t *testing.T) {
	held := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeBackupPrivilege, winnt.SeShutdownPrivilege,
		winnt.SeCreateGlobalPrivilege)
	few := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege)
	for _, group := range []string{"S-1-5-32-544", "S-1-5-32-551", "S-1-5-32-547", "S-1-5-32-548", "S-1-5-32-549",
		"S-1-5-32-550"} {
		admin := group == "S-1-5-32-544"
		owner, level := sid.SID{}, sid.MediumLevel
		if admin { // the group Administrators owns what an administrator creates
			owner, level = sid.Administrators, sid.HighLevel
		}
		verify := func(what string, s token.Spec, full bool, elevation uint32) {
			t.Helper()
			name, own, integrity, all, flags := group, owner, level, held, uint32(0)
			if !full {
				name, own, integrity, all, flags = "-"+group, sid.SID{}, sid.MediumLevel, few, winnt.TOKEN_IS_FILTERED
			}
			made := check.Must(token.New(s))
			usual := winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeCreateGlobalPrivilege) & all
			if !slices.Contains(sids(s), name) || s.Owner != own || s.Integrity != integrity || s.Privileges != all ||
				s.EnabledPrivileges != usual || s.DefaultPrivileges != usual || s.Flags != flags ||
				made.ElevationType() != elevation {
				t.Errorf("%s of a member of %s: %v %+v", what, group, sids(s), s)
			}
		}
		for _, c := range types {
			r := check.Result(logon.Compose(person(allRights, users, group), c.typ))
			switch c.typ {
			case winnt.LOGON32_LOGON_BATCH, winnt.LOGON32_LOGON_SERVICE:
				verify("L-6: the token", r.Token, true, winnt.TokenElevationTypeDefault)
			case winnt.LOGON32_LOGON_NETWORK, winnt.LOGON32_LOGON_NETWORK_CLEARTEXT:
				verify("L-7: the token", r.Token, false, winnt.TokenElevationTypeDefault)
			default:
				verify("L-5: the limited token", r.Token, false, winnt.TokenElevationTypeLimited)
				check.RequireThat(t, r.Linked != nil, "L-5: no full token is linked")
				verify("L-5: the full token", *r.Linked, true, winnt.TokenElevationTypeFull)
			}
			paired := c.sids[0] == "S-1-5-4"
			enabled := paired || c.typ == winnt.LOGON32_LOGON_BATCH || c.typ == winnt.LOGON32_LOGON_SERVICE
			if (r.Linked != nil) != paired || r.Administrator() != (admin && enabled) {
				t.Errorf("type %d of a member of %s: linked %t, administrator %t, want %t, %t", c.typ, group,
					r.Linked != nil, r.Administrator(), paired, admin && enabled)
			}
			full := r.Full()
			if paired {
				verify("L-51: the full token first", full.Token, true, winnt.TokenElevationTypeFull)
				verify("L-51: the limited one linked", *full.Linked, false, winnt.TokenElevationTypeLimited)
				verify("L-51: the full token that is first already", full.Full().Token, true, winnt.TokenElevationTypeFull)
			} else if full.Linked != nil || full.Token.Flags != r.Token.Flags {
				t.Errorf("L-51: type %d without a pair: %+v, want no linked token and the flags %v", c.typ,
					full, r.Token.Flags)
			}
		}
	}
}

// TestRemoteAdministratorIsFiltered checks that a domain administrator is not limited over the network (L-58), and is
// treated like a local one otherwise.
func TestRemoteAdministratorIsFiltered(t *testing.T) {
	for _, c := range types {
		local, remote := person(allRights, users, "S-1-5-32-544"), person(allRights, users, "S-1-5-32-544")
		remote.Remote = true
		l, _ := logon.Compose(local, c.typ)
		r, st := logon.Compose(remote, c.typ)
		network := c.typ == winnt.LOGON32_LOGON_NETWORK || c.typ == winnt.LOGON32_LOGON_NETWORK_CLEARTEXT
		if full := r.Token.Integrity == sid.HighLevel; st != ntstatus.Success || network && (!full || r.Linked != nil) ||
			!network && (full != (l.Token.Integrity == sid.HighLevel) || (r.Linked == nil) != (l.Linked == nil)) {
			t.Errorf("L-58: type %d: %v, %+v", c.typ, st, r)
		}
	}
}

// Both tokens of a pair share a logon SID. Each has its own session and a default DACL for its own owner (L-10).
func TestPairSharesLogonSID(t *testing.T) {
	r := check.Result(logon.Compose(person(allRights, users, "S-1-5-32-544"), winnt.LOGON32_LOGON_INTERACTIVE))
	before := len(r.Token.Groups)
	spec, linked := r.InSession(0x7_0000_0009, 0x8_0000_0001)
	verify := func(s token.Spec, id winnt.LUID, owner string) {
		t.Helper()
		last := s.Groups[len(s.Groups)-1]
		check.That(t, s.AuthenticationID == id && last.SID.String() == "S-1-5-5-7-9" &&
			last.Attributes == token.GroupDefault|winnt.SE_GROUP_LOGON_ID,
			"L-10: session %#x, %+v", s.AuthenticationID, last)
		text, err := sddl.Format(sd.New(sd.Parts{DACL: s.DefaultDACL}), sddl.Options{})
		want := "D:(A;;GA;;;" + owner + ")(A;;GA;;;SY)(A;;GXGR;;;S-1-5-5-7-9)"
		check.That(t, err == nil && text == want, "L-10: default DACL %s, %v, want %s", text, err, want)
		if _, err := token.New(s); err != nil {
			t.Error(err)
		}
	}
	verify(spec, 0x7_0000_0009, alice)
	check.RequireThat(t, linked != nil, "L-10: no linked token")
	verify(*linked, 0x8_0000_0001, "BA")
	check.That(t, len(r.Token.Groups) == before && r.Token.AuthenticationID == 0 && r.Linked.AuthenticationID == 0,
		"InSession changed the result, want a copy")
	single := check.Result(logon.Compose(person(allRights, users), winnt.LOGON32_LOGON_INTERACTIVE))
	spec, linked = single.InSession(0x7_0000_0009, 0x8_0000_0001)
	verify(spec, 0x7_0000_0009, alice)
	check.That(t, linked == nil, "L-10: a logon without a pair has the linked token %+v, want none", linked)
	anonymous := logon.AnonymousLogon()
	spec, linked = anonymous.InSession(1, 2)
	if _, err := token.New(spec); err != nil || linked != nil || spec.AuthenticationID == 1 ||
		spec.Type != winnt.TokenImpersonation || spec.Level != winnt.SecurityImpersonation ||
		anonymous.Account.SID != sid.Anonymous || anonymous.Administrator() || len(spec.Groups) != 0 {
		t.Errorf("L-34: %+v, %v, %v", spec, linked, err)
	}
}

// A group added by the caller keeps its attributes, where 0 means disabled, and follows the groups of every logon, in
// each token. The caller's list does not change (T-144).
func TestAddedGroupKeepsAttributes(t *testing.T) {
	for _, a := range []uint32{0, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_ENABLED_BY_DEFAULT, token.GroupDefault,
		winnt.SE_GROUP_USE_FOR_DENY_ONLY, winnt.SE_GROUP_OWNER | winnt.SE_GROUP_ENABLED} {
		for _, own := range [][]string{{users}, {users, "S-1-5-32-544"}} {
			more := []token.Group{{SID: sid.MustParse(team), Attributes: a}}
			r, st := logon.Compose(person(allRights, own...), winnt.LOGON32_LOGON_INTERACTIVE, more...)
			check.RequireThat(t, st == ntstatus.Success && more[0].Attributes == a, "%v %v", st, more)
			check.That(t, len(own) == 2 == (r.Linked != nil),
				"T-144: groups %v: a linked token: %t, want %t", own, r.Linked != nil, len(own) == 2)
			for _, s := range []*token.Spec{&r.Token, r.Linked} {
				if s == nil {
					continue
				}
				tok := check.Must(token.New(*s))
				var last token.Group
				for _, g := range tok.Groups() {
					if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
						last = g
					}
				}
				check.That(t, last.SID == sid.MustParse(team) && last.Attributes == a,
					"T-144: groups %v: the last group is %v with %#x, want %#x", own, last.SID, last.Attributes, a)
				got, want := tok.Member(last.SID, false), a&winnt.SE_GROUP_ENABLED != 0
				check.That(t, got == want, "T-144: %#x: enabled %t, want %t", a, got, want)
			}
		}
	}
}
