package fileaccess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// reasonRow is a file access that Windows recorded: each right with the code of its reason and the entry.
type reasonRow struct {
	Event         uint16
	Mask, Outcome string
	Reasons       [][3]string
}

// descriptors returns the descriptors of the row's file and of its directory, with the entries that the row names.
func (row *reasonRow) descriptors(t *testing.T) (file, directory *sd.Descriptor) {
	t.Helper()
	owner, own, above := "LS", "", ""
	for _, why := range row.Reasons {
		entry := strings.TrimPrefix(why[2], "D:")
		switch {
		case why[1] == "1804":
			owner = caseU.String()
		case why[1] == "1811" && !strings.Contains(above, entry):
			above += entry
		case why[1] == "1801" && !strings.Contains(own, entry):
			own += entry
		}
	}
	if row.Event == 5145 || above == "" {
		above = "(A;;0x20;;;WD)"
	}
	return sddl.MustParse("O:" + owner + "G:SYD:" + own), sddl.MustParse("O:LSG:SYD:" + above)
}

// TestReasonsEqualRecordings opens files with the entries that Windows named in its records, and compares the reasons
// of all rights with the recorded ones. The token has every account of the entries (F-80).
func TestReasonsEqualRecordings(t *testing.T) {
	spec := baseSpec()
	for _, s := range []sid.SID{sid.Administrators, sid.Users, sid.LocalSystem} {
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: enabled})
	}
	subject := access.SubjectOf(mustToken(t, spec))
	for i, row := range recordings.Rows[reasonRow](t, "windows-events/reasons.jsonl") {
		var mask winnt.AccessMask
		check.NoError(t, check.Err(fmt.Sscanf(row.Mask, "%v", &mask)))
		file, directory := row.descriptors(t)
		r := fileaccess.Request{Subject: subject, Desired: mask, Disposition: fileaccess.FileOpen, Name: "f"}
		f := fileaccess.Facts{Parent: &fileaccess.Directory{Descriptor: directory},
			Object: fileaccess.Object{Exists: true, Descriptor: file}}
		d := fileaccess.Open(&r, &f)
		want := row.Outcome == "success"
		check.That(t, d.Allowed() == want, "row %d: %v, want %s", i, d.Status(), row.Outcome)
		e := audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"}, audit.HandleRequest{Access: mask,
			Reasons: accessquery.AuditReasons(&r, &f, &d)})
		var got [][3]string
		for a := range e.Accesses() {
			got = append(got, [3]string{fmt.Sprint(a.Code), fmt.Sprint(a.Reason), a.ACE})
		}
		check.That(t, fmt.Sprint(got) == fmt.Sprint(row.Reasons), "row %d: reasons %v, want %v", i, got, row.Reasons)
	}
}
