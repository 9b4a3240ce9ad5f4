package bulk_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// stored is the contents of stores after a run: the rows of an index, and both tables.
type stored struct {
	dir     *directory.Directory
	list    string
	rows    []map[string]any
	objects string // objects.csv
	sets    string // sets.csv
}

func store(t *testing.T) *stored {
	t.Helper()
	s := &stored{}
	s.dir, s.list = sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 300, Descriptors: 60, Principals: 30,
		Groups: 12})
	s.list += `{"path":"/closed","sd":"O:BAG:BAD:"}` + "\n" + `{"path":"/a, \"b\"\\c","sd":"O:BAG:BAD:(A;;FR;;;WD)"}` +
		"\n" + `{"path":"/bad","sd":"O:"}` + "\n"
	var sets strings.Builder
	r := &bulk.Run{Directory: s.dir, Rights: check.Must(words.Parse("read")), Ask: bulk.Index, Format: bulk.CSVTables,
		Sets: &sets}
	s.objects = rowsOf(t, r, s.list)
	s.sets = sets.String()
	r = &bulk.Run{Directory: s.dir, Rights: r.Rights, Ask: bulk.Index}
	for _, row := range decode[map[string]any](t, rowsOf(t, r, s.list)) {
		if row["path"] != nil {
			s.rows = append(s.rows, row)
		}
	}
	return s
}

