package acltree

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// xdr returns an NFSv4 ACL in XDR (RFC 4506).
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
	bad := [][]byte{append(b, 0), {0xff, 0xff, 0xff, 0xff}, xdr(fileaccess.NFS4ACE{Type: 9, Who: "x"})}
	for n := range b {
		bad = append(bad, b[:n])
	}
	for _, b := range bad {
		check.ErrorIs(t, check.Err(DecodeNFS4(b)), fileaccess.ErrNFS4ACL, "%x", b)
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
	has.values[ntacl.Name] = check.Must(a.Append(nil))
	for _, file := range []*memoryFile{root, f, has} {
		file.values[NFS4Attribute] = xdr(fileaccess.NFS4ACE{Who: "bob@x", Mask: 1},
			fileaccess.NFS4ACE{Who: "what@x", Mask: 1})
	}
	for _, from := range []Permissions{FromPOSIX, FromNFS4} {
		losses := map[string][]fileaccess.LossKind{}
		mig := &Migration{From: from, Lost: func(p string, l fileaccess.Loss) { losses[p] = append(losses[p], l.Kind) },
			Who: func(who string, _ bool) (sid.SID, bool, error) { return sid.Users, who == "bob@x", nil }}
		j := journalOf(t, &Plan{Files: m, Keeper: keeper, Recursive: true, Change: mig.Change})
		check.RequireThat(t, j.Entries == 2 && mig.Kept == 1,
			"%s: %d entries, %d kept, want 2, 1", from, j.Entries, mig.Kept)
		check.Must(Run(t.Context(), m, keeper, j, false, nil, nil))
		got := check.Must(ntacl.Decode(f.values[ntacl.Name]))
		text := check.Must(sddl.Format(got.Descriptor, sddl.Options{}))
		switch from {
		case FromPOSIX:
			want, _, err := fileaccess.FromMode(1000, 2000, 0o640, false, nil)
			check.That(t, err == nil && got.Descriptor.DACL().Equal(want.DACL()) && len(losses["f"]) == 0 &&
				slices.Equal(losses[""], []fileaccess.LossKind{fileaccess.LossSpecialBits, fileaccess.LossTraverse}),
				"posix: descriptor %s, losses %v, %v, want the equivalent DACL and two losses of the root", text, losses, err)
		case FromNFS4:
			check.That(t, text == "O:S-1-22-1-1000G:S-1-22-2-2000D:(A;;CC;;;BU)" &&
				slices.Equal(losses["f"], []fileaccess.LossKind{fileaccess.LossUnknownName}),
				"nfs4: descriptor %s, losses %v, want one unknown name", text, losses)
		}
		check.Must(Run(t.Context(), m, keeper, j, true, nil, nil))
		check.That(t, f.values[ntacl.Name] == nil, "%s: undone: %x, want no attribute", from, f.values[ntacl.Name])
	}
	check.That(t, (&Migration{}).Check() != nil && (&Migration{From: FromNFS4}).Check() == nil,
		"Check accepts a migration without --from, or refuses NFSv4, want the opposite")
	domain := sid.MustParse("S-1-5-21-1-2-3")
	n := &Node{Path: "f", Kept: &Kept{Raw: []byte("x")}, Held: f, Before: sd.New(sd.Parts{})}
	for _, from := range []Permissions{FromPOSIX, FromNFS4} {
		n.Store = false
		mig := &Migration{From: from, Replace: true, Accounts: func(id uint32, group bool) sid.SID {
			if group {
				id += 7
			}
			return domain.WithRID(id)
		}}
		d, descend, err := mig.Change(n)
		check.NoError(t, err)
		check.That(t, n.Store && descend && d.Owner() == domain.WithRID(1000) && d.Group() == domain.WithRID(2007),
			"%s: owner %s, group %s, to be stored: %t, want 1000 and 2007 of the domain", from, d.Owner(), d.Group(), n.Store)
		m.failReads()
		_, _, err = mig.Change(n)
		check.ErrorIs(t, err, errInjected, "%s: permissions that cannot be read", from)
		m.fail = nil
	}
	d, descend, err := (&Migration{}).Change(n)
	check.That(t, d == n.Before && descend && err == nil, "a file with a descriptor: %v, %t, %v", d, descend, err)
	delete(f.values, NFS4Attribute)
	n.Kept.Raw = nil
	_, _, err = (&Migration{From: FromNFS4}).Change(n)
	check.That(t, err != nil, "a file without an NFSv4 ACL was converted, want an error")
}

// The access and default ACLs of a directory are converted each by its own entries, as a file server derives them.
func TestDefaultACLConvertsApartFromAccessACL(t *testing.T) {
	acl := func(user uint32, perm fileaccess.POSIXPerm) fileaccess.POSIXACL {
		mode := fileaccess.ModeACL(0o770)
		return fileaccess.POSIXACL{mode[0], {Tag: fileaccess.POSIXUser, ID: user, Perm: perm}, mode[1],
			{Tag: fileaccess.POSIXMask, Perm: 7}, mode[2]}
	}
	access, inherited := acl(1001, 4), acl(1002, 1)
	m := newMemory()
	dir := m.add("", Directory, "")
	dir.status.Mode, dir.status.UID, dir.status.GID = 0o770, 1000, 2000
	dir.values[posixAccess], dir.values[posixDefault] = access.Append(nil), inherited.Append(nil)
	info := ntacl.Info{Directory: true, Mode: 0o770, UID: 1000, GID: 2000}
	want := check.Must(ntacl.PosixDirectory(info, access.Append(nil), inherited.Append(nil), nil))
	check.Equal(t, dacl(check.Must(Offline{}.Read(dir)).Descriptor), dacl(want), "derived")
	got, _, err := (&Migration{From: FromPOSIX}).Change(&Node{Directory: true, Kept: &Kept{}, Held: dir})
	check.NoError(t, err)
	want, _, err = fileaccess.FromPOSIX(&fileaccess.POSIX{User: 1000, Group: 2000, Mode: 0o770, Directory: true,
		Access: access, Default: inherited}, nil)
	check.NoError(t, err)
	check.Equal(t, dacl(got), dacl(want), "converted")
	check.NoError(t, Offline{}.Write(dir, &Kept{}, 0, want))
	check.NoError(t, check.Err(Offline{}.Read(dir))) // its hash is that of both
	delete(dir.values, posixDefault)
	_, _, err = (&Migration{From: FromPOSIX}).Change(&Node{Directory: true, Kept: &Kept{}, Held: dir})
	check.NoError(t, err)
}
