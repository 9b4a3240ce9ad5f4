package beneath

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestEntryAttributeDoesNotFollowLink reads the attribute of an entry of a directory, of none, and of a link itself.
func TestEntryAttributeDoesNotFollowLink(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"with", "without"} {
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	if err := unix.Setxattr(filepath.Join(dir, "with"), "user.refmon", []byte("value"), 0); err != nil {
		t.Skip(err)
	}
	check.NoError(t, os.Symlink("with", filepath.Join(dir, "link")))
	d := check.Must(os.Open(dir))
	defer d.Close()
	var b [8]byte
	if n, err := EntryAttribute(int(d.Fd()), "with", "user.refmon", b[:]); err != nil || string(b[:n]) != "value" {
		t.Errorf(`EntryAttribute reads %q, %v, want "value", no error`, b[:n], err)
	}
	if _, err := EntryAttribute(int(d.Fd()), "without", "user.refmon", b[:]); !errors.Is(err, unix.ENODATA) {
		t.Errorf("without: %v, want %v", err, unix.ENODATA)
	}
	check.That(t, check.Err(EntryAttribute(int(d.Fd()), "link", "user.refmon", b[:])) != nil,
		"EntryAttribute followed a link, want an error")
	if _, err := EntryAttribute(int(d.Fd()), "none", "user.refmon", b[:]); !errors.Is(err, unix.ENOENT) {
		t.Errorf("none: %v, want %v", err, unix.ENOENT)
	}
}
