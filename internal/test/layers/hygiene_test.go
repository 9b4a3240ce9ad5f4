package layers

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// texts calls f with each text file of the repository, except git's own files, module sums and binary files.
func texts(t *testing.T, f func(name string, lines []string)) {
	t.Helper()
	all, err := readTexts()
	check.NoError(t, err)
	for _, text := range all {
		f(text.name, text.lines)
	}
}

// text is a text file of the repository.
type text struct {
	name  string
	lines []string
}

var readTexts = sync.OnceValues(func() (all []text, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci" {
				return filepath.SkipDir
			}
			return nil
		}
		// In a linked work tree .git is a file.
		if !d.Type().IsRegular() || filepath.Ext(p) == ".sum" || d.Name() == ".git" {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if bytes.IndexByte(b, 0) >= 0 {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		all = append(all, text{filepath.ToSlash(rel), strings.Split(string(b), "\n")})
		return nil
	})
	return all, err
})

// eachLine calls f with each line of the files of texts, and its number from 1.
func eachLine(t *testing.T, f func(name string, n int, line string)) {
	t.Helper()
	texts(t, func(name string, lines []string) {
		for i, line := range lines {
			f(name, i+1, line)
		}
	})
}

// machineWords returns the paths and package hosts of the machine on which the test runs. They are queried, not
// listed, so that each machine finds its own.
func machineWords(t *testing.T) []string {
	t.Helper()
	var words []string
	path := func(p string) {
		if p != "" && p != string(filepath.Separator) && p != filepath.Clean(os.TempDir()) {
			words = append(words, p+string(filepath.Separator))
		}
	}
	here := check.Must(filepath.Abs(root))
	path(filepath.Dir(here))
	path(here)
	if home, err := os.UserHomeDir(); err == nil {
		path(home)
	}
	sources, _ := filepath.Glob("/etc/apt/sources.list*")
	more, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	var addresses []byte
	for _, name := range append(sources, more...) {
		b, _ := os.ReadFile(name)
		addresses = append(addresses, b...)
	}
	if out, err := exec.Command("go", "env", "GOPROXY").Output(); err == nil {
		addresses = append(addresses, out...)
	}
	for _, m := range hosts.FindAllSubmatch(addresses, -1) {
		if host := string(m[1]); host != "github.com" { // where the module itself lives
			words = append(words, host)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

var hosts = regexp.MustCompile(`https?://(?:[^/@\s]*@)?([^/:\s,|]+)`)

// A path or a package host of one machine is of no use to anyone else.
func TestSourceNamesNoLocalPaths(t *testing.T) {
	words := machineWords(t)
	eachLine(t, func(name string, n int, line string) {
		for _, w := range words {
			if at := strings.Index(line, w); at >= 0 && !continues(line[:at]) {
				t.Errorf("%s:%d: %q belongs to this machine", name, n, w)
			}
		}
	})
}

// continues reports whether the text before a match makes it a part of a longer path or name.
func continues(before string) bool {
	if before == "" {
		return false
	}
	c := before[len(before)-1]
	return c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// The folder of recorded vectors is the only reference outside the repository; other texts must make sense without
// it.
func TestTextsNameOnlyVectorsOutsideRepository(t *testing.T) {
	neighbour := ".." + "/shared"
	eachLine(t, func(name string, n int, line string) {
		if strings.Contains(line, neighbour) && !strings.Contains(line, "REFMON_VECTORS") {
			t.Errorf("%s:%d: %s is named without REFMON_VECTORS: users have no such folder", name, n, neighbour)
		}
	})
}

// Spelt in two parts so that this file does not find itself.
var (
	openWords = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "implemented"}
	leftOpen  = regexp.MustCompile(`\b(` + strings.Join(openWords[:3], "|") + `)\b|panic\("(not |un)implemented`)
)

// Unfinished features are missing from the code and named in README or in refmon services, because users do not read
// notes in the code.
func TestSourceHasNoTodoNotes(t *testing.T) {
	eachLine(t, func(name string, n int, line string) {
		if filepath.Ext(name) != ".go" {
			return
		}
		// Contains is ten times as fast as the expression, and rules out almost every line.
		if !slices.ContainsFunc(openWords, func(w string) bool { return strings.Contains(line, w) }) {
			return
		}
		if m := leftOpen.FindString(line); m != "" {
			t.Errorf("%s:%d: %s: do it now, or remove it and name the gap in the README", name, n, m)
		}
	})
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

// A link inside the repository leads somewhere.
func TestMarkdownLinksPointToFiles(t *testing.T) {
	eachLine(t, func(name string, n int, line string) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			_, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1]))
			check.That(t, err == nil || strings.Contains(m[1], ":"),
				"%s:%d: the link to %s leads nowhere", name, n, m[1])
		}
	})
}

// A program that a build left behind is not committed.
func TestNoProgramsAreCommitted(t *testing.T) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this is not a git working tree: %v", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		f, err := os.Open(filepath.Join(root, name))
		if err != nil {
			continue // deleted, and not yet committed
		}
		var magic [4]byte
		n, _ := f.Read(magic[:])
		f.Close()
		if head := string(magic[:n]); head == "\x7fELF" || strings.HasPrefix(head, "MZ") || head == "!<ar" {
			t.Errorf("%s is a program: git rm it", name)
		}
	}
}

var usesAction = regexp.MustCompile(`^\s*(?:- )?uses:\s*(\S+)`)

// A third-party action is pinned by its full commit, so that only reviewed code gets our rights.
func TestWorkflowActionsArePinnedByCommit(t *testing.T) {
	workflows, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*"))
	check.RequireThat(t, err == nil && len(workflows) != 0, "no workflow found: %v", err)
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40}$`)
	for _, name := range workflows {
		b := check.Must(os.ReadFile(name))
		for i, line := range strings.Split(string(b), "\n") {
			if m := usesAction.FindStringSubmatch(line); m != nil && !pinned.MatchString(m[1]) {
				t.Errorf("%s:%d: %s is not pinned by a commit", name, i+1, m[1])
			}
		}
	}
}
