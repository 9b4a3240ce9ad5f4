package acltree

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// The five words of file managers have the masks that Windows documents. A denied or revoked right omits SYNCHRONIZE,
// and a denied write right also READ_CONTROL (FileSystemRights of .NET, F-208).
func TestParseRightsAcceptsWordsAndMasks(t *testing.T) {
	for text, want := range map[string]Rights{
		"read": {0x120089, 0x20089}, "R": {0x120089, 0x20089}, "write": {0x120116, 0x116}, "W": {0x120116, 0x116},
		"list": {0x1200a9, 0x200a9}, "RX": {0x1200a9, 0x200a9}, "modify": {0x1301bf, 0x301bf}, "M": {0x1301bf, 0x301bf},
		"full": {0x1f01ff, 0x1f01ff}, "F": {0x1f01ff, 0x1f01ff}, "D": {0x110000, 0x10000},
		"read,DELETE": {0x130089, 0x30089}, "read+W": {0x12019f, 0x2019f}, "control": {0x1c0000, 0xc0000},
		"FILE_READ_DATA": {0x100001, 1}, "FW": {0x120116, 0x116}, "GA": {0x1f01ff, 0x1f01ff},
		"SYNCHRONIZE": {0x100000, 0x100000}, "0x3": {0x100003, 3},
	} {
		got, err := ParseRights(text)
		check.That(t, err == nil && got == want, "F-208: %s: %#x, %v, want %#x", text, got, err, want)
	}
	for _, text := range []string{"", ",", "modfy", "WP:member", "DCSync", "read,,x y", "read,", ",read", "read,,write",
		"read+", "read, +write", "ReadGMSAPassword", "0x0",
		"PROCESS_TERMINATE", "MAXIMUM_ALLOWED", "read,ACCESS_SYSTEM_SECURITY", "0x200"} {
		got, err := ParseRights(text)
		check.That(t, err != nil && got == (Rights{}), "ParseRights(%q) = %#x, %v, want an error", text, got, err)
	}
}

