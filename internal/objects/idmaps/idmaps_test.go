package idmaps_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects/idmaps"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

const exported = `# Accounts of HOST.
version: 1
machine: S-1-5-21-7-7-7
accounts:
  - {name: carol, rid: 1001, uid: 5000}
  - {name: dave, rid: 1002}
groups:
  - {name: staff, sid: S-1-5-21-7-7-7-1003, gid: 70500}
rights: []
idMaps:
  - {domain: S-1-5-21-1-1-1, name: RID, low: 70000, high: 79999, baseRid: 1000}
  - {domain: S-1-5-21-5-5-5, name: LATE, low: 75000, high: 80999}
  - {domain: S-1-5-21-2-2-2, name: AUTO, backend: autorid, low: 200000, high: 299999,
     rangeSize: 10000, index: 2, number: 3}
  - {domain: S-1-5-21-3-3-3, name: AD, backend: ad, low: 310000, high: 319999}
  - {domain: S-1-5-21-4-4-4, name: WB, backend: winbind, low: 410000, high: 419999}
`

// TestIDIsMappedByExport checks which SID Read maps each id of an export of refmond to: that of the account or group
// with the id, that of the account in a map's domain, else that of the host's user or group (L-60, L-53, L-25).
func TestIDIsMappedByExport(t *testing.T) {
	who, err := idmaps.Read([]byte(exported), nil)
	check.NoError(t, err)
	for _, c := range []struct {
		id          uint32
		user, group string
	}{
		{5000, "S-1-5-21-7-7-7-1001", "S-1-22-2-5000"},
		{70500, "S-1-5-21-1-1-1-1500", "S-1-5-21-7-7-7-1003"},
		{79999, "S-1-5-21-1-1-1-10999", "S-1-5-21-1-1-1-10999"}, // the first map
		{80000, "S-1-5-21-5-5-5-5000", "S-1-5-21-5-5-5-5000"},
		{69999, "S-1-22-1-69999", "S-1-22-2-69999"},
		{230005, "S-1-5-21-2-2-2-20005", "S-1-5-21-2-2-2-20005"},
		{229999, "S-1-22-1-229999", "S-1-22-2-229999"},
		{240000, "S-1-22-1-240000", "S-1-22-2-240000"},
		{310001, "S-1-22-1-310001", "S-1-22-2-310001"},
		{410001, "S-1-22-1-410001", "S-1-22-2-410001"},
		{65534, "S-1-5-7", "S-1-22-2-65534"},
		{0, "S-1-22-1-0", "S-1-22-2-0"},
	} {
		if u, g := who(c.id, false), who(c.id, true); u != sid.MustParse(c.user) || g != sid.MustParse(c.group) {
			t.Errorf("L-60: %d is %v and %v, want %s and %s", c.id, u, g, c.user, c.group)
		}
	}
	who, err = idmaps.Read([]byte(strings.Replace(exported, "number: 3", "number: 9", 1)), nil) // the last of the map
	if check.NoError(t, err); who(290005, false) != sid.MustParse("S-1-5-21-2-2-2-20005") {
		t.Errorf("L-60: 290005 is %v, want S-1-5-21-2-2-2-20005", who(290005, false))
	}
	for text, want := range map[string]string{
		"rights: []": "version 0", "version: 2": "version 2", "version: 1\nmore: 1": "line 2: ",
		strings.Replace(exported, "machine: S-1-5-21-7-7-7", "", 1):      `account "carol"`,
		strings.Replace(exported, "sid: S-1-5-21-7-7-7-1003, ", "", 1):   `group "staff"`,
		strings.Replace(exported, "backend: ad", "backend: tdb", 1):      "tdb",
		strings.Replace(exported, "number: 3", "number: 10", 1):          "number 10",
		strings.Replace(exported, "rangeSize: 10000", "rangeSize: 0", 1): "outside",
		// The last range must be whole, as for the daemon (L-53).
		strings.Replace(exported, "rangeSize: 10000", "rangeSize: 30000", 1): "number 3",
		strings.Replace(exported, "index: 2", "index: 429497", 1):            "index 429497",
	} {
		if _, err := idmaps.Read([]byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// TestSubordinateIDHasNoAccount checks that a subordinate id is of no account, and a map that overlaps one is not
// used at all; the others are (L-24, L-54). A file that cannot be read could name any id.
func TestSubordinateIDHasNoAccount(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "subuid")
	text := "# of containers\ncarol:5000:1\ndave:79999:10\nerin:65530:10\n"
	check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	who, err := idmaps.Read([]byte(exported), idmaps.ReadSubIDs(filepath.Join(dir, "none"), file))
	check.NoError(t, err)
	for id, want := range map[uint32]string{
		5000: "S-1-22-1-5000", 70500: "S-1-22-1-70500", 79999: "S-1-22-1-79999", 80003: "S-1-22-1-80003",
		230005: "S-1-5-21-2-2-2-20005", 65534: "S-1-5-7",
	} {
		if u := who(id, false); u != sid.MustParse(want) {
			t.Errorf("L-54: %d is %v, want %s", id, u, want)
		}
	}
	check.Equal(t, who(70500, true), sid.MustParse("S-1-5-21-7-7-7-1003"),
		"L-24: a group of the store that is not subordinate")
	who, err = idmaps.Read([]byte(exported), idmaps.ReadSubIDs(dir)) // a folder cannot be read
	if u := who(230005, false); err != nil || u != sid.MustParse("S-1-22-1-230005") {
		t.Errorf("L-24: %v, %v, want %v, nil", u, err, sid.MustParse("S-1-22-1-230005"))
	}
}

// FuzzIDMaps checks that no file and no id cause a panic, and that each id is mapped to a SID.
func FuzzIDMaps(f *testing.F) {
	f.Add([]byte(exported), uint32(230005))
	f.Add([]byte(strings.Replace(exported, "high: 299999", "high: 1", 1)), uint32(200000))
	f.Fuzz(func(t *testing.T, file []byte, id uint32) {
		who, err := idmaps.Read(file, nil)
		check.RequireThat(t, (who == nil) != (err == nil), "a map %t with %v", who != nil, err)
		check.That(t, who == nil || !who(id, false).IsZero() && !who(id, true).IsZero(), "%d is not an account", id)
	})
}

// TestExportedNamesHaveSIDs checks that accounts have SIDs of the machine, groups their own, in the order of the
// export.
func TestExportedNamesHaveSIDs(t *testing.T) {
	names, err := idmaps.ReadNames([]byte(exported))
	check.NoError(t, err)
	want := []idmaps.Name{{"carol", sid.MustParse("S-1-5-21-7-7-7-1001"), false},
		{"dave", sid.MustParse("S-1-5-21-7-7-7-1002"), false}, {"staff", sid.MustParse("S-1-5-21-7-7-7-1003"), true}}
	check.That(t, slices.Equal(names, want), "%v, want %v", names, want)
	names, err = idmaps.ReadNames([]byte(strings.Replace(exported, "machine: S-1-5-21-7-7-7\n", "", 1)))
	check.That(t, err == nil && slices.Equal(names, want[2:]), "without a machine: %v, %v, want the group", names, err)
	names, err = idmaps.ReadNames([]byte(strings.Replace(exported, "sid: S-1-5-21-7-7-7-1003, ", "", 1)))
	check.That(t, err == nil && slices.Equal(names, want[:2]), "a group without a SID: %v, %v, want the accounts", names,
		err)
	if names, err := idmaps.ReadNames([]byte("version: 2")); err == nil || names != nil {
		t.Errorf("version 2: %v, %v, want nil, an error", names, err)
	}
}
