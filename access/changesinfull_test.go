package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// changeTexts returns the changes of a request as lines.
func changeTexts(t *testing.T, r *access.Request) (lines []string) {
	t.Helper()
	changes, err := access.Changes(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		lines = append(lines, c.String())
	}
	return lines
}

// TestChangesInFull: all changes of a denial, in the order in which an administrator would rather
// make them: a group, a privilege, a limit of the token, an entry of the object.
func TestChangesInFull(t *testing.T) {
	const guests = "S-1-5-32-546 (Guests)"
	put := func(mask, who string) string { return "put (A;;" + mask + ";;;" + who + ") before the other entries" }
	u, g := caseU.String(), caseG.String()
	for _, c := range []struct {
		what, sd string
		desired  winnt.AccessMask
		change   func(*token.Spec)
		ask      func(*access.Request)
		want     []string
	}{
		{"a group that the token has disabled", "…(A;;0x1;;;G)", 1, groupG(token.GroupDisabled), nil,
			[]string{"enable " + g + ", which the token holds disabled or for deny only", put("CC", u)}},
		{"a group that the token has for deny only", "…(A;;0x1;;;G)", 1, groupG(denyOnly), nil,
			[]string{"enable " + g + ", which the token holds disabled or for deny only", put("CC", u)}},
		{"two groups, one of them twice, and one that inherits only", "…(A;;0x1;;;BG)(A;IO;0x1;;;BU)(A;;0x1;;;BG)" +
			"(A;;0x1;;;AN)", 1, nil, nil, []string{"make the user a member of " + guests,
			"make the user a member of S-1-5-7 (ANONYMOUS LOGON)", put("CC", u)}},
		{"two that stand for others", "…(A;;0x1;;;OW)(A;;0x1;;;PS)", 1, nil, nil,
			[]string{"make the user a member of S-1-5-32-544 (Administrators)", put("CC", u)}},
		{"the privilege that is there and disabled", "…(A;;0x1;;;WD)", saclBit, func(s *token.Spec) {
			s.Privileges = usedSec
		}, nil, []string{"enable SeSecurityPrivilege, which the token holds disabled"}},
		{"WRITE_OWNER", "…", winnt.WRITE_OWNER, nil, nil, []string{
			"give the token SeTakeOwnershipPrivilege, enabled", "give the token SeRelabelPrivilege, enabled",
			put("WO", u)}},
		{"generic rights, which an entry has mapped: to read", "…", winnt.GENERIC_READ, nil, nil, []string{put("FR", u)}},
		{"to write", "…", winnt.GENERIC_WRITE, nil, nil, []string{put("FW", u)}},
		{"to execute", "…", winnt.GENERIC_EXECUTE, nil, nil, []string{put("FX", u)}},
		{"to write, beside a right of its own", "…", winnt.GENERIC_WRITE | 1, nil, nil, []string{put("0x120117", u)}},
		{"the integrity level", "…(A;;FA;;;WD)S:(ML;;NW;;;HI)", 2, medium, nil, []string{
			"raise the token's integrity level to High", "drop SACL 0 (ML;;NW;;;HI)"}},
		{"a policy", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2, nil, rulePolicy(""), []string{
			"drop SACL 0 (SP;;;;;S-1-17-1)"}},
		{"a trust label", "…(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(TL;;RC;;;S-1-19-512-8192)", 2, nil, nil, []string{
			"drop SACL 1 (TL;;RC;;;S-1-19-512-8192)"}},
		{"an access filter", "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))", 2, nil, nil, []string{
			"drop SACL 0 (FL;;CC;;;WD;(@USER.x == 1))"}},
		{"two limits", "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))(TL;;RC;;;S-1-19-512-8192)", 2, nil, nil, []string{
			"drop SACL 0 (FL;;CC;;;WD;(@USER.x == 1)), and drop SACL 1 (TL;;RC;;;S-1-19-512-8192)"}},
		{"two denials, and an entry between them that is settled",
			"…(D;;0x1;;;AU)(A;;0x2;;;WD)(D;;0x1;;;WD)(A;;0x3;;;U)", 3, nil, nil, []string{
				"put (A;;CCDC;;;" + caseU.String() + ") before the other entries"}},
		{"the restriction", "…(A;;0x3;;;U)(A;;0x1;;;RC)", 3, restricted(sid.Restricted), nil, []string{
			"use a token that is not restricted", put("CCDC", "RC")}},
		{"the restriction in writing", "…(A;;0x2;;;U)", 2, all(restricted(sid.Restricted), writeRestricted), nil, []string{
			"use a token that is not restricted", put("DC", "RC")}},
		{"the user for deny only", "…(A;;0x1;;;U)", 1, func(s *token.Spec) { s.User.Attributes = denyOnly }, nil, []string{
			"enable " + u + ", which the token holds disabled or for deny only"}},
		{"the AppContainer", "…(A;;0x3;;;U)(A;;0x1;;;P)", 3, appMedium, nil, []string{
			"leave the AppContainer", put("CCDC", casePkg.String())}},
		{"no DACL and an AppContainer", "O:BAG:SY", 3, appMedium, nil, []string{"leave the AppContainer"}},
		{"the restriction and a group", "…(A;;0x1;;;BG)", 1, restricted(sid.Restricted), nil, []string{
			"make the user a member of " + guests + ", and use a token that is not restricted",
			"make the user a member of " + guests + ", and " + put("CC", "RC"),
			"use a token that is not restricted, and " + put("CC", u), put("CC", u) + ", and " + put("CC", "RC")}},
		{"a denial, an entry that inherits only beside it", "…(D;IO;0x1;;;WD)(D;;0x1;;;WD)(A;;0x1;;;WD)", 1, nil, nil,
			[]string{"drop DACL 1 (D;;CC;;;WD)", put("CC", u)}},
		{"as much as there is: an entry that reads", "…(A;;GA;;;BG)", maxMask, nil, nil, []string{
			"make the user a member of " + guests, "make the user a member of S-1-5-32-544 (Administrators)",
			put("FR", u)}},
		{"A-30: no change mends the level", "…", 1, level(winnt.SecurityIdentification), nil, nil},
		{"A-25: nor a list that is no tree", "…", 1, nil, func(r *access.Request) { r.ObjectTypes = wrongList }, nil},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change, ask: c.ask}
		r := pc.request(t)
		was, own := *r, r.Subject.Effective()
		if got := changeTexts(t, r); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.what, got, c.want)
		}
		if r.Subject != was.Subject || r.Descriptor != was.Descriptor || r.Subject.Effective() != own {
			t.Errorf("%s: the request is another afterwards", c.what)
		}
	}
}

