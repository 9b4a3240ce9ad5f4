package index_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/server/index"
)

// numbered is the payload refmon of a document. A class of 0 is none.
type numbered struct {
	Index  string `json:"index"`
	Seq    int64  `json:"seq"`
	Read   int32  `json:"read,omitempty"`
	Modify int32  `json:"modify,omitempty"`
}

// complete returns an error unless the payload names its index and event, and classes are positive.
func (n *numbered) complete() error {
	if n == nil || n.Index == "" || n.Seq < 1 || n.Read < 0 || n.Modify < 0 {
		return fmt.Errorf("payload %+v", n)
	}
	return nil
}

// engine is a search engine: it reads lines by its documented grammar and returns the documents that a filter of
// numbers matches.
type engine interface {
	take(text string) error
	find(right string, f index.Filter) []string
}

// elastic is Elasticsearch or OpenSearch. Documents have an external version, which deletions keep (N-94).
type elastic map[string]elasticDocument

type elasticDocument struct {
	version int64
	refmon  *numbered // nil: deleted
	path    string
}

type elasticTarget struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int64  `json:"version"`
	VersionType string `json:"version_type"`
}

func (e elastic) take(text string) error {
	lines, err := linesOf(text)
	if err != nil {
		return err
	}
	for len(lines) > 0 {
		var action struct {
			Index  *elasticTarget `json:"index"`
			Delete *elasticTarget `json:"delete"`
		}
		if err := strict.Unmarshal([]byte(lines[0]), &action); err != nil {
			return fmt.Errorf("action: %w", err)
		}
		if lines = lines[1:]; (action.Index == nil) == (action.Delete == nil) {
			return errors.New("an action line has exactly one action")
		}
		d, a := elasticDocument{}, action.Delete
		if action.Index != nil {
			if a = action.Index; len(lines) == 0 {
				return errors.New("index without a document")
			}
			var source struct {
				Path   string    `json:"path"`
				Refmon *numbered `json:"refmon"`
			}
			if err := strict.Unmarshal([]byte(lines[0]), &source); err != nil {
				return fmt.Errorf("document: %w", err)
			}
			if err := source.Refmon.complete(); err != nil || source.Path == "" {
				return fmt.Errorf("document of %q: %w", source.Path, err)
			}
			d.refmon, d.path, lines = source.Refmon, source.Path, lines[1:]
		}
		if a.Index != "docs" || a.VersionType != "external" || a.ID == "" || len(a.ID) > 512 || a.Version < 1 {
			return fmt.Errorf("metadata %+v", a)
		}
		if d.version = a.Version; d.version > e[a.ID].version { // else status 409
			e[a.ID] = d
		}
	}
	return nil
}

func (e elastic) find(right string, f index.Filter) (out []string) {
	for _, d := range e {
		if d.refmon != nil && d.refmon.matches(right, f) {
			out = append(out, d.path)
		}
	}
	return out
}

// matches evaluates a term on the index's name and a terms query on the class.
func (n *numbered) matches(right string, f index.Filter) bool {
	class := map[string]int32{"read": n.Read, "modify": n.Modify}[right]
	return class > 0 && n.Index == f.Index && slices.Contains(f.Numbers, int(class))
}

// qdrant has two points, with the payload "path", for each document that the application knows.
type qdrant map[string]*qdrantPoint

type qdrantPoint struct {
	path   string
	refmon *numbered
}

type qdrantFilter struct {
	Must []struct {
		Key   string `json:"key"`
		Match struct {
			Value string `json:"value"`
		} `json:"match"`
	} `json:"must"`
}

func (q qdrant) take(text string) error {
	lines, err := linesOf(text)
	if err != nil {
		return err
	}
	for _, line := range lines {
		var body struct {
			Operations []struct {
				SetPayload *struct {
					Payload struct {
						Refmon *numbered `json:"refmon"`
					} `json:"payload"`
					Filter *qdrantFilter `json:"filter"`
				} `json:"set_payload"`
				Delete *struct {
					Filter *qdrantFilter `json:"filter"`
				} `json:"delete"`
			} `json:"operations"`
		}
		if err := strict.Unmarshal([]byte(line), &body); err != nil {
			return err
		}
		if len(body.Operations) == 0 {
			return errors.New("no operations")
		}
		for _, o := range body.Operations {
			if (o.SetPayload == nil) == (o.Delete == nil) {
				return errors.New("an operation is exactly one of set_payload and delete")
			}
			filter := (*qdrantFilter)(nil)
			if o.Delete != nil {
				filter = o.Delete.Filter
			} else if filter = o.SetPayload.Filter; true {
				if err := o.SetPayload.Payload.Refmon.complete(); err != nil {
					return err
				}
			}
			if filter == nil || len(filter.Must) != 1 || filter.Must[0].Key != "path" || filter.Must[0].Match.Value == "" {
				return fmt.Errorf("filter %+v", filter)
			}
			for id, p := range q {
				switch {
				case p.path != filter.Must[0].Match.Value:
				case o.Delete != nil:
					delete(q, id)
				default:
					p.refmon = o.SetPayload.Payload.Refmon
				}
			}
		}
	}
	return nil
}

