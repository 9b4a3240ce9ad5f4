package lsa

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

func exported(t *testing.T, f *fixture) string {
	t.Helper()
	var b bytes.Buffer
	check.NoError(t, f.Export(&b))
	return b.String()
}

// TestYAMLExportCanBeImported checks that an export can be imported again, without hashes (L-38), whatever the names
// are, and that the passwords stay.
func TestYAMLExportCanBeImported(t *testing.T) {
	f := open(t, func(c *Config) { c.Hosts = hosts{groups: map[string]uint32{"wheel": 10}} })
	alice := f.account(t, Account{Name: "Al #1 'ü' {x}", UID: number(3000), FullName: "\"A\\l\"\t\u2028"}, "secret")
	f.account(t, Account{Name: "true", Disabled: true}, "secret")
	f.account(t, Account{Name: "0x10"}, "")
	f.must(t, func(e *Edit) error {
		g := e.AddGroup(Group{Name: "staff", GID: number(50), Members: []sid.SID{alice, fileaccess.UnixUser(9)}})
		e.AddGroup(Group{Name: "outer", Members: []sid.SID{g}})
		e.Grant(alice, winnt.SeBackupPrivilege.Bit(), logon.SeDenyBatchLogonRight)
		e.SetMaps([]IDMap{{Name: "CORP", Domain: corp, Low: 100000, High: 200000, BaseRID: 5}, {Name: "HOME", Domain: home,
			Backend: Autorid, Low: 300000, High: 699999, RangeSize: 100000, Number: 2, Index: 1}})
		return nil
	})
	text := exported(t, f)
	check.That(t, !strings.Contains(text, "argon2") && !strings.Contains(text, "secret"),
		"the exported file has a hash or a secret, want neither:\n%s", text)
	f.changes = nil
	if err := f.Import(sid.LocalSystem, []byte(text)); err != nil || len(f.changes) != 0 {
		t.Errorf("Import of the exported file: %v, changes %v, want no changes, no error", err, f.changes)
	}
	check.Equal(t, check.Status(f.LogonPassword("al #1 'ü' {x}", "secret", network)), ntstatus.Success,
		"the password is gone")
	// A name in other letters is the same account's, and a new name is another's password.
	named := func(to string) string { return strings.ReplaceAll(text, "Al #1 'ü' {x}", to) }
	for _, c := range []struct {
		name string
		want ntstatus.Status
	}{{"AL #1 'Ü' {X}", ntstatus.Success}, {"Al #1 'ü' {x}", ntstatus.Success}, {"zoe", ntstatus.LogonFailure}} {
		check.NoError(t, f.Import(sid.LocalSystem, []byte(named(c.name))))
		check.Equal(t, check.Status(f.LogonPassword(c.name, "secret", network)), c.want, "L-38: as %s", c.name)
	}
	check.NoError(t, f.Import(sid.LocalSystem, []byte(text)))
	f.changes = nil
	g := open(t, nil) // a new store imports all of it, machine SID included
	if err := g.Import(sid.LocalSystem, []byte(text)); err != nil || exported(t, g) != text {
		t.Errorf("Import into a new store: %v, want an equal export\n%s", err, exported(t, g))
	}
	check.Equal(t, check.Status(g.LogonPassword("al #1 'ü' {x}", "secret", network)), ntstatus.LogonFailure,
		"a password went with the file")
	other := strings.Replace(text, "machine: S-1-5-21-", "machine: S-1-5-21-1-", 1)
	check.That(t, g.Import(sid.LocalSystem, []byte(other)) != nil, "the file of another machine is taken")
	// An account may have the RID of a built-in group, which is in another domain.
	check.NoError(t, f.Import(sid.LocalSystem, []byte("version: 1\naccounts: [{name: x, rid: 544}]\n"+
		"groups: [{name: Administrators, sid: S-1-5-32-544}]\nrights: []\nidMaps: []\n")))
	// A name of the host gets the SID of its gid after the import: that of the file's group, else S-1-22-2-gid (L-38).
	for _, gid := range []string{", gid: 10", ""} {
		check.NoError(t, f.Import(sid.LocalSystem, []byte("version: 1\naccounts: []\ngroups: [{name: outer, members: "+
			"[wheel]}, {name: crew"+gid+"}]\nrights: [{who: wheel, rights: [SeDenyNetworkLogonRight]}]\nidMaps: []\n")))
		outer, _ := f.LookupName("outer")
		_, rights := f.AccountRights(f.GroupSID(10))
		check.That(t, slices.Equal(f.now.Load().groups[outer.SID].Members, []sid.SID{f.GroupSID(10)}) &&
			rights == logon.SeDenyNetworkLogonRight, "L-38: with %q: members of outer %v, rights of %v: %v", gid,
			f.now.Load().groups[outer.SID].Members, f.GroupSID(10), rights)
	}
	// There are RIDs after the highest of a Windows domain.
	check.NoError(t, g.Import(sid.LocalSystem, []byte(withLists("version: 1\naccounts: [{name: x, rid: 1073741823}]"))))
	check.Equal(t, g.account(t, Account{Name: "y"}, "").RID(), 1<<30, "L-38: the next RID")
	check.NoError(t, g.Import(sid.LocalSystem, []byte(exported(t, g))))
}

