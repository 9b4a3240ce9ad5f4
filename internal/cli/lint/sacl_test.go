package lint

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestLabelWithoutLevelIsReported checks that a label is reported if its SID is not an integrity level, and not
// otherwise.
func TestLabelWithoutLevelIsReported(t *testing.T) {
	for text, bad := range map[string]bool{"S-1-16": true, "S-1-16-0": false, "S-1-16-8192": false, "S-1-16-8192-1": false,
		"S-1-15-8192": true, "S-1-1-0": true, "S-1-19-512-4096": true} {
		s, ok := sid.New(16)
		if text != "S-1-16" {
			s, ok = sid.MustParse(text), true
		}
		a, err := sd.NewACE(sd.SystemMandatoryLabel, 0, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, s, sd.ACEExtra{})
		check.RequireThat(t, err == nil && ok, "%s: %v, want no error", text, err)
		list, err := sd.NewACL(a)
		check.NoError(t, err)
		p := sddl.MustParse("O:BAG:SYD:(A;;FR;;;BU)").Parts()
		p.SACL, p.Control = list, p.Control|sd.SACLPresent
		var found []Finding // without findings about unknown SIDs
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
