package ntacl_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// Posix returns the descriptors that smbcacls printed for files without the attribute on a share of smbd 4.17.
// Accounts have the SIDs of unmapped accounts.
func TestPosixMatchesSmbcacls(t *testing.T) {
	const owner, group = "S-1-22-1-1001", "S-1-22-2-1002"
	for _, c := range []struct {
		name      string
		mode      uint32
		directory bool
		acl       string
		want      string
	}{
		{"000", 0o000, false, "", "(A;;;;;" + owner + ")(A;;;;;" + group + ")(A;;;;;WD)"},
		{"400", 0o400, false, "", "(A;;FR;;;" + owner + ")(A;;;;;" + group + ")(A;;;;;WD)"},
		{"200", 0o200, false, "", "(A;;0x1f0116;;;" + owner + ")(A;;;;;" + group + ")(A;;;;;WD)"},
		{"100", 0o100, false, "", "(A;;FX;;;" + owner + ")(A;;;;;" + group + ")(A;;;;;WD)"},
		{"644", 0o644, false, "", "(A;;0x1f019f;;;" + owner + ")(A;;FR;;;" + group + ")(A;;FR;;;WD)"},
		{"750", 0o750, false, "", "(A;;FA;;;" + owner + ")(A;;0x1200a9;;;" + group + ")(A;;;;;WD)"},
		{"007", 0o007, false, "", "(A;;;;;" + owner + ")(A;;;;;" + group + ")(A;;FA;;;WD)"},
		{"directory 611", 0o611, true, "", "(A;;0x1f01df;;;" + owner + ")(A;;FX;;;" + group + ")(A;;FX;;;WD)"},
		// user::rw-, user:1002:rw- (r-- by the mask), group::r--, group:1001:r--, mask r--, other r--
		{"named, masked", 0o644, false,
			"0200000001000600ffffffff02000600ea03000004000400ffffffff08000400e903000010000400ffffffff20000400ffffffff",
			"(A;;0x1f019f;;;" + owner + ")(A;;FR;;;S-1-22-1-1002)(A;;FR;;;" + group + ")(A;;FR;;;S-1-22-2-1001)(A;;FR;;;WD)"},
	} {
		var acl []byte
		if c.acl != "" {
			acl, _ = hex.DecodeString(c.acl)
		}
		d, err := ntacl.Posix(ntacl.Info{Directory: c.directory, Mode: c.mode, UID: 1001, GID: 1002}, acl, nil)
		if err != nil {
			t.Errorf("Posix, %s: %v", c.name, err)
			continue
		}
		got, err := sddl.Format(d, sddl.Options{})
		want, _ := sddl.Format(sddl.MustParse("O:"+owner+"G:"+group+"D:"+c.want), sddl.Options{})
		check.That(t, err == nil && got == want, "Posix, %s: %s, want %s (%v)", c.name, got, want, err)
	}
	testDirectories(t)
	for _, bad := range []string{"", "02", "0100000001000600ffffffff", "0200000001000600ffff",
		"0200000003000600ffffffff"} {
		b, _ := hex.DecodeString(bad)
		check.That(t, check.Err(ntacl.Posix(ntacl.Info{}, append([]byte{}, b...), nil)) != nil,
			"Posix with the malformed ACL %q: no error, want one", bad)
	}
}

// testDirectories checks the entries that children inherit against those that smbcacls printed for the same server
// (F-109).
func testDirectories(t *testing.T) {
	t.Helper()
	// one entry, because others have r-x in both ACLs
	same, _ := hex.DecodeString("0200000001000700ffffffff04000500ffffffff20000500ffffffff")
	const own = "O:S-1-22-1-1001G:S-1-22-2-1002D:(A;;FA;;;S-1-22-1-1001)(A;;0x1200a9;;;S-1-22-2-1002)(A;;0x1200a9;;;WD)"
	// user::rwx, user:2:r-x, group::r-x, group:60:rwx, mask rwx, other ---
	inherited, _ := hex.DecodeString("0200000001000700ffffffff020005000200000004000500ffffffff080007003c000000" +
		"10000700ffffffff20000000ffffffff")
	for want, value := range map[string][]byte{
		"(A;OICIIO;FA;;;CO)(A;OICIIO;0x1200a9;;;CG)(A;OICIIO;0x1200a9;;;WD)": nil,
		"(A;OICIIO;FA;;;CO)(A;OICIIO;0x1200a9;;;S-1-22-1-2)(A;OICIIO;0x1200a9;;;CG)(A;OICIIO;FA;;;S-1-22-2-60)" +
			"(A;OICIIO;;;;WD)": inherited,
		"(A;OICIIO;FA;;;CO)(A;OICIIO;0x1200a9;;;CG)": same,
	} {
		f := ntacl.Info{Directory: true, Mode: 0o755, UID: 1001, GID: 1002}
		d := check.Must(ntacl.PosixDirectory(f, nil, value, nil))
		full := own + want
		if strings.Count(want, "(") == 2 {
			full = strings.Replace(own, "(A;;0x1200a9;;;WD)", "(A;OICI;0x1200a9;;;WD)", 1) + want
		}
		if got, err := sddl.Format(d, sddl.Options{}); err != nil || got != full {
			t.Errorf("PosixDirectory: %s, %v; want %s", got, err, full)
		}
	}
	// user:2:rw- in both: children inherit the directory's right to delete children.
	both, _ := hex.DecodeString("0200000001000700ffffffff020006000200000004000000ffffffff10000700ffffffff20000000ffffffff")
	d := check.Must(ntacl.PosixDirectory(ntacl.Info{Directory: true, Mode: 0o770, UID: 1001, GID: 1002}, both, both, nil))
	if got, err := sddl.Format(d, sddl.Options{}); err != nil || !strings.Contains(got, "(A;OICI;0x1f01df;;;S-1-22-1-2)") {
		t.Errorf("PosixDirectory: %s, %v; want a single entry of user 2", got, err)
	}
	check.That(t, check.Err(ntacl.PosixDirectory(ntacl.Info{Directory: true}, nil, []byte{2}, nil)) != nil,
		"PosixDirectory with a default ACL of one byte: no error, want one")
}

