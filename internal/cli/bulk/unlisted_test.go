package bulk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Accounts that no principal has are named if their entries or their ownership grant a requested right that no earlier
// entry denies. Well-known SIDs are never named (B-117).
func TestAccountsThatNoUserHasAreNamed(t *testing.T) {
	const gone, alien = "S-1-5-21-1-2-3-1190", "S-1-5-21-9-9-9-512"
	dir := check.Must(dirfile.Read([]byte(`
domain: S-1-5-21-1-2-3
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [Staff]}
  - {name: svc-old, sid: S-1-5-21-1-2-3-1109, memberOf: [Old], disabled: true}
groups:
  - {name: Staff, sid: S-1-5-21-1-2-3-2001}
  - {name: Old, sid: S-1-5-21-1-2-3-2002}
  - {name: Empty, sid: S-1-5-21-1-2-3-2003, memberOf: [Old]}
`)))
	const dacl = "O:SYG:SYD:"
	for _, c := range []struct{ sd, rights, want string }{
		{dacl + "(A;;FR;;;" + gone + ")", "read", gone},
		{dacl + "(A;;FR;;;" + gone + ")", "write", ""},
		{dacl + "(A;;FR;;;" + gone + ")", "write+read", gone},
		{dacl + "(A;;FA;;;" + alien + ")(A;;FA;;;" + gone + ")", "write", gone + " " + alien},
		{dacl + "(A;IO;FA;;;" + gone + ")", "read", ""},
		{dacl + "(D;;FR;;;" + gone + ")(A;;FA;;;" + gone + ")", "read", ""},
		{dacl + "(D;;0x2;;;WD)(A;;FA;;;" + gone + ")", "read", gone},
		{dacl + "(D;;0x2;;;WD)(A;;FA;;;" + gone + ")", "write", ""},
		{dacl + "(A;;FA;;;" + gone + ")(D;;FA;;;WD)", "write", gone},
		{dacl + "(A;;FR;;;WD)(A;;FR;;;" + gone + ")", "read", gone},  // its own entry grants it too
		{dacl + "(A;;FR;;;WD)(A;;FW;;;" + gone + ")", "read", ""},    // this entry grants another right
		{dacl + "(A;;0x1;;;WD)(A;;0x2;;;" + gone + ")", "0x3", gone}, // this entry is needed
		{dacl + "(A;;0x1;;;" + gone + ")(A;;0x2;;;" + gone + ")", "0x3", gone},
		{dacl + "(A;;FA;;;S-1-5-21-1-2-3-1109)", "read", "svc-old (disabled)"},
		{dacl + "(D;;FR;;;S-1-5-21-1-2-3-2002)(A;;FA;;;S-1-5-21-1-2-3-1109)", "read", ""},
		{dacl + "(A;;FA;;;S-1-5-21-1-2-3-2003)", "read", "Empty"},
		{dacl + "(D;;FR;;;S-1-5-21-1-2-3-2002)(A;;FA;;;S-1-5-21-1-2-3-2003)", "read", ""},
		{dacl + "(A;;FA;;;S-1-5-21-1-2-3-1107)(A;;FA;;;S-1-5-21-1-2-3-2001)", "read", ""},
		{dacl + "(A;;FA;;;SY)(A;;FA;;;PS)(A;;FA;;;CO)(A;;FA;;;OW)(A;;FA;;;WD)(A;;FA;;;AU)(A;;FA;;;BA)(A;;FA;;;DA)" +
			"(A;;FA;;;LA)(A;;FA;;;S-1-5-80-1-2-3-4-5)(A;;FA;;;S-1-15-2-1)(A;;FA;;;S-1-5-21-0-0-0-497)(A;;FA;;;BO)" +
			"(A;;FA;;;S-1-22-1-1001)(A;;FA;;;S-1-5-32-1001)(A;;FA;;;S-1-12-2-1-2-3-4)", "read", ""},
		{dacl + "(A;;FA;;;S-1-5-21-1-2-3-1000)(A;;FA;;;S-1-5-21-1-2-3-999)", "read", "S-1-5-21-1-2-3-1000"},
		{dacl + "(A;;FA;;;S-1-12-1-1-2-3-4)", "read", "S-1-12-1-1-2-3-4"},
		{"O:" + gone + "G:SYD:", "control", gone},
		{"O:" + gone + "G:SYD:", "read", ""},
		{"O:" + gone + "G:SYD:(A;;RC;;;OW)", "control", ""},
		{"O:" + gone + "G:SYD:(A;;FR;;;OW)", "read", gone},
		{"O:" + gone + "G:SYD:(A;;FR;;;WD)", "read", ""},
		{"O:" + gone + "G:SY", "read", ""},
		{"O:" + gone + "G:SYD:NO_ACCESS_CONTROL", "read", ""},
		{"O:" + gone + "G:SYD:NO_ACCESS_CONTROL", "control", ""},
		{"O:S-1-5-21-1-2-3-2002G:SYD:(A;;FR;;;S-1-5-21-1-2-3-2003)", "control", "Old"}, // Empty is in it
	} {
		rights := check.Must(words.Parse(c.rights))
		r := &Run{Directory: dir, Rights: rights, Unlisted: true, Ask: Count}
		r.prepare()
		d := check.Must(sddl.Parse(c.sd, sddl.Options{Domain: dir.Domain}))
		got := newUnlisted(r).of(place{d: d, typ: winnt.FileObject})
		check.Equal(t, strings.Join(got, " "), c.want, "%s of %s", c.rights, c.sd)
	}
}

