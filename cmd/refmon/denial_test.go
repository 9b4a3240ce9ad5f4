package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A denial has one sentence: who, what, which part is missing, and the entry or stage that decided (B-116). The causes
// follow from the order of the check in docs/rules/50-access-check.md.
func TestDenialHasOneSentence(t *testing.T) {
	const bob = `{"user":"S-1-5-21-1-2-3-1108","groups":["DU","WD","AU","BU"]}`
	const low = `{"user":"S-1-5-21-1-2-3-1108","integrityLevel":"LW",` +
		`"groups":["WD",{"sid":"BA","attributes":["UseForDenyOnly"]}]}`
	const restricted = `{"user":"S-1-5-21-1-2-3-1108","groups":["WD"],"restrictedSids":["RC"]}`
	const boxed = `{"user":"S-1-5-21-1-2-3-1108","groups":["WD"],"appContainer":{"packageSid":"S-1-15-2-1-2-3-4-5-6-7"}}`
	for _, c := range []struct{ token, sd, want, message string }{
		{restricted, "(A;;FA;;;WD)", "FR", "the token is restricted, and no entry grants it to a restricting SID"},
		{restricted, "(D;;FR;;;RC)(A;;FA;;;WD)", "FR",
			"entry 1 of the DACL denies it to a restricting SID (Deny, RESTRICTED, read)"},
		{boxed, "(A;;FA;;;WD)", "FR", "no entry grants it to the package or its capabilities"},
		{boxed, "(D;;FR;;;AC)(A;;FA;;;WD)", "FR",
			"entry 1 of the DACL denies it to the package or its capabilities (Deny, ALL APPLICATION PACKAGES, read)"},
		{bob, "(A;;FA;;;WD)S:(FL;;FR;;;WD;(@User.x == 1))", "FW",
			"entry 1 of the SACL limits the rights and leaves out write (system access filter with a condition, " +
				"Everyone, read)"},
		{bob, "(A;;FA;;;WD)S:(TL;;FR;;;S-1-19-512-8192)", "FW",
			"entry 1 of the SACL limits the rights and leaves out write (system process trust label, " +
				"S-1-19-512-8192, read)"},
		{bob, "(A;;FR;;;BU)", "FILE_READ_DATA|FILE_WRITE_DATA",
			"no entry grants FILE_WRITE_DATA (bob is in Domain Users, Users)"},
		{low, "(A;;FR;;;BU)S:(ML;;NW;;;LW)", "FW", "no entry grants it (bob is in no group but those of every user)"},
		{bob, "(A;;FR;;;WD)(D;;0x2;;;BU)(A;;FA;;;WD)", "FW",
			"entry 2 of the DACL denies FILE_WRITE_DATA (Deny, Users, FILE_WRITE_DATA)"},
		{bob, "(D;;GW;;;S-1-5-21-1-2-3-513)(A;;FA;;;WD)", "FW",
			"entry 1 of the DACL denies it (Deny, Domain Users S-1-5-21-1-2-3-513, write)"},
		{bob, "(D;ID;FW;;;WD)", "FW", "entry 1 of the DACL denies it (Deny (inherited), Everyone, write)"},
		{bob, "(OD;;FW;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)", "FW",
			"entry 1 of the DACL denies it (Deny, Everyone, write for children of class user)"},
		{bob, "(D;;FW;;;WD)(A;;FA;;;WD)", "FR|FW", "entry 1 of the DACL denies write (Deny, Everyone, write)"},
		{bob, "(XA;;FA;;;WD;(@User.clearance >= 3))", "FR", "no entry grants it (bob is in Domain Users, Users); entry 1 " +
			"would, but its condition cannot be decided, which allows nothing: @USER.clearance is absent, needed >= 3"},
		{bob, "(XA;;FR;;;WD;(@User.clearance >= 3))", "READ_CONTROL", "no entry grants it (bob is in Domain Users, " +
			"Users); entry 1 would, but its condition cannot be decided, which allows nothing: @USER.clearance is " +
			"absent, needed >= 3"},
		{bob, "(XA;;FW;;;WD;(@User.clearance >= 3))", "FR", "no entry grants it (bob is in Domain Users, Users)"},
		{bob, "(XA;;FW;;;WD;(@User.clearance >= 3))", "MAXIMUM_ALLOWED|WRITE_DAC",
			"no entry grants it (bob is in Domain Users, Users)"},
		{bob, "", "FR", "the DACL is empty, which grants nothing"},
		{bob, "(A;;FA;;;BA)", "MAXIMUM_ALLOWED", "no entry grants any right (bob is in Domain Users, Users)"},
		{bob, "(D;;CC;;;WD)", "MAXIMUM_ALLOWED", "entry 1 of the DACL denies FILE_READ_DATA (Deny, Everyone, " +
			"FILE_READ_DATA); no entry grants write, FILE_READ_EA|FILE_EXECUTE|FILE_DELETE_CHILD|FILE_READ_ATTRIBUTES" +
			"|DELETE|WRITE_DAC|WRITE_OWNER (bob is in Domain Users, Users)"},
		{bob, "(A;;FA;;;WD)S:(ML;;NR;;;HI)", "FR", "the user's integrity level, Medium Mandatory Level, is below the " +
			"object's, whose label forbids read"},
		{bob, "(A;;FA;;;WD)", "ACCESS_SYSTEM_SECURITY|FR", "the request needs SeSecurityPrivilege, which is not enabled"},
		{bob, "(A;;FA;;;WD)", "FR", ""},
	} {
		d := denialOf(t, c.token, c.sd, c.want)
		user := d.user()
		d.nameOf = func(s sid.SID) string {
			if s == user {
				return "bob"
			}
			return namesOf(nil)(s)
		}
		want := "denied: bob asked for " + c.want + "; " + c.message
		if c.message == "" {
			want = ""
		}
		check.Equal(t, d.sentence(), want, "%s wants %s", c.sd, c.want)
	}
}

// denialOf decides a request about a file for a token file and a DACL.
func denialOf(t *testing.T, tokenFile, dacl, want string) *denial {
	t.Helper()
	user := check.Must(token.Parse([]byte(tokenFile)))
	desired := check.Must(sddl.ParseRights(want))
	r := &access.Request{Subject: access.SubjectOf(user), Type: winnt.FileObject, Desired: desired,
		Descriptor: sddl.MustParse("O:BAG:SYD:"+dacl, sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")})}
	_, why, err := access.Explain(r)
	check.NoError(t, err)
	return &denial{want: want, why: why, request: r}
}

// A long list of groups and a long request are cut, and a name cannot start a line (B-116).
func TestSentenceIsBounded(t *testing.T) {
	var groups []string
	for i := range 100 {
		groups = append(groups, fmt.Sprintf(`"S-1-5-21-1-2-3-%d"`, 2000+i))
	}
	d := denialOf(t, `{"user":"S-1-5-21-1-2-3-1108","groups":[`+strings.Join(groups, ",")+`]}`, "(A;;FA;;;BA)",
		strings.Repeat("FILE_READ_DATA|", 20)+"FILE_READ_DATA")
	d.nameOf = func(sid.SID) string { return "a\nb" }
	got := d.sentence()
	check.That(t, strings.Contains(got, "asked for FILE_READ_DATA; ") && !strings.Contains(got, "\n") && len(got) <= 200,
		"same names: %q", got)
	d.nameOf = func(sid.SID) string { return "" }
	if got := d.sentence(); !strings.Contains(got, "S-1-5-21-1-2-3-2005 and 94 other groups)") {
		t.Errorf("100 groups: %q", got)
	}
}