// TestBackupRestoresStore checks that a backup restores accounts, passwords and machine SID.
// TestRestoreRejectsMalformedBackups checks malformed ones.
func TestBackupRestoresStore(t *testing.T) {
	t.Parallel() // an Open waits two seconds for the other daemon
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "secret")
	var backup bytes.Buffer
	check.NoError(t, f.Backup(&backup))
	f.account(t, Account{Name: "late"}, "")
	restore := func(b []byte) error { return Restore(f.cfg, bytes.NewReader(b)) }
	if err := restore(backup.Bytes()); err == nil || !strings.Contains(err.Error(), "stop that one first") {
		t.Errorf("while the store is open: %v", err)
	}
	check.NoError(t, f.Close())
	check.NoError(t, restore(backup.Bytes()))
	f.Store = nil
	f.reopen(t)
	if a, ok := f.LookupName("alice"); a.SID != alice || !ok {
		t.Errorf("alice is %v", a)
	}
	if _, ok := f.LookupName("late"); ok {
		t.Error("the account \"late\", created after the backup, still exists after the restore")
	}
	check.Equal(t, check.Status(f.LogonPassword("alice", "secret", network)), ntstatus.Success, "alice's password")
	left, _ := filepath.Glob(filepath.Join(f.cfg.Folder, "restore-*"))
	if info, err := os.Stat(filepath.Join(f.cfg.Folder, File)); err != nil || info.Mode() != 0o600 || left != nil {
		t.Errorf("%v %v, left over: %v, want 0o600, nil, nil", info.Mode(), err, left)
	}
}

// TestTruncatedStoreIsRefusedOrWhole checks that a truncated file does not open or is complete, and that it causes no
// panic.
func TestTruncatedStoreIsRefusedOrWhole(t *testing.T) {
	f := open(t, nil)
	for i := range 50 {
		f.account(t, Account{Name: fmt.Sprintf("user%d", i)}, "")
	}
	path := filepath.Join(f.cfg.Folder, File)
	check.NoError(t, f.Close())
	good, err := os.ReadFile(path)
	check.NoError(t, err)
	cfg := f.cfg
	for size := 1; size < len(good); size += 4093 {
		cfg.Folder = t.TempDir()
		check.NoError(t, os.WriteFile(filepath.Join(cfg.Folder, File), good[:size], 0o600))
		s, err := Open(cfg)
		if err != nil {
			continue
		}
		for i := range 50 { // the removed bytes were a free page
			if _, ok := s.LookupName(fmt.Sprintf("user%d", i)); !ok {
				t.Fatalf("%d of %d bytes: user%d is gone without an error", size, len(good), i)
			}
		}
		check.NoError(t, s.Close())
	}
	f.Store = nil
	f.reopen(t)
}
