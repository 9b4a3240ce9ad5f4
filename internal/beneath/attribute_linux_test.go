package beneath

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEntryAttributeDoesNotFollowLink reads the attribute of an entry of a directory, of none, and of a link itself.
func TestEntryAttributeDoesNotFollowLink(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"with", "without"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Setxattr(filepath.Join(dir, "with"), "user.refmon", []byte("value"), 0); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("with", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var b [8]byte
	if n, err := EntryAttribute(int(d.Fd()), "with", "user.refmon", b[:]); err != nil || string(b[:n]) != "value" {
		t.Errorf(`%q, %v, want string(b[:n]) = "value", no error`, b[:n], err)
	}
	if _, err := EntryAttribute(int(d.Fd()), "without", "user.refmon", b[:]); !errors.Is(err, unix.ENODATA) {
		t.Errorf("without: %v, want %v", err, unix.ENODATA)
	}
	if _, err := EntryAttribute(int(d.Fd()), "link", "user.refmon", b[:]); err == nil {
		t.Error("EntryAttribute followed a link, want an error")
	}
	if _, err := EntryAttribute(int(d.Fd()), "none", "user.refmon", b[:]); !errors.Is(err, unix.ENOENT) {
		t.Errorf("none: %v, want %v", err, unix.ENOENT)
	}
}
