package oracle_test

import (
	"encoding/hex"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestOracleImportsNothingOfRefmon keeps the second answer independent of the code under test (B-40).
func TestOracleImportsNothingOfRefmon(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			if strings.Contains(i.Path.Value, "refmon") {
				t.Errorf("%s imports %s, want the standard library only", f.Name(), i.Path.Value)
			}
		}
	}
}

// TestInheritanceAsRecordedOnWindows compares the flags that a Windows file server gave children.
func TestInheritanceAsRecordedOnWindows(t *testing.T) {
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
			if got[0].Flags != want {
				t.Errorf("flags %#x, directory %t: got %#x, want %#x as recorded", row.Parent, dir, got[0].Flags, want)
			}
		}
	}
}

// TestMappingAsRecordedOnWindows compares the rights that generic rights stand for on files.
func TestMappingAsRecordedOnWindows(t *testing.T) {
	for _, row := range recordings.Rows[struct{ Generic, Specific oracle.Word }](t, "file_generic_mapping.jsonl") {
		if got := oracle.File.Map(row.Generic); got != row.Specific {
			t.Errorf("%#x: got %#x, want %#x as recorded", row.Generic, got, row.Specific)
		}
	}
}

// TestBytesAsRecordedOnWindows reads the meaning of descriptors that Windows wrote, and finds it in other bytes of the
// same descriptor only.
func TestBytesAsRecordedOnWindows(t *testing.T) {
	seen := map[string]string{}
	for _, row := range recordings.Rows[struct{ SDDL, Hex string }](t, "sddl_to_bytes_windows.jsonl") {
		b, err := hex.DecodeString(row.Hex)
		if err != nil {
			t.Fatal(err)
		}
		meaning, err := oracle.Canon(b)
		if err != nil {
			t.Errorf("%s: %v", row.SDDL, err)
			continue
		}
		if other, ok := seen[meaning]; ok && other != row.Hex {
			t.Errorf("%s: got one meaning for %s and %s", row.SDDL, other, row.Hex)
		}
		seen[meaning] = row.Hex
	}
}

// FuzzCanon feeds bytes to the reader of descriptors: it must return, and zeros after the end change nothing.
func FuzzCanon(f *testing.F) {
	d := oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 1, SID: "S-1-1-0"}}}}
	f.Add(d.Bytes())
	f.Add([]byte{})
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		one, err := oracle.Canon(b)
		two, again := oracle.Canon(append(b[:len(b):len(b)], 0, 0, 0, 0))
		if err == nil && (again != nil || one != two) {
			t.Errorf("%x: got %q, and with zeros after the end %q, %v", b, one, two, again)
		}
	})
}
