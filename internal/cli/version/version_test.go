package version

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestVersionLineNamesReleaseAndGo(t *testing.T) {
	got := Line("refmond", "v1.2.3")
	check.That(t, strings.HasPrefix(got, "refmond v1.2.3") && strings.Contains(got, runtime.Version()),
		"version of a release = %q, want the release and the version of Go", got)
	if got := Line("refmond", ""); strings.Contains(got, "(devel)") || len(strings.Fields(got)) < 4 {
		t.Errorf(`version without a release = %q, want no "(devel)"`, got)
	}
}

// Each program of each module has the variable that a release sets, and prints it in its version. Without the
// variable the linker reports nothing and the program prints "development".
func TestEveryProgramPrintsItsVersion(t *testing.T) {
	const root = "../../../"
	for folder, want := range map[string]int{"cmd": 3, "record/cmd": 1, "server/cmd": 3} {
		programs, err := os.ReadDir(root + folder)
		check.RequireThat(t, err == nil && len(programs) == want,
			"%s: %d programs, want %d, %v", folder, len(programs), want, err)
		for _, p := range programs {
			var text strings.Builder
			files, _ := filepath.Glob(root + folder + "/" + p.Name() + "/*.go")
			for _, name := range files {
				b := check.Must(os.ReadFile(name))
				text.Write(b)
			}
			call := `version.Line("` + p.Name() + `", release)`
			if p.Name() == "refmon-verify" { // it shares no code with the others
				call = `fmt.Sprintf("refmon-verify %s (%s, %s/%s)", version, runtime.Version()`
			}
			for _, line := range []string{"\nvar release = \"\"\n", call} {
				if !strings.Contains(text.String(), line) {
					t.Errorf("%s/%s lacks %q, want it", folder, p.Name(), line)
				}
			}
		}
	}
}
