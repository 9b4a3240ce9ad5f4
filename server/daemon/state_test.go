package daemon

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestGroupWritableStateIsRejected checks that a folder only its owner can write to is accepted, even if others can
// read it, and that any other is rejected with its mode (W-16).
func TestGroupWritableStateIsRejected(t *testing.T) {
	for mode, taken := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o750: true, 0o720: false, 0o702: false,
		0o775: false, 0o777: false} {
		dir := filepath.Join(t.TempDir(), "state")
		check.NoError(t, os.Mkdir(dir, 0o700))
		check.NoError(t, os.Chmod(dir, mode))
		f, err := LockState(dir)
		if taken != (err == nil) || !taken && !strings.Contains(err.Error(), fmt.Sprintf("(mode %o): chmod go-w", mode)) {
			t.Errorf("mode %o: %v, want it accepted: %t", mode, err, taken)
		}
		if err == nil {
			if _, err := LockState(dir); err == nil || !strings.Contains(err.Error(), "another refmond") {
				t.Errorf("%o: a second daemon: %v", mode, err)
			}
			check.NoError(t, f.Close())
		}
	}
	dir := filepath.Join(t.TempDir(), "new", "state")
	f, err := LockState(dir)
	check.NoError(t, err)
	defer f.Close()
	const tries = 200
	open := check.OpenDescriptors(t)
	for range tries {
		check.RequireThat(t, check.Err(LockState(dir)) != nil, "a second daemon has the state")
	}
	if n := check.OpenDescriptors(t) - open; n > tries/2 {
		t.Errorf("%d refusals leave %d descriptors open, want at most %d", tries, n, tries/2)
	}
	blocked := t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(blocked, lockFile), 0o700))
	for _, wrong := range []string{"", filepath.Join(dir, lockFile, "below a file"), blocked} {
		f, err := LockState(wrong)
		check.That(t, f == nil && err != nil && strings.HasPrefix(err.Error(), "state folder"), "%q: %v, %v", wrong, f, err)
	}
	for name, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, lockFile): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v, nil", name, info.Mode(), err, want)
		}
	}
}

// TestInheritedSocketServesItsPath checks that a service manager's socket is used for its path, that another
// path gets a new socket, and that the first stays bound (W-29).
func TestInheritedSocketServesItsPath(t *testing.T) {
	dir := t.TempDir()
	bound := func(name string) *net.UnixListener {
		l := check.Must(bind(filepath.Join(dir, name)))
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	one, two := bound("one"), bound("two")
	c := Config{Inherited: []*net.UnixListener{one, two}}
	for name, want := range map[string]*net.UnixListener{"one": one, "two": two} {
		if got, err := c.listen(filepath.Join(dir, name)); err != nil || got != want {
			t.Errorf("W-29: %s: %p, %v, want %p", name, got, err, want)
		}
	}
	check.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	c.Inherited = c.Inherited[:1]
	other, err := c.listen(filepath.Join(dir, "sub", "one"))
	check.RequireThat(t, err == nil && other != one && other != two, "W-29: %p, %v", other, err)
	if info, err := os.Stat(filepath.Join(dir, "sub", "one")); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("W-16: every user of the host may connect: %v, %v, want the mode 0666, no error",
			info.Mode(), err)
	}
	_ = other.Close()
}