// add adds the points of a document, as the application does.
func (q qdrant) add(path string) {
	for n := range 2 {
		if id := fmt.Sprint(path, "#", n); q[id] == nil {
			q[id] = &qdrantPoint{path: path}
		}
	}
}

func (q qdrant) find(right string, f index.Filter) (out []string) {
	for _, p := range q {
		if p.refmon != nil && p.refmon.matches(right, f) {
			out = append(out, p.path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// table is a table of a real PostgreSQL database.
type table struct {
	t    *testing.T
	conn *pgx.Conn
}

const tableOfDocuments = `create table if not exists "docs" (id text primary key, index text not null,
	seq bigint not null, class_read int, class_modify int)`

var (
	sqlText   = `(?:'(?:[^'\\]|'')*'|E'(?:[^'\\]|''|\\[\\nr])*')`
	sqlInsert = regexp.MustCompile(`^insert into "docs" as d \(id, index, seq, "class_read", "class_modify"\) values \(` +
		sqlText + `, '[A-Z2-7]+', [1-9][0-9]*, (?:null|[1-9][0-9]*), (?:null|[1-9][0-9]*)\) on conflict \(id\) do update ` +
		`set index = excluded\.index, seq = excluded\.seq, "class_read" = excluded\."class_read", "class_modify" = ` +
		`excluded\."class_modify" where d\.index <> excluded\.index or d\.seq < excluded\.seq;$`)
	sqlDelete = regexp.MustCompile(`^delete from "docs" where id = ` + sqlText +
		` and \(index <> '[A-Z2-7]+' or seq < [1-9][0-9]*\);$`)
)

func (x *table) take(text string) error {
	lines, err := linesOf(text)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if !sqlInsert.MatchString(line) && !sqlDelete.MatchString(line) {
			return fmt.Errorf("statement %s", line)
		}
	}
	if x.conn == nil || len(lines) == 0 {
		return nil
	}
	_, err = x.conn.Exec(x.t.Context(), text)
	return err
}

func (x *table) find(right string, f index.Filter) []string {
	x.t.Helper()
	rows, err := x.conn.Query(x.t.Context(), `select id from docs where index = $1 and class_`+right+` = any ($2)`,
		f.Index, f.Numbers)
	check.NoError(x.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check.NoError(x.t, err)
	return out
}

func linesOf(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	if !strings.HasSuffix(text, "\n") {
		return nil, errors.New("the last line has no end")
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

// TestBulkFormsFindWhatTheIndexAllows fills a search engine of each kind from the lines of three runs, in pieces and
// twice, while files change, are deleted and become unreadable. For each person and right the engine finds with the
// filter of numbers what the index allows. A changed membership adds no line (N-131).
func TestBulkFormsFindWhatTheIndexAllows(t *testing.T) {
	for form, e := range map[index.BulkForm]engine{index.BulkClasses: elastic{}, index.BulkQdrant: qdrant{},
		index.BulkSQL: &table{t: t}} {
		t.Run(string(form), func(t *testing.T) {
			if x, ok := e.(*table); ok {
				var err error
				x.t, x.conn = t, nil
				dsn := "host=" + postgres.Start(t).Dir + " dbname=postgres user=" + postgres.Owner
				if x.conn, err = pgx.Connect(t.Context(), dsn); err != nil {
					t.Fatal(err)
				}
				defer x.conn.Close(context.Background())
				check.NoError(t, check.Err(x.conn.Exec(t.Context(), tableOfDocuments)))
			}
			fillEngine(t, form, e)
		})
	}
}

func fillEngine(t *testing.T, form index.BulkForm, e engine) {
	l := newLive(t, true)
	l.config.Rights = "read+modify"
	l.config.Compact = 1 // logs are put together, which leaves out classes without documents
	name, read := filepath.Join(t.TempDir(), "bulk"), 0
	names := []string{"", "plan", "new", "sub/offer", "sub", "it's", "two\nlines\\", strings.Repeat("long", 50), "bad"}
	for turn := range 4 {
		b := check.Must(index.NewBulk(name, "docs", l.state, form))
		l.config.Sinks = []index.Sink{b}
		l.start()
		l.settle()
		switch turn {
		case 0:
			l.put("new", "O:SYG:SYD:P")
			l.put("it's", forStaff)
			l.put("two\nlines\\", forCarol)
			l.put(names[7], "O:SYG:SYD:(A;;0x1301bf;;;S-1-5-21-1-2-3-2000)")
			l.put("bad", forStaff)
			l.settle()
			err := unix.Setxattr(l.path("bad"), ntacl.Name, []byte("nonsense"), 0)
			check.NoError(t, errors.Join(err, os.Chmod(l.path("bad"), 0o640)))
		case 1:
			l.put("new", forCarol)
			check.NoError(t, os.Remove(l.path("plan")))
		case 2:
			l.put("new", forStaff) // the class of carol's documents may be without one, and come back
			check.NoError(t, os.Remove(l.path("two\nlines\\")))
			l.settle()
			l.put("again", forCarol)
			names = append(names, "again")
		case 3:
			without := strings.Replace(firm, `,"Contractors"]`, `]`, 1) // bob leaves them
			check.NoError(t, os.WriteFile(l.config.Directory, []byte(without), 0o600))
		}
		l.settle()
		l.end()
		text := check.Must(os.ReadFile(name))
		if turn == 3 && len(text) != read {
			t.Errorf("a changed membership adds the lines %s", text[read:])
		}
		if q, ok := e.(qdrant); ok {
			for _, name := range names {
				q.add(filepath.Join(l.tree, name))
			}
		}
		for range 2 { // lines may be sent again, from the last ones that were sent
			check.NoError(t, e.take(string(text[read:])))
		}
		read = len(text)
		l.compareNumbers(e, names)
	}
	check.NoError(t, e.take(""))
}

// compareNumbers compares what an engine finds with the answers of the index, for each person.
func (l *live) compareNumbers(e engine, names []string) {
	l.t.Helper()
	file := check.Must(os.ReadFile(l.config.Directory))
	dir := check.Must(dirfile.Read(file))
	x, yes := l.open(time.Hour), 0
	for i := range dir.Principals {
		for _, right := range []string{"read", "modify"} {
			f := check.Must(x.Filter(dir.Principals[i].Name, right, index.FormNumbers))
			want, got := map[string]bool{}, map[string]bool{}
			for _, name := range names {
				if path := filepath.Join(l.tree, name); x.CanRead(path, dir.Principals[i].Name, right).Allowed {
					want[path] = true
				}
			}
			for _, path := range e.find(right, f) {
				got[path] = true
			}
			if yes += len(want); !maps.Equal(got, want) {
				l.t.Errorf("%s finds %q by %v, want %q", dir.Principals[i].Name, slices.Sorted(maps.Keys(got)), f.Numbers,
					slices.Sorted(maps.Keys(want)))
			}
			if f.Index = "OTHER"; len(e.find(right, f)) > 0 {
				l.t.Errorf("%s finds documents by the numbers of another index (N-131)", dir.Principals[i].Name)
			}
		}
	}
	check.That(l.t, yes >= 10, "%d answers are yes, want at least 10", yes)
}

// TestEnginesRejectMalformedLines checks that the engines of these tests reject what real ones reject, so that they can
// find a malformed line.
func TestEnginesRejectMalformedLines(t *testing.T) {
	const (
		target = `{"_index":"docs","_id":"/a","version":3,"version_type":"external"}`
		action = `{"index":` + target + "}\n"
		source = `{"path":"/a","refmon":{"index":"A","seq":3,"read":1}}` + "\n"
		filter = `"filter":{"must":[{"key":"path","match":{"value":"/a"}}]}`
		set    = `{"operations":[{"set_payload":{"payload":{"refmon":{"index":"A","seq":3,"read":1}},` + filter +
			"}}]}\n"
		insert = `insert into "docs" as d (id, index, seq, "class_read", "class_modify") values ('/a', 'A', 3, 1, null) ` +
			`on conflict (id) do update set index = excluded.index, seq = excluded.seq, "class_read" = ` +
			`excluded."class_read", "class_modify" = excluded."class_modify" where d.index <> excluded.index or ` +
			"d.seq < excluded.seq;\n"
		remove = `delete from "docs" where id = E'/\n''' and (index <> 'A' or seq < 3);` + "\n"
	)
	change := func(text, old, by string) string {
		check.RequireThat(t, strings.Contains(text, old), "%s has no %s", text, old)
		return strings.Replace(text, old, by, 1)
	}
	for _, c := range []struct {
		e         engine
		good, bad []string
	}{
		{elastic{}, []string{action + source, `{"delete":` + target + "}\n"}, []string{
			action, source, source + action, action + action, strings.TrimSuffix(action+source, "\n"),
			action + "\n" + source, change(action, `"version":3`, `"version":3.0`) + source,
			change(action, `"version":3`, `"version":"3"`) + source, change(action, `"version":3,`, ``) + source,
			change(action, `_id`, `_ID`) + source, change(action, `"_id"`, `"_type":"x","_id"`) + source,
			action + change(source, `"read":1`, `"read":1.5`), action + change(source, `"read":1`, `"read":"1"`),
			action + change(source, `"read":1`, `"read":4294967296`), action + change(source, `"read":1`, `"read":1,"read":2`),
			action + change(source, `"path"`, `"other":1,"path"`), `{"delete":` + target + "}\n" + source,
			`{"delete":` + target + `,"index":` + target + "}\n" + source,
		}},
		{qdrant{}, []string{set}, []string{
			strings.TrimSuffix(set, "\n"), `{"operations":[]}` + "\n", `{"operations":[{}]}` + "\n", "\n",
			change(set, `set_payload`, `set`), change(set, `"must"`, `"should"`),
			change(set, `,"filter"`, `,"wait":true,"filter"`),
			change(set, `"seq":3`, `"seq":3e0`), change(set, `"seq":3`, `"seq":-3`), change(set, `"value"`, `"text"`),
			change(set, `[{"key":"path","match":{"value":"/a"}}]`, `[]`), change(set, `}}]}`, `},"delete":{`+filter+`}}]}`),
		}},
		{&table{}, []string{insert, remove}, []string{
			strings.TrimSuffix(insert, "\n"), change(insert, ";\n", "\n"), change(insert, "'/a'", "'/a''"),
			change(insert, "'/a'", `'/\'`), change(insert, "3, 1", "3, 1.5"), change(insert, "3, 1", "'3', 1"),
			change(insert, `"docs"`, `other`), change(remove, "3)", "3) or true"), change(remove, `\n`, "\n"), "\n",
		}},
	} {
		for _, text := range c.good {
			check.Equal(t, c.e.take(text), nil, "%T: %q", c.e, text)
		}
		for _, text := range c.bad {
			check.That(t, c.e.take(text) != nil, "%T accepts %q", c.e, text)
		}
	}
}

// TestUnknownBulkFormIsRejected checks that an unknown form is an error.
func TestUnknownBulkFormIsRejected(t *testing.T) {
	check.That(t, check.Err(index.NewBulk(filepath.Join(t.TempDir(), "b"), "docs", t.TempDir(), "xml")) != nil,
		"the form xml is not an error")
}

// BenchmarkBulkForms reports the bytes of each form for a document with a path of 52 bytes that one group may read.
func BenchmarkBulkForms(b *testing.B) {
	const documents = 10_000
	l := newLive(b, true)
	for n := range documents {
		name := fmt.Sprintf("department-%02d/project-%03d/report-%05d.docx", n/1000, n/100, n)
		check.NoError(b, os.MkdirAll(filepath.Dir(l.path(name)), 0o755))
		l.put(name, forStaff)
	}
	l.start()
	l.settle()
	l.end()
	for _, form := range index.BulkForms() {
		b.Run(string(form), func(b *testing.B) {
			for range b.N {
				name := filepath.Join(b.TempDir(), "bulk")
				s, err := index.NewBulk(name, "docs", l.state, form)
				if err == nil {
					err = s.Close()
				}
				text, err2 := os.ReadFile(name)
				check.NoError(b, errors.Join(err, err2))
				size, prefix := 0, len(l.tree)-len("/srv") // the test's folder is not counted
				for line := range strings.Lines(string(text)) {
					size += len(line) - strings.Count(line, l.tree)*prefix
				}
				b.ReportMetric(float64(size)/float64(documents), "B/document")
			}
		})
	}
}
