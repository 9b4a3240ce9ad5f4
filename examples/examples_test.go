package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
)

const root = ".."

func readFile(t *testing.T, name string) string {
	t.Helper()
	b := check.Must(os.ReadFile(filepath.Join(root, filepath.FromSlash(name))))
	return string(b)
}

var cut = regexp.MustCompile("(?ms)^<!-- (from|output of) (\\S+) -->\n```[a-z]*\n(.*?)^```$")

// Every piece of code in docs/adopt.md is in the file that it names.
func TestAdoptPageCodeMatchesFiles(t *testing.T) {
	page := readFile(t, "docs/adopt.md")
	pieces := cut.FindAllStringSubmatch(page, -1)
	if n := strings.Count(page, "\n```") / 2; n != len(pieces) || n < 7 {
		t.Errorf("%d pieces of code, %d of them say which file they are cut from", n, len(pieces))
	}
	for _, p := range pieces {
		check.That(t, p[1] != "from" || strings.Contains(readFile(t, p[2]), p[3]), "%s no longer has\n%s", p[2], p[3])
	}
}

// TestPythonExamplesPass runs the Python example and compares its output with that of the page.
func TestPythonExamplesPass(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	bin := t.TempDir()
	programs.Install(t, bin, "refmon")
	refmon := filepath.Join(bin, "refmon")
	out := check.Must(exec.Command(python, filepath.Join("python", "check.py"), refmon).Output())
	for _, p := range cut.FindAllStringSubmatch(readFile(t, "docs/adopt.md"), -1) {
		check.That(t, p[1] != "output of" || p[3] == strings.ReplaceAll(string(out), "\r\n", "\n"),
			"it prints\n%s\nthe page says\n%s", out, p[3])
	}
}

// interrupted asks a question that refmon cannot read. It asks about a file that everybody may read, and loses the
// answer to an exception. Then it asks about a file that nobody may read.
const interrupted = `
import runpy, sys
with runpy.run_path(sys.argv[1])["Refmon"](sys.argv[2]) as refmon:
    guest = {"user": "S-1-5-21-1-2-3-501"}
    try: refmon.may(guest, "\udcff", "FR")
    except ValueError: pass
    class Interrupted:
        def readline(self): raise KeyboardInterrupt
    stdout, refmon._child.stdout = refmon._child.stdout, Interrupted()
    try: refmon.may(guest, "O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-501)", "FR")
    except KeyboardInterrupt: refmon._child.stdout = stdout
    try: print(refmon.may(guest, "O:BAG:SYD:", "FR"))
    except RuntimeError as err: print(err)
`

// TestPythonRejectsAnswerToAnotherQuestion checks that the class of the Python example never takes the answer of an
// interrupted call for that of the next question. A question that refmon cannot read is a ValueError.
func TestPythonRejectsAnswerToAnotherQuestion(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	bin := t.TempDir()
	programs.Install(t, bin, "refmon")
	out, err := exec.Command(python, "-c", interrupted, filepath.Join("python", "check.py"),
		filepath.Join(bin, "refmon")).CombinedOutput()
	check.That(t, err == nil && strings.HasPrefix(string(out), "the answer is to another question"),
		"it prints %s (%v), want an error", out, err)
}

var linkedRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| ([0-9]+) \\| ([0-9]+) \\|$")

// TestAdoptPageListsLinkedPackages compares the page's table with go list.
func TestAdoptPageListsLinkedPackages(t *testing.T) {
	rows := linkedRow.FindAllStringSubmatch(readFile(t, "docs/adopt.md"), -1)
	check.RequireThat(t, len(rows) >= 5, "found %d rows, want at least 5", len(rows))
	for _, r := range rows {
		cmd := exec.Command("go", "list", "-deps", "-f",
			"{{if not .Standard}}{{.Module.Path}} {{.ImportPath}}{{end}}", "./"+r[1])
		cmd.Dir = root
		out, err := cmd.Output()
		check.RequireThat(t, err == nil, "go list: %v", err)
		own, modules := 0, map[string]bool{}
		for _, line := range strings.Fields(strings.ReplaceAll(string(out), " ", "=")) {
			module, _, _ := strings.Cut(line, "=")
			if module == "github.com/refmon/refmon" {
				own++
			} else {
				modules[module] = true
			}
		}
		if got, want := [2]int{own, len(modules)}, [2]int{number(r[2]), number(r[3])}; got != want {
			t.Errorf("%s links %d own packages and %d modules %v, the page has %d and %d",
				r[1], got[0], got[1], modules, want[0], want[1])
		}
	}
}

func number(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