// denials returns a descriptor that denies a right to strangers, then to others, and allows it to
// Everyone.
func denials(strangers int, others ...string) string {
	var b strings.Builder
	b.WriteString("O:" + caseOther.String() + "G:SYD:")
	for i := range strangers {
		fmt.Fprintf(&b, "(D;;0x1;;;S-1-5-21-7-7-7-%d)", 1+i)
	}
	for _, s := range others {
		b.WriteString("(" + s + ")")
	}
	b.WriteString("(A;;0x1;;;WD)(A;;0x1;;;RC)(A;;0x1;;;AC)")
	return b.String()
}

// TestDropsOfTheTokenFirst: a long list has more entries than are tried, and those that the token
// meets are tried first: for the user, a group for deny only, a restricting SID, the package, SELF,
// and any entry that is not plain.
func TestDropsOfTheTokenFirst(t *testing.T) {
	for what, c := range map[string]struct {
		entry  string
		change func(*token.Spec)
		ask    func(*access.Request)
	}{
		"the user":              {"D;;0x1;;;U", nil, nil},
		"a group":               {"D;;0x1;;;AU", nil, nil},
		"a group for deny only": {"D;;0x1;;;G", groupG(denyOnly), nil},
		"a restricting SID":     {"D;;0x1;;;RC", restricted(sid.Restricted), nil},
		"the second of them":    {"D;;0x1;;;BG", restricted(sid.Restricted, sid.Guests), nil},
		"one that was dropped": {"D;;0x1;;;BG", func(s *token.Spec) {
			s.Restricted = []token.Group{{SID: sid.Restricted}, {SID: sid.Guests, Attributes: denyOnly}}
		}, nil},
		"the package":           {"D;;0x1;;;P", appMedium, nil},
		"a capability":          {"D;;0x1;;;CAP", appMedium, nil},
		"SELF":                  {"D;;0x1;;;PS", nil, selfIs(caseU)},
		"one under a condition": {"XD;;0x1;;;WD;(Member_of{SID(WD)})", nil, nil},
		"one of an object type": {"OD;;0x1;" + nodeC.String() + ";;WD", nil, nil},
		"Everyone":              {"D;;0x1;;;WD", nil, nil},
	} {
		for _, strangers := range []int{0, 19, 20, 60} {
			pc := plainCase{sd: denials(strangers, c.entry), desired: 1, change: c.change, ask: c.ask}
			got := changeTexts(t, pc.request(t))
			want := fmt.Sprintf("drop DACL %d ", strangers)
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
				t.Errorf("%s behind %d strangers: no %q in %q", what, strangers, want, got)
			}
		}
	}
}

