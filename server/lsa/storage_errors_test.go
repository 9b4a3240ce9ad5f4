package lsa

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// faulty opens a store whose disk operations a test can fail. The store has an account with a password.
func faulty(t *testing.T) (f *fixture, disk *inject.Injector, alice sid.SID) {
	t.Helper()
	disk = new(inject.Injector)
	f = open(t, func(c *Config) { c.Faults = disk.Do })
	return f, disk, f.account(t, Account{Name: "alice"}, "p")
}

// grantPowers returns an edit that makes alice an administrator with SeTcbPrivilege.
func grantPowers(alice sid.SID) func(*Edit) error {
	return func(e *Edit) error {
		e.Grant(alice, winnt.SeTcbPrivilege.Bit(), 0)
		return e.AddMember(sid.Administrators, alice)
	}
}

// checkPowerless checks that alice has nothing of grantPowers and can log on.
func (f *fixture) checkPowerless(t *testing.T, what string) {
	t.Helper()
	r, st := f.LogonPassword("alice", "p", network)
	if st != ntstatus.Success || in(r, sid.Administrators) || r.Token.Privileges&winnt.SeTcbPrivilege.Bit() != 0 {
		t.Errorf("L-39: %s: %v, %+v", what, st, r.Token)
	}
}

// TestFailedChangeNeverTakesEffect checks that a change that failed on disk is not in effect now, after a later change,
// or after a restart, even if bbolt stored it and only its sync failed (L-39).
func TestFailedChangeNeverTakesEffect(t *testing.T) {
	for _, c := range []struct {
		what string
		when []inject.Condition
	}{
		{"no room", []inject.Condition{inject.Kind("write"), inject.OnIndex(0)}},
		{"no room for the next ones either", []inject.Condition{inject.Kind("write")}},
		{"the sync fails", []inject.Condition{inject.Kind("sync"), inject.OnIndex(0)}},
		{"each sync fails", []inject.Condition{inject.Kind("sync")}},
		{"the sync fails, and then each write", []inject.Condition{inject.FromIndex(1)}},
	} {
		f, disk, alice := faulty(t)
		disk.Fail(syscall.EIO, c.when...)
		if err := f.Update(sid.LocalSystem, grantPowers(alice)); !errors.Is(err, syscall.EIO) ||
			!strings.HasPrefix(err.Error(), "account store: ") {
			t.Errorf("%s: %v, want an error that names the account store", c.what, err)
		}
		f.checkPowerless(t, c.what)
		disk.Fail(nil)
		bob := f.account(t, Account{Name: "bob"}, "q")
		f.checkPowerless(t, c.what+", then another change")
		f.reopen(t)
		f.checkPowerless(t, c.what+", then another change and a start")
		if a, ok := f.LookupName("bob"); !ok || a.SID != bob {
			t.Errorf("L-39: %s: bob is %+v after the error, want the later change kept", c.what, a)
		}
		f.must(t, grantPowers(alice))
		if r, st := f.LogonPassword("alice", "p", network); st != ntstatus.Success || !in(r, sid.Administrators) {
			t.Errorf("%s: logon %v, want the change made afterwards", c.what, st)
		}
	}
}

// TestRefusedChangeIsRolledBack checks that a restart does not find a failed change if one later write succeeded.
// Otherwise the error says so (L-39).
func TestRefusedChangeIsRolledBack(t *testing.T) {
	f, disk, alice := faulty(t)
	for kind, warns := range map[string]bool{"write": false, "sync": false, "": true} {
		if kind == "" {
			disk.Fail(syscall.EIO, inject.FromIndex(1)) // the sync and all later operations
		} else {
			disk.Fail(syscall.EIO, inject.Kind(kind), inject.OnIndex(0))
		}
		err := f.Update(sid.LocalSystem, grantPowers(alice))
		check.That(t, errors.Is(err, syscall.EIO) && strings.Contains(err.Error(), "after the next start") == warns,
			"L-39: %s fails: %v, want EIO, with a warning about the next start: %t", kind, err, warns)
		disk.Fail(nil)
		if warns {
			// The file's state is unknown. A change that cannot read it writes nothing.
			meta := func(b []byte) (old []byte) {
				check.NoError(t, f.db.Update(func(tx *bbolt.Tx) error {
					old = bytes.Clone(tx.Bucket(bucketMeta).Get(bucketMeta))
					return tx.Bucket(bucketMeta).Put(bucketMeta, b)
				}))
				return old
			}
			old := meta([]byte("{"))
			check.That(t, f.Update(sid.LocalSystem, grantPowers(alice)) != nil,
				"L-39: a change is stored over a state that cannot be read, want an error")
			meta(old)
			f.must(t, func(e *Edit) error { e.AddAccount(Account{Name: "bob"}); return nil })
		}
		f.reopen(t)
		f.checkPowerless(t, kind+" fails, then a start")
	}
}

