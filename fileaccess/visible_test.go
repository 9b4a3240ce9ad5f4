package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

func BenchmarkVisibleEntries(b *testing.B) {
	r, f := typical(b, 0)
	entries := make([]*sd.Descriptor, 10000)
	for i := range entries {
		entries[i] = f.Object.Descriptor
	}
	viewers := []fileaccess.Viewer{{Subject: r.Subject, Share: 0x1F01FF}}
	b.ReportAllocs()
	for b.Loop() {
		fileaccess.VisibleEntries(entries, viewers, nil)
	}
}

// An entry is visible to users with FILE_GENERIC_READ (F-71, FO-082). U owns the entries and so always has
// READ_CONTROL.
func TestVisibleNeedsGenericRead(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	for mask, want := range map[string]bool{"0x120089": true, "0x120081": false, "0x120009": false, "0x120088": false} {
		check.Equal(t, fileaccess.Visible(&s, aces(t, "U:(A;;"+mask+";;;U)"), 0x1F01FF, nil), want,
			"FO-082: Visible with %s", mask)
	}
}

// VisibleEntries returns the results of Visible. The share's rights limit visibility. A backup privilege does not
// extend it (F-71, F-74).
func TestVisibleEntriesEqualsVisible(t *testing.T) {
	entries := []*sd.Descriptor{aces(t, "(A;;FR;;;WD)"), aces(t, "(A;;0x1;;;WD)"), sd.NoSecurity,
		aces(t, "(A;;FR;;;WD)"), aces(t, "(A;;FA;;;BA)")}
	entries = append(entries, entries[1], nil)
	spec := baseSpec()
	spec.Privileges, spec.EnabledPrivileges = backup.Bit(), backup.Bit()
	admin := baseSpec()
	admin.Groups = append(admin.Groups, token.Group{SID: sid.Administrators, Attributes: enabled})
	viewers := []fileaccess.Viewer{
		{Subject: access.SubjectOf(mustToken(t, spec)),
			Share: 0x1200A9}, {Subject: access.SubjectOf(mustToken(t, admin)), Share: 0x1F01FF},
		{Subject: access.SubjectOf(mustToken(t, admin)), Share: 0x20089}, {},
	}
	got := fileaccess.VisibleEntries(entries, viewers, nil)
	want := []string{"yny" + "ynnn", "yny" + "yynn", "nnnnnnn", "nnnnnnn"}
	for v := range viewers {
		for e := range entries {
			one := fileaccess.Visible(&viewers[v].Subject, entries[e], viewers[v].Share, nil)
			check.That(t, got[v][e] == one && one == (want[v][e] == 'y'),
				"F-74: viewer %d, entry %d: VisibleEntries %v, Visible %v; want %v for both", v, e, got[v][e], one,
				want[v][e] == 'y')
		}
	}
}
