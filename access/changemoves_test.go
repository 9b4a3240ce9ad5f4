package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// denials returns a descriptor that denies a right to a number of unrelated SIDs, then has the other entries, and
// then allows the right to Everyone.
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

// Changes tries to drop only some entries of a long list. It tries those first that match the token: as user, group,
// deny-only group, restricting SID, package or SELF. Entries that are not plain also come first.
func TestChangesTryMatchingEntriesFirst(t *testing.T) {
	for what, c := range map[string]struct {
		entry  string
		change func(*token.Spec)
		ask    func(*access.Request)
	}{
		"the user":                   {"D;;0x1;;;U", nil, nil},
		"a group":                    {"D;;0x1;;;AU", nil, nil},
		"a group for deny only":      {"D;;0x1;;;G", groupG(denyOnly), nil},
		"a restricting SID":          {"D;;0x1;;;RC", restricted(sid.Restricted), nil},
		"the second restricting SID": {"D;;0x1;;;BG", restricted(sid.Restricted, sid.Guests), nil},
		"a dropped restricting SID": {"D;;0x1;;;BG", func(s *token.Spec) {
			s.Restricted = []token.Group{{SID: sid.Restricted}, {SID: sid.Guests, Attributes: denyOnly}}
		}, nil},
		"the package":         {"D;;0x1;;;P", appMedium, nil},
		"a capability":        {"D;;0x1;;;CAP", appMedium, nil},
		"SELF":                {"D;;0x1;;;PS", nil, selfIs(caseU)},
		"a conditional entry": {"XD;;0x1;;;WD;(Member_of{SID(WD)})", nil, nil},
		"an object entry":     {"OD;;0x1;" + nodeC.String() + ";;WD", nil, nil},
		"Everyone":            {"D;;0x1;;;WD", nil, nil},
	} {
		for _, strangers := range []int{0, 19, 20, 60} {
			pc := plainCase{sd: denials(strangers, c.entry), desired: 1, change: c.change, ask: c.ask}
			got := changeTexts(t, pc.request(t))
			want := fmt.Sprintf("drop DACL entry %d ", strangers+1)
			check.That(t, slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }),
				"Changes with %s after %d unrelated entries: no %q in %q", what, strangers, want, got)
		}
	}
}

// Changes suggests a new entry only if the list has room for it.
func TestChangesAddEntryOnlyIfListHasRoom(t *testing.T) {
	full := fullList(t).DACL()
	var aces []sd.ACE
	for _, a := range full.All() {
		aces = append(aces, a)
	}
	deny := aces[len(aces)-1]
	aces = aces[:len(aces)-1]
	r := newRequest(t, "…", winnt.FILE_READ_DATA)
	own := check.Must(sd.NewACE(sd.AccessAllowed, 0, winnt.FILE_READ_DATA, caseU))
	size := len(own.Binary())
	var room *sd.Descriptor // has room for one entry
	for _, short := range []int{0, 2, 4} {
		// An inherit-only entry decides nothing and can have any size.
		list := append(slices.Clone(aces), deny)
		l := check.Must(sd.NewACL(list...))
		// An entry of an unknown type has an even size. A list has at most 65532 bytes (S-17).
		filler, err := sd.RawACE(0x7F, sd.InheritOnly, make([]byte, 65532-l.Size()-size+short-4))
		check.NoError(t, err)
		if l, err = sd.NewACL(append(list, filler)...); err != nil {
			t.Fatal(err)
		}
		p := r.Descriptor.Parts()
		p.DACL = l
		r.Descriptor = sd.New(p)
		if short == 0 {
			room = r.Descriptor
		}
		got := slices.ContainsFunc(changeTexts(t, r), func(s string) bool { return strings.HasPrefix(s, "put ") })
		check.That(t, got == (short == 0),
			"Changes of a list of %d bytes: an entry of %d bytes is suggested: %t, want %t", l.Size(), size, got, short == 0)
	}
	// There is room for one entry, and no change needs two.
	twice := plainCase{sd: "…", desired: winnt.FILE_READ_DATA, change: restricted(sid.Restricted)}
	both := func(s string) bool { return strings.Count(s, "put ") == 2 }
	for _, d := range []*sd.Descriptor{mustSD(t, "…"), room} {
		r := twice.request(t)
		r.Descriptor = d
		got := slices.ContainsFunc(changeTexts(t, r), both)
		check.That(t, got == (d != room), "list of %d bytes: two new entries are suggested: %t", d.DACL().Size(), got)
	}
	slack := make([]byte, sd.MaxACLSize)
	check.Success(t, sd.CreateACL(slack, 2))
	empty, _, err := sd.DecodeACL(slack)
	check.NoError(t, err)
	p := r.Descriptor.Parts()
	p.DACL = empty
	r.Descriptor = sd.New(p)
	got := changeTexts(t, r)
	check.That(t, len(got) == 0, "Changes of an empty list of %d bytes: %q, want none", empty.Size(), got)
}

// A proposed entry for a request with object types names those types. A plain entry would grant the right on all types
//
func TestChangesNameObjectTypes(t *testing.T) {
	const dsWriteDac = winnt.ADS_RIGHT_DS_CONTROL_ACCESS | winnt.WRITE_DAC
	object := func(level uint16) access.ObjectTypeEntry { return access.ObjectTypeEntry{Level: level} }
	type nodes = []access.ObjectTypeEntry
	long := nodes{object(0)}
	for i := range 17 {
		long = append(long, access.ObjectTypeEntry{Level: 1, GUID: winnt.GUID{byte(i + 1)}})
	}
	sixteen := ""
	for _, e := range long[1:17] {
		sixteen += "(OA;;CR;" + e.GUID.String() + ";;U)"
	}
	const typed = winnt.ADS_RIGHT_DS_CONTROL_ACCESS
	a, b := nodeP1.String(), nodeP2.String()
	for what, c := range map[string]struct {
		types   nodes
		desired winnt.AccessMask
		want    string // "": no entry is proposed
	}{
		"without types":   {nil, typed, "put (A;;CR;;;U)"},
		"only the object": {nodes{object(0)}, typed, "put (A;;CR;;;U)"},
		"one type":        {list(0, nodeC, 1, nodeP1), typed, "put (OA;;CR;" + a + ";;U)"},
		"two types": {list(0, nodeC, 1, nodeP1, 1, nodeP2), typed,
			"put (OA;;CR;" + a + ";;U)(OA;;CR;" + b + ";;U)"},
		"a right that is not typed":  {list(0, nodeC, 1, nodeP1), winnt.WRITE_DAC, "put (A;;WD;;;U)"},
		"typed and not typed rights": {list(0, nodeC, 1, nodeP1), dsWriteDac, "put (OA;;CR;" + a + ";;U)(A;;WD;;;U)"},
		"16 types":                   {long[:17], typed, "put " + sixteen},
		"too many types":             {long, typed, ""},
	} {
		r := newRequest(t, "…", c.desired)
		r.Type, r.Mapping, r.ObjectTypes = winnt.DirectoryServiceObject, nil, c.types
		got := ""
		for _, s := range changeTexts(t, r) {
			if s, ok := strings.CutSuffix(s, " before the other entries"); ok {
				got = strings.ReplaceAll(s, caseU.String(), "U")
			}
		}
		check.Equal(t, got, c.want, "A-179: %s: Changes proposes", what)
	}
}
