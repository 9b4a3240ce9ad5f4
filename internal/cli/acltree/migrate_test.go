package acltree

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// xdr returns an NFSv4 ACL as RFC 4506 lays it out.
func xdr(list ...fileaccess.NFS4ACE) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(list)))
	for _, a := range list {
		for _, n := range []uint32{uint32(a.Type), uint32(a.Flags), uint32(a.Mask), uint32(len(a.Who))} {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		b = append(b, a.Who...)
		b = append(b, make([]byte, -len(a.Who)&3)...)
	}
	return b
}

// DecodeNFS4 decodes what xdr encodes, and refuses each shortened input.
func TestDecodeNFS4(t *testing.T) {
	want := []fileaccess.NFS4ACE{{Who: "OWNER@", Mask: 0x1f01ff},
		{Type: fileaccess.NFS4Deny, Flags: fileaccess.NFS4IdentifierGroup, Who: "staff@example.org", Mask: 2},
		{Type: fileaccess.NFS4Alarm, Who: "x"}}
	b := xdr(want...)
	got, err := DecodeNFS4(b)
	check.RequireThat(t, err == nil && slices.Equal(got, want), "decoded entries = %+v, %v, want %+v", got, err, want)
	check.NoError(t, check.Err(DecodeNFS4(xdr(make([]fileaccess.NFS4ACE, fileaccess.MaxNFS4Entries)...))))
	for n := range b {
		if _, err := DecodeNFS4(b[:n]); !errors.Is(err, fileaccess.ErrNFS4ACL) {
			t.Errorf("%d bytes: %v, want %v", n, err, fileaccess.ErrNFS4ACL)
		}
	}
	for _, bad := range [][]byte{append(b, 0), {0xff, 0xff, 0xff, 0xff}, xdr(fileaccess.NFS4ACE{Type: 9, Who: "x"})} {
		if _, err := DecodeNFS4(bad); !errors.Is(err, fileaccess.ErrNFS4ACL) {
			t.Errorf("%x: %v, want %v", bad, err, fileaccess.ErrNFS4ACL)
		}
	}
}

// FuzzDecodeNFS4 checks that no input causes a panic, and that a decoded list can be encoded again.
func FuzzDecodeNFS4(f *testing.F) {
	f.Add(xdr(fileaccess.NFS4ACE{Who: "OWNER@", Mask: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := DecodeNFS4(b); err == nil {
			if again, err := DecodeNFS4(xdr(list...)); err != nil || len(again) != len(list) {
				t.Errorf("decoding %x again: %v, want the same number of entries", b, err)
			}
		}
	})
}

// Migration converts the permissions of files without a descriptor, reports what is lost, and can be undone.
func TestMigrationConvertsAndUndoesPermissions(t *testing.T) {
	m := newMemory()
	root := m.add("", Directory, "")
	root.status.Mode, root.status.UID, root.status.GID = 0o3750, 1000, 2000
	f := m.add("f", Regular, "")
	f.status.Mode, f.status.UID, f.status.GID = 0o640, 1000, 2000
	has := m.add("has", Regular, "")
	keeper := Offline{}
	a := &ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)")}
	has.values[ntacl.Name] = must(a.Append(nil))
	for _, file := range []*memoryFile{root, f, has} {
		file.values[NFS4Attribute] = xdr(fileaccess.NFS4ACE{Who: "bob@x", Mask: 1},
			fileaccess.NFS4ACE{Who: "what@x", Mask: 1})
	}
	for _, from := range []Permissions{FromPOSIX, FromNFS4} {
		losses := map[string][]fileaccess.LossKind{}
		mig := &Migration{From: from, Lost: func(p string, l fileaccess.Loss) { losses[p] = append(losses[p], l.Kind) },
			Who: func(who string, _ bool) (sid.SID, bool) { return sid.Users, who == "bob@x" }}
		j := migrated(t, m, keeper, mig)
		check.RequireThat(t, j.Entries == 2 && mig.Kept == 1,
			"%s: %d entries, %d kept, want 2, 1", from, j.Entries, mig.Kept)
		if _, err := Run(t.Context(), m, keeper, j, false, nil, nil); err != nil {
			t.Fatal(err)
		}
		got := must(ntacl.Decode(f.values[ntacl.Name]))
		text := must(sddl.Format(got.Descriptor, sddl.Options{}))
		switch from {
		case FromPOSIX:
			want, _, err := fileaccess.FromMode(1000, 2000, 0o640, false, nil)
			if err != nil || !got.Descriptor.DACL().Equal(want.DACL()) || len(losses["f"]) != 0 ||
				len(losses[""]) != 1 || losses[""][0] != fileaccess.LossSpecialBits {
				t.Errorf("posix: descriptor %s, losses %v, %v, want the equivalent DACL and one loss of the tree",
					text, losses, err)
			}
		case FromNFS4:
			if text != "O:S-1-22-1-1000G:S-1-22-2-2000D:(A;;CC;;;BU)" || len(losses["f"]) != 1 ||
				losses["f"][0] != fileaccess.LossUnknownName {
				t.Errorf("nfs4: descriptor %s, losses %v, want one unknown name", text, losses)
			}
		}
		if _, err := Run(t.Context(), m, keeper, j, true, nil, nil); err != nil || f.values[ntacl.Name] != nil {
			t.Errorf("%s: undone: %v, %x, want nil, nil", from, err, f.values[ntacl.Name])
		}
	}
	check.That(t, (&Migration{}).Check() != nil && (&Migration{From: FromNFS4}).Check() == nil,
		"Check accepts a migration without --from, or refuses NFSv4, want the opposite")
	mig := &Migration{From: FromNFS4}
	delete(f.values, NFS4Attribute)
	if _, _, err := mig.Change(&Node{Path: "f", Kept: &Kept{}, Held: f, Before: sd.New(sd.Parts{})}); err == nil {
		t.Error("a file without an NFSv4 ACL was converted, want an error")
	}
}

func migrated(t *testing.T, m *memory, k Keeper, mig *Migration) *Journal {
	t.Helper()
	return journalOf(t, &Plan{Files: m, Keeper: k, Recursive: true, Change: mig.Change})
}
