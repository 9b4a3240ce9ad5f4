package diskio_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// replace replaces the contents of a file as a store does: a new file, synced, renamed, and the directory synced.
func replace(f diskio.Faults, name string, b []byte) error {
	file, err := f.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(b[:1]); err == nil {
		_, err = file.WriteAt(b[1:], 1)
	}
	if err == nil {
		err = file.Truncate(int64(len(b)))
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := f.Rename(name+".new", name); err != nil {
		return err
	}
	return f.SyncDir(filepath.Dir(name))
}

// TestEachOperationFails lets each operation fail in turn. The error is that of the Faults, the operation has no
// effect, and none follows it.
func TestEachOperationFails(t *testing.T) {
	var all inject.Injector
	dir := t.TempDir()
	check.NoError(t, replace(all.Do, filepath.Join(dir, "f"), []byte("new")))
	check.Require(t, strings.ReplaceAll(strings.Join(all.Ops(), ", "), dir, "D"),
		"create D/f.new, write D/f.new, write D/f.new, truncate D/f.new, sync D/f.new, rename D/f, syncdir D",
		"operations")
	for i := range all.Ops() {
		name := filepath.Join(t.TempDir(), "f")
		check.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
		var some inject.Injector
		some.Fail(syscall.EIO, inject.OnIndex(i))
		err := replace(some.Do, name, []byte("new"))
		b, lost := os.ReadFile(name)
		want := "old"
		if i == len(all.Ops())-1 { // after the rename
			want = "new"
		}
		if !errors.Is(err, syscall.EIO) || lost != nil || string(b) != want || len(some.Ops()) != i+1 {
			t.Errorf("%v fails: %v; the file has %q, %v", some.Ops(), err, b, lost)
		}
	}
}

// TestShortWriteStoresItsBytes checks how many bytes a write stores before it fails, and which error it returns.
func TestShortWriteStoresItsBytes(t *testing.T) {
	for _, c := range []struct {
		bytes, want int
		err         error
	}{{2, 2, syscall.ENOSPC}, {0, 0, syscall.ENOSPC}, {-1, 0, syscall.EIO}, {9, 4, syscall.EIO}, {3, 3, nil}} {
		name := filepath.Join(t.TempDir(), "f")
		var some inject.Injector
		some.Fail(inject.Short(c.bytes, c.err), inject.Kind("write"))
		f, err := diskio.Faults(some.Do).OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
		check.NoError(t, err)
		n, err := f.Write([]byte("text"))
		check.That(t, n == c.want && errors.Is(err, c.err), "%+v: %d, %v, want %d, %v", c, n, err, c.want, c.err)
		for what, write := range map[string]func() error{
			"a string": func() error { _, err := f.WriteString(""); return err },
			"a copy": func() error {
				_, err := f.ReadFrom(strings.NewReader("text"))
				return err
			}} {
			some.Fail(syscall.EIO, inject.Kind("write"))
			if err := write(); !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v, want %v", what, err, syscall.EIO)
			}
		}
		b, err := os.ReadFile(name)
		if err != nil || string(b) != "text"[:c.want] {
			t.Errorf("%+v: the file has %q, %v, want %q, no error", c, b, err, "text"[:c.want])
		}
		check.NoError(t, f.Close())
		some.Fail(inject.Short(1, nil), inject.Kind("write"))
		check.ErrorIs(t, check.Err(f.Write([]byte("text"))), fs.ErrClosed, "a short write to a closed file")
	}
}

// Nil Faults pass the errors of the system on and invent none.
func TestNilFaultsInjectNothing(t *testing.T) {
	var none diskio.Faults
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	check.NoError(t, errors.Join(replace(none, name, []byte("new")), none.WriteFile(name, []byte("x"), 0o600)))
	check.Equal(t, string(check.Must(os.ReadFile(name))), "x", "contents after WriteFile")
	check.NoError(t, none.Remove(name))
	check.That(t, none.SyncDir("/proc") != nil, "a directory without a disk was synced, want an error")
	_, opened := none.OpenFile(name, os.O_RDONLY, 0)
	for what, err := range map[string]error{"open": opened, "rename": none.Rename(name, name+"2"),
		"remove": none.Remove(name), "sync of the directory": none.SyncDir(name),
		"write": none.WriteFile(filepath.Join(name, "f"), nil, 0o600)} {
		check.That(t, errors.Is(err, fs.ErrNotExist), "%s: %v, want %v", what, err, fs.ErrNotExist)
	}
	var some inject.Injector
	some.Fail(syscall.EIO, inject.Kind("write", "remove"))
	if err := diskio.Faults(some.Do).WriteFile(name, []byte("x"), 0o600); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if err := diskio.Faults(some.Do).Remove(name); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if b, err := os.ReadFile(name); err != nil || len(b) != 0 {
		t.Errorf("after a failed write and removal the file has %q, %v, want it empty, no error", b, err)
	}
}

// TestReplaceIsDurableOrFails lets each operation of Replace fail in turn. The file then has its old contents, unless
// only the folder could not be synced, and no part of the new ones stays.
func TestReplaceIsDurableOrFails(t *testing.T) {
	for _, operation := range []string{"create", "write", "sync", "rename", "syncdir", "none"} {
		var some inject.Injector
		some.Fail(syscall.EIO, inject.Kind(operation))
		dir := t.TempDir()
		name := filepath.Join(dir, "f")
		check.NoError(t, os.WriteFile(name, []byte("old"), 0o644))
		other := filepath.Join(t.TempDir(), "other")
		check.NoError(t, errors.Join(os.WriteFile(other, []byte("other"), 0o644), os.Symlink(other, name+".new")))
		err := diskio.Faults(some.Do).Replace(name, []byte("new"), 0o600)
		want, done := "old", operation == "none"
		if operation == "syncdir" || done {
			want = "new"
		}
		got := string(check.Must(os.ReadFile(name)))
		check.That(t, got == want && (err == nil) == done, "%s fails: %q, %v, want %q", operation, got, err, want)
		check.Equal(t, len(check.Must(os.ReadDir(dir))), 1, "files after %s", operation)
		info, err := os.Stat(other)
		check.That(t, err == nil && info.Size() == 5 && info.Mode().Perm() == 0o644, "%s: a file behind f.new changed",
			operation)
		if done {
			check.Equal(t, strings.ReplaceAll(strings.Join(some.Ops(), ", "), dir, "D"),
				"create D/f.new, write D/f.new, sync D/f.new, rename D/f, syncdir D", "operations")
			check.Equal(t, check.Must(os.Stat(name)).Mode().Perm(), 0o600, "mode")
		}
	}
}
