package adrights_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/winnt"
)

// TestTable: every line is read, and what it names exists.
func TestTable(t *testing.T) {
	counts := map[adrights.Kind]int{}
	sets := map[winnt.GUID]bool{}
	for e := range adrights.All() {
		if e.Kind == adrights.PropertySet {
			sets[e.GUID] = true
		}
	}
	seen, nameless := map[string]bool{}, map[winnt.GUID]bool{}
	for e := range adrights.All() {
		counts[e.Kind]++
		key := fmt.Sprint(e.Kind, e.GUID)
		if e.Name == "" || e.GUID == (winnt.GUID{}) || e.Kind > adrights.Attribute || seen[key] {
			t.Errorf("entry %+v", e)
		}
		seen[key] = true
		if e.Set != (winnt.GUID{}) && !sets[e.Set] {
			nameless[e.Set] = true
		}
	}
	if len(nameless) != 4 { // the schema names four that no published list has
		t.Errorf("sets without a name: %v", nameless)
	}
	if counts[adrights.PropertySet] != 15 || counts[adrights.Class] != 270 || counts[adrights.Attribute] != 1500 {
		t.Errorf("%v", counts)
	}
}

// TestNames: the GUIDs of MS-ADTS 5.1.3.2.1 and MS-ADA, by name and back; the mask
// decides between the things of one GUID.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, guid string
		mask       winnt.AccessMask
		kind       adrights.Kind
	}{
		{"User-Force-Change-Password", "00299570-246d-11d0-a768-00aa006e0529", 0x100, adrights.ExtendedRight},
		{"DS-Replication-Get-Changes", "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", 0x100, adrights.ExtendedRight},
		{"DS-Replication-Get-Changes-All", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2", 0x100, adrights.ExtendedRight},
		{"member", "bf9679c0-0de6-11d0-a285-00aa003049e2", 0x20, adrights.Attribute},
		{"Self-Membership", "bf9679c0-0de6-11d0-a285-00aa003049e2", 0x8, adrights.ValidatedWrite},
		{"servicePrincipalName", "f3a64788-5306-11d1-a9c5-0000f80367c1", 0x30, adrights.Attribute},
		{"User-Account-Restrictions", "4c164200-20c0-11d0-a768-00aa006e0529", 0x20, adrights.PropertySet},
		{"user", "bf967aba-0de6-11d0-a285-00aa003049e2", 0x1, adrights.Class},
	} {
		g, err := winnt.ParseGUID(c.guid)
		if err != nil {
			t.Fatal(err)
		}
		if got := adrights.Name(g, c.mask); got != c.name {
			t.Errorf("Name(%s, %v) = %q, want %q", c.guid, c.mask, got, c.name)
		}
		found := false
		for _, e := range adrights.ByName(c.name) {
			found = found || e.GUID == g && e.Kind == c.kind
		}
		if !found {
			t.Errorf("ByName(%q) = %v", c.name, adrights.ByName(c.name))
		}
	}
	if _, ok := adrights.Find("no such name"); ok || adrights.Name(winnt.GUID{1}, 0x20) != "" {
		t.Error("a name that does not exist is found")
	}
}
