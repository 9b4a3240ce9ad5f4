package collect_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

// TestSIDHistoryCountsWithoutGroups checks that the SIDs that an account had before count where it has no group, too,
// and so do those of a group in no other (B-16).
func TestSIDHistoryCountsWithoutGroups(t *testing.T) {
	d, _ := sources.Read(t, [2]string{"ldif", "dn: CN=a,DC=c\nobjectClass: user\nsAMAccountName: alone\n" +
		"objectSid: S-1-5-21-1-2-3-1107\nsIDHistory: S-1-5-21-9-9-9-77\n\n" +
		"dn: CN=b,DC=c\nobjectClass: user\nsAMAccountName: b\nobjectSid: S-1-5-21-1-2-3-1108\n" +
		"memberOf: CN=g,DC=c\n\n" +
		"dn: CN=g,DC=c\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\n" +
		"sIDHistory: S-1-5-21-9-9-9-78\n"})
	sources.HasGroups(t, d, "alone", "S-1-5-21-9-9-9-77")
	sources.HasGroups(t, d, "b", "S-1-5-21-1-2-3-2000 S-1-5-21-9-9-9-78")
}

// TestEqualNamesOfTwoDomainsStaySeparate checks that accounts of one name in two domains stay separate, and reads
// foreign members, ranges, and gids that two groups have.
func TestEqualNamesOfTwoDomainsStaySeparate(t *testing.T) {
	const two = "dn: CN=a,DC=one\nobjectClass: user\nsAMAccountName: aDmin\nobjectSid: S-1-5-21-1-2-3-500\n" +
		"memberOf: CN=g,DC=one\n\n" +
		"dn: CN=a,DC=two\nobjectClass: user\nsAMAccountName: Admin\nobjectSid: S-1-5-21-4-5-6-500\n\n" +
		"dn: CN=g,DC=one\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\n" +
		"member: CN=S-1-5-21-4-5-6-500,CN=ForeignSecurityPrincipals,DC=one\nmember;range=0-1499: CN=a,DC=one\n\n" +
		"dn: CN=S-1-5-21-4-5-6-500,CN=ForeignSecurityPrincipals,DC=one\nobjectClass: foreignSecurityPrincipal\n" +
		"objectSid: S-1-5-21-4-5-6-500\nmemberOf: CN=g,DC=one\nmemberOf: CN=g,DC=two\n\n" +
		"dn: CN=g,DC=two\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-4-5-6-2000\n"
	d, unresolved := sources.Read(t, [2]string{"auto", two})
	sources.HasGroups(t, d, "aDmin", "S-1-5-21-1-2-3-500 S-1-5-21-1-2-3-2000")
	sources.HasGroups(t, d, "S-1-5-21-4-5-6-500", "S-1-5-21-1-2-3-2000 S-1-5-21-4-5-6-2000")
	check.That(t, len(d.Principals) == 2 && d.Find("Admin (S-1-5-21-4-5-6-500)") >= 0 && d.Domain.IsZero(),
		"%d principals, domain %v", len(d.Principals), d.Domain)
	want := []string{"g lists only a range of its members: the memberOf of the others counts if it is there",
		`users are of several domains: add "domain" to the directory file if one is yours`}
	check.That(t, slices.Equal(unresolved, want), "unresolved: %q, want %q", unresolved, want)
	// The first domain that a file names is that of the directory.
	const heads = "dn: DC=one\nobjectClass: domainDNS\nobjectSid: S-1-5-21-1-2-3\n\n" +
		"dn: DC=two\nobjectClass: domainDNS\nobjectSid: S-1-5-21-4-5-6\n\n"
	d, unresolved = sources.Read(t, [2]string{"ldif", heads + two})
	sources.HasGroups(t, d, "aDmin", "S-1-5-21-1-2-3-513")
	check.That(t, d.Domain.String() == "S-1-5-21-1-2-3" && len(unresolved) == 2 && unresolved[0] ==
		"the files tell of several domains: S-1-5-21-1-2-3 is the one of the directory, S-1-5-21-4-5-6 is not",
		"domain %v, unresolved %q", d.Domain, unresolved)
	d, unresolved = sources.Read(t, [2]string{"passwd", "a:x:1:9:::\nb:x:2:9:::\n"},
		[2]string{"passwd", "g:x:50:a\nh:x:50:b\n"})
	sources.HasGroups(t, d, "a", "S-1-22-2-50")
	sources.HasGroups(t, d, "b", "S-1-22-2-50")
	check.That(t, fmt.Sprint(unresolved) == "[the group h has the gid of g: its members count as that one's]",
		"unresolved: %q", unresolved)
	var c collect.Collector // the first name of the domain counts
	c.TakeDomain(sid.MustParse("S-1-5-21-1-2-3"), "one.example")
	c.TakeDomain(sid.MustParse("S-1-5-21-1-2-3"), "two.example")
	check.Equal(t, c.Realm, "one.example", "realm")
	// What either of the two is in counts for the members of both.
	d, _ = sources.Read(t, [2]string{"passwd", "a:x:1:9:::\nb:x:2:9:::\n"}, [2]string{"passwd", "g:x:50:a\n"},
		[2]string{"csv", "SamAccountName,SID,ObjectClass,MemberOf\nh,S-1-22-2-50,group,all\n" +
			"all,S-1-5-21-1-2-3-2000,group,\n"}, [2]string{"passwd", "h:x:50:b\n"})
	sources.HasGroups(t, d, "a", "S-1-22-2-50 S-1-5-21-1-2-3-2000")
	sources.HasGroups(t, d, "b", "S-1-22-2-50 S-1-5-21-1-2-3-2000")
	d, _ = sources.Read(t, [2]string{"passwd", "a:x:1:9:::\n"}, [2]string{"passwd", "g:x:50:a\n"},
		[2]string{"ldif", "dn: CN=h\nobjectClass: group\nsAMAccountName: h\nobjectSid: S-1-22-2-50\nmemberOf: CN=all\n\n" +
			"dn: CN=all\nobjectClass: group\nsAMAccountName: all\nobjectSid: S-1-5-21-1-2-3-2000\n"})
	sources.HasGroups(t, d, "a", "S-1-22-2-50 S-1-5-21-1-2-3-2000")
	d, unresolved = sources.Read(t, [2]string{"passwd", "a:x:1:9:::\n"}, [2]string{"passwd", "g:x:50:a,ghost\n"},
		[2]string{"csv", "SamAccountName,SID,ObjectClass\nall,S-1-5-21-1-2-3-2000,group\n" +
			"more,S-1-5-21-1-2-3-2001,group\n"}, [2]string{"members:all", "SamAccountName,SID,ObjectClass\n" +
			"h,S-1-22-2-50,group\n"}, [2]string{"members:more", "h"}, [2]string{"members:all", "ghost"})
	sources.HasGroups(t, d, "a", "S-1-22-2-50 S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001")
	check.Equal(t, unresolved[len(unresolved)-1], "ghost, a member of all, is not in the input", "last unresolved")
	// A name means the first group that matches without case, unless another one matches exactly.
	d, _ = sources.Read(t, [2]string{"csv", "SamAccountName,SID,ObjectClass,MemberOf\n" +
		"Ops,S-1-5-21-1-2-3-2000,group,\nOPS,S-1-5-21-4-5-6-2000,group,\n" +
		"a,S-1-5-21-1-2-3-1107,user,ops\nb,S-1-5-21-1-2-3-1108,user,OPS\n"})
	sources.HasGroups(t, d, "a", "S-1-5-21-1-2-3-2000")
	sources.HasGroups(t, d, "b", "S-1-5-21-4-5-6-2000")
}

