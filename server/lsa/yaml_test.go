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

// TestYAML checks that an export can be imported again, without hashes (L-38), and that each difference writes one
// record.
func TestYAML(t *testing.T) {
	f := open(t, func(c *Config) { c.Hosts = hosts{groups: map[string]uint32{"wheel": 10}} })
	alice := f.account(t, Account{Name: "Al #1 'ü' {x}", UID: number(3000), FullName: "\"A\\l\"\t\u2028"}, "secret")
	f.account(t, Account{Name: "true", Disabled: true}, "secret")
	f.account(t, Account{Name: "0x10"}, "")
	f.must(t, func(e *Edit) error {
		g := e.AddGroup(Group{Name: "staff", GID: number(50), Members: []sid.SID{alice, fileaccess.UnixUser(9)}})
		e.AddGroup(Group{Name: "outer", Members: []sid.SID{g}})
		e.Grant(alice, winnt.SeBackupPrivilege.Bit(), logon.SeDenyBatchLogonRight)
		e.SetMaps([]IDMap{{Name: "CORP", Domain: sid.MustParse("S-1-5-21-9-8-7"), Low: 100000, High: 200000, BaseRID: 5}})
		return nil
	})
	text := exported(t, f)
	if strings.Contains(text, "argon2") || strings.Contains(text, "secret") {
		t.Errorf("the exported file has a hash or a secret, want neither:\n%s", text)
	}
	f.changes = nil
	if err := f.Import(sid.LocalSystem, []byte(text)); err != nil || len(f.changes) != 0 {
		t.Errorf("its own file: %v, changes %v, want len(f.changes) = 0, no error", err, f.changes)
	}
	if _, st := f.LogonPassword("al #1 'ü' {x}", "secret", network); st != ntstatus.Success {
		t.Errorf("the password is gone: %v, want %v", st, ntstatus.Success)
	}
	// A name in other letters is the same account's, and a new name is another's password.
	named := func(to string) string { return strings.ReplaceAll(text, "Al #1 'ü' {x}", to) }
	for _, c := range []struct {
		name string
		want ntstatus.Status
	}{{"AL #1 'Ü' {X}", ntstatus.Success}, {"Al #1 'ü' {x}", ntstatus.Success}, {"zoe", ntstatus.LogonFailure}} {
		check.NoError(t, f.Import(sid.LocalSystem, []byte(named(c.name))))
		if _, st := f.LogonPassword(c.name, "secret", network); st != c.want {
			t.Errorf("L-38: as %s: %v, want %v", c.name, st, c.want)
		}
	}
	check.NoError(t, f.Import(sid.LocalSystem, []byte(text)))
	f.changes = nil
	g := open(t, nil) // a new store takes it whole, machine SID included
	if err := g.Import(sid.LocalSystem, []byte(text)); err != nil || exported(t, g) != text {
		t.Errorf("Import into a new store: %v, want an equal export\n%s", err, exported(t, g))
	}
	if _, st := g.LogonPassword("al #1 'ü' {x}", "secret", network); st != ntstatus.LogonFailure {
		t.Errorf("a password went with the file: %v, want %v", st, ntstatus.LogonFailure)
	}
	more := strings.Replace(text, "accounts:\n", "accounts:\n  - name: bob\n", 1)
	more = strings.Replace(more, "rights:\n  - who", "rights:\n  - who: bob\n    privileges: [SeTcbPrivilege]\n  - who", 1)
	more = strings.Replace(more, "groups:\n",
		"groups:\n  - name: night\n    members: [bob, wheel, Everyone, S-1-22-1-7]\n", 1)
	check.NoError(t, f.Import(fileaccess.UnixUser(5), []byte(more)))
	a, _ := f.LookupName("bob")
	want := Change{"S-1-22-1-5", "right granted", a.SID.String(), "SeTcbPrivilege"}
	if !slices.Contains(f.changes, want) || a.SID.RID() != 1006 {
		t.Errorf("bob is %v, records %v, want RID 1006 and %v", a.SID, f.changes, want)
	}
	if n, _ := f.LookupName("night"); !slices.Contains(f.now.Load().groups[n.SID].Members, fileaccess.UnixGroup(10)) {
		t.Errorf("night: %v", f.now.Load().groups[n.SID])
	}
	other := strings.Replace(text, "machine: S-1-5-21-", "machine: S-1-5-21-1-", 1)
	if err := g.Import(sid.LocalSystem, []byte(other)); err == nil {
		t.Error("the file of another machine is taken")
	}
}

// TestYAMLErrors checks that each mistake in a file is an error with its position and changes
// nothing.
func TestYAMLErrors(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "")
	before := exported(t, f)
	for _, c := range [][2]string{
		{"version: 2", "version 2"}, {"", "document"}, {"version: 1\nversion: 1", "twice"},
		{"version: 1\nacounts: []", "acounts"}, {"version: 1\nVersion: 1", "Version"},
		{"version: 1\naccounts:\n  - name: a\n    hash: x", "hash"},
		{"version: 1\naccounts:\n  - name: a\n    rid: -1", "rid"},
		{"version: 1\naccounts:\n  - name: a\n    rid: 4294967295", "RID"},
		{"version: 1\naccounts:\n  - name: a\n    rid: 1005\n  - name: b\n    rid: 1005", "twice"},
		{"version: 1\naccounts:\n  - name: a\n  - name: A", "twice"},
		{"version: 1\naccounts: &x []\ngroups: *x", "anchor"},
		{"version: 1\ngroups:\n  - name: g\n    members: [zoe]", "zoe"},
		{"version: 1\nrights:\n  - who: S-1-1-0x", `"S-1-1-0x": no account or group has that name`},
		{"version: 1\ngroups:\n  - name: g\n    members: [S-1]", `"S-1": no account or group has that name`},
		{"version: 1\ngroups:\n  - name: g\n    sid: S-1-1-0", "BUILTIN"},
		{"version: 1\ngroups:\n  - name: g\n    sid: nonsense", "SID"},
		{"version: 1\nrights:\n  - who: Everyone\n    privileges: [SeGodPrivilege]", "SeGodPrivilege"},
		{"version: 1\nrights:\n  - who: Everyone\n    rights: [SeTcbPrivilege]", "SeTcbPrivilege"},
		{"version: 1\nidMaps:\n  - name: C\n    low: 1\n    high: 2\n    domain: S-1-1-0", "C"},
		{"version: 1\n---\nversion: 1", "second document"}, {"\xff", ""}, {"{", ""}, {"version: [[[[", ""},
		{strings.Repeat("- ", 100000), ""},
	} {
		if err := f.Import(sid.LocalSystem, []byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%.60q: %v, want %q", c[0], err, c[1])
		}
	}
	check.Equal(t, exported(t, f), before, "the export after files were rejected")
}

// TestBackupRestoresStore checks that a backup restores accounts, passwords and machine SID.
// TestRestoreRejectsMalformedBackups checks malformed ones.
func TestBackupRestoresStore(t *testing.T) {
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
	if _, st := f.LogonPassword("alice", "secret", network); st != ntstatus.Success {
		t.Errorf("alice's password: %v, want %v", st, ntstatus.Success)
	}
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
