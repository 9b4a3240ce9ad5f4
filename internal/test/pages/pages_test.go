package pages

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

const (
	root    = "../../.."
	frozen  = "testdata/facts"
	removed = "testdata/removed.txt"
)

var freeze = flag.String("freeze", "", "write the facts of this page to "+frozen)

// TestPagesKeepFacts compares each rewritten page with its previous facts. A number must be in the same page, every
// other fact in any document.
func TestPagesKeepFacts(t *testing.T) {
	if *freeze != "" {
		freezePage(t, *freeze)
	}
	excused := readRemoved(t)
	anywhere := readDocuments(t)
	names, err := filepath.Glob(frozen + "/*.txt")
	check.RequireThat(t, err == nil && len(names) != 0, "no facts in %s: %v", frozen, err)
	for _, name := range names {
		page := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(name), ".txt"), "_", "/")
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Errorf("%s: its facts are frozen: %v", page, err)
			continue
		}
		here := map[fact]bool{}
		for _, f := range factsOf(string(text)) {
			here[f] = true
		}
		for _, f := range readFacts(t, name) {
			kept := here[f] || f.kind != "number" && strings.Contains(anywhere, f.text)
			key := page + ": " + f.String()
			check.That(t, kept || excused[key] != "",
				"%s\n\tis gone: keep it, or add to %s the line\n\t%s: REASON", key, removed, key)
			delete(excused, key)
		}
	}
	for key := range excused {
		t.Errorf("%s: no such fact was frozen: %s", removed, key)
	}
}

func TestPageScannerFindsLinksAndNumbers(t *testing.T) {
	page := "Run it on port 8443, twice 1.5:\n\n    refmon  why x   # a comment\n\n```sh\nls\n```\n" +
		"See [a](b.md#c) and `--flag`.\n- item 7\n    - item 8\n"
	var got []string
	for _, f := range factsOf(page) {
		got = append(got, f.String())
	}
	const want = "code ls|code refmon why x|link b.md#c|number 1.5|number 7|number 8|number 8443|span --flag"
	if g := strings.Join(got, "|"); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

// freezePage writes the facts of a page. It fails if the page has some already:
// the first version counts.
func freezePage(t *testing.T, page string) {
	t.Helper()
	text := check.Must(os.ReadFile(filepath.Join(root, page)))
	name := filepath.Join(frozen, strings.ReplaceAll(page, "/", "_")+".txt")
	check.RequireThat(t, check.Err(os.Stat(name)) != nil, "%s is there already", name)
	var b strings.Builder
	for _, f := range factsOf(string(text)) {
		fmt.Fprintln(&b, f)
	}
	check.NoError(t, os.MkdirAll(frozen, 0o750))
	check.NoError(t, os.WriteFile(name, []byte(b.String()), 0o600))
}

// readFacts reads the file that freezePage wrote.
func readFacts(t *testing.T, name string) []fact {
	t.Helper()
	b := check.Must(os.ReadFile(name))
	var all []fact
	for line := range strings.Lines(string(b)) {
		kind, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		all = append(all, fact{kind, text})
	}
	return all
}

// readRemoved returns the reason for each removed fact, by "page: kind text".
func readRemoved(t *testing.T) map[string]string {
	t.Helper()
	b := check.Must(os.ReadFile(removed))
	excused := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		at := strings.LastIndex(line, ": ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		check.RequireThat(t, at >= 0 && at+2 != len(line), "%s: %q: want \"page: kind text: reason\"", removed, line)
		excused[line[:at]] = line[at+2:]
	}
	return excused
}

