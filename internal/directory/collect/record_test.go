package collect_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

// An entry without userAccountControl or groupType keeps the value of an earlier entry of the account; one with it
// replaces it. The SIDs that an account had before are those of all its entries.
func TestLaterEntryKeepsStatedValues(t *testing.T) {
	const (
		gone  = "dn: CN=a\nobjectClass: user\nsAMAccountName: a\nobjectSid: S-1-5-21-1-2-3-1107\n"
		here  = "dn: CN=b\nobjectClass: user\nsAMAccountName: b\nobjectSid: S-1-5-21-1-2-3-1108\nmemberOf: CN=g\n"
		group = "dn: CN=g\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\n"
	)
	d, _ := sources.Read(t,
		[2]string{"ldif", gone + "userAccountControl: 514\n\n" + here +
			"userAccountControl: 514\nsIDHistory: S-1-5-21-9-9-9-7\n\n" + group + "groupType: 2\n"},
		[2]string{"ldif", gone + "\n" + here + "userAccountControl: 512\nsIDHistory: S-1-5-21-9-9-9-8\n\n" + group})
	check.RequireThat(t, len(d.Principals) == 1, "%d users may log on, want only b", len(d.Principals))
	check.That(t, !d.Principals[0].Token.Member(sid.MustParse("S-1-5-21-1-2-3-2000"), false),
		"b is in a distribution group")
	sources.HasGroups(t, d, "b", "S-1-5-21-9-9-9-7 S-1-5-21-9-9-9-8")
}

// A later record without a value keeps that of an earlier one. An account that is known by its SID alone passes its
// values on to the account that gets this SID.
func TestValuesOfSeveralRecordsStay(t *testing.T) {
	rid := sid.MustParse("S-1-5-21-1-2-3").WithRID
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{1}}}))
	full := collect.Record{Kind: collect.User, Name: "a", DN: "CN=a", SID: rid(1107), ID: "1", GID: "2",
		Primary: rid(515), UPN: "a@b", Claims: set, MemberOf: []string{"CN=g", "cn=G"}}
	want := []directory.User{{Name: "a", SID: rid(1107), MemberOf: []sid.SID{rid(2000), rid(515)}, Primary: rid(515),
		UID: directory.UnixID{ID: 1, Known: true}, GID: directory.UnixID{ID: 2, Known: true}, Claims: set, UPN: "a@b"}}
	for what, put := range map[string]func(c *collect.Collector){
		"a later record": func(c *collect.Collector) {
			c.Put(&full)
			c.Put(&collect.Record{Kind: collect.User, Name: "a", DN: "CN=a", SID: full.SID})
		},
		"a later name": func(c *collect.Collector) {
			nameless := full
			nameless.Name, nameless.Primary = full.SID.String(), rid(514)
			c.Put(&nameless)
			a, _ := c.Users.Unix("a", "1")
			a.Primary = rid(515)
			c.Users.Account("a", full.SID)
		},
	} {
		var c collect.Collector
		put(&c)
		c.Put(&collect.Record{Kind: collect.Group, Name: "g", DN: "CN=g", SID: rid(2000), PartialGroups: true})
		check.DeepEqual(t, c.Accounts().Users, want, "users after %s", what)
		check.That(t, c.Find("CN=A") != nil, "the DN is lost after %s", what)
		check.SlicesEqual(t, c.Unresolved, []string{"g lists only a range of the groups it is in: the member of the " +
			"others counts if it is there"}, "unresolved after %s", what)
	}
}

// The DN of a domain gives its DNS name if it has DC parts alone.
func TestDomainRecordNamesRealm(t *testing.T) {
	for dn, want := range map[string]string{"DC=corp, dc=test": "corp.test", "OU=x,DC=corp": "", "": ""} {
		var c collect.Collector
		c.Put(&collect.Record{Kind: collect.Domain, DN: dn, SID: sid.MustParse("S-1-5-21-1-2-3")})
		check.Equal(t, c.Accounts().Realm, want, "DNS name of %q", dn)
	}
}
