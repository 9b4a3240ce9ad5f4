//go:build unix

package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

func TestInstalledProgramPrintsVersion(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "bin")
	Install(t, bin, "refmon-verify")
	out, err := exec.Command(filepath.Join(bin, "refmon-verify"), "version").CombinedOutput()
	check.That(t, err == nil && strings.HasPrefix(string(out), "refmon-verify "),
		"%v, want string(out) starting with \"refmon-verify \", no error\n%s", err, out)
}

func TestEachNameIsBuiltOnce(t *testing.T) {
	t.Setenv(variable, t.TempDir())
	var mu sync.Mutex
	var count int
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			name := Once(t, "one", func(to string) (string, error) {
				mu.Lock()
				count++
				mu.Unlock()
				return "", os.WriteFile(to, []byte("built"), 0o600)
			})
			if b, err := os.ReadFile(name); err != nil || string(b) != "built" {
				t.Errorf(`the built file has %q, %v, want "built", no error`, b, err)
			}
		})
	}
	all.Wait()
	check.That(t, count == 1, "built %d times, want 1", count)
}

func TestNestedRunsShareTheFolder(t *testing.T) {
	t.Setenv(variable, "/somewhere")
	if env := Share([]string{"A=1"}); len(env) != 2 || env[1] != variable+"=/somewhere" {
		t.Errorf("the environment is %q, want 2 variables, of which the second is %q", env, variable+"=/somewhere")
	}
}