// Accounts give the SIDs of all entries. If they do not know an id, the descriptor is an error: the SIDs of unmapped
// ids do not replace it.
func TestPosixUsesAccounts(t *testing.T) {
	// user::rw-, user:2:-wx, group::r--, group:60:r--, mask rwx, other ---; -wx has the rights of -w- and --x
	acl := check.Must(hex.DecodeString("0200000001000600ffffffff020003000200000004000400ffffffff080004003c000000" +
		"10000700ffffffff20000000ffffffff"))
	f := ntacl.Info{Directory: true, Mode: 0o640, UID: 1, GID: 2}
	for _, unknown := range []string{"", "u1", "g2", "u2", "g60"} {
		who := func(id uint32, group bool) sid.SID {
			name, rid := fmt.Sprint("u", id), id
			if group {
				name, rid = fmt.Sprint("g", id), 1000+id
			}
			if name == unknown {
				return sid.SID{}
			}
			return sid.MustParse(fmt.Sprint("S-1-5-21-1-2-3-", rid))
		}
		d, err := ntacl.Posix(f, acl, who)
		_, err2 := ntacl.PosixDirectory(f, acl, nil, who)
		if unknown != "" {
			check.That(t, err != nil && err2 != nil, "%s is unknown: %v, %v; want two errors", unknown, err, err2)
			continue
		}
		check.That(t, err == nil && err2 == nil, "all are known: %v, %v; want no error", err, err2)
		const s = "S-1-5-21-1-2-3-"
		check.Equal(t, check.Must(sddl.Format(d, sddl.Options{})), "O:"+s+"1G:"+s+"1002D:(A;;0x1f01df;;;"+s+"1)"+
			"(A;;0x1f01f6;;;"+s+"2)(A;;FR;;;"+s+"1002)(A;;FR;;;"+s+"1060)(A;;;;;WD)", "Posix with accounts")
	}
}

// The mask limits named users, the owning group and named groups, but not the owner or others.
func TestMaskLimitsNamedEntries(t *testing.T) {
	// user::rwx, user:2:rwx, group::rwx, group:60:rwx, mask r--, other rwx
	acl := check.Must(hex.DecodeString("0200000001000700ffffffff020007000200000004000700ffffffff080007003c000000" +
		"10000400ffffffff20000700ffffffff"))
	d := check.Must(ntacl.Posix(ntacl.Info{Mode: 0o747, UID: 1, GID: 2}, acl, nil))
	const want = "O:S-1-22-1-1G:S-1-22-2-2D:(A;;FA;;;S-1-22-1-1)(A;;FR;;;S-1-22-1-2)(A;;FR;;;S-1-22-2-2)" +
		"(A;;FR;;;S-1-22-2-60)(A;;FA;;;WD)"
	got, err := sddl.Format(d, sddl.Options{})
	check.That(t, err == nil && got == want, "Posix: %s, %v; want %s", got, err, want)
}

// Searchers returns who may search a directory: always the owner, named users and groups and the owning group as the
// mask allows, and others by the last three bits.
func TestSearchersFollowPermissions(t *testing.T) {
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
		check.That(t, slices.Equal(users, c.users) && slices.Equal(groups, c.groups) && all == c.all &&
			(err != nil) == c.fails, "Searchers, %s: users %v, groups %v, all %t, %v; want %v, %v, %t, an error: %t",
			c.name, users, groups, all, err, c.users, c.groups, c.all, c.fails)
	}
}
