package lint

import (
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestFirstTooLate: of a list in another order than the canonical one the first entry that stands too late is found,
// wherever that is, and no other.
func TestFirstTooLate(t *testing.T) {
	const deny, grant, inherited = "(D;;FW;;;BG)", "(A;;FR;;;BU)", "(A;ID;FR;;;WD)"
	for text, want := range map[string]int{
		grant + deny: 1, deny + grant + deny: 2, grant + grant + deny + deny: 2, deny + deny + grant + inherited + deny: 4,
		inherited + grant: 1, deny + grant + inherited + grant + deny: 3, deny + grant + inherited: -1, grant: -1, "": -1,
		deny + deny + grant + grant + inherited + inherited: -1,
	} {
		got := -1
		for _, f := range Check(sddl.MustParse("O:BAG:SYD:"+text), winnt.FileObject, sid.SID{}) {
			if f.Kind != NonCanonical {
				continue
			}
			if got >= 0 {
				t.Errorf("%s: found at %d and at %d", text, got, f.ACE)
			}
			if got = f.ACE; f.List != "DACL" {
				t.Errorf("%s: in the %s", text, f.List)
			}
		}
		if got != want {
			t.Errorf("%s: the first too late is %d, want %d", text, got, want)
		}
	}
}

// TestLabelsOfNoLevel: a label whose SID is no integrity level, or has no level in it, is found; one of any level is
// not.
func TestLabelsOfNoLevel(t *testing.T) {
	for text, bad := range map[string]bool{"S-1-16": true, "S-1-16-0": false, "S-1-16-8192": false, "S-1-16-8192-1": false,
		"S-1-15-8192": true, "S-1-1-0": true, "S-1-19-512-4096": true} {
		s, ok := sid.New(16)
		if text != "S-1-16" {
			s, ok = sid.MustParse(text), true
		}
		a, err := sd.NewACE(sd.SystemMandatoryLabel, 0, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, s, sd.ACEExtra{})
		if err != nil || !ok {
			t.Fatalf("%s: %v", text, err)
		}
		list, err := sd.NewACL(a)
		if err != nil {
			t.Fatal(err)
		}
		p := sddl.MustParse("O:BAG:SYD:(A;;FR;;;BU)").Parts()
		p.SACL, p.Control = list, p.Control|sd.SACLPresent
		var found []Finding // beside what is said of SIDs that are not known
		for _, f := range Check(sd.New(p), winnt.FileObject, sid.SID{}) {
			if f.Kind == BadLabel {
				found = append(found, f)
			}
		}
		if bad != (len(found) == 1) || bad && (found[0].Rule != "A-60" || found[0].List != "SACL" || found[0].ACE != 0) {
			t.Errorf("%s: %v, want a finding: %t", text, found, bad)
		}
	}
}
