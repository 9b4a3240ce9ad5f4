package refmon_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestServerModule runs the tests of the module in server/, which `go test
// ./...` in the root does not reach. It is skipped where that module's
// libraries cannot be had, unless REFMON_SERVER=required.
func TestServerModule(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the tests of server/ run without it, or with go -C server test ./...")
	}
	t.Parallel()
	if out, err := inServer("mod", "download"); err != nil {
		message := "the libraries of server/ cannot be had here: " + err.Error() + "\n" + out
		if os.Getenv("REFMON_SERVER") == "required" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	if out, err := inServer("test", "./..."); err != nil {
		t.Errorf("go -C server test ./...: %v\n%s", err, out)
	}
}

// inServer runs the go command in server/. What this run was given for the
// root by a workspace is not passed on.
func inServer(args ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"-C", "server"}, args...)...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
