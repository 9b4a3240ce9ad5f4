package ldif_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/directory/ldif"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

func TestLDIFYieldsUsersAndGroups(t *testing.T) {
	binary := func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(sid.MustParse(s).Binary()))
	}
	file := "version: 1\n\ndn: DC=corp,DC=test\nobjectClass: DOMAINDNS\n" +
		"objectSid:: " + binary("S-1-5-21-1-2-3") + "\n\n" +
		"dn: CN=Alice Smith,CN=Users,DC=cor\n p,DC=test\nobjectClass: user\nsAMAccountName: alice\n" +
		"userAccountControl: 512\n" +
		"objectSid:: " + binary("S-1-5-21-1-2-3-1107") + "\nprimaryGroupID: 513\nuidNumber: 1001\nuidNumber: 1002\n" +
		"memberOf: cn=STA\\2cff, DC=corp,DC=test\nmemberOf: CN=Elsewhere,DC=other\n" +
		"sIDHistory: S-1-5-21-9-9-9-7\nsIDHistory: S-1-5-21-9-9-9-8\n\n" +
		"dn: CN=Gone,DC=corp,DC=test\nobjectClass: user\nsAMAccountName: gone\nuserAccountControl: 514\n" +
		"objectSid: S-1-5-21-1-2-3-1108\n\n" +
		"dn: CN=sta\\,ff,DC=corp,DC=test\nobjectClass: group\nsAMAccountName: staff\nobjectSid: S-1-5-21-1-2-3-2000\n" +
		"groupType: -2147483646\nsIDHistory: S-1-5-21-9-9-9-9\nmemberOf: CN=All,DC=corp,DC=test\n\n" +
		"dn: CN=All,DC=corp,DC=test\nobjectClass: group\nsAMAccountName: all\n" +
		"objectSid: S-1-5-21-1-2-3-2001\ngidNumber: 7\n\n" +
		"dn: OU=no account\nou: x\nresult: 4 of 5\n"
	d, unresolved := sources.Read(t, [2]string{"ldif", file})
	sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001")
	sources.HasGroups(t, d, "alice", "S-1-22-2-7 S-1-22-1-1001 S-1-5-21-9-9-9-7 S-1-5-21-9-9-9-8 S-1-5-21-9-9-9-9")
	check.That(t, d.Disabled == 1 && len(d.Principals) == 1 && d.Domain.String() == "S-1-5-21-1-2-3",
		`%d disabled, %d principals, domain %v, want 1, 1, "S-1-5-21-1-2-3"`, d.Disabled, len(d.Principals), d.Domain)
	check.That(t, fmt.Sprint(unresolved) == "[alice is a member of CN=Elsewhere,DC=other, which is not in the input]",
		"unresolved: %v", unresolved)
	_, err := ldif.ObjectSID("< file:///a")
	check.ErrorIs(t, err, ldif.ErrElsewhere, "SID in a file")
	r, err := ldif.Parse(map[string][]string{"objectsid": {"S-1-5-21-1-2-3-4"}, "uidnumber": {"x"}})
	check.That(t, err == nil && r.SID.RID() == 4, "entry without a name: %+v, %v", r, err)
}

// TestRangesOfGroupsCountAndAreReported reads the part of a long memberOf or member that a server sends (MS-ADTS
// 3.1.1.3.1.3.3). The user is in these groups, and a report states that others may be missing. A search that succeeded
// is no error.
func TestRangesOfGroupsCountAndAreReported(t *testing.T) {
	d, unresolved := sources.Read(t, [2]string{"ldif", "dn: CN=a\nobjectClass: user\nsAMAccountName: a\n" +
		"objectSid: S-1-5-21-1-2-3-1107\nmemberOf;range=0-0: CN=g\n\ndn: CN=g\nobjectClass: group\n" +
		"sAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\nmemberOf;range=0-*: CN=h\n\ndn: CN=h\n" +
		"objectClass: group\nsAMAccountName: h\nobjectSid: S-1-5-21-1-2-3-2001\n\ndn: CN=i\nobjectClass: group\n" +
		"sAMAccountName: i\nobjectSid: S-1-5-21-1-2-3-2002\nmember;range=0-0: CN=a\n\nsearch: 2\nresult: 0 Success\n"})
	sources.HasGroups(t, d, "a", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-2002")
	check.SlicesEqual(t, unresolved, []string{
		"a lists only a range of the groups it is in: the member of the others counts if it is there",
		"i lists only a range of its members: the memberOf of the others counts if it is there"}, "unresolved")
}

// Every result of a search but success is an error, because entries may be missing.
func TestOnlySuccessfulSearchIsComplete(t *testing.T) {
	for result, complete := range map[string]bool{"": true, "0 Success": true, "0": true,
		"4 Size limit exceeded": false, "10 Referral": false, "01": false} {
		check.Equal(t, ldif.SearchError(result) == nil, complete, "%q is a complete search", result)
	}
}

// A user's record has the principal name, which a directory file has no field for.
func TestRecordHasPrincipalName(t *testing.T) {
	r := check.Must(ldif.Parse(map[string][]string{"objectsid": {"S-1-5-21-1-2-3-1107"}, "samaccountname": {"a"},
		"userprincipalname": {"a@corp.test"}}))
	check.Equal(t, r.UPN, "a@corp.test", "user principal name")
}
