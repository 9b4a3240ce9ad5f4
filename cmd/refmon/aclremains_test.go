package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// A descendant keeps what was revoked by an own entry, a protected DACL or no DACL, but not by an inherited entry or by
// one of somebody else (B-112).
func TestKeepsCountsGrantsOfDescendants(t *testing.T) {
	for text, want := range map[string]int{"D:(A;;FR;;;BU)": 1, "D:P(A;ID;FR;;;BU)": 1, "O:BA": 1,
		"D:AI(A;ID;FR;;;BU)": 0, "D:(A;;FR;;;BA)": 0, "D:(D;;FR;;;BU)": 0} {
		var r aclRun
		r.keeps("f", sddl.MustParse(text), []acltree.Step{{Verb: acltree.Revoke, Trustee: sid.Users}})
		check.Equal(t, r.rest.Kept, want, "B-112: %s: files that keep the grant", text)
	}
	var r aclRun
	deny := acltree.Deny
	r.keeps("f", sddl.MustParse("O:BA"), []acltree.Step{{Verb: acltree.Revoke, Only: &deny, Trustee: sid.Users}})
	check.Equal(t, r.rest.Kept, 0, "B-112: files without DACL that keep a denial")
	for _, path := range []string{"f", "g"} {
		r.keeps(path, sddl.MustParse("O:BA"), []acltree.Step{{Verb: acltree.Revoke, Trustee: sid.Users}})
	}
	check.That(t, r.rest.Kept == 2 && r.rest.FirstKept == "f", "B-112: %+v, want two files and the first path", r.rest)
}

// A revocation warns about a conditional entry of the file itself that still grants the right, and about no other own
// entry. It warns about an inherited entry of the kind and with a right that it revokes, and about no other one.
func TestRevocationWarnsAboutRemainingEntry(t *testing.T) {
	const warning = "refmon: S-1-5-32-545 keeps 0x2 by an entry with a condition: remove it with refmon acl set\n"
	const inherited = "refmon: S-1-5-32-545 keeps 0x2, inherited from a directory above: revoke it there\n"
	deny := acltree.Deny
	for _, c := range []struct {
		only *acltree.Verb
		sddl string
		want string
	}{
		{nil, `D:(XA;;0x2;;;BU;(@User.a == 1))(XD;;0x2;;;BU;(@User.a == 1))(XA;;0x2;;;BA;(@User.a == 1))(A;;0x1;;;BU)`,
			warning},
		{&deny, `D:(XA;;0x2;;;BU;(@User.a == 1))`, ""},
		{nil, `D:AI(D;ID;0x2;;;BU)(A;ID;0x20004;;;BU)(A;ID;0x2;;;BA)`, inherited},
		{&deny, `D:AI(D;ID;0x2;;;BU)(A;ID;0x2;;;BU)`, inherited},
		{nil, `D:AI(A;ID;GX;;;BU)(A;ID;GW;;;BU)`, strings.Replace(inherited, "0x2", "0x40000000", 1)},
	} {
		var errs bytes.Buffer
		r := aclRun{std: &streams{err: &errs}}
		r.remains(sddl.MustParse(c.sddl), []acltree.Step{{Verb: acltree.Revoke, Only: c.only, Trustee: sid.Users,
			Rights: acltree.Rights{Allow: 0x20012, Deny: 0x12}}})
		check.Equal(t, errs.String(), c.want, "%s", c.sddl)
	}
}

// A grant warns about a denial of the same trustee that limits it, whichever verb made it. A denial of other rights or
// of somebody else, and one that a revocation leaves, is not one.
func TestGrantWarnsAboutRemainingDenial(t *testing.T) {
	const warning = "refmon: an entry that denies 0x2 to S-1-5-32-545 stays and comes first\n" +
		"refmon: an entry that denies 0x40000000 to S-1-5-32-545 stays and comes first\n"
	const denial = "D:(D;;0x2;;;BU)(D;;0x4;;;BU)(D;;0x2;;;BA)(D;;GW;;;BU)"
	for verb, want := range map[acltree.Verb]string{acltree.Grant: warning, acltree.Set: warning, acltree.Deny: "",
		acltree.Revoke: ""} {
		var errs bytes.Buffer
		r := aclRun{std: &streams{err: &errs}}
		r.remains(sddl.MustParse(denial), []acltree.Step{{Verb: verb, Trustee: sid.Users,
			Rights: acltree.Rights{Allow: 0x3}}})
		check.Equal(t, errs.String(), want, "verb %v", verb)
	}
}

// An undo names a file with an entry that it inherited from one of those taken back, also from one for the creator. It
// names no file whose directory passes the entry on again, and none for an own entry (F-206).
func TestUndoNamesOnlyInheritedEntries(t *testing.T) {
	taken := sddl.MustParse("D:(A;;FR;;;BU)(A;OICIIO;FW;;;CO)(A;OICIIO;FX;;;CG)").DACL().Slice()
	for _, c := range []struct {
		before, after string
		want          int
	}{
		{"D:AI(A;ID;FR;;;BU)", "D:AI", 1}, {"D:AI(A;ID;FW;;;BA)", "D:AI", 1}, {"D:AI(A;ID;FX;;;BA)", "D:AI", 1},
		{"D:AI(A;ID;FR;;;BU)", "D:AI(A;ID;FR;;;BU)", 0}, {"D:(A;;FR;;;BU)", "D:", 0}, {"D:AI(A;ID;FR;;;BA)", "D:AI", 0},
		{"D:AI(D;ID;FR;;;BU)", "D:AI", 0}, {"D:AI(A;ID;FX;;;BU)(A;ID;FR;;;BU)", "D:AI", 1},
	} {
		k := keptFiles{run: &aclRun{editFlags: &editFlags{}, std: &streams{err: t.Output()}}, taken: taken}
		check.NoError(t, k.Put(&acltree.Entry{Before: sddl.MustParse(c.before), After: sddl.MustParse(c.after)}))
		check.Equal(t, k.count, c.want, "F-206: files with %s that were to have %s", c.before, c.after)
	}
}