// TestFailuresCountOnFullDisk checks that wrong passwords lock a name even if the disk stores no failure, and that a
// failed unlock leaves it locked (L-31).
func TestFailuresCountOnFullDisk(t *testing.T) {
	f, disk, _ := faulty(t)
	disk.Fail(syscall.ENOSPC)
	logOn := func(password logon.Secret) ntstatus.Status {
		_, st := f.LogonPassword("alice", password, network)
		return st
	}
	tries := 0
	for ; tries < 100 && logOn("wrong") != ntstatus.AccountLockedOut; tries++ {
	}
	if st := logOn("p"); tries == 100 || st != ntstatus.AccountLockedOut {
		t.Errorf("L-31: %v after %d wrong passwords, want %v, anything but 100", st, tries,
			ntstatus.AccountLockedOut)
	}
	check.ErrorIs(t, f.Unlock("alice"), syscall.ENOSPC, "unlock")
	check.Equal(t, logOn("p"), ntstatus.AccountLockedOut, "L-31: after the failed unlock")
	disk.Fail(nil)
	check.NoError(t, f.Unlock("alice"))
	check.Equal(t, logOn("p"), ntstatus.Success, "after the unlock")
}

// TestStoreOnFullDiskOpensAfterRetry checks that a store whose first state cannot be written does not open, and that
// the next start creates it.
func TestStoreOnFullDiskOpensAfterRetry(t *testing.T) {
	for _, kind := range []string{"write", "sync"} {
		var disk inject.Injector
		disk.Fail(syscall.ENOSPC, inject.Kind(kind))
		cfg := Config{Folder: t.TempDir(), Computer: "host", Password: cheap, Subuids: []string{}, Faults: disk.Do}
		if s, err := Open(cfg); !errors.Is(err, syscall.ENOSPC) || s != nil {
			t.Errorf("Open, %s: %v, want ENOSPC and no store", kind, err)
		}
		disk.Fail(nil)
		s := check.Must(Open(cfg))
		check.NoError(t, s.Close())
	}
}

// TestRestoreEveryOperationFails checks that a failed restore leaves the store unchanged, byte by byte, and no other
// file. Once the backup has the store's name, it is the complete backup (L-39).
func TestRestoreEveryOperationFails(t *testing.T) {
	f, disk, _ := faulty(t)
	var backup bytes.Buffer
	check.NoError(t, f.Backup(&backup))
	f.must(t, func(e *Edit) error { e.AddAccount(Account{Name: "later"}); return nil })
	check.NoError(t, f.Close())
	f.Store = nil
	path := filepath.Join(f.cfg.Folder, File)
	before, err := os.ReadFile(path)
	check.NoError(t, err)
	for i, kind := range []string{"create", "write", "sync", "rename", "syncdir"} {
		disk.Fail(inject.Short(4096, syscall.ENOSPC), inject.Kind(kind))
		if err := Restore(f.cfg, bytes.NewReader(backup.Bytes())); !errors.Is(err, syscall.ENOSPC) || disk.Selected() != 1 {
			t.Errorf("%s: %v, %d operations, want %v, 1", kind, err, disk.Selected(), syscall.ENOSPC)
		}
		disk.Fail(nil)
		if after, err := os.ReadFile(path); err != nil || i < 4 && !bytes.Equal(after, before) {
			t.Errorf("L-39: %s: read error %v, store changed: %t, want it unchanged",
				kind, err, !bytes.Equal(after, before))
		}
		if all, err := os.ReadDir(f.cfg.Folder); err != nil || len(all) != 1 {
			t.Errorf("%s: the folder has %v, %v, want only the store, no error", kind, all, err)
		}
	}
	f.reopen(t)
	f.checkPowerless(t, "restored")
	if _, ok := f.LookupName("later"); ok {
		t.Error("the store has the account later, want the state of the backup")
	}
}
