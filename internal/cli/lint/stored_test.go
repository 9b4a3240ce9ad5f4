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
		found := texts(check.Must(Text("O:BAG:BAD:(A;;0x12;;;BU)(D;;0x12;;;BU)", typ, sid.SID{})))
		check.That(t, strings.Contains(found, want), "B-123: %s, want %q", found, want)
	}
}

// The corrected descriptor has no entry that a file cannot store. An entry that denies access to a logon session is not
// corrected, because the command cannot know which user or group the author meant (B-124).
func TestCorrectedDescriptorDropsSessionSIDs(t *testing.T) {
	for text, want := range map[string]string{
		"O:BAG:BAD:(A;;FA;;;S-1-5-5-0-123)(A;OICI;GR;;;WD)": "O:BAG:BAD:(A;OICI;FR;;;WD)",
		"O:BAG:BAD:(D;;FA;;;S-1-5-5-0-123)(A;;GR;;;WD)":     "",
		"O:BAG:BAD:(A;;FR;;;WD)":                            "",
		"O:S-1-5-21-1-2-3-512G:BAD:(A;OICI;GR;;;WD)":        "O:DAG:BAD:(A;OICI;FR;;;WD)",
	} {
		got := Corrected(sddl.MustParse(text), sid.MustParse("S-1-5-21-1-2-3"))
		check.Equal(t, got, want, "B-124: corrected %s", text)
	}
}