// TestOnlyDomainAccountsHaveDomain checks that the domain of an account is S-1-5-21 and three numbers.
func TestOnlyDomainAccountsHaveDomain(t *testing.T) {
	for text, want := range map[string]string{"S-1-5-21-1-2-3-500": "S-1-5-21-1-2-3", "S-1-5-32-544": "",
		"S-1-22-1-5": "", "S-1-5-80-1-2-3-4": "", "S-1-5-21-1-2-3": "", "S-1-5-21-1-2-3-4-5": "",
		"S-1-4-21-1-2-3-500": ""} {
		d := collect.DomainOf(sid.MustParse(text))
		check.That(t, d.IsZero() == (want == "") && (want == "" || d.String() == want), "domain of %s: %v", text, d)
	}
}

// TestReferencesFindAccounts checks that a reference by SID, gid or name finds the group, that an unknown SID or gid
// counts all the same, and that a group can be a member. A Unix user belongs to no domain.
func TestReferencesFindAccounts(t *testing.T) {
	var c collect.Collector
	c.Put(&collect.Record{Kind: collect.Foreign, SID: sid.Everyone}) // without a DN nothing refers to it
	domain := sid.MustParse("S-1-5-21-1-2-3")
	user, team := c.Users.Account("a", domain.WithRID(1107)), c.Groups.Account("team", domain.WithRID(2000))
	user.GID, user.History = "7", []sid.SID{user.SID} // it is no group of its own
	user.In = []collect.Reference{{SID: domain.WithRID(9)}, {GID: "7"}, {GID: "8"}, {Name: "team"}}
	c.AddMember(c.Groups.Account("all", domain.WithRID(2001)), collect.Reference{SID: team.SID})
	c.AddMember(c.Groups.Account("more", domain.WithRID(2002)), collect.Reference{Name: "team"})
	c.Users.Account("b", sid.MustParse("S-1-22-1-5")).Primary = team.SID // of another domain
	a := c.Accounts()
	check.SlicesEqual(t, a.Users[0].MemberOf, []sid.SID{team.SID, domain.WithRID(9), sid.MustParse("S-1-22-2-8")},
		"user")
	check.SlicesEqual(t, a.Groups[0].MemberOf, []sid.SID{domain.WithRID(2001), domain.WithRID(2002)}, "group")
	check.That(t, a.Domain == domain && len(c.Unresolved) == 0 && a.Users[1].Primary.IsZero(),
		"domain %v, unresolved %q, primary group of b %v", a.Domain, c.Unresolved, a.Users[1].Primary)
}

