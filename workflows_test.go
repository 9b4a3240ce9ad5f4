package refmon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// folders are those of this repository that workflows look into.
const folders = `\.ci|packaging|cmd|examples|internal|server|docs|capi`

// named are words of a workflow that name something of this repository: a path below one of its folders, on a Windows
// with backslashes, and what make and .ci/run are asked for.
var (
	named  = regexp.MustCompile(`(?:^|[\s'"=(,/\\])((?:` + folders + `)[/\\][^\s'",;)]+)`)
	made   = regexp.MustCompile(`(?:&& |; |run: )make ([a-z-]+)`)
	listed = regexp.MustCompile(`(?m)^ +list: \[(.*)\]$`)
)

// TestWorkflows: what the workflows run is in this repository. They run elsewhere, long after a folder was moved.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v: test, record and release are wanted", files, err)
	}
	steps, err := exec.Command("bash", ".ci/run", "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	paths, targets, lists := 0, 0, 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range named.FindAllStringSubmatch(string(b), -1) {
			paths++
			if at, err := filepath.Glob(strings.ReplaceAll(w[1], `\`, "/")); err != nil || at == nil {
				t.Errorf("%s names %s, which is not here", name, w[1])
			}
		}
		for _, w := range made.FindAllStringSubmatch(string(b), -1) {
			targets++
			if !strings.Contains(string(makefile), "\n"+w[1]+":") {
				t.Errorf("%s makes %s, which is no target of the Makefile", name, w[1])
			}
		}
		for _, w := range listed.FindAllStringSubmatch(string(b), -1) {
			for step := range strings.SplitSeq(w[1], ", ") {
				lists++
				if step != "core" && step != "server" && !strings.Contains(string(steps), "\n"+step+" ") {
					t.Errorf("%s asks .ci/run for %s, which is no list and no step", name, step)
				}
			}
		}
	}
	if paths < 8 || targets < 2 || lists < 3 {
		t.Errorf("%d paths, %d targets and %d lists were found: the patterns do not fit the workflows", paths, targets, lists)
	}
}
