package lint

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A finding names a right as the type of the object does, and with both names if that is unknown (B-123).
func TestRightsAreNamedForTheObject(t *testing.T) {
	for want, typ := range map[string]*winnt.ObjectType{
		"SID FILE_WRITE_DATA/FILE_ADD_FILE|FILE_WRITE_EA before": nil,
		"SID FILE_ADD_FILE|FILE_WRITE_EA before":                 winnt.DirectoryFileObject,
		"SID FILE_WRITE_DATA|FILE_WRITE_EA before":               winnt.FileObject,
	} {
		found, err := Text("O:BAG:BAD:(A;;0x12;;;BU)(D;;0x12;;;BU)", typ, sid.SID{})
		check.That(t, err == nil && len(found) != 0 && strings.Contains(found[0].What, want),
			"B-123: %v, %v, want %q", found, err, want)
	}
}

// The advice about an entry that a file cannot store is the entry itself, and the corrected descriptor has none of
// them. A denial of a session has no correction, because only the author knows what it should deny (B-124).
func TestCorrectedDescriptorDropsSessionSIDs(t *testing.T) {
	for text, want := range map[string]string{
		"O:BAG:BAD:(A;;FA;;;S-1-5-5-0-123)(A;OICI;GR;;;WD)": "O:BAG:BAD:(A;OICI;FR;;;WD)",
		"O:BAG:BAD:(D;;FA;;;S-1-5-5-0-123)(A;;GR;;;WD)":     "",
		"O:BAG:BAD:(A;;FR;;;WD)":                            "",
	} {
		d, err := sddl.Parse(text, sddl.Options{})
		check.NoError(t, err)
		check.Equal(t, Corrected(d, sid.SID{}), want, "B-124: corrected %s", text)
	}
	found, err := Text("O:BAG:BAD:(A;OICI;GR;;;WD)", nil, sid.SID{})
	if err != nil || len(found) != 1 || found[0].Mend != "write the rights that they stand for: (A;OICI;FR;;;WD)" {
		t.Errorf("B-124: %+v, %v, want the entry with FR", found, err)
	}
}
