package refmon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestMachineCheckDetectsLeftovers runs the functions of .ci/machine. They pass a run that leaves the host as it was.
// They fail a run that changes the mode of the temporary folder or leaves a process, and warn about a file that it
// leaves.
func TestMachineCheckDetectsLeftovers(t *testing.T) {
	if _, err := os.Stat("/proc/self/mountinfo"); err != nil {
		t.Skip("it compares a Linux host: ", err)
	}
	// In this picture /etc/hosts is missing. No package owns the file: the real dpkg would read the lists of all packages.
	fresh := `dpkg() { return 1; }; sed -i 's|^sum /etc/hosts .*|sum /etc/hosts |' "$scratch/machine"`
	for _, c := range []struct {
		name, change, undo, want string
		warns                    bool
	}{
		{"nothing", "true", "true", "", false},
		{"the mode of the folder", `chmod 755 "$TMPDIR"`, "true", "> mode TMP 755,", false},
		{"a program", `sleep 300 & left=$!`, `kill $left`, "> process LEFT sleep 300", false},
		{"a program that has ended", `machine_wait=60; (sleep 0.1 &)`, "true", "", false},
		// The step names files only while no other test runs, and this test is one. A file is a warning.
		{"a file", `machine_others() { return 1; }; touch "$TMPDIR/x"`, "true", "> left TMP/x .", true},
		{"a file in /etc", fresh, "true", "> sum /etc/hosts", false},
		{"a file in /etc that a package created", fresh + `; machine_ucf=$scratch/ucf
			echo "0123  /etc/hosts" >"$scratch/ucf"`, "true", "!> sum /etc/hosts", false},
		{"a file of the go command", `machine_others() { return 1; }; touch "$TMPDIR/go-build1"`, "true", "", false},
	} {
		dir, scratch := t.TempDir(), t.TempDir()
		check.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
		script := `. .ci/machine; machine_wait=1; machine_picture >"$scratch/machine"
			` + c.change + `; echo "left $left"; machine_compare "$scratch/machine"; echo "status $?"; ` + c.undo
		cmd := exec.Command("bash", "-c", script)
		cmd.Env = append(os.Environ(), "TMPDIR="+dir, "scratch="+scratch, "REFMON_RUN=test-"+filepath.Base(dir)+scratch)
		out, err := cmd.CombinedOutput()
		got := string(out)
		check.RequireThat(t, err == nil, "%s: %v\n%s", c.name, err, got)
		left, _, _ := strings.Cut(strings.TrimPrefix(got, "left "), "\n")
		want := strings.NewReplacer("TMP", dir, "LEFT", left).Replace(c.want)
		// Other programs may change the host at the same time, for example mount. Then the status is that of their changes.
		files, changes, failed := strings.Cut(got, "the run left this host otherwise")
		check.Equal(t, failed, strings.Contains(got, "status 1\n"), "%s: the comparison fails", c.name)
		found := strings.Contains(changes, want)
		if c.warns {
			found = strings.Contains(files, want) && !strings.Contains(changes, want)
		}
		if absent, ok := strings.CutPrefix(c.want, "!"); ok {
			found = !strings.Contains(got, absent)
		}
		if c.want == "" {
			// What this program changed is not named.
			found = !strings.Contains(got, dir) && !strings.Contains(got, "> process")
		}
		check.That(t, found, "%s: want %q in\n%s", c.name, want, got)
	}
}