// readDocuments returns the text of all pages, with single spaces.
func readDocuments(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		names := check.Must(filepath.Glob(filepath.Join(root, pattern)))
		for _, name := range names {
			text := check.Must(os.ReadFile(name))
			b.WriteString(strings.Join(strings.Fields(string(text)), " "))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// fact is one thing that a page states and a program or a reader relies on.
type fact struct {
	kind string // "code", "span", "link" or "number"
	text string // with single spaces
}

func (f fact) String() string { return f.kind + " " + f.text }

var (
	span   = regexp.MustCompile("`([^`]+)`")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	number = regexp.MustCompile(`\b\d[\d,.]*\d\b|\b\d\b`)
	// remark is the comment at the end of a line of shell or Go.
	remark = regexp.MustCompile(`\s+(#|//)\s.*$`)
)

// factsOf returns the facts of a page in sorted order, each once. A line of a
// code block loses its comment; text in spans and blocks has no numbers.
func factsOf(page string) []fact {
	var all []fact
	add := func(kind, text string) {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			all = append(all, fact{kind, text})
		}
	}
	fenced, blank := false, true
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		indented := strings.HasPrefix(line, "    ") && (blank || !startsItem(line))
		switch {
		case strings.HasPrefix(trimmed, "```"):
			fenced = !fenced
		case fenced || indented:
			add("code", remark.ReplaceAllString(line, ""))
		default:
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				add("span", m[1])
			}
			prose := span.ReplaceAllString(line, " ")
			for _, m := range link.FindAllStringSubmatch(prose, -1) {
				add("link", m[1])
			}
			for _, n := range number.FindAllString(link.ReplaceAllString(prose, " "), -1) {
				add("number", strings.TrimRight(n, ".,"))
			}
		}
		blank = trimmed == "" || indented
	}
	slices.SortFunc(all, func(a, b fact) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

// startsItem reports whether a line begins an item of a list.
func startsItem(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* ")
}

// namedTest is the name of a Go test in a page.
var namedTest = regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+\b`)

// testFunction is the definition of a Go test.
var testFunction = regexp.MustCompile(`(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`)

// testNames returns the names of all Go tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllSubmatch(b, -1) {
			have[string(m[1])] = true
		}
		return err
	})
	check.NoError(t, err)
	return have
}

// runPattern is the pattern of a command `go test -run PATTERN` in a page.
var runPattern = regexp.MustCompile("go (?:-C \\w+ )?test [^`\n]*-run[ =]'?([^' `\n]+)")

// TestCommandsOfPagesSelectTests checks that each pattern of a `go test` command in a page matches a test.
func TestCommandsOfPagesSelectTests(t *testing.T) {
	names := slices.Collect(maps.Keys(testNames(t)))
	pages := append(check.Must(filepath.Glob(filepath.Join(root, "docs", "*.md"))), filepath.Join(root, "README.md"))
	patterns := 0
	for _, page := range pages {
		for _, m := range runPattern.FindAllSubmatch(check.Must(os.ReadFile(page)), -1) {
			for part := range strings.SplitSeq(strings.NewReplacer("(", "", ")", "", `\`, "").Replace(string(m[1])), "|") {
				part, _, _ = strings.Cut(part, "/")
				if part == "^$" || strings.EqualFold(part, "xxx") || part == "NAME" || part == "-" {
					continue // it runs none, or says what to put there
				}
				patterns++
				if !slices.ContainsFunc(names, regexp.MustCompile(part).MatchString) {
					t.Errorf("%s: no test has a name that matches %s", filepath.Base(page), part)
				}
			}
		}
	}
	check.That(t, patterns >= 20, "the pages run %d patterns of tests, want at least 20", patterns)
}

// TestPagesNameExistingTests checks that every test which a page about trust names as evidence exists.
func TestPagesNameExistingTests(t *testing.T) {
	have := testNames(t)
	for page, least := range map[string]int{"revocation.md": 12, "threats.md": 25} {
		b := check.Must(os.ReadFile(filepath.Join(root, "docs", page)))
		names := namedTest.FindAllString(string(b), -1)
		check.That(t, len(names) >= least, "%s names %d tests, want at least %d", page, len(names), least)
		for _, name := range names {
			check.That(t, have[name], "%s names %s, which does not exist", page, name)
		}
	}
}
