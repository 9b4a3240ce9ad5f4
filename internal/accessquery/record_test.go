package accessquery_test

import (
	"fmt"
	"strings"
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

// Each requested right has its own reason: the object's entry, the directory's, a privilege, or a refusal (F-80).
func TestRecordHasReasonOfEachRight(t *testing.T) {
	s := token.StandardUser(sid.MustParse("S-1-22-1-1001"))
	s.Privileges |= winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeTakeOwnershipPrivilege)
	s.EnabledPrivileges = s.Privileges
	tok := check.Must(token.New(s))
	const reads = "O:BAG:BAD:(A;;0x1200a9;;;WD)"
	const own = "0x1 1801 D:(A;;0x1200a9;;;WD) "
	for _, c := range []struct {
		what, file, directory string // without a file it is created
		desired               winnt.AccessMask
		options               fileaccess.CreateOptions
		want                  string
	}{
		{"a refused open", reads, reads + "(A;;DT;;;WD)", winnt.DELETE | 3, 0,
			own + "|0x2 1805  |0x10000 1811 D:(A;;DT;;;WD) |"},
		{"two descriptors", reads, reads + "(A;;DT;;;WD)", winnt.DELETE | 1, 0, own + "|0x10000 1811 D:(A;;DT;;;WD) |"},
		{"a backup", "O:BAG:BAD:", reads, 1, fileaccess.OpenForBackupIntent, "0x1 1801  SeBackupPrivilege|"},
		{"a privilege without intent", reads, reads, winnt.WRITE_OWNER | 1, 0,
			own + "|0x80000 1801  SeTakeOwnershipPrivilege|"},
		{"a missing privilege", reads, reads, winnt.ACCESS_SYSTEM_SECURITY, 0, "0x1000000 1810  SeSecurityPrivilege|"},
		{"all rights", reads, reads, winnt.MAXIMUM_ALLOWED, 0, own + "|0x2 1805  |"},
		{"all rights of two descriptors", reads, reads + "(A;;DT;;;WD)", winnt.MAXIMUM_ALLOWED, 0,
			"|0x10000 1811 D:(A;;DT;;;WD) |"},
		{"a refused creation", "", reads, 1, 0, "0x1 1812  |"},
		{"a creation", "", "O:BAG:BAD:(A;;FA;;;WD)", 1, 0, "0x1 1801  |"},
	} {
		r := fileaccess.Request{Subject: access.SubjectOf(tok), Desired: c.desired, Name: "f", Options: c.options,
			Disposition: fileaccess.FileCreate}
		f := fileaccess.Facts{Parent: &fileaccess.Directory{Name: "/d", Descriptor: sddl.MustParse(c.directory)}}
		if c.file != "" {
			r.Disposition = fileaccess.FileOpen
			f.Object = fileaccess.Object{Exists: true, Descriptor: sddl.MustParse(c.file)}
		}
		d := fileaccess.Open(&r, &f)
		got := ""
		for _, x := range accessquery.AuditReasons(&r, &f, &d) {
			got += fmt.Sprintf("%v %d %s %s|", x.Bits, x.Code, x.Entry, x.Name)
		}
		check.That(t, got == c.want || c.desired == winnt.MAXIMUM_ALLOWED && strings.Contains(got, c.want),
			"%s: reasons %s, want %s", c.what, got, c.want)
		check.That(t, accessquery.AuditReasons(nil, &f, &d) == nil && accessquery.AuditReasons(&r, nil, &d) == nil &&
			accessquery.AuditReasons(&r, &f, nil) == nil, "%s: a nil argument has reasons, want none", c.what)
	}
}
