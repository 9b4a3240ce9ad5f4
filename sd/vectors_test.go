package sd_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Every recorded descriptor is decoded and encoded to the same bytes, including slack (S-13, S-18, S-25). Every
// prefix is refused (C-79).
func TestRecordedDescriptorsRoundTrip(t *testing.T) {
	for i, r := range recordings.Rows[struct{ Hex string }](t, "sddl_to_bytes_windows.jsonl") {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			in, _ := hex.DecodeString(r.Hex)
			d, err := sd.Decode(in)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(d.Append(nil), in) || !bytes.Equal(d.AppendOriginal(nil), in) {
				t.Error("encoded bytes differ from the recorded ones, want them equal")
			}
			if !sd.ValidRelative(in) {
				t.Error("ValidRelative = false, want true")
			}
			for n := 0; n < len(in); n += 1 + len(in)/64 {
				if _, err := sd.Decode(in[:n]); err == nil {
					t.Fatalf("C-79: %d of %d bytes were decoded, want an error", n, len(in))
				}
			}
		})
	}
}

// Recorded on a Windows file server: S-66. The inheritance flags determine whether a kind of child gets the entry. If
// so, the row has its flags, otherwise 0.
func TestRecordedInheritFlags(t *testing.T) {
	files, directories := 0, 0
	for _, r := range recordings.Rows[struct {
		Parent uint8 `json:"parent_ace_flags"`
		File   uint8 `json:"child_file_flags"`
		Dir    uint8 `json:"child_dir_flags"`
	}](t, "inherit_ace_flags.jsonl") {
		t.Run(fmt.Sprintf("%#x", r.Parent), func(t *testing.T) {
			_, _, toFile := inheritTwin(r.Parent, false)
			f, effective, ok := sd.InheritFlags(r.Parent, false)
			if ok != toFile || ok && !effective || f != r.File {
				t.Errorf("file gets flags %#x, effective %t, inherited %t, want %#x, inherited %t",
					f, effective, ok, r.File, toFile)
			}
			_, _, toDirectory := inheritTwin(r.Parent, true)
			d, _, ok := sd.InheritFlags(r.Parent, true)
			if ok != toDirectory || d != r.Dir {
				t.Errorf("directory gets flags %#x, inherited %t, want %#x, inherited %t", d, ok, r.Dir, toDirectory)
			}
			if toFile {
				files++
			}
			if toDirectory {
				directories++
			}
		})
	}
	if files < 8 || directories < 8 {
		t.Errorf("%d rows for files and %d for directories inherit, want at least 8 and 8", files, directories)
	}
}

// The control bits and flags of the stored descriptor (S-79, C-81) and of a new file (S-64, C-82) equal those
// recorded on a Windows file server.
func TestRecordedAutoInheritControl(t *testing.T) {
	owner := sid.Administrators
	for i, r := range recordings.Rows[struct {
		SetControl   sd.Control `json:"parent_set_control"`
		SetInherited uint8      `json:"parent_set_ace_inherited"`
		GetControl   sd.Control `json:"parent_get_control"`
		GetInherited uint8      `json:"parent_get_ace_inherited"`
		Child        sd.Control `json:"child_control"`
		ChildACE     uint8      `json:"child_ace_inherited"`
	}](t, "autoinherit_flags.jsonl") {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			ace, _ := sd.NewACE(sd.AccessAllowed, sd.ObjectInherit|r.SetInherited, 0x1F01FF, owner)
			list, _ := sd.NewACL(ace)
			in := sd.New(sd.Parts{Control: r.SetControl, DACL: list})
			old := sd.New(sd.Parts{Owner: owner, Group: owner})
			dir, st := sd.Set(&sd.SetRequest{Information: winnt.DACL_SECURITY_INFORMATION, Old: old, New: in, IsContainer: true})
			if st != ntstatus.Success {
				t.Fatal(st)
			}
			const word = sd.DACLAutoInheritRequest | sd.DACLAutoInherited | sd.DACLProtected
			if got := dir.Control() & word; got != r.GetControl {
				t.Errorf("stored control %#x, want %#x", got, r.GetControl)
			}
			if got := dir.DACL().At(0).Flags() & sd.Inherited; got != r.GetInherited {
				t.Errorf("stored flags %#x, want %#x", got, r.GetInherited)
			}
			var flags sd.AutoInherit
			if dir.Control()&sd.DACLAutoInherited != 0 {
				flags = sd.DACLAutoInherit
			}
			file, st := sd.Assign(&sd.AssignRequest{Parent: dir, Flags: flags, Subject: &sd.Caller{Owner: owner, Group: owner}})
			if st != ntstatus.Success {
				t.Fatal(st)
			}
			if got := file.Control() & word; got != r.Child {
				t.Errorf("child's control %#x, want %#x", got, r.Child)
			}
			if got := file.DACL().At(0).Flags(); got != r.ChildACE {
				t.Errorf("child's flags %#x, want %#x", got, r.ChildACE)
			}
		})
	}
}

// TestRecordedNetEntries builds the entries recorded of .NET, byte for byte, and decodes its lists (S-13, S-23).
// Lists of revision 0 and 127, and entries of types that .NET does not know, are decoded there and refused here
// (docs/CAVEATS.md).
func TestRecordedNetEntries(t *testing.T) {
	kinds := map[string][2]sd.Type{"allow": {sd.AccessAllowed, sd.AccessAllowedCallback},
		"deny": {sd.AccessDenied, sd.AccessDeniedCallback}, "audit": {sd.SystemAudit, sd.SystemAuditCallback},
		"alarm": {sd.SystemAlarm, sd.SystemAlarmCallback}}
	for _, r := range recordings.Rows[struct {
		ID  string
		ACE *struct {
			Flags       uint8
			Qualifier   string
			Mask        winnt.AccessMask
			SID, Opaque string
			Callback    bool
			ObjectFlags *uint32 `json:"object_flags"`
		}
		Expected string
	}](t, "dotnet-acl/ace_binary.jsonl") {
		if r.ACE == nil || r.ACE.ObjectFlags != nil || kinds[r.ACE.Qualifier] == [2]sd.Type{} && r.ACE.Qualifier != "allow" {
			continue
		}
		kind := kinds[r.ACE.Qualifier][0]
		if r.ACE.Callback {
			kind = kinds[r.ACE.Qualifier][1]
		}
		data, err := hex.DecodeString(r.ACE.Opaque)
		if err != nil {
			t.Fatal(err)
		}
		a, err := sd.NewACE(kind, r.ACE.Flags, r.ACE.Mask, sid.MustParse(r.ACE.SID), sd.ACEExtra{AppData: data})
		if err != nil || fmt.Sprintf("%x", a.Binary()) != r.Expected {
			t.Errorf("%s: entry %x, %v, recorded %s", r.ID, a.Binary(), err, r.Expected)
		}
	}
	for _, r := range recordings.Rows[struct{ ID, Hex, Expected string }](t, "dotnet-acl/rawacl_binary.jsonl") {
		b, err := hex.DecodeString(r.Hex)
		if r.Hex == "" || err != nil || len(b) < 2 {
			continue
		}
		_, _, err = sd.DecodeACL(b)
		if refused := r.Expected[:5] == "error" || b[0] < 2 || b[0] > 4; (err != nil) != refused {
			t.Errorf("S-23: %s: DecodeACL = %v, recorded %s", r.ID, err, r.Expected[:min(40, len(r.Expected))])
		}
	}
}
