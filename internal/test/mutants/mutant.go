package mutants

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/test/rules"
)

//go:embed lists/*.txt
var files embed.FS

// ErrStale is the error of a mutant whose old text is not there exactly once.
var ErrStale = errors.New("the mutant is stale")

// A Mutant is one mistake that a change could make. Its zero value changes
// nothing and is refused.
type Mutant struct {
	Name     string   // what is wrong then; unique
	Folder   string   // of the package, below the root
	Old, New string   // New stands in place of Old
	Tests    []string // the packages whose tests should see it; Folder's by default
	Survives string   // why no test sees it; "" where one should
}

// Rule returns the id of the rule whose branch the mutant changes. It is the first part of the mutant's name, or ""
// if the name has none.
func (f Mutant) Rule() rules.ID {
	head, _, _ := strings.Cut(f.Name, ":")
	if ids := rules.FindAll(head); len(ids) == 1 && string(ids[0]) == head {
		return ids[0]
	}
	return ""
}

// Stale is how many mutants may no longer apply: a change of the sources need
// not repair the texts of others in the same breath, and more than a few do.
const Stale = 8

// All returns all mutants in the order of their files.
func All() ([]Mutant, error) {
	var all []Mutant
	names, err := fs.Glob(files, "lists/*.txt")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mutants, err := parse(name, string(b))
		if err != nil {
			return nil, err
		}
		all = append(all, mutants...)
	}
	return all, distinct(all)
}

// Lot returns the mutants of another file than those of lists/.
func Lot(name string) ([]Mutant, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all, err := parse(name, string(b))
	if err != nil {
		return nil, err
	}
	return all, distinct(all)
}

// distinct returns an error that names the mutants if two have one name, else nil.
func distinct(all []Mutant) error {
	seen := map[string]bool{}
	for _, f := range all {
		if seen[f.Name] {
			return fmt.Errorf("two mutants are named %q", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// parse reads paragraphs of "key value" lines. The keys for the folder and its tests also apply to the paragraphs
// below.
func parse(name, text string) ([]Mutant, error) {
	var all []Mutant
	var folder string
	var tests []string
	for i, line := range strings.Split(text, "\n") {
		word, value, _ := strings.Cut(line, " ")
		var last *Mutant
		if len(all) > 0 {
			last = &all[len(all)-1]
		}
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case word == "folder":
			folder, tests = value, []string{value}
		case word == "tests":
			tests = strings.Fields(value)
		case word == "mutant":
			all = append(all, Mutant{Name: value, Folder: folder, Tests: tests})
		case word == "old" && last != nil && last.Old == "":
			last.Old = value
		case word == "new" && last != nil && last.Old != "":
			last.New = value
		case word == "survives" && last != nil && last.Old != "":
			last.Survives = value
		default:
			return nil, fmt.Errorf("%s:%d: %q: want folder, tests, mutant, old, new or survives, in this order", name, i+1, line)
		}
	}
	for _, f := range all {
		if f.Name == "" || f.Folder == "" || f.Old == "" || f.Old == f.New {
			return nil, fmt.Errorf("%s: mutant %q: it needs a name, a folder, an old text and another new one", name, f.Name)
		}
	}
	return all, nil
}

// kinds are the names of the files that have mutants.
var kinds = []string{"*.go", "*.c", "*.h", "*.py"}

// Apply returns the name and the new contents of the file that the mutant changes. Unless the old text occurs in the
// files of the folder exactly once outside comments, it returns an error that wraps ErrStale. It reads no tests and
// writes no file.
func (f Mutant) Apply(root string) (file string, changed []byte, err error) {
	sources, err := readSources(filepath.Join(root, f.Folder))
	if err != nil {
		return "", nil, err
	}
	return f.applyTo(sources)
}

// sourceFile is a file that may have mutants.
type sourceFile struct {
	name string
	text []byte
}

// readSources returns the files of a folder that have one of kinds and are no tests.
func readSources(folder string) (sources []sourceFile, err error) {
	for _, kind := range kinds {
		names, err := filepath.Glob(filepath.Join(folder, kind))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			sources = append(sources, sourceFile{name, b})
		}
	}
	return sources, nil
}

// applyTo returns the result of [Mutant.Apply] for the sources of the mutant's folder.
func (f Mutant) applyTo(sources []sourceFile) (file string, changed []byte, err error) {
	old, tokens := pattern(f.Old), words.FindAllString(f.Old, -1)
	for _, s := range sources {
		name, b := s.name, s.text
		if !hasAll(b, tokens) { // most files: the pattern takes its time
			continue
		}
		for _, at := range old.FindAllIndex(b, -1) {
			if inComment(b, at[0]) {
				continue
			}
			if file != "" {
				const message = "mutant %q: %q stands in %s more than once (again in %s): take more of the line"
				return "", nil, fmt.Errorf(message+": %w", f.Name, f.Old, f.Folder, name, ErrStale)
			}
			file = name
			changed = slices.Concat(b[:at[0]], []byte(f.New), b[at[1]:])
		}
	}
	if file == "" {
		return "", nil, fmt.Errorf("mutant %q: %q stands nowhere in %s: write what stands there now: %w",
			f.Name, f.Old, f.Folder, ErrStale)
	}
	return file, changed, nil
}

// hasAll reports whether a text contains all of some words.
func hasAll(text []byte, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !bytes.Contains(text, []byte(w)) })
}

// inComment reports whether an offset is in a // comment or in a Python comment.
func inComment(b []byte, at int) bool {
	line := bytes.TrimSpace(b[bytes.LastIndexByte(b[:at], '\n')+1 : at])
	return bytes.Contains(line, []byte("//")) || bytes.HasPrefix(line, []byte("# "))
}

var words = regexp.MustCompile(`\w+|[^\w\s]`)

// gap matches what parts two words: spaces, line breaks and comments.
const gap = `(?:\s|//[^\n]*\n)`

// pattern returns an expression that matches text with any white space and comments between its words, and with the
// comma before a closing bracket that a line break requires.
func pattern(text string) *regexp.Regexp {
	var b strings.Builder
	tokens := words.FindAllString(text, -1)
	for i, w := range tokens {
		switch {
		case i == 0:
			if isWord(w) {
				b.WriteString(`\b`)
			}
		case isWord(w) && isWord(tokens[i-1]):
			b.WriteString(gap + "+")
		case w == ")" || w == "}":
			b.WriteString(gap + "*,?" + gap + "*")
		default:
			b.WriteString(gap + "*")
		}
		b.WriteString(regexp.QuoteMeta(w))
	}
	if isWord(tokens[len(tokens)-1]) {
		b.WriteString(`\b`)
	}
	return regexp.MustCompile(b.String())
}

func isWord(w string) bool {
	c := w[0]
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
