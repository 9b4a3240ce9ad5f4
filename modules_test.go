package refmon_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
)

// TestServerModuleTestsPass runs the tests of the module in server/, which `go test ./...` in the root does not reach.
func TestServerModuleTestsPass(t *testing.T) { testModule(t, "server") }

// TestRecordModuleTestsPass runs the tests of the module in record/.
func TestRecordModuleTestsPass(t *testing.T) { testModule(t, "record") }

// testModule runs the tests of a module in a folder of its own. It skips the test where the module's libraries
// cannot be downloaded, unless REFMON_SERVER=required, and under -short.
func testModule(t *testing.T, folder string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("-short: run the tests of this module with go -C %s test ./...", folder)
	}
	t.Parallel()
	if out, err := goIn(folder, "mod", "download"); err != nil {
		message := "the libraries of " + folder + "/ cannot be downloaded: " + err.Error() + "\n" + out
		check.RequireThat(t, os.Getenv("REFMON_SERVER") != "required", "%v", message)
		t.Skip(message)
	}
	if out, err := goIn(folder, "test", "./..."); err != nil {
		t.Errorf("go -C %s test ./...: %v\n%s", folder, err, out)
	}
}

// goIn runs the go command in a folder, outside any workspace, and returns what it printed.
func goIn(folder string, args ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"-C", folder}, args...)...)
	cmd.Env = programs.Share(append(os.Environ(), "GOWORK=off"))
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
