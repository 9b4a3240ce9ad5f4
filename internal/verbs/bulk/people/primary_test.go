package people

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/sid"
)

// TestPrimaryGroup: a user whose primary group is not Domain Users has that one, and what it
// is in, instead; the file names it by its name or SID (D-22).
func TestPrimaryGroup(t *testing.T) {
	const groups = "groups: [{name: computers, sid: S-1-5-21-1-2-3-515, memberOf: [all]}, " +
		"{name: all, sid: S-1-5-21-1-2-3-2000}]"
	domain := sid.MustParse("S-1-5-21-1-2-3")
	for text, want := range map[string][]uint32{
		"":                                   {513},
		", primaryGroup: Computers":          {515, 2000},
		", primaryGroup: S-1-5-21-1-2-3-515": {515, 2000},
		", primaryGroup: S-1-5-21-1-2-3-516": {516},
	} {
		user := "users: [{name: pc$, sid: S-1-5-21-1-2-3-1105" + text + "}]\n"
		d, err := Read([]byte("domain: S-1-5-21-1-2-3\n" + user + groups))
		if err != nil {
			t.Fatal(err)
		}
		tok := d.Account("pc$").Token
		var got []uint32
		for _, g := range tok.Groups() {
			if g.SID.Prefix() == domain {
				got = append(got, g.SID.RID())
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || d.Primary(tok) != domain.WithRID(want[0]) {
			t.Errorf("D-22: %q: groups %v, want %v; primary %v", text, got, want, d.Primary(tok))
		}
	}
	_, err := Read([]byte("users: [{name: x, sid: S-1-5-21-1-2-3-7, primaryGroup: nowhere}]"))
	if err == nil || !strings.Contains(err.Error(), "primaryGroup") {
		t.Errorf("D-22: %v", err)
	}
	d, err := Read([]byte("name,sid,kind,primaryGroup\nx,S-1-5-21-1-2-3-7,user,g\ng,S-1-5-21-1-2-3-8,group,\n"))
	if err != nil || !d.Account("x").Token.Member(sid.MustParse("S-1-5-21-1-2-3-8"), false) {
		t.Errorf("D-22: as CSV: %v", err)
	}
	if _, err := Read([]byte("name,sid,kind,primaryGroup\ng,S-1-5-21-1-2-3-8,group,g\n")); err == nil {
		t.Error("D-22: a group with a primary group")
	}
}
