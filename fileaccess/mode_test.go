package fileaccess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// In the tests of modes user 1 owns the files and 3 is their group. 2 and 4 are other accounts.
const ofMode = "O:S-1-22-1-1G:S-1-22-2-3"

// Mode returns the rights of the owner, the group class and everybody (M-12).
func TestModeShowsRightsOfOwnerGroupOthers(t *testing.T) {
	for _, c := range []struct {
		dacl      string
		directory bool
		want      uint32
	}{
		{"D:", false, 0},
		{"D:NO_ACCESS_CONTROL", false, 0o777},
		{"D:(A;;FA;;;S-1-22-1-1)", false, 0o700},
		{"D:(A;;FA;;;WD)", false, 0o777},
		{"D:(A;;FR;;;WD)", false, 0o444},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;0x1200a9;;;S-1-22-2-3)(A;;FR;;;WD)", false, 0o754},
		{"D:(A;;FA;;;OW)(A;;FW;;;S-1-22-2-3)", false, 0o720},
		{"D:(A;;0x1f01dc;;;WD)", false, 0},                                 // all but the three rights of the bits
		{"D:(A;;FA;;;S-1-22-1-1)(A;;0x1301bf;;;S-1-22-1-2)", false, 0o770}, // another user
		{"D:(A;;FA;;;S-1-22-1-1)(A;;0x1301bf;;;S-1-22-2-4)", false, 0o770}, // another group
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FR;;;AU)", false, 0o744},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FR;;;LS)", false, 0o740}, // a service is another user
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FR;;;NS)", false, 0o740},
		{"D:(A;;FR;;;S-1-2-0)", false, 0o004},                            // LOCAL
		{"D:(A;;FR;;;BG)(A;;FX;;;CO)(A;;FX;;;CG)", false, 0o004},         // guests; creators are nobody
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FA;;;SY)(A;;FA;;;BA)", false, 0o700}, // the host's root
		{"D:(A;;FR;;;S-1-22-1-1)(A;;FA;;;BA)", false, 0o500},             // may run it
		{"D:(A;;FA;;;BA)(A;;FR;;;S-1-22-1-1)", false, 0o500},
		{"D:(A;;FR;;;S-1-22-1-1)(A;;FA;;;BA)", true, 0o400},
		{"D:(D;;FW;;;WD)(A;;FA;;;WD)", false, 0o555},
		{"D:(A;;FR;;;WD)(D;;FR;;;S-1-22-1-1)", false, 0o444},
		{"D:(D;;FR;;;S-1-22-1-1)(A;;FR;;;WD)", false, 0o044},
		{"D:(A;OICIIO;FA;;;WD)(A;;FR;;;S-1-22-1-1)", true, 0o400},
		{"D:(A;OICIIO;FA;;;WD)(A;;FR;;;S-1-22-1-1)", false, 0o400},
		{"D:(A;;GA;;;WD)", false, 0o777},
		{"D:(D;;FX;;;S-1-22-1-2)(A;;FR;;;S-1-22-1-1)", false, 0o400},             // a denial grants no x
		{"D:(A;;FR;;;S-1-22-1-1)(A;;0x20;;;S-1-22-2-4)", false, 0o410},           // a class has x already
		{"D:(D;;FR;;;S-1-22-2-4)(A;;FR;;;S-1-22-2-3)", false, 0o040},             // groups are denied separately
		{"D:(A;;FR;;;WD)(D;;FR;;;S-1-22-2-4)(A;;FW;;;S-1-22-2-4)", false, 0o464}, // everybody's entry decides first
		{"D:(D;;FR;;;WD)(A;;FA;;;S-1-22-2-4)", false, 0o030},
		{"D:(D;;FR;;;BU)(A;;FR;;;WD)", false, 0o440},
		{"D:(D;;0x1;;;S-1-22-2-3)(D;;0x2;;;S-1-22-1-2)(A;;0x3;;;WD)", false, 0o626}, // a user who is only denied
	} {
		got := fileaccess.Mode(sddl.MustParse(ofMode+c.dacl), c.directory)
		check.That(t, got == c.want, "Mode of %s = %o, want %o", c.dacl, got, c.want)
	}
	// The longest possible list is processed in one pass, because an entry depends only on the entries of its own
	// account.
	var long strings.Builder
	for i := range 2700 {
		fmt.Fprintf(&long, "(A;;0x2;;;S-1-22-1-%d)", i+2)
	}
	got := fileaccess.Mode(sddl.MustParse(ofMode+"D:"+long.String()), false)
	check.That(t, got == 0o020, "Mode of a long list = %o, want 20", got)
	// Entries of different accounts do not affect each other, however many come before.
	for _, n := range []int{0, 14, 15, 16, 20} {
		var before strings.Builder
		for i := range n {
			fmt.Fprintf(&before, "(A;;0x80;;;S-1-22-1-%d)", i+10)
		}
		got := fileaccess.Mode(sddl.MustParse(ofMode+"D:"+before.String()+
			"(D;;FW;;;S-1-22-1-2)(D;;FX;;;S-1-22-1-3)(A;;FA;;;S-1-22-1-2)(A;;FX;;;S-1-22-1-3)"), true)
		check.Equal(t, got, 0o050, "mode of a user who is denied to write after %d others", n)
	}
	got = fileaccess.Mode(nil, false)
	check.That(t, got == 0, "Mode(nil) = %o, want %o", got, 0)
}
