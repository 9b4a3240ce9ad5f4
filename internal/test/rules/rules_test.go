package rules

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// root is the module's folder as seen from this one.
const root = "../../.."

// families is the file of docs/rules that each letter belongs to.
var families = map[string]string{
	"O": "10-objects.md",
	"Q": "15-quota.md",
	"T": "20-tokens.md",
	"I": "30-impersonation.md",
	"P": "30-impersonation.md",
	"S": "40-descriptors.md",
	"A": "50-access-check.md",
	"U": "60-audit.md",
	"F": "80-files.md",
	"B": "90-bulk.md",
	"W": "95-wire.md",
	"M": "96-mount.md",
	"L": "97-logon.md",
	"K": "98-kerberos.md",
	"D": "99-directory.md",
	"G": "100-gateway.md",
	"N": "101-index.md",
	"Z": "102-authzen.md",
}

// people is the first rule of family U about answers for people, after those of auditing. From recordings on, rules
// are about auditing again.
const (
	people     = 100
	recordings = 200
)

// fileOf returns the file of docs/rules that a rule belongs to.
func fileOf(id ID) string {
	if n, _ := id.number(); id.Family() == "U" && n >= people && n < recordings {
		return "92-people.md"
	}
	return families[id.Family()]
}

// listed is a rule as docs/rules has it.
type listed struct {
	id   ID
	at   string // file:line
	file string
}

var (
	entry = regexp.MustCompile(`^- \*\*([^*]+)\*\*(.*)$`)
	// prose follows the id: a sentence, then its source, which may
	// go on in the following lines of the same item.
	prose = regexp.MustCompile(`^ \S.*[.)].* \*Source: \S.*\*$`)
)

// readRules parses docs/rules and reports malformed rules.
func readRules(t *testing.T) []listed {
	t.Helper()
	names := check.Must(filepath.Glob(filepath.Join(root, "docs", "rules", "*.md")))
	var all []listed
	for _, name := range names {
		b := check.Must(os.ReadFile(name))
		lines := strings.Split(string(b), "\n")
		for i, line := range lines {
			m := entry.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			at := rel(name) + ":" + strconv.Itoa(i+1)
			ids := FindAll(m[1])
			if len(ids) != 1 || string(ids[0]) != m[1] {
				t.Errorf("%s: %q is not a rule id (a letter of OTIPSAUFBWLMKDGNZ, a hyphen, a number, "+
					"at most one small letter)", at, m[1])
				continue
			}
			check.That(t, prose.MatchString(m[2]+continuation(lines[i+1:])),
				"%s: %s wants the form `- **%s** Sentence. *Source: document and section.*`", at, m[1], m[1])
			all = append(all, listed{id: ids[0], at: at, file: filepath.Base(name)})
		}
	}
	return all
}

// continuation joins the indented lines that belong to the item before them.
func continuation(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		if !strings.HasPrefix(l, "  ") {
			break
		}
		b.WriteString(" " + strings.TrimSpace(l))
	}
	return b.String()
}

func rel(name string) string {
	r, err := filepath.Rel(root, name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(r)
}

// places is where each rule was seen first.
type places map[ID]string

func (p places) note(at string, ids ...ID) {
	for _, id := range ids {
		if _, seen := p[id]; !seen {
			p[id] = at
		}
	}
}

// sources has the module's citations of rules.
type sources struct {
	cited  places // in comments of source files, and as an argument of a refusal
	quoted places // strings of source files that are nothing but an id
	named  places // anywhere in tests and testdata
}

// scan walks the module's sources.
func scan(t *testing.T) sources {
	t.Helper()
	src := sources{places{}, places{}, places{}}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := rel(p)
		if d.IsDir() {
			// This package mentions ids that are not rules.
			if name == "internal/test/rules" || p != root && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		}
		test := strings.HasSuffix(name, "_test.go") || slices.Contains(strings.Split(name, "/"), "testdata")
		if !test && filepath.Ext(name) != ".go" {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if test {
			src.named.note(name, FindAll(string(b))...)
		} else {
			src.read(name, b)
		}
		return nil
	})
	check.NoError(t, err)
	return src
}

// refusals are the functions that take the id of the denying rule: an id passed to one counts as cited, and the
// comment need not repeat it.
var refusals = []string{"Fail", "fail", "refuse", "refusedByDirectory", "refusedByShare", "probe"}

