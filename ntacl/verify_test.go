package ntacl_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// Verify accepts the hashes that smbd 4.17 wrote for files with the permissions that the files had then, and detects
// each change of them.
func TestVerifyDetectsChangedPermissions(t *testing.T) {
	const (
		fileACL   = "0200000001000600ffffffff020006000000000004000400ffffffff080004000000000010000700ffffffff20000400ffffffff"
		owned     = "0200000001000700ffffffff020007000100000004000700ffffffff080007000200000010000700ffffffff20000700ffffffff"
		folderACL = "0200000001000700ffffffff020007000000000004000400ffffffff080004000000000010000700ffffffff20000400ffffffff"
	)
	file, suid := ntacl.Info{Mode: 0o674}, ntacl.Info{Mode: 0o4777, UID: 1, GID: 2}
	folder, plain := ntacl.Info{Mode: 0o774, Directory: true}, ntacl.Info{Mode: 0o755, Directory: true}
	for _, c := range []struct {
		name              string
		f                 ntacl.Info
		access, inherited string
		hash              string
	}{
		{"file", file, fileACL, "", "3d81cc6d4cf102e8b3033e8dddab025ef0ff630023ecac04fc8619146c570724"},
		{"setuid", suid, owned, "", "13b36af579f55d7557ca40a885c6b612de2fcadede26349470ed27da9c514c78"},
		{"folder", folder, folderACL, folderACL, "8c6d486bae061ccde3b8b933573c93c49a65cd92862e1b258aa4f609d8c41ce3"},
		{"folder without ACL", plain, "", "", folderHash},
	} {
		a := &ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: "posix_acl"}
		n, err := hex.Decode(a.SystemHash[:], []byte(c.hash))
		check.RequireThat(t, n == 32 && err == nil, "hash of the case: %d bytes, %v, want 32 bytes", n, err)
		access, inherited := bytesOrNil(t, c.access), bytesOrNil(t, c.inherited)
		verify := func(what string, f ntacl.Info, access, inherited []byte, want ntacl.Verdict) {
			t.Helper()
			check.Equal(t, a.Verify(f, access, inherited), want, "Verify of %s, %s", c.name, what)
		}
		verify("unchanged", c.f, access, inherited, ntacl.Intact)
		f := c.f
		f.Mode ^= 0o6000
		verify("other special bits", f, access, inherited, ntacl.Intact)
		f.Mode ^= 0o1000
		verify("all special bits changed", f, access, inherited, ntacl.Intact)
		f.Mode ^= 0o001
		verify("others' execution", f, access, inherited, ntacl.Stale)
		f = c.f
		f.UID += 7
		verify("another owner", f, access, inherited, ntacl.Stale)
		f = c.f
		f.GID += 7
		verify("another group", f, access, inherited, ntacl.Stale)
		verify("a cut ACL", c.f, []byte{2, 0, 0}, inherited, ntacl.Stale)
		if access != nil {
			access[6] ^= 2
			verify("another entry", c.f, access, inherited, ntacl.Stale)
			access[6] ^= 2
			verify("no ACL", c.f, nil, inherited, ntacl.Stale)
		}
		if c.f.Directory {
			verify("another default ACL", c.f, access, bytesOrNil(t, owned), ntacl.Stale)
		}
	}
}

// folderHash is the hash of the 80 bytes that smbd hashed for a directory of root with mode 0755: pointers, two ids
// of 8 bytes, mode, three entries, no default ACL.
const folderHash = "cd6af5f9910940b526b039daa3cf990206afe7e772cdf77f27a8153482c8abd4"

// Verify returns the verdict observed on the server for other versions and hashes after a change of the permissions.
func TestVerifyOtherVersionsAndHashes(t *testing.T) {
	some := [64]byte{1}
	for _, c := range []struct {
		name string
		a    ntacl.Attribute
		want ntacl.Verdict
	}{
		{"version 1", ntacl.Attribute{Version: 1}, ntacl.Unhashed},
		{"version 2", ntacl.Attribute{Version: 2, Hash: some}, ntacl.Unhashed},
		{"version 3 of a server that ignores permissions", ntacl.Attribute{Version: 3, HashType: 1}, ntacl.Unhashed},
		{"version 3", ntacl.Attribute{Version: 3, HashType: 1, Hash: some}, ntacl.Unverifiable},
		{"version 3 with an unknown hash", ntacl.Attribute{Version: 3, HashType: 2}, ntacl.Stale},
		{"version 4", ntacl.Attribute{Version: 4, HashType: 1, What: "posix_acl"}, ntacl.Stale},
		{"version 4 without hash", ntacl.Attribute{Version: 4, HashType: 0, What: "posix_acl"}, ntacl.Stale},
		{"version 4 with an unknown hash", ntacl.Attribute{Version: 4, HashType: 2, What: "posix_acl"}, ntacl.Stale},
		{"version 4 of another kind of ACL", ntacl.Attribute{Version: 4, HashType: 1, What: "zfs"}, ntacl.Unverifiable},
	} {
		check.Equal(t, c.a.Verify(ntacl.Info{Mode: 0o644}, nil, nil), c.want, "Verify, %s", c.name)
	}
	for v, want := range []string{"unhashed", "intact", "stale", "unverifiable", "unhashed"} { // the last is not a verdict
		check.Equal(t, ntacl.Verdict(v).String(), want, "Verdict(%d).String()", v)
	}
}