// TestLaterNameIsFound checks that a name and a SID given together name the account that was known by either one.
func TestLaterNameIsFound(t *testing.T) {
	s := sid.MustParse("S-1-5-21-1-2-3-1107")
	for _, first := range []string{s.String(), "other", "A"} {
		var c collect.Collector
		earlier := c.Users.Account(first, s)
		if first == "A" { // without a SID
			c = collect.Collector{}
			earlier = c.Users.Named(first)
		}
		a := c.Users.Account("a", s)
		users, _ := c.Count()
		check.That(t, users == 1 && a == earlier && c.Users.Named("a") == a && a.Name != s.String(),
			"%s and a are %d accounts, the first %+v", first, users, a)
	}
	number := "7"
	c := collect.Collector{Domain: sid.MustParse("S-1-5-21-4-5-6")} // of an account
	c.Users.Account("A", s).ID = number
	other, _ := c.Users.Unix("a", "8")
	check.That(t, other.SID.IsZero(), "a with another id than A is the account %+v", other)
	err := collect.SetNumber("uid", &number, "x")
	check.That(t, err != nil && number == "7", "a wrong number: %q, %v, want the one before and an error", number, err)
	check.Equal(t, collect.Refer("ou=x,dc=c"), collect.Reference{DN: "ou=x,dc=c"}, "reference by DN")
	c.TakeDomain(sid.MustParse("S-1-5-21-1-2-3"), "")
	check.Equal(t, c.Domain, sid.MustParse("S-1-5-21-1-2-3"), "domain that a source names")
}

// TestDottedIDoesNotMatchASCIII checks that a group whose name has a dotted capital I is not the one with an i.
func TestDottedIDoesNotMatchASCIII(t *testing.T) {
	const group = "\ndn: CN=%s,DC=c\nobjectClass: group\nsAMAccountName: %[1]s\nobjectSid: S-1-5-21-1-2-3-%d\n"
	d, _ := sources.Read(t, [2]string{"ldif", "dn: CN=a,DC=c\nobjectClass: user\nsAMAccountName: a\n" +
		"objectSid: S-1-5-21-1-2-3-1107\nmemberOf: CN=adm\u0130ns,DC=c\n" +
		fmt.Sprintf(group, "adm\u0130ns", 2000) + fmt.Sprintf(group, "Admins", 2001)})
	sources.HasGroups(t, d, "a", "S-1-5-21-1-2-3-2000")
	check.SlicesEqual(t, d.Group("ADMINS"), []sid.SID{sid.MustParse("S-1-5-21-1-2-3-2001")}, "Admins")
}

// TestAuthenticatedUsersExcludeGuest checks that a group with Authenticated Users has all users but the guest,
// and one with Everyone has the guest too (B-17).
func TestAuthenticatedUsersExcludeGuest(t *testing.T) {
	group := func(rid, member string) string {
		return `{"ObjectIdentifier":"S-1-5-21-1-2-3-` + rid + `","Members":[{"ObjectIdentifier":"CORP.TEST-` + member +
			`","ObjectType":"Group"}],"Properties":{"name":"G` + rid + `@CORP.TEST"}}`
	}
	user := func(rid string) string {
		return `{"ObjectIdentifier":"S-1-5-21-1-2-3-` + rid + `","Properties":{"name":"U` + rid + `@CORP.TEST"}}`
	}
	d, _ := sources.Read(t, [2]string{"auto", `{"data":[` + user("500") + "," + user("501") + "," + user("502") +
		`],"meta":{"type":"users","version":6}}`}, [2]string{"auto", `{"data":[` + group("2001", "S-1-5-11") + "," +
		group("2002", "S-1-1-0") + `],"meta":{"type":"groups","version":6}}`})
	for who, want := range map[string][2]bool{"u500": {true, true}, "u501": {false, true}, "u502": {true, true}} {
		i := d.Find(who)
		if i < 0 {
			t.Errorf("B-17: %s is not among the principals", who)
			continue
		}
		tok := d.Principals[i].Token
		got := [2]bool{tok.Member(sid.MustParse("S-1-5-21-1-2-3-2001"), false),
			tok.Member(sid.MustParse("S-1-5-21-1-2-3-2002"), false)}
		check.Equal(t, got, want, "B-17: %s is a member of the groups of authenticated users and of everyone", who)
	}
}