// TestChangesHaveABound: no more than so many changes are told, however many there are, and the
// groups among the steps leave room for the others.
func TestChangesHaveABound(t *testing.T) {
	allows := func(n int) string {
		var b strings.Builder
		b.WriteString("…")
		for i := range n {
			fmt.Fprintf(&b, "(A;;0x1;;;S-1-5-21-7-7-7-%d)", 1+i)
		}
		return b.String()
	}
	for n, want := range map[int]int{1: 2, 10: 11, 11: 12, 12: 12, 16: 12, 40: 12} {
		got := changeTexts(t, ask(t, allows(n), 1))
		if len(got) != want {
			t.Errorf("%d groups would do: %d changes, want %d", n, len(got), want)
		}
		for i, text := range got[:min(n, want)] {
			if w := fmt.Sprintf("make the user a member of S-1-5-21-7-7-7-%d", 1+i); text != w {
				t.Errorf("%d groups: change %d is %q, want %q", n, i, text, w)
			}
		}
	}
	// The group of the last entry and a level: 17 groups are more than are tried.
	for n, want := range map[int]bool{15: true, 16: false} {
		r := ask(t, allows(n)+"(A;;0x2;;;BG)", 2)
		got := strings.Join(changeTexts(t, r), "\n")
		if strings.Contains(got, "(Guests)") != want {
			t.Errorf("%d groups before the one that matters: %s", n, got)
		}
	}
}

// TestChangesOfAFullList: a list that has no room for an entry more is offered none; one that has
// room for it is.
func TestChangesOfAFullList(t *testing.T) {
	full := fullList(t).DACL()
	var aces []sd.ACE
	for _, a := range full.All() {
		aces = append(aces, a)
	}
	deny := aces[len(aces)-1]
	aces = aces[:len(aces)-1]
	r := ask(t, "…", winnt.FILE_READ_DATA)
	own, err := sd.NewACE(sd.AccessAllowed, 0, winnt.FILE_READ_DATA, caseU)
	if err != nil {
		t.Fatal(err)
	}
	size := len(own.Binary())
	for _, short := range []int{0, 4} {
		// An entry for heirs only decides nothing and can have any size.
		list := append(slices.Clone(aces), deny)
		l, err := sd.NewACL(list...)
		if err != nil {
			t.Fatal(err)
		}
		free := 0xFFFF - l.Size() - size + short
		free &^= 3
		filler, err := sd.NewACE(sd.AccessDeniedCallback, sd.InheritOnly, 1, sid.Everyone,
			sd.ACEExtra{AppData: make([]byte, free-20)})
		if err != nil {
			t.Fatal(err)
		}
		if l, err = sd.NewACL(append(list, filler)...); err != nil {
			t.Fatal(err)
		}
		p := r.Descriptor.Parts()
		p.DACL = l
		r.Descriptor = sd.New(p)
		got := slices.ContainsFunc(changeTexts(t, r), func(s string) bool { return strings.HasPrefix(s, "put ") })
		if want := l.Size()+size <= 0xFFFF; got != want || want != (short == 0) {
			t.Errorf("a list of %d bytes and an entry of %d: offered %t", l.Size(), size, got)
		}
	}
}