// Each verb changes the descriptor of a directory and of a file.
func TestACLVerbsEditDescriptor(t *testing.T) {
	grants, denials := Grant, Deny
	read, write := check.Must(ParseRights("read")), check.Must(ParseRights("write"))
	all := sd.ObjectInherit | sd.ContainerInherit
	for _, c := range []struct {
		name, before string
		directory    bool
		verb         Verb
		rights       Rights
		only         *Verb
		after        string
		err          error
	}{
		{"grant", "D:PAI(A;;FA;;;BA)", true, Grant, read, nil, "D:PAI(A;;FA;;;BA)(A;OICI;FR;;;BU)", nil},
		{"grant on a file", "D:(A;ID;FA;;;BA)", false, Grant, read, nil, "D:(A;;FR;;;BU)(A;ID;FA;;;BA)", nil},
		{"grant adds", "D:(A;;FR;;;BU)", false, Grant, write, nil, "D:(A;;0x12019f;;;BU)", nil},
		{"grant merges all equal entries at once", "D:(A;;0x1200a9;;;BU)(A;OICIIO;0x1200a9;;;BU)", true, Grant, read, nil,
			"D:AI(A;OICI;0x1200a9;;;BU)", nil},
		{"set", "D:(D;;FX;;;BU)(A;;FA;;;BU)", false, Set, read, nil, "D:(D;;FX;;;BU)(A;;FR;;;BU)", nil},
		{"deny leaves reading", "D:(A;;FA;;;BU)", false, Deny, write, nil, "D:(D;;DCLCRPCR;;;BU)(A;;FA;;;BU)", nil},
		{"revoke all", "D:(D;;FX;;;BU)(A;;FA;;;BU)(A;ID;FR;;;BU)", false, Revoke, Rights{}, nil,
			"D:(A;ID;FR;;;BU)", nil},
		{"revoke writing", "D:(A;OICI;0x1301bf;;;BU)", true, Revoke, write, nil, "D:AI(A;OICI;0x1300a9;;;BU)", nil},
		{"revoke the last right", "D:(A;;FR;;;BU)(A;;FA;;;BA)", false, Revoke, read, nil, "D:(A;;FA;;;BA)", nil},
		{"revoke denials", "D:(D;;FX;;;BU)(A;;FA;;;BU)", false, Revoke, Rights{}, &denials, "D:(A;;FA;;;BU)", nil},
		{"revoke grants", "D:(D;;FX;;;BU)(A;;FA;;;BU)", false, Revoke, Rights{}, &grants, "D:(D;;FX;;;BU)", nil},
		{"revoke two grants", "D:(A;;FR;;;BU)(A;;0x2;;;BU)(A;;FA;;;BA)", false, Revoke, Rights{}, &grants, "D:(A;;FA;;;BA)",
			nil},
		{"revoke reading of grants", "D:(D;;FR;;;BU)(A;;FA;;;BU)", false, Revoke, read, &grants,
			"D:(D;;FR;;;BU)(A;;0x1d0176;;;BU)", nil},
		{"revoke own entries", "D:(A;;FR;;;BU)(A;ID;FR;;;BU)", false, Revoke, read, nil, "D:(A;ID;FR;;;BU)", nil},
		{"revoke generic writing", "D:(A;OICIIO;SDGXGWGR;;;BU)(A;;GX;;;BU)(A;;GA;;;BA)", true, Revoke, write, nil,
			"D:AI(A;OICIIO;0x1300a9;;;BU)(A;;GX;;;BU)(A;;GA;;;BA)", nil},
		{"revoke of an entry leaves other entries of the trustee", "D:(A;;FR;;;BU)(A;;FW;;;BU)", false, Revoke, write, nil,
			"D:(A;;FR;;;BU)", nil},
		{"revoke of an entry for folders leaves reading", "D:AI(A;OICI;0x1200a9;;;BU)(A;CI;FW;;;BU)", true, Revoke, write,
			nil, "D:AI(A;OICI;0x1200a9;;;BU)", nil},
		{"revoke entries with different flags", "D:AI(A;OICINP;FR;;;BU)(A;OICI;FR;;;BU)(A;;FA;;;BA)", true, Revoke, read,
			nil, "D:AI(A;;FA;;;BA)", nil},
		{"revoke entries that only children inherit", "D:(A;OIIO;GW;;;BU)(A;IO;FR;;;BU)", false, Revoke, write, nil,
			"D:(A;IO;FR;;;BU)", nil},
		{"revoke only plain entries", "D:(A;;FW;;;BU)(XA;;FA;;;BU;(a == 1))", false, Revoke, write, nil,
			"D:(XA;;FA;;;BU;(a == 1))", nil},
		{"revoke plain grants", "D:(D;;FX;;;BU)(A;;FR;;;BU)(XA;;FA;;;BU;(a == 1))", false, Revoke, Rights{}, &grants,
			"D:(D;;FX;;;BU)(XA;;FA;;;BU;(a == 1))", nil},
		{"revoke plain denials", "D:(D;;FW;;;BU)(XD;;FA;;;BU;(a == 1))(A;;FW;;;BU)", false, Revoke, write, &denials,
			"D:(XD;;FA;;;BU;(a == 1))(A;;FW;;;BU)", nil},
		{"revoke of denials leaves other denials", "D:(D;;FR;;;BU)(D;;DCLCRPCR;;;BU)(A;;FA;;;BU)", false, Revoke, write,
			&denials, "D:(D;;FR;;;BU)(A;;FA;;;BU)", nil},
		{"revoke of a denial leaves what was not named", "D:(D;;0x20002;;;BU)(A;;FA;;;BU)", false, Revoke, write, &denials,
			"D:(D;;RC;;;BU)(A;;FA;;;BU)", nil},
		{"revoke writing of an entry that only reads the descriptor", "D:(A;;RC;;;BU)", false, Revoke, write, nil, "",
			ErrNothing},
		{"revoke what no generic right has", "D:(A;;GX;;;BU)", false, Revoke, write, nil, "", ErrNothing},
		{"revoke out of order", "D:(A;;FA;;;BU)(D;;FX;;;BU)", false, Revoke, read, nil, "", sd.ErrNotCanonical},
		{"revoke all out of order", "D:(A;;FA;;;BU)(D;;FX;;;BG)", false, Revoke, Rights{}, nil, "", sd.ErrNotCanonical},
		{"revoke nothing out of order", "D:(A;;FA;;;BA)(D;;FX;;;BG)", false, Revoke, read, nil, "", ErrNothing},
		{"revoke no right out of order", "D:(A;;FX;;;BU)(D;;FX;;;BG)", false, Revoke, write, nil, "", ErrNothing},
		{"revoke no entry out of order", "D:(A;;FA;;;BA)(D;;FX;;;BG)", false, Revoke, Rights{}, nil, "", ErrNothing},
		{"revoke nothing", "D:(A;ID;FA;;;BU)", false, Revoke, Rights{}, nil, "", ErrNothing},
		{"no DACL", "O:BA", false, Grant, read, nil, "", ErrNullDACL},
		{"out of order", "D:(A;;FA;;;BA)(D;;FX;;;BU)", false, Grant, read, nil, "", sd.ErrNotCanonical},
	} {
		before := sddl.MustParse(c.before)
		after, err := apply(before, before, c.directory, []Step{{c.verb, sid.Users, c.rights, all, c.only}})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
			continue
		}
		check.Equal(t, check.Must(sddl.Format(after, sddl.Options{})), c.after, "%s", c.name)
	}
}
