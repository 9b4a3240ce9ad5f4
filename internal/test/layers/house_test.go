package layers

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// ceilings is the file with the allowed count of each style fault in a folder. A missing entry allows none.
const ceilings = "testdata/house.txt"

var lower = flag.Bool("lower", false, "lower the counts in "+ceilings+" to the present ones")

// A finding is one violation of a style rule of CONTRIBUTING.md.
type finding struct {
	fault string // a word, the column of ceilings
	where string // file:line
	what  string
}

// A tally is the findings by folder and fault.
type tally map[string][]finding

// key is how ceilings writes a folder and a fault.
func key(dir, fault string) string { return dir + " " + fault }

// TestStyleViolationsNeverIncrease counts the violations of the style rules of CONTRIBUTING.md. The counts may
// only go down: what was there when a fault was first counted stays allowed,
// one more is a failure.
//
//	go test ./internal/test/layers -run TestStyleViolationsNeverIncrease -lower   writes lower counts
func TestStyleViolationsNeverIncrease(t *testing.T) {
	var names []string
	found := tally{}
	texts(t, func(name string, lines []string) {
		names = append(names, name)
		for _, f := range readLines(name, lines) {
			found.add(name, f)
		}
	})
	tr := load(t)
	for _, files := range tr.packages {
		for _, f := range files {
			for _, finding := range readSyntax(tr.fset, f) {
				found.add(f.name, finding)
			}
		}
	}
	maps.Copy(found, strayTests(names))
	allowed := readCeilings(t)
	for _, k := range slices.Sorted(maps.Keys(found)) {
		if n := len(found[k]); n > allowed[k] {
			t.Errorf("%s: %d places, %s allows %d, want at most %d\n%s", k, n, ceilings, allowed[k], allowed[k],
				some(found[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(allowed)) {
		if n := len(found[k]); n < allowed[k] {
			t.Logf("%s: %d places, %s allows %d: it can be lowered", k, n, ceilings, allowed[k])
			allowed[k] = n
		}
	}
	if *lower && !t.Failed() {
		writeCeilings(t, allowed)
	}
}

func (ta tally) add(name string, f finding) {
	k := key(path.Dir(name), f.fault)
	ta[k] = append(ta[k], f)
}

// some prints the first findings.
func some(all []finding) string {
	var b strings.Builder
	for i, f := range all {
		if i == 40 {
			fmt.Fprintf(&b, "\t… and %d more\n", len(all)-i)
			break
		}
		fmt.Fprintf(&b, "\t%s: %s\n", f.where, f.what)
	}
	return b.String()
}

// readCeilings reads lines of folder, fault and count.
func readCeilings(t *testing.T) map[string]int {
	t.Helper()
	b := check.Must(os.ReadFile(ceilings))
	allowed := map[string]int{}
	for i, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		n := -1
		if len(words) == 3 {
			n, _ = strconv.Atoi(words[2])
		}
		check.RequireThat(t, n > 0, "%s:%d: %q: want a folder, a fault and a count above 0", ceilings, i+1, line)
		if _, twice := allowed[key(words[0], words[1])]; twice {
			t.Fatalf("%s:%d: %s %s is listed twice", ceilings, i+1, words[0], words[1])
		}
		allowed[key(words[0], words[1])] = n
	}
	return allowed
}

// writeCeilings keeps the comment at the top of the file.
func writeCeilings(t *testing.T, allowed map[string]int) {
	t.Helper()
	old := check.Must(os.ReadFile(ceilings))
	var b bytes.Buffer
	for line := range strings.Lines(string(old)) {
		if strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(allowed)) {
		if allowed[k] > 0 {
			fmt.Fprintf(&b, "%s %d\n", k, allowed[k])
		}
	}
	check.NoError(t, os.WriteFile(ceilings, b.Bytes(), 0o600))
}
