package accessquery_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// If file and directory both refuse to delete the file, the record has the reason of the file's own entries. If the
// directory alone allows it, the record has the directory's entry (F-80).
func TestRecordNamesTheDescriptorThatDecided(t *testing.T) {
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-22-1-1001"))))
	list := "O:BAG:BAD:(A;;0x1200a9;;;WD)"
	for _, c := range []struct {
		what, file, directory string
		want                  audit.Reason
	}{
		{"an entry of the file denies", "O:BAG:BAD:(D;;SD;;;WD)(A;;FA;;;WD)", list,
			audit.Reason{Code: 1802, Entry: "D:(D;;SD;;;WD)"}},
		{"no entry of the file allows", list, list, audit.Reason{Code: 1805}},
		{"the file has no entries", "O:BAG:BAD:", list, audit.Reason{Code: 1807}},
		{"the file has no descriptor", "", list, audit.Reason{Code: 1805}},
		{"an entry of the directory allows", list, "O:BAG:BAD:(A;;0x1200a9;;;WD)(A;;DT;;;WD)",
			audit.Reason{Code: 1811, Entry: "D:(A;;DT;;;WD)"}},
	} {
		r := fileaccess.Request{Subject: access.SubjectOf(tok), Desired: winnt.DELETE, Name: "f",
			Disposition: fileaccess.FileOpen}
		f := fileaccess.Facts{Object: fileaccess.Object{Exists: true},
			Parent: &fileaccess.Directory{Name: "/d", Descriptor: sddl.MustParse(c.directory)}}
		if c.file != "" {
			f.Object.Descriptor = sddl.MustParse(c.file)
		}
		d := fileaccess.Open(&r, &f)
		c.want.Bits = winnt.DELETE
		found := false
		for _, reason := range accessquery.AuditReasons(&r, &f, &d) {
			if reason.Bits == winnt.DELETE {
				found = true
				check.Equal(t, reason, c.want, "%s", c.what)
			}
		}
		check.That(t, found, "%s: DELETE has a reason", c.what)
	}
}
