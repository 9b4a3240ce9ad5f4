package mount

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestProgramsInheritNoFuseConnection checks that a program which the server starts has no connection of a mount to the
// host's kernel (M-39). Other tests mount at the same time.
func TestProgramsInheritNoFuseConnection(t *testing.T) {
	newWorld(t)
	check.Eventually(t, func() bool {
		out, err := exec.Command("ls", "-l", "/proc/self/fd").Output()
		return err == nil && !strings.Contains(string(out), "/dev/fuse")
	}, "M-39: a program inherits /dev/fuse")
}
