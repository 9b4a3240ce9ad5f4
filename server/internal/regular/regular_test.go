//go:build unix

package regular_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/regular"
)

// TestReadRefusesOtherKinds checks that Read returns the bytes of a regular file up to the limit, also through a link,
// and an error for each other kind of file, for a longer file, and of a check.
func TestReadRefusesOtherKinds(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	check.NoError(t, errors.Join(os.WriteFile(at("file"), []byte("four"), 0o600), os.WriteFile(at("empty"), nil, 0o600),
		os.WriteFile(at("five"), []byte("five!"), 0o600), os.Symlink("file", at("link")), syscall.Mkfifo(at("pipe"), 0o600)))
	for name, want := range map[string]string{"file": "four", "link": "four", "empty": "", "five": "longer than 4 bytes",
		"pipe": "not a regular file", ".": "not a regular file", "none": "no such file",
		"/dev/zero": "not a regular file"} {
		path := name
		if !filepath.IsAbs(name) {
			path = at(name)
		}
		b, err := regular.Read(path, 4)
		if len(want) < 5 {
			check.That(t, err == nil && string(b) == want, "%s: %q, %v, want %q", name, b, err, want)
		} else {
			check.That(t, b == nil && err != nil && strings.Contains(err.Error(), want),
				"%s: %q, %v, want %q", name, b, err, want)
		}
	}
	_, err := regular.Read(at("file"), 4, func(fs.FileInfo) error { return fs.ErrPermission })
	check.ErrorIs(t, err, fs.ErrPermission, "a file that the check refuses")
}