// read records the ids in one source file. A string counts only if it is nothing but an id: the rule of an
// explanation's step, or of a table row. Any other string may contain SDDL, where S-1 is not a rule.
func (x sources) read(name string, src []byte) {
	fset := token.NewFileSet()
	f := fset.AddFile(name, -1, len(src))
	var s scanner.Scanner
	s.Init(f, src, nil, scanner.ScanComments)
	var calls []string // what each open parenthesis is of
	last := ""         // the identifier before this token
	for {
		pos, tok, lit := s.Scan()
		before := last
		if last = ""; tok == token.IDENT {
			last = lit
		}
		switch tok {
		case token.LPAREN:
			calls = append(calls, before)
		case token.RPAREN:
			calls = calls[:max(len(calls)-1, 0)]
		case token.EOF:
			return
		case token.COMMENT:
			first := f.Line(pos)
			for i, line := range strings.Split(lit, "\n") {
				x.cited.note(name+":"+strconv.Itoa(first+i), FindAll(line)...)
			}
		case token.STRING:
			text, err := strconv.Unquote(lit)
			if ids := FindAll(text); err == nil && len(ids) == 1 && string(ids[0]) == text {
				at := name + ":" + strconv.Itoa(f.Line(pos))
				x.quoted.note(at, ids[0])
				if n := len(calls); n > 0 && slices.Contains(refusals, calls[n-1]) {
					x.cited.note(at, ids[0])
				}
			}
		}
	}
}

func TestRulesAreInOrder(t *testing.T) {
	last := map[string]ID{} // by file and family
	seen := places{}
	for _, r := range readRules(t) {
		family := r.file + r.id.Family()
		if want := fileOf(r.id); want != r.file {
			t.Errorf("%s: %s belongs into docs/rules/%s", r.at, r.id, want)
		}
		if before, twice := seen[r.id]; twice {
			t.Errorf("%s: %s is listed before, at %s", r.at, r.id, before)
		} else if r.id.Compare(last[family]) < 0 {
			t.Errorf("%s: %s comes after %s: keep ids in ascending order", r.at, r.id, last[family])
		}
		seen.note(r.at, r.id)
		last[family] = r.id
	}
}

func TestRulesAreCitedAndTested(t *testing.T) {
	rules, src := readRules(t), scan(t)
	known := map[ID]bool{}
	for _, r := range rules {
		known[r.id] = true
		if _, ok := src.cited[r.id]; !ok {
			t.Errorf("%s: %s is cited in no source file: put `// %s` at the branch that decides it, or take the line out "+
				"until it is built", r.at, r.id, r.id)
		}
		if _, ok := src.named[r.id]; !ok {
			t.Errorf("%s: %s is named in no test: name it in the _test.go or testdata file that checks it", r.at, r.id)
		}
	}
	used := maps.Clone(src.quoted)
	maps.Copy(used, src.cited)
	for _, id := range slices.SortedFunc(maps.Keys(used), compareAll) {
		if !known[id] {
			t.Errorf("%s: %s is cited but docs/rules/%s does not list it: add its line, and name it in a test",
				used[id], id,
				fileOf(id))
		}
	}
	t.Logf("%d rules listed, %d cited, %d named in tests", len(rules), len(used), len(src.named))
}

// A row of docs/CAVEATS.md about built behaviour names existing rules.
func TestCaveatsNameExistingRules(t *testing.T) {
	known := map[ID]bool{}
	for _, r := range readRules(t) {
		known[r.id] = true
	}
	b := check.Must(os.ReadFile(filepath.Join(root, "docs", "CAVEATS.md")))
	rows := 0
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		ids := FindAll(cells[0])
		if len(cells) != 5 || len(ids) == 0 {
			continue
		}
		rows++
		state := strings.TrimSpace(cells[4])
		check.That(t, strings.HasPrefix(state, "built") || strings.HasPrefix(state, "not built yet"),
			"docs/CAVEATS.md: %s: the state says neither built nor not built yet: %q", ids[0], state)
		for _, id := range ids {
			if strings.HasPrefix(state, "built") && !known[id] {
				t.Errorf("docs/CAVEATS.md: %s is listed as built, but docs/rules/%s does not list it", id, fileOf(id))
			}
		}
	}
	check.That(t, rows != 0,
		"no row of docs/CAVEATS.md was found, want at least 1: did the form of its table change?")
}

func TestRuleIDsAreFoundInSource(t *testing.T) {
	text := "package p // A-1\n\n/* T-2\nT-3 */\nvar x = \"A-4\" + \"S-1\" + \"see A-5\"\n" +
		"var y = c.Fail(\"O-6\", f(\"O-7\")) + refuse(h, \"O-8\") + other(\"O-9\")\n"
	src := sources{places{}, places{}, places{}}
	src.read("p.go", []byte(text))
	if want := (places{"A-1": "p.go:1", "T-2": "p.go:3", "T-3": "p.go:4", "O-6": "p.go:6",
		"O-8": "p.go:6"}); !maps.Equal(src.cited, want) {
		t.Errorf("cited: got %v, want %v", src.cited, want)
	}
	if want := (places{"A-4": "p.go:5", "S-1": "p.go:5", "O-6": "p.go:6", "O-7": "p.go:6", "O-8": "p.go:6",
		"O-9": "p.go:6"}); !maps.Equal(src.quoted, want) {
		t.Errorf("quoted: got %v, want %v", src.quoted, want)
	}
}
