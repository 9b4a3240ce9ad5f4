package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestChangesOfTheSACL: a suggested change never removes an inherit-only SACL entry, because that entry does not affect
// the object. It removes a SACL entry that does, together with the DACL entries that deny.
func TestChangesOfTheSACL(t *testing.T) {
	const own = "(A;;FA;;;S-1-5-21-1-2-3-1001)"
	const not = "(D;;FA;;;S-1-5-21-1-2-3-1001)"
	for _, c := range []struct {
		sddl string
		want []drop
	}{
		{"O:BAG:SYD:" + own + "S:(ML;;NW;;;SI)", []drop{{"SACL", 0}}},
		{"O:BAG:SYD:" + own + "S:(ML;OIIO;NW;;;SI)(ML;;NW;;;SI)", []drop{{"SACL", 1}}},
		{"O:BAG:SYD:" + not + own + "S:(ML;;NW;;;SI)", []drop{{"DACL", 0}, {"SACL", 0}}},
		{"O:BAG:SYD:" + not + own + "S:(ML;OIIO;NW;;;SI)", []drop{{"DACL", 0}}},
	} {
		r := &access.Request{Descriptor: sddl.MustParse(c.sddl), Subject: access.SubjectOf(benchToken(t, 3)),
			Desired: winnt.FILE_WRITE_DATA, Type: winnt.FileObject}
		changes, err := access.Changes(r)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, x := range changes {
			got := dropsOf(x)
			found = found || slices.Equal(got, c.want)
			if got != nil && !slices.Equal(got, c.want) {
				t.Errorf("%s: %s, want %v", c.sddl, x, c.want)
			}
		}
		if !found {
			t.Errorf("%s: %v drops no %v", c.sddl, changes, c.want)
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
	for _, short := range []int{0, 2, 4} {
		// An entry for heirs only decides nothing and can have any size.
		list := append(slices.Clone(aces), deny)
		l, err := sd.NewACL(list...)
		if err != nil {
			t.Fatal(err)
		}
		// The size of an entry of an unknown type is a multiple of 2. A list has at most 65532 bytes (S-17).
		filler, err := sd.RawACE(0x7F, sd.InheritOnly, make([]byte, 65532-l.Size()-size+short-4))
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
		if got != (short == 0) {
			t.Errorf("a list of %d bytes and an entry of %d: offered %t, want %t", l.Size(), size, got, short == 0)
		}
	}
}