// TestImplicitGroupsAreNotReported checks that INTERACTIVE, which Samba and Windows list as a member of Users, has no
// members in any file, so that nothing is missing (B-66). Domain Admins and BUILTIN groups have some.
func TestImplicitGroupsAreNotReported(t *testing.T) {
	text := "dn: CN=Builtin,DC=c\nobjectClass: builtinDomain\nobjectSid: S-1-5-32\n\n" +
		"dn: CN=g,DC=c\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\n"
	for _, member := range []string{"S-1-5-4", "S-1-5-17", "S-1-5-21-1-2-3-512", "S-1-5-32-548", "S-1-5-21-1-2-3-9"} {
		text += "member: CN=" + member + ",CN=F,DC=c\n"
	}
	for _, member := range []string{"S-1-5-4", "S-1-5-17", "S-1-5-21-1-2-3-512", "S-1-5-32-548", "S-1-5-21-1-2-3-9"} {
		text += "\ndn: CN=" + member + ",CN=F,DC=c\nobjectClass: foreignSecurityPrincipal\nobjectSid: " + member + "\n"
	}
	_, unresolved := sources.Read(t, [2]string{"ldif", text})
	want := []string{"S-1-5-21-1-2-3-512, a member of g, is not in the input",
		"S-1-5-32-548, a member of g, is not in the input", "S-1-5-21-1-2-3-9, a member of g, is not in the input"}
	check.That(t, fmt.Sprint(unresolved) == fmt.Sprint(want), "reported %q, want %q", unresolved, want)
}

// TestNamesThatReadAsSIDsChange checks that a user or group whose name sid.Resolve takes for a SID, in any of its
// forms, gets another name. A name that only begins like a SID stays.
func TestNamesThatReadAsSIDsChange(t *testing.T) {
	for name, renamed := range map[string]bool{"S-1-5-32-544": true, "s-1-1-0": true, "S-0x1-0x5-0x20": true,
		"S-1-team": false, "S-1-": false} {
		d, _ := sources.Read(t, [2]string{"csv", "SamAccountName,SID,ObjectClass,MemberOf\n" +
			name + ",S-1-5-21-1-2-3-1107,user,\n" + name + ",S-1-5-21-1-2-3-2000,group,\n"})
		want := [2]string{name, name}
		if renamed {
			want = [2]string{"user " + name, "group " + name}
		}
		group := d.Name(sid.MustParse("S-1-5-21-1-2-3-2000"))
		check.That(t, len(d.Principals) == 1 && d.Principals[0].Name == want[0] && group == want[1],
			"%s: got the users %+v and the group %q, want %q", name, d.Principals, group, want)
	}
}

// An account that one file knows by its SID alone gets a name from another file and keeps its values.
func TestLateNameKeepsEarlierValues(t *testing.T) {
	for _, enabled := range []string{"True", "False"} {
		d, _ := sources.Read(t, [2]string{"csv", "SamAccountName,SID,ObjectClass\nops,S-1-5-21-1-2-3-2000,group\n" +
			"more,S-1-5-21-1-2-3-2001,group\n"},
			[2]string{"members:ops", "SamAccountName,SID,Enabled,SIDHistory,MemberOf\n" +
				"S-1-5-21-1-2-3-1107,S-1-5-21-1-2-3-1107," + enabled + ",S-1-5-21-9-9-9-7,more\n"},
			[2]string{"passwd", "alice:x:1001:100:::\n"},
			[2]string{"wbinfo", "+ wbinfo -n alice\nS-1-5-21-1-2-3-1107 SID_USER (1)\n"})
		if enabled == "True" {
			sources.HasGroups(t, d, "alice",
				"S-1-5-21-1-2-3-1107 S-1-22-1-1001 S-1-22-2-100 S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 "+
					"S-1-5-21-9-9-9-7")
		} else if d.Disabled != 1 || d.Find("alice") >= 0 {
			t.Errorf("%d disabled, alice is principal %d, want her disabled", d.Disabled, d.Find("alice"))
		}
	}
}