// mayRead returns the paths that the check lets a principal read, in order.
func (s *stored) mayRead(t *testing.T, p *directory.Principal) (paths []string) {
	t.Helper()
	for line := range strings.Lines(s.list) {
		var o struct{ Path, SD, Type string }
		check.NoError(t, json.Unmarshal([]byte(line), &o))
		typ := winnt.FileObject
		if o.Type != "" {
			typ = winnt.ObjectTypeByName(o.Type)
		}
		d, err := sddl.Parse(o.SD, sddl.Options{Domain: s.dir.Domain})
		if err == nil && check.Must(access.Check(p.Token, d, typ.Mapping.Read, typ)).Allowed() {
			paths = append(paths, o.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// names returns the sets of a user in sets.csv, or the user's SID if there are none.
func (s *stored) names(t *testing.T, who string) (names []any) {
	t.Helper()
	rows := check.Must(csv.NewReader(strings.NewReader(s.sets)).ReadAll())
	for _, row := range rows[1:] {
		if row[1] == who {
			names = append(names, row[0])
		}
	}
	if names == nil {
		names = []any{who}
	}
	return names
}

// documented returns the queries of a language that docs/search.md shows under a heading.
func documented(t *testing.T, heading, language string) []string {
	t.Helper()
	page := string(check.Must(os.ReadFile(filepath.Join("..", "..", "..", "docs", "search.md"))))
	_, page, _ = strings.Cut(page, "## "+heading+"\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	check.RequireThat(t, len(out) != 0, "docs/search.md has no %s under %q, want at least one", language, heading)
	return out
}

// field returns the value of a dotted name; nil if a part is not there.
func field(row map[string]any, name string) any {
	var v any = row
	for part := range strings.SplitSeq(name, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	return v
}

// matches evaluates a query: of Elasticsearch bool, filter and terms, of Qdrant filter, must and
// match any. It fails the test for anything else.
func matches(t *testing.T, q any, row map[string]any) bool {
	t.Helper()
	m := q.(map[string]any)
	for _, name := range []string{"query", "bool"} {
		if inner, ok := m[name]; ok && len(m) == 1 {
			return matches(t, inner, row)
		}
	}
	all := m["must"]
	if all == nil {
		all = m["filter"]
	}
	switch all := all.(type) {
	case []any:
		return !slices.ContainsFunc(all, func(q any) bool { return !matches(t, q, row) })
	case map[string]any:
		return matches(t, all, row)
	}
	if terms, ok := m["terms"].(map[string]any); ok && len(m) == 1 && len(terms) == 1 {
		for name, list := range terms {
			return slices.Contains(list.([]any), field(row, name))
		}
	}
	match, ok := m["match"].(map[string]any)
	check.RequireThat(t, ok && len(m) == 2 && len(match) == 1,
		"the query has the fields %v, want two with one match", m)
	return slices.Contains(match["any"].([]any), field(row, m["key"].(string)))
}

// withNames puts other names in the place of a query's.
func withNames(q any, names []any) any {
	switch q := q.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, v := range q {
			out[k] = withNames(v, names)
		}
		return out
	case []any:
		if _, leaf := q[0].(string); leaf {
			return names
		}
		out := []any{}
		for _, v := range q {
			out = append(out, withNames(v, names))
		}
		return out
	}
	return q
}

// The documented queries return for each user exactly the documents that the access check allows, and none without
// the field.
func TestDocumentedQueriesReturnReadableDocuments(t *testing.T) {
	s := store(t)
	s.rows = append(s.rows, map[string]any{"path": "/lacks"}, map[string]any{"path": "/empty",
		"sets": map[string]any{}})
	queries := documented(t, "From a set to a query", "json")
	check.Require(t, len(queries), 2, "queries")
	found := 0
	for _, text := range queries {
		var q any
		check.NoError(t, json.Unmarshal([]byte(text), &q))
		for i := range s.dir.Principals {
			p := &s.dir.Principals[i]
			mine := withNames(q, s.names(t, p.SID().String()))
			var got []string
			for _, row := range s.rows {
				if matches(t, mine, row) {
					got = append(got, row["path"].(string))
				}
			}
			slices.Sort(got)
			want := s.mayRead(t, p)
			check.RequireThat(t, slices.Equal(got, want), "%s finds %d documents, want %d", p.Name, len(got), len(want))
			found += len(got)
		}
	}
	check.That(t, found != 0, "the queries found %v documents, want at least 1", found)
}

// Each set has at least one member, and unreadable objects are in a set without users (B-18).
func TestEachSetHasMembers(t *testing.T) {
	s := store(t)
	members := map[string]bool{}
	for _, row := range check.Must(csv.NewReader(strings.NewReader(s.sets)).ReadAll())[1:] {
		check.That(t, row[1] != "S-1-0-0" || !members[row[0]], "set %s has members and nobody", row[0])
		members[row[0]] = true
	}
	paths := map[string]string{}
	for _, row := range check.Must(csv.NewReader(strings.NewReader(s.objects)).ReadAll())[1:] {
		check.That(t, members[row[2]] && row[1] == "read",
			"row %q refers to a set without members, want at least one", row)
		paths[row[0]] = row[2]
	}
	check.That(t, len(paths) == 303 && paths["/bad"] == "unreadable" && paths[`/a, "b"\c`] != "" &&
		strings.Contains(s.sets, "unreadable,S-1-0-0\n"), `%d paths, /bad is in set %q, want 303 and "unreadable"`,
		len(paths), paths["/bad"])
	for _, wrong := range []*bulk.Run{{Ask: bulk.Index}, {Ask: bulk.Who}, {Ask: bulk.Index, Sets: os.Stderr,
		Expressions: true}} {
		wrong.Directory, wrong.Rights, wrong.Format = s.dir, check.Must(words.Parse("read")), bulk.CSVTables
		out, _, err := runOver(wrong, s.list)
		check.That(t, err != nil && out == "", "question %v: %q, no error, want an error", wrong.Ask, out)
	}
}

// asker starts a server for this test and returns a function that queries it.
func asker(t *testing.T) func(dir, sql string) string {
	t.Helper()
	s := postgres.Start(t)
	return func(at, sql string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(s.Bin, "psql"), "-h", s.Dir, "-U", postgres.Owner, "-d", "postgres", "-qAtX", "-v",
			"ON_ERROR_STOP=1")
		cmd.Dir, cmd.Stdin = at, strings.NewReader(sql)
		out, err := cmd.CombinedOutput()
		check.RequireThat(t, err == nil, "psql: %v, want no error\n%s", err, out)
		return string(out)
	}
}

// PostgreSQL loads the written tables with the documented SQL. For each user the documented query then returns exactly
// the documents that the access check allows.
func TestDocumentedSQLReturnsReadableDocuments(t *testing.T) {
	ask := asker(t)
	s := store(t)
	at := t.TempDir()
	for name, text := range map[string]string{"objects.csv": s.objects, "sets.csv": s.sets} {
		check.NoError(t, os.WriteFile(filepath.Join(at, name), []byte(text), 0o644))
	}
	sql := documented(t, "From a set to a query", "sql")[0]
	load, query, ok := strings.Cut(sql, "select path")
	check.RequireThat(t, ok && strings.Contains(query, "S-1-5-21-1-2-3-1108"),
		"the documented query is %s, want one that names a user's SID", sql)
	ask(at, load)
	for i := range s.dir.Principals {
		p := &s.dir.Principals[i]
		out := ask(at, "select path"+strings.ReplaceAll(query, "S-1-5-21-1-2-3-1108", p.SID().String()))
		got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		slices.Sort(got)
		want := s.mayRead(t, p)
		if out == "" {
			got = nil
		}
		check.RequireThat(t, slices.Equal(got, want),
			"%s finds %d documents, want %d\n%q", p.Name, len(got), len(want), got)
	}
}
