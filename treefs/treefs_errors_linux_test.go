package treefs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// Each error is an *fs.PathError with the operation, the name as requested, and the cause. A failed call changes
// neither contents nor position.
func TestErrorsNameOperationAndPath(t *testing.T) {
	w := newWorld(t)
	hers, his := w.fsOf(alice), w.fsOf(bob)
	w.must(hers.Mkdir("d"))
	w.writeFile(hers, "d/a", "12345")
	w.writeFile(hers, "b", "123")
	reading := check.Must(hers.OpenFile("b", os.O_RDONLY))
	defer func() { w.must(reading.Close()) }()
	writing := check.Must(hers.OpenFile("/d/a", os.O_WRONLY))
	shut := check.Must(hers.OpenFile("b", os.O_RDWR))
	w.must(shut.Close())
	for _, c := range []struct {
		what     string
		do       func() error
		op, path string
		want     error
	}{
		{"open a path of no file system", func() error { _, err := hers.Open("/b"); return err }, "open", "/b",
			fs.ErrInvalid},
		{"open with a dot", func() error { _, err := hers.Open("d/../b"); return err }, "open", "d/../b", fs.ErrInvalid},
		{"open a missing file", func() error { _, err := hers.Open("d/x"); return err }, "open", "d/x", fs.ErrNotExist},
		{"open an unreadable file", func() error { _, err := his.Open("b"); return err }, "open", "b", fs.ErrPermission},
		{"open with another separator", func() error { _, err := hers.Open(`d\a`); return err }, "open", `d\a`,
			fs.ErrNotExist},
		{"stat a missing file", func() error { _, err := hers.Stat("x/"); return err }, "stat", "x/", fs.ErrNotExist},
		{"list a file", func() error { _, err := hers.ReadDir("b"); return err }, "open", "b", ntstatus.NotADirectory.Err()},
		{"mkdir over an existing file", func() error { return hers.Mkdir("d") }, "mkdir", "d", fs.ErrExist},
		{"mkdir with an invalid name", func() error { return hers.Mkdir("a?b") }, "mkdir", "a?b", fs.ErrInvalid},
		{"remove a missing file", func() error { return hers.Remove("x") }, "remove", "x", fs.ErrNotExist},
		{"remove a directory that is not empty", func() error { return hers.Remove("/d") }, "remove", "/d",
			ntstatus.DirectoryNotEmpty.Err()},
		{"remove all of another's", func() error { return his.RemoveAll("b") }, "remove", "b", fs.ErrPermission},
		{"rename a missing file", func() error { return hers.Rename("x", "y", false) }, "rename", "x", fs.ErrNotExist},
		{"rename to an existing name", func() error { return hers.Rename("d/a", "b", false) }, "rename", "d/a", fs.ErrExist},
		{"rename to another separator", func() error { return hers.Rename("b", `d\b`, false) }, "rename", `d\b`,
			fs.ErrInvalid},
		{"read before the start", func() error { _, err := reading.ReadAt([]byte{0}, -1); return err }, "read", "b",
			fs.ErrInvalid},
		{"read a write-only file", func() error { _, err := writing.ReadAt([]byte{0}, 0); return err }, "read", "/d/a",
			fs.ErrPermission},
		{"write before the start", func() error { _, err := writing.WriteAt([]byte{0}, -1); return err }, "write", "/d/a",
			fs.ErrInvalid},
		{"write a read-only file", func() error { _, err := reading.Write([]byte{0}); return err }, "write", "b",
			fs.ErrPermission},
		{"seek before the start", func() error { _, err := reading.Seek(-4, io.SeekEnd); return err }, "seek", "b",
			fs.ErrInvalid},
		{"seek from nowhere", func() error { _, err := reading.Seek(0, 3); return err }, "seek", "b", fs.ErrInvalid},
		{"truncate a read-only file", func() error { return reading.Truncate(1) }, "truncate", "b", fs.ErrPermission},
		{"stat write-only", func() error { _, err := writing.Stat(); return err }, "stat", "/d/a", fs.ErrPermission},
		{"list a file", func() error { _, err := reading.Readdir(1); return err }, "readdir", "b",
			ntstatus.InvalidParameter.Err()},
		{"sync a closed file", func() error { return shut.Sync() }, "sync", "b", ntstatus.InvalidHandle.Err()},
		{"close again", func() error { return shut.Close() }, "close", "b", ntstatus.InvalidHandle.Err()},
		{"seek to the end of a closed file", func() error { _, err := shut.Seek(0, io.SeekEnd); return err }, "stat", "b",
			ntstatus.InvalidHandle.Err()},
	} {
		err := c.do()
		var at *fs.PathError
		check.That(t, errors.As(err, &at) && at.Op == c.op && at.Path == c.path && errors.Is(at.Err, c.want),
			"%s: %v, want an error of %s for %s: %v", c.what, err, c.op, c.path, c.want)
	}
	w.must(writing.Close())
	for name, want := range map[string]string{"d/a": "12345", "b": "123"} {
		if text, err := fs.ReadFile(hers, name); err != nil || string(text) != want {
			t.Errorf("contents of %s after the errors: %q, %v; want %q", name, text, err, want)
		}
	}
	if at, err := reading.Seek(0, io.SeekCurrent); at != 0 || err != nil {
		t.Errorf("position after the errors: %d, %v; want 0, nil", at, err)
	}
}

// RemoveAll stops at the first descendant that the user may not remove and returns that error. Later entries stay.
func TestRemoveAllStopsAtFirstError(t *testing.T) {
	w := newWorld(t)
	hers, his := w.fsOf(alice), w.fsOf(bob)
	for _, name := range []string{"d", "d/e"} {
		w.must(hers.Mkdir(name))
	}
	w.writeFile(hers, "d/a", "")
	w.writeFile(hers, "d/e/b", "")
	w.writeFile(hers, "d/z", "")
	// Bob may remove everything except the entries of d/e.
	for name, rights := range map[string]string{"d": "FA", "d/a": "FA", "d/e": "0x1301a9", "d/e/b": "FR", "d/z": "FA"} {
		w.describe(name, "O:BAG:SYD:P(A;;FA;;;"+alice+")(A;;"+rights+";;;"+bob+")")
	}
	err := his.RemoveAll("d")
	var at *fs.PathError
	check.That(t, errors.As(err, &at) && at.Op == "remove" && at.Path == "d/e/b" && errors.Is(err, fs.ErrPermission),
		"RemoveAll = %v, want the remove error of d/e/b", err)
	for name, want := range map[string]error{"d/a": fs.ErrNotExist, "d/e/b": nil, "d/z": nil} {
		_, err := hers.Stat(name)
		check.That(t, errors.Is(err, want), "Stat(%s) after RemoveAll: %v, want %v", name, err, want)
	}
}

// RemoveAll of a directory with entries removes nothing and returns the error of the listing if the user may not list
// it.
func TestRemoveAllNeedsListing(t *testing.T) {
	w := newWorld(t)
	hers, his := w.fsOf(alice), w.fsOf(bob)
	w.must(hers.Mkdir("d"))
	w.writeFile(hers, "d/a", "")
	w.describe("d", "O:BAG:SYD:P(A;;FA;;;"+alice+")(A;;0x1301e8;;;"+bob+")") // no right to list
	err := his.RemoveAll("d")
	var at *fs.PathError
	check.That(t, errors.As(err, &at) && at.Op == "open" && at.Path == "d" && errors.Is(err, fs.ErrPermission),
		"RemoveAll = %v, want the open error of d", err)
	check.Equal(t, check.Err(hers.Stat("d/a")), nil, "Stat of the directory's file after the failed RemoveAll")
}
