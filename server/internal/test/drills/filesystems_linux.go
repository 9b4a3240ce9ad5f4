package drills

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// tested are the packages that work on files, by the folder of their module.
var tested = map[string][]string{
	"../../../..": {"./hostfs", "./treefs", "./auditlog"},
	"../../..":    {"./lsa", "./watch", "./index", "./mount"},
}

// fileSystem creates a file system of a kind on a loop device, or an overlay, mounts it until the end of the test, and
// returns its folder. It skips the test if this host cannot create or mount it.
func fileSystem(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, "at")
	layers := fmt.Sprintf("lowerdir=%s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	args := []string{"-t", "overlay", "overlay", "-o", layers, at}
	for _, name := range []string{"at", "lower", "upper", "work"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if kind != "overlay" {
		image := filepath.Join(dir, "image")
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 600<<20); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mkfs."+kind, "-q", image).CombinedOutput(); err != nil {
			t.Skipf("mkfs.%s (apt-get install xfsprogs btrfs-progs): %v\n%s", kind, err, out)
		}
		args = []string{"-o", "loop", image, at}
	}
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		t.Skipf("this host mounts no %s: %v\n%s", kind, err, out)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	// Other users find the files there, or a test of who may does not.
	for name, mode := range map[string]os.FileMode{at: 0o777 | os.ModeSticky, dir: 0o755, filepath.Dir(dir): 0o755} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	return at
}
