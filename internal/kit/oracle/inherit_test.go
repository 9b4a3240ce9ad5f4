package oracle_test

import (
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestOracleInheritsLikeRecordedWindows compares the flags that a Windows file server gave children.
func TestOracleInheritsLikeRecordedWindows(t *testing.T) {
	for _, row := range recordings.Rows[struct {
		Parent byte `json:"parent_ace_flags"`
		File   byte `json:"child_file_flags"`
		Dir    byte `json:"child_dir_flags"`
	}](t, "inherit_ace_flags.jsonl") {
		for _, dir := range []bool{false, true} {
			want := row.File
			if dir {
				want = row.Dir
			}
			a := oracle.ACE{Mask: 1, SID: "S-1-1-0", Flags: row.Parent}
			got := oracle.Inherit(&oracle.Inheritance{Parent: &oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{a}}},
				Directory: dir, Owner: "S-1-5-18", Group: "S-1-5-18", Mapping: oracle.File}).DACL.Entries
			if len(got) == 0 {
				continue // the row says nothing of an entry that is not inherited
			}
			check.That(t, got[0].Flags == want,
				"flags %#x, directory %t: got %#x, want %#x as recorded", row.Parent, dir, got[0].Flags, want)
		}
	}
}

// The mask of a label, a resource attribute or a policy identifier has no generic rights (S-65).
func TestMasksOfOtherEntriesStay(t *testing.T) {
	for typ, want := range map[byte]oracle.Word{oracle.Audit: 0x1F01FF, oracle.MandatoryLabel: 0x10000000,
		oracle.ResourceAttribute: 0x10000000, oracle.ScopedPolicy: 0x10000000} {
		a := oracle.ACE{Type: typ, Flags: oracle.ObjectInherit, Mask: 0x10000000, SID: "S-1-1-0"}
		d := oracle.Inherit(&oracle.Inheritance{Owner: "S-1-5-18", Group: "S-1-5-18", Mapping: oracle.File,
			Parent: &oracle.Descriptor{SACL: &oracle.ACL{Entries: []oracle.ACE{a}}}})
		check.Equal(t, d.SACL.Entries[0].Mask, want, "S-65: mask of an entry of type %#x", typ)
	}
}
