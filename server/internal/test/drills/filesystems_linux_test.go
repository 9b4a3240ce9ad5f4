package drills

import (
	"os"
	"os/exec"
	"testing"
)

// TestFileTestsPassOnXfsBtrfsAndOverlayfs runs the tests of the packages that work on files with their temporary
// folders on xfs, btrfs and overlayfs.
func TestFileTestsPassOnXfsBtrfsAndOverlayfs(t *testing.T) {
	if os.Getenv("REFMON_DRILLS") == "" || os.Getuid() != 0 {
		t.Skip("it takes minutes, and only root mounts: REFMON_DRILLS=1 runs it")
	}
	for _, kind := range []string{"xfs", "btrfs", "overlay"} {
		t.Run(kind, func(t *testing.T) {
			at := fileSystem(t, kind)
			for dir, packages := range tested {
				cmd := exec.Command("go", append([]string{"test", "-short", "-count=1", "-p=1"}, packages...)...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "TMPDIR="+at, "GOTMPDIR="+os.TempDir()) // the compiler uses another folder
				out, err := cmd.CombinedOutput()
				if t.Logf("%s", out); err != nil {
					t.Errorf("%v: %v", packages, err)
				}
			}
		})
	}
}
