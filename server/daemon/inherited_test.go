package daemon

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestInheritedSocket: a socket that a service manager made is taken as it is, by its path;
// another path gets a socket of its own, and the first stays bound (W-29).
func TestInheritedSocket(t *testing.T) {
	dir := t.TempDir()
	bound := func(name string) *net.UnixListener {
		l, err := bind(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
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
	other, err := c.listen(filepath.Join(dir, "three"))
	if err != nil || other == one || other == two {
		t.Fatalf("W-29: %p, %v", other, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "three")); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("W-16: every user of the host may connect: %v, %v", info.Mode(), err)
	}
	_ = other.Close()
	// A program listens on it: it is not stale (W-16).
	if l, err := (&Config{}).listen(filepath.Join(dir, "one")); err == nil {
		_ = l.Close()
		t.Error("W-16: a socket that is listened on was replaced")
	}
}
