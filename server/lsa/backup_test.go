package lsa

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRestoreRejectsMalformedBackups checks that each malformed backup is rejected, that the old store stays, and
// that no file is left over.
func TestRestoreRejectsMalformedBackups(t *testing.T) {
	f := open(t, nil)
	f.must(t, func(e *Edit) error {
		for i := range 200 {
			e.AddAccount(Account{Name: fmt.Sprint("user", i), FullName: strings.Repeat("n", 200)})
		}
		return nil
	})
	var backup bytes.Buffer
	check.NoError(t, f.Backup(&backup))
	r, w := io.Pipe()
	check.NoError(t, r.Close())
	check.That(t, f.Backup(w) != nil, "a backup that cannot be written: no error")
	check.NoError(t, f.Close())
	f.Store = nil
	before, err := os.ReadFile(filepath.Join(f.cfg.Folder, File))
	check.NoError(t, err)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing")) // it may be on another file system, so rename fails
	damaged := bytes.Clone(backup.Bytes())
	clear(damaged[2*4096:])
	later := bytes.Replace(backup.Bytes(), []byte(`{"format":1,`), []byte(`{"format":3,`), -1)
	for _, c := range []struct {
		what string
		b    []byte
		want string
	}{
		{"another program's file", boltFile(t, "members"), "the file of another program"},
		{"a file without a store", boltFile(t, ""), "it has no accounts and no settings"},
		{"nothing", nil, "the backup is cut off"},
		{"a byte less than the least", backup.Bytes()[:minBackup-1], "the backup is cut off"},
		{"the least", backup.Bytes()[:minBackup], "the backup is not a valid store: account store "},
		{"no store", bytes.Repeat([]byte("x"), minBackup), "the backup is not a valid store: account store "},
		{"half", backup.Bytes()[:backup.Len()/2], "bytes of "},
		{"damaged pages", damaged, "restore a backup"}, {"a later format", later, "use the release that wrote it"},
	} {
		err := Restore(f.cfg, bytes.NewReader(c.b))
		check.That(t, err != nil && strings.Contains(err.Error(), c.want), "%s: %v, want %s", c.what, err, c.want)
		after, failed := os.ReadFile(filepath.Join(f.cfg.Folder, File))
		if failed != nil || !bytes.Equal(after, before) {
			t.Errorf("%s: error %v, store changed: %t, want it unchanged", c.what, failed, !bytes.Equal(after, before))
		}
		if all, err := os.ReadDir(f.cfg.Folder); err != nil || len(all) != 1 {
			t.Errorf("%s: the folder has %v, %v, want only the store, no error", c.what, all, err)
		}
	}
	// A backup takes the place of a damaged store, and of a file that no store wrote.
	unlike := bytes.Clone(backup.Bytes()) // neither page of meta data has its checksum
	for _, page := range []int{0, os.Getpagesize()} {
		unlike[page+16+64-1]++ // the checksum's last byte, after a header of 16 bytes and 56 bytes of meta data
	}
	for i, there := range [][]byte{damaged, backup.Bytes()[:backup.Len()/2], bytes.Repeat([]byte("x"), 1<<16), unlike,
		nil} {
		opened := f.cfg
		opened.Folder = t.TempDir() // bbolt keeps a file locked that failed to open
		for _, folder := range []string{f.cfg.Folder, opened.Folder} {
			check.NoError(t, os.WriteFile(filepath.Join(folder, File), there, 0o600))
		}
		if s, err := Open(opened); i < 4 && (err == nil || s != nil || !strings.Contains(err.Error(), "account store ")) {
			t.Errorf("Open of damaged store %d: %v, want an error that names the account store", i, err)
		} else if s != nil {
			_ = s.Close()
		}
		check.Equal(t, Restore(f.cfg, bytes.NewReader(backup.Bytes())), nil, "Restore over damaged store %d", i)
		f.Store = nil
		f.reopen(t)
		if _, ok := f.LookupName("user199"); !ok {
			t.Errorf("Restore over damaged store %d: no account user199, want that of the backup", i)
		}
		check.NoError(t, f.Close())
	}
}

// TestMemoryFaultIsAnError checks that a read of a mapped page that the file no longer has is an error, not the end of
// the program.
func TestMemoryFaultIsAnError(t *testing.T) {
	f := check.Must(os.Create(filepath.Join(t.TempDir(), "empty")))
	defer f.Close()
	b := check.Must(syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ, syscall.MAP_SHARED))
	defer syscall.Munmap(b)
	err := recoverPanic(func() error { return fmt.Errorf("the byte %d", b[0]) })
	check.ErrorIs(t, err, errDamaged, "a read after the end of the file")
}

// boltFile returns a file that bbolt wrote with an empty bucket, or without one if its name is "".
func boltFile(t *testing.T, bucket string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, nil)
	check.NoError(t, err)
	check.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		if bucket == "" {
			return nil
		}
		_, err := tx.CreateBucket([]byte(bucket))
		return err
	}))
	check.NoError(t, db.Close())
	return check.Must(os.ReadFile(path))
}
