package index_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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

// numbered is the payload refmon of a document. Class 0 means no class.
type numbered struct {
	Index  string `json:"index"`
	Seq    int64  `json:"seq"`
	Read   int    `json:"read,omitempty"`
	Modify int    `json:"modify,omitempty"`
}

// matches evaluates a term on the index's name and a terms query on the class.
func (n *numbered) matches(right string, f index.Filter) bool {
	class := map[string]int{"read": n.Read, "modify": n.Modify}[right]
	return class > 0 && n.Seq > 0 && n.Index == f.Index && slices.Contains(f.Numbers, class)
}

// engine is a search engine: it reads lines by its documented grammar and returns the documents that a filter of
// numbers matches.
type engine interface {
	take(t testing.TB, text string)
	find(t testing.TB, right string, f index.Filter) []string
}

// find returns the documents whose classes are in a filter of numbers.
func (s searched) find(t testing.TB, right string, f index.Filter) (out []string) {
	t.Helper()
	for _, id := range s.ids() {
		var n numbered
		var path string
		check.NoError(t, errors.Join(strict.Unmarshal(s[id].source["refmon"], &n),
			json.Unmarshal(s[id].source["path"], &path)))
		if n.matches(right, f) {
			out = append(out, path)
		}
	}
	return out
}

// qdrant has two points, with the payload "path", for each document that the application knows.
type qdrant map[string]*qdrantPoint

type qdrantPoint struct {
	path   string
	refmon numbered
}

type qdrantFilter struct {
	Must []struct {
		Key   string `json:"key"`
		Match struct {
			Value string `json:"value"`
		} `json:"match"`
	} `json:"must"`
}

