package adrights_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestTableEntriesAreConsistent checks that every line of the table parses and refers to existing entries, and that no
// name is there twice, whatever its case.
func TestTableEntriesAreConsistent(t *testing.T) {
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
		check.That(t, e.Name != "" && e.GUID != (winnt.GUID{}) && e.Kind <= adrights.Attribute && !seen[key],
			"entry %+v, want a name, a GUID, a known kind and no duplicate", e)
		seen[key] = true
		name := strings.ToLower(e.Name)
		check.That(t, !seen[name], "two entries have the name %s, want one", e.Name)
		seen[name] = true
		if e.Set != (winnt.GUID{}) && !sets[e.Set] {
			nameless[e.Set] = true
		}
	}
	if len(nameless) != 4 { // the schema names four that no published list has
		t.Errorf("property sets without a name = %v, want 4", nameless)
	}
	if counts[adrights.PropertySet] != 15 || counts[adrights.Class] != 270 || counts[adrights.Attribute] != 1500 {
		t.Errorf("entries by kind = %v, want 15 property sets, 270 classes and 1500 attributes", counts)
	}
}

func guid(t *testing.T, text string) winnt.GUID {
	t.Helper()
	g := check.Must(winnt.ParseGUID(text))
	return g
}

// TestNamesAndGUIDsMatch checks the GUIDs of MS-ADTS 5.1.3.2.1 and MS-ADA by name and back. The mask selects among
// the entries of one GUID.
func TestNamesAndGUIDsMatch(t *testing.T) {
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
		{"dNSHostName", "72e39547-7b18-11d1-adef-00c04fd8d5cd", 0x10, adrights.Attribute},
		{"Validated-DNS-Host-Name", "72e39547-7b18-11d1-adef-00c04fd8d5cd", 0x8, adrights.ValidatedWrite},
	} {
		g := guid(t, c.guid)
		check.Equal(t, adrights.Name(g, c.mask), c.name, "Name(%s, %v)", c.guid, c.mask)
		found := false
		for _, e := range adrights.ByName(c.name) {
			found = found || e.GUID == g && e.Kind == c.kind
		}
		if !found {
			t.Errorf("ByName(%q) = %v, want an entry with GUID %s", c.name, adrights.ByName(c.name), c.guid)
		}
	}
	_, ok := adrights.Find("no such name")
	check.That(t, !ok && adrights.Name(winnt.GUID{1}, 0x20) == "", "an unknown name or GUID is found, want no entry")
}

// TestMaskSelectsNameOfSharedGUID checks that a mask of several rights selects the property first, then the extended
// right, then the validated write, and that another mask selects the first name.
func TestMaskSelectsNameOfSharedGUID(t *testing.T) {
	host := guid(t, "72e39547-7b18-11d1-adef-00c04fd8d5cd")
	for mask, want := range map[winnt.AccessMask]string{
		0x10: "dNSHostName", 0x20: "dNSHostName", 0x30: "dNSHostName", 0x138: "dNSHostName",
		0x100: "dNSHostName", // a confidential attribute is read with control access
		0x108: "dNSHostName",
		0x8:   "Validated-DNS-Host-Name", 0x1: "Validated-DNS-Host-Name", 0x10000: "Validated-DNS-Host-Name",
	} {
		check.Equal(t, adrights.Name(host, mask), want, "Name(%v, %#x)", host, uint32(mask))
	}
	password := guid(t, "00299570-246d-11d0-a768-00aa006e0529")
	for _, mask := range []winnt.AccessMask{0, 0x1, 0x8, 0x30, 0x100} {
		if got := adrights.Name(password, mask); got != "User-Force-Change-Password" {
			t.Errorf(`Name(%v, %#x) = %q, want "User-Force-Change-Password"`, password, uint32(mask), got)
		}
	}
}

// TestFindIgnoresCase checks that names ignore case, and that an entry is found only by its own names.
func TestFindIgnoresCase(t *testing.T) {
	for _, name := range []string{"Self-Membership", "self-membership", "SELF-MEMBERSHIP"} {
		e, ok := adrights.Find(name)
		check.That(t, ok && e.Name == "Self-Membership" && e.Kind == adrights.ValidatedWrite,
			"Find(%q) = %+v, %t, want Self-Membership of kind %v", name, e, ok, adrights.ValidatedWrite)
		all := adrights.ByName(name)
		check.That(t, len(all) == 1 && all[0] == e, "ByName(%q) = %+v, want only %v", name, all, e)
	}
	e, _ := adrights.Find("member")
	if want := guid(t, "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"); e.Kind != adrights.Attribute || e.Set != want {
		t.Errorf(`Find("member") = %+v, want an attribute of the set %v`, e, want)
	}
	if all := adrights.ByGUID(e.GUID); len(all) != 2 || all[0].Kind != adrights.ValidatedWrite || all[1] != e {
		t.Errorf("ByGUID(GUID of member) = %+v, want a %v and then %v", all, adrights.ValidatedWrite, e)
	}
	if all := adrights.ByName("no such name"); all != nil {
		t.Errorf("ByName of an unknown name = %v, want nil", all)
	}
	n := 0
	for range adrights.All() {
		if n++; n == 2 {
			break
		}
	}
	check.That(t, n == 2, "All went on after %d entries, want 2", n)
}