func bytesOrNil(t *testing.T, text string) []byte {
	t.Helper()
	if text == "" {
		return nil
	}
	return check.Must(hex.DecodeString(text))
}

// FuzzVerify checks that no POSIX ACL causes a panic, and that the special bits of the mode never matter.
func FuzzVerify(f *testing.F) {
	// no entries
	f.Add(uint32(0o644), true, []byte("\x02\x00\x00\x00"), []byte{}, []byte{1})
	// a user, others
	f.Add(uint32(0o4755), false, []byte(
		"\x02\x00\x00\x00\x02\x00\x07\x00\x01\x00\x00\x00\x20\x00\x00\x00\xff\xff\xff\xff"), []byte(nil), []byte{})
	// an unknown tag
	f.Add(uint32(0), true, []byte("\x02\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00"), []byte{2}, []byte{2, 3})
	f.Fuzz(func(t *testing.T, mode uint32, directory bool, access, inherited, hash []byte) {
		a := &ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: "posix_acl"}
		copy(a.SystemHash[:], hash)
		i := ntacl.Info{Mode: mode & 0o7777, Directory: directory}
		v := a.Verify(i, access, inherited)
		i.Mode ^= 0o5000
		again := a.Verify(i, access, inherited)
		check.That(t, again == v, "Verify = %v, with other special bits %v; want equal verdicts", v, again)
	})
}

// Seal sets the hash that smbd wrote, with its type and description, and changes nothing else. With a malformed ACL
// it returns an error and changes nothing.
func TestSealWritesSambaHash(t *testing.T) {
	a := ntacl.Attribute{Version: 4, HashType: 9, Hash: [64]byte{1, 63: 2}, What: "zfs", Time: 77,
		SystemHash: [64]byte{40: 1}, Descriptor: sddl.MustParse("O:BA")}
	before, want := a, a
	plain := ntacl.Info{Mode: 0o755, Directory: true}
	for _, cut := range [][]byte{{}, {2, 0, 0}} {
		if err := a.Seal(plain, cut, nil); err == nil || a != before {
			t.Errorf("Seal with a truncated ACL of %d bytes: %+v, %v; want %+v, an error", len(cut), a, err, before)
		}
		if err := a.Seal(plain, nil, cut); err == nil || a != before {
			t.Errorf("Seal with a truncated default ACL of %d bytes: %+v, %v; want %+v, an error", len(cut), a, err, before)
		}
	}
	want.HashType, want.What, want.SystemHash = ntacl.HashSHA256, "posix_acl", [64]byte{}
	check.NoError(t, check.Err(hex.Decode(want.SystemHash[:], []byte(folderHash))))
	if err := a.Seal(plain, nil, nil); err != nil || a != want {
		t.Errorf("Seal: %+v, %v; want %+v", a, err, want)
	}
	check.Equal(t, a.Verify(plain, nil, nil), ntacl.Intact, "Verify of a sealed attribute")
	// The hash of a file has no second pointer and no default ACL.
	le := binary.LittleEndian
	for _, c := range []struct {
		uid, gid uint32
		access   string
		entries  [][3]uint32 // kind, permissions, ID; kinds 1 and 3 are the named user and group
	}{
		{1001, 1002, "", [][3]uint32{{2, 6}, {4, 4}, {5, 0}}}, // owner, owning group, others
		{1<<31 + 1, 1<<32 - 2, "0200000001000600ffffffff02000700010000800400040004000000" +
			"08000500feffffff10000400ffffffff20000000ffffffff",
			[][3]uint32{{2, 6}, {1, 7, 1<<31 + 1}, {4, 4}, {3, 5, 1<<32 - 2}, {6, 4}, {5, 0}}},
	} {
		blob := le.AppendUint64(le.AppendUint64(le.AppendUint64(nil, 0x20000), uint64(c.uid)), uint64(c.gid))
		blob = le.AppendUint32(le.AppendUint32(blob, 0o100640), uint32(len(c.entries)))
		blob = le.AppendUint64(blob, uint64(len(c.entries)))
		for _, e := range c.entries {
			blob = le.AppendUint32(blob, e[0]<<16|e[0])
			if e[0] == 1 || e[0] == 3 { // from the next multiple of 8
				blob = le.AppendUint32(le.AppendUint64(le.AppendUint32(blob, 0), uint64(e[2])), e[1])
				blob = le.AppendUint32(blob, 0)
				continue
			}
			blob = le.AppendUint32(blob, e[1])
		}
		sum := sha256.Sum256(blob)
		file := ntacl.Info{Mode: 0o640, UID: c.uid, GID: c.gid}
		if err := a.Seal(file, bytesOrNil(t, c.access), []byte{9}); err != nil || [32]byte(a.SystemHash[:32]) != sum {
			t.Errorf("Seal of a file of %d: %x, %v; want %x", c.uid, a.SystemHash, err, sum)
		}
	}
	check.Equal(t, a.Verify(ntacl.Info{Mode: 0o640, UID: 1001, GID: 1002, Directory: true}, nil, nil), ntacl.Stale,
		"Verify of a directory with the hash of a file")
}
