package gateway

import (
	"bufio"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// passes is how many tests of each group of litmus 0.13 package webdav passes on its own
// memory file system; of locks two ask for shared ones.
var passes = map[string]int{"basic": 16, "copymove": 13, "props": 29, "locks": 32, "http": 4}

// TestLitmus: Debian's litmus, whose program speaks no TLS to a certificate that was made
// here, over plain HTTP to the same handler.
func TestLitmus(t *testing.T) {
	litmus := tool(t, "litmus")
	w := newWorld(t, shared)
	w.folder("litmusdir", shared)
	s := httptest.NewServer(w.g.Files())
	defer s.Close()
	cmd := exec.Command(litmus, "-k", s.URL+"/share/litmusdir/", "alice", "pw-x")
	cmd.Dir = t.TempDir()
	out, _ := cmd.CombinedOutput() // the summary says more than the code
	summary := regexp.MustCompile("summary for `([a-z]+)': of ([0-9]+) tests run: ([0-9]+) passed")
	found := 0
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if m := summary.FindStringSubmatch(lines.Text()); m != nil {
			found++
			if n, _ := strconv.Atoi(m[3]); n < passes[m[1]] {
				t.Errorf("%s: %s passed, want %d", m[1], m[3], passes[m[1]])
			}
		}
	}
	if found != len(passes) || t.Failed() {
		t.Errorf("%d groups ran, want %d:\n%s", found, len(passes), out)
	}
}

// tool finds a program, or skips the test; where the clients are required it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("REFMON_WEB") == "required" {
		t.Fatalf("no %s here", name)
	}
	t.Skipf("no %s here: install the package %s", name, name)
	return ""
}