// A right on one object type counts with its type. A share and a policy limit the accounts as they limit users (B-117).
func TestUnlistedAccountsAreCheckedLikeUsers(t *testing.T) {
	const gone = "S-1-5-21-1-2-3-1190"
	dir := check.Must(dirfile.Read([]byte("users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n")))
	for _, c := range []struct{ sd, rights, share, want string }{
		{"D:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;" + gone + ")", "AddMember", "", gone},
		{"D:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;" + gone + ")", "WriteSPN", "", ""},
		{"D:(A;;WP;;;" + gone + ")", "WriteSPN", "", gone},
		{"D:(A;;GA;;;" + gone + ")", "GenericAll", "D:(A;;GA;;;WD)", gone},
		{"D:(A;;GA;;;" + gone + ")", "GenericAll", "D:(A;;GR;;;WD)", ""},
		{"D:(A;;GA;;;" + gone + ")S:(SP;;;;;S-1-17-1)", "GenericAll", "", ""},
	} {
		rights := check.Must(words.Parse(c.rights))
		r := &Run{Directory: dir, Rights: rights, Unlisted: true, Type: winnt.DirectoryServiceObject}
		r.Config.Policies = &access.PolicySet{Policies: []access.Policy{{ID: sid.MustParse("S-1-17-1"),
			Rules: []access.Rule{{Descriptor: sddl.MustParse("D:(A;;GA;;;BA)")}}}}}
		if c.share != "" {
			r.Share = sddl.MustParse(c.share)
		}
		r.prepare()
		got := newUnlisted(r).of(place{d: sddl.MustParse(c.sd), typ: r.Type})
		check.Equal(t, strings.Join(got, " "), c.want, "%s of %s through %s", c.rights, c.sd, c.share)
	}
	check.Equal(t, newUnlisted(&Run{}) == nil, true, "a run without Unlisted")
	check.Equal(t, newUnlisted(&Run{Unlisted: true, guarded: &guarded{}}) == nil, true, "limits by name")
}

// The sentence counts all accounts, and names the first ones.
func TestUnlistedTextCountsAllAccounts(t *testing.T) {
	names := []string{"a"}
	check.Equal(t, UnlistedText(names, 1), "1 account that no listed user has is allowed too: a", "one")
	names = append(names, "b", "c")
	check.Equal(t, UnlistedText(names, 3), "3 accounts that no listed user has are allowed too: a, b, c", "all")
	check.Equal(t, UnlistedText(names, 2),
		"3 accounts that no listed user has are allowed too: a, b and 1 more", "two of three")
	var s Summary
	for i := range maxUnlisted + 5 {
		s.unlist(fmt.Sprint(i))
	}
	check.Equal(t, len(s.Unlisted), maxUnlisted, "names that are kept")
}