func (q qdrant) take(t testing.TB, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var body struct {
			Operations []struct {
				SetPayload *struct {
					Payload struct {
						Refmon numbered `json:"refmon"`
					} `json:"payload"`
					Filter qdrantFilter `json:"filter"`
				} `json:"set_payload"`
				Delete *struct {
					Filter qdrantFilter `json:"filter"`
				} `json:"delete"`
			} `json:"operations"`
		}
		check.NoError(t, strict.Unmarshal([]byte(line), &body))
		check.RequireThat(t, len(body.Operations) == 1, "%s", line)
		o, filter := body.Operations[0], qdrantFilter{}
		check.RequireThat(t, (o.SetPayload == nil) != (o.Delete == nil), "%s", line)
		if o.Delete != nil {
			filter = o.Delete.Filter
		} else {
			filter = o.SetPayload.Filter
		}
		check.RequireThat(t, len(filter.Must) == 1 && filter.Must[0].Key == "path", "%s", line)
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

// add adds the points of a document, as the application does.
func (q qdrant) add(path string) {
	for n := range 2 {
		if id := fmt.Sprint(path, "#", n); q[id] == nil {
			q[id] = &qdrantPoint{path: path}
		}
	}
}

func (q qdrant) find(_ testing.TB, right string, f index.Filter) (out []string) {
	for _, p := range q {
		if p.refmon.matches(right, f) {
			out = append(out, p.path)
		}
	}
	return out
}

// table is a table of a real PostgreSQL database.
type table struct{ conn *pgx.Conn }

const tableOfDocuments = `create table if not exists "docs" (id text primary key, index text not null,
	seq bigint not null, class_read int, class_modify int)`

func (x *table) take(t testing.TB, text string) {
	t.Helper()
	for line := range strings.Lines(text) { // one statement a line
		check.NoError(t, check.Err(x.conn.Exec(t.Context(), line)))
	}
}

func (x *table) find(t testing.TB, right string, f index.Filter) []string {
	t.Helper()
	rows, err := x.conn.Query(t.Context(), `select id from docs where index = $1 and class_`+right+` = any ($2)`,
		f.Index, f.Numbers)
	check.NoError(t, err)
	return check.Must(pgx.CollectRows(rows, pgx.RowTo[string]))
}

// TestBulkFormsFindWhatTheIndexAllows fills a search engine of each kind from the lines of three runs, in pieces and
// twice, while files change, are deleted and become unreadable. For each person and right the engine finds with the
// filter of numbers what the index allows. A changed membership adds no line (N-131).
func TestBulkFormsFindWhatTheIndexAllows(t *testing.T) {
	for form, e := range map[index.BulkForm]engine{index.BulkClasses: searched{}, index.BulkQdrant: qdrant{},
		index.BulkSQL: &table{}} {
		t.Run(string(form), func(t *testing.T) {
			if x, ok := e.(*table); ok {
				dsn := "host=" + postgres.Start(t).Dir + " dbname=postgres user=" + postgres.Owner
				x.conn = check.Must(pgx.Connect(t.Context(), dsn))
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
	l.config.Compact = 1 // compacts logs, which drops classes without documents
	name, read := filepath.Join(t.TempDir(), "bulk"), 0
	names := []string{"", "plan", "new", "sub/offer", "sub", "it's", "two\nlines\\", strings.Repeat("long", 50), "bad"}
	for turn := range 4 {
		b := check.Must(index.NewBulk(name, "docs", l.state, form))
		l.config.Sinks = []index.Sink{b}
		l.start()
		l.awaitBeats()
		switch turn {
		case 0:
			l.put("new", "O:SYG:SYD:P")
			l.put("it's", forStaff)
			l.put("two\nlines\\", forCarol)
			l.put(names[7], "O:SYG:SYD:(A;;0x1301bf;;;S-1-5-21-1-2-3-2000)")
			l.put("bad", forStaff)
			l.awaitBeats()
			err := unix.Setxattr(l.path("bad"), ntacl.Name, []byte("nonsense"), 0)
			check.NoError(t, errors.Join(err, os.Chmod(l.path("bad"), 0o640)))
		case 1:
			l.put("new", forCarol)
			check.NoError(t, os.Remove(l.path("plan")))
		case 2:
			l.put("new", forStaff) // the class of carol's documents may lose all documents and get one again
			check.NoError(t, os.Remove(l.path("two\nlines\\")))
			l.awaitBeats()
			l.put("again", forCarol)
			names = append(names, "again")
		case 3:
			without := strings.Replace(firm, `,"Contractors"]`, `]`, 1) // bob leaves them
			check.NoError(t, os.WriteFile(l.config.Directory, []byte(without), 0o600))
		}
		l.awaitBeats()
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
		for range 2 { // the last lines may be sent again
			e.take(t, string(text[read:]))
		}
		read = len(text)
		if q, ok := e.(qdrant); ok && q[l.path("bad")+"#0"] == nil {
			t.Error("N-5: an unreadable document loses its points")
		}
		l.compareNumbers(e, names)
	}
	other := check.Must(index.NewBulk(name, "other", l.state, form))
	text := check.Must(os.ReadFile(name))
	check.That(t, other.Close() == nil && len(text) > read, "N-104: another search index gets no documents")
	check.That(t, check.Err(index.NewBulk(name, "docs", l.state, "xml")) != nil, "the form xml is not an error")
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
			for _, path := range e.find(l.t, right, f) {
				got[path] = true
			}
			if yes += len(want); !maps.Equal(got, want) {
				l.t.Errorf("%s finds %q by %v, want %q", dir.Principals[i].Name, slices.Sorted(maps.Keys(got)), f.Numbers,
					slices.Sorted(maps.Keys(want)))
			}
			if f.Index = "OTHER"; len(e.find(l.t, right, f)) > 0 {
				l.t.Errorf("%s finds documents by the numbers of another index (N-131)", dir.Principals[i].Name)
			}
		}
	}
	check.That(l.t, yes >= 10, "%d answers are yes, want at least 10", yes)
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
	l.awaitBeats()
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
				size, prefix := 0, len(l.tree)-len("/srv") // without the test's folder
				for line := range strings.Lines(string(text)) {
					size += len(line) - strings.Count(line, l.tree)*prefix
				}
				b.ReportMetric(float64(size)/float64(documents), "B/document")
			}
		})
	}
}
