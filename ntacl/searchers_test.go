package ntacl_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// TestSearchers: who may search by permissions, each class of them: the owner always, named users and groups and the
// owning group under the mask, the others by the last three bits.
func TestSearchers(t *testing.T) {
	for _, c := range []struct {
		name, acl     string
		mode          uint32
		users, groups []uint32
		all           bool
		fails         bool
	}{
		{"700", "", 0o700, []uint32{7}, nil, false, false},
		{"677", "", 0o677, []uint32{7}, []uint32{8}, true, false},
		{"761", "", 0o761, []uint32{7}, nil, true, false},
		{"716", "", 0o716, []uint32{7}, []uint32{8}, false, false},
		// user::rw-, user:3:--x, user:4:rw-, group::--x, group:5:r-x, group:6:rw-, mask::--x, other::---
		{"named", "02000000" + "01000600ffffffff" + "0200010003000000" + "0200060004000000" + "04000100ffffffff" +
			"0800050005000000" + "0800060006000000" + "10000100ffffffff" + "20000000ffffffff", 0,
			[]uint32{7, 3}, []uint32{8, 5}, false, false},
		// user:3:rwx, group::rwx, group:5:rwx, mask::rw-, other::--x
		{"the mask", "02000000" + "01000700ffffffff" + "0200070003000000" + "04000700ffffffff" + "0800070005000000" +
			"10000600ffffffff" + "20000100ffffffff", 0o777, []uint32{7}, nil, true, false},
		{"malformed", "0200000001", 0o777, []uint32{7}, nil, false, true},
	} {
		users, groups, all, err := ntacl.Searchers(ntacl.Info{Mode: c.mode, UID: 7, GID: 8, Directory: true},
			bytesOrNil(t, c.acl))
		if !slices.Equal(users, c.users) || !slices.Equal(groups, c.groups) || all != c.all || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v, %t, %v, want %v, %v, %t", c.name, users, groups, all, err, c.users, c.groups, c.all)
		}
	}
}

// TestSeal: an attribute is sealed with the hash that TestVerify's server wrote, whatever it said before, and nothing
// else of it changes; an ACL that is malformed leaves it as it is.
func TestSeal(t *testing.T) {
	a := ntacl.Attribute{Version: 4, HashType: 9, Hash: [64]byte{1, 63: 2}, What: "zfs", Time: 77,
		SystemHash: [64]byte{40: 1}, Descriptor: sddl.MustParse("O:BA")}
	before, want := a, a
	plain := ntacl.Info{Mode: 0o755, Directory: true}
	if err := a.Seal(plain, []byte{2, 0, 0}, nil); err == nil || a != before {
		t.Errorf("a cut ACL: %+v, %v", a, err)
	}
	if err := a.Seal(plain, nil, []byte{2, 0, 0}); err == nil || a != before {
		t.Errorf("a cut default ACL: %+v, %v", a, err)
	}
	want.HashType, want.What, want.SystemHash = ntacl.HashSHA256, "posix_acl", [64]byte{}
	if _, err := hex.Decode(want.SystemHash[:], []byte(folderHash)); err != nil {
		t.Fatal(err)
	}
	if err := a.Seal(plain, nil, nil); err != nil || a != want {
		t.Errorf("%+v, %v, want %+v", a, err, want)
	}
	if v := a.Verify(plain, nil, nil); v != ntacl.Intact {
		t.Errorf("what was sealed is %v", v)
	}
	// A file's hash is of 56 bytes and more: no second pointer, and no default ACL, whatever it is given.
	le := binary.LittleEndian
	blob := le.AppendUint64(le.AppendUint64(le.AppendUint64(nil, 0x20000), 1001), 1002)
	blob = le.AppendUint32(le.AppendUint32(blob, 0o100640), 3)
	blob = le.AppendUint64(blob, 3)
	for _, e := range [][2]uint16{{2, 6}, {4, 4}, {5, 0}} { // owner, owning group, others
		blob = le.AppendUint16(le.AppendUint16(blob, e[0]), e[0])
		blob = le.AppendUint32(blob, uint32(e[1]))
	}
	sum := sha256.Sum256(blob)
	file := ntacl.Info{Mode: 0o640, UID: 1001, GID: 1002}
	if err := a.Seal(file, nil, []byte{9}); err != nil || [32]byte(a.SystemHash[:32]) != sum {
		t.Errorf("a file: %x, %v, want %x", a.SystemHash, err, sum)
	}
	if v := a.Verify(ntacl.Info{Mode: 0o640, UID: 1001, GID: 1002, Directory: true}, nil, nil); v != ntacl.Stale {
		t.Errorf("a directory with the hash of a file: %v", v)
	}
}
