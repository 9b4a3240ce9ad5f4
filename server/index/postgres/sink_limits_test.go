package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// documented returns the SQL of docs/search.md that begins with start, up to its semicolon.
func documented(t testing.TB, start string) string {
	t.Helper()
	page := check.Must(os.ReadFile("../../../docs/search.md"))
	_, sql, ok := strings.Cut(string(page), start)
	check.RequireThat(t, ok, "docs/search.md has no %q", start)
	sql, _, _ = strings.Cut(sql, ";")
	return start + sql
}

// readers have the right "read" of that many classes.
var readers = []int{3, 300, 30_000}

func sidOf(classes int) string { return fmt.Sprintf("S-1-5-21-1-2-3-%d", classes) }

// newCorpus fills a new database with documents and pages, in three partitions if stored is true. Each document has
// one of twice as many classes as the reader with the most classes, so that this reader may read half of them. It
// returns the application's connection. One page in sixty has the word "budget".
func newCorpus(t testing.TB, documents int, stored bool) *pgx.Conn {
	t.Helper()
	dir := database.Start(t).Dir
	ctx := context.Background()
	connect := func(role string) *pgx.Conn {
		t.Helper()
		c := check.Must(pgx.Connect(ctx, "host="+dir+" dbname=postgres user="+role))
		t.Cleanup(func() { _ = c.Close(ctx) })
		return c
	}
	admin := connect(database.Owner)
	run := func(sql string, args ...any) {
		t.Helper()
		check.Require(t, check.Err(admin.Exec(ctx, sql, args...)), nil, "%s", sql)
	}
	run(`create role keeper login; create role app login; grant create on database postgres to keeper`)
	dsn, trees, part := "host="+dir+" dbname=postgres user=keeper", []string{"/srv"}, ""
	var sink index.Sink
	var err error
	if stored {
		trees, part = []string{"/srv", "/home", "/data"}, "part, "
		var s *postgres.Store
		if s, err = postgres.OpenStore(ctx, dsn, 24*time.Hour); err == nil {
			var parts []index.StoredPart
			for _, tree := range trees {
				parts = append(parts, index.StoredPart{Name: "rows." + tree, Tree: tree})
			}
			sink, err = s, s.Begin("q", parts)
		}
	} else {
		sink, err = postgres.Open(ctx, dsn, t.TempDir(), 24*time.Hour)
	}
	check.NoError(t, err)
	t.Cleanup(func() { _ = sink.Close() })
	classes := readers[len(readers)-1] * 2 * documents / 1_000_000
	run(fmt.Sprintf(`insert into refmon.documents (id, right_name, tree, class, %[1]sdescriptor, seq, at)
		select format('%%s/department-%%s/project-%%s/report-%%s.docx', tree, i %% 97, i %% 4001, i), 'read', tree,
			abs(hashint4(i)) %% %[2]d, %[3]smd5(i::text), i, now()
		from generate_series(1, %[4]d) i, lateral (select (array['%[5]s'])[1 + i %% %[6]d] as tree) t`, part, classes,
		strings.ReplaceAll(part, "part", "0"), documents, strings.Join(trees, "','"), len(trees)))
	for _, n := range readers {
		own := max(n*documents/1_000_000, 1)
		run(fmt.Sprintf(`insert into refmon.members select c * %d, '%s' from generate_series(0, %d) c`,
			classes/own, sidOf(n), own-1))
	}
	// Two thousand more people, so that one person is a small part of the table.
	run(fmt.Sprintf(`insert into refmon.members select distinct abs(hashint4(c * 7919 + u)) %% %d, 'S-1-5-21-9-' || u
		from generate_series(1, 2000) u, generate_series(1, %d) c`, classes, 100*documents/1_000_000+1))
	run(`insert into refmon.fence select unnest($1::text[]), 1, now()`, append(trees, "directory"))
	run(`create table pages (id text primary key, words tsvector not null); grant select on pages to app`)
	run(`insert into pages select id, to_tsvector('simple', (
		select string_agg('word' || hashint8(seq * 31 + g) % 5000, ' ') from generate_series(1, 40) g)
		|| case when hashint8(seq) % 60 = 0 then ' budget' else '' end)
		from refmon.documents`)
	run(`create index on pages using gin (words)`)
	run(`vacuum analyze`)
	return connect("app")
}

// plan is a node of what EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints.
type plan struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Filter   string `json:"Filter"`
	Hit      int    `json:"Shared Hit Blocks"`
	Read     int    `json:"Shared Read Blocks"`
	Plans    []plan
}

// tables returns the names of the relations that the plan reads whole, and of those whose filter first collects all
// classes of the user.
func (p *plan) tables() (out []string) {
	if p.Type == "Seq Scan" || p.Relation != "" && strings.Contains(p.Filter, "hashed SubPlan") {
		out = append(out, p.Relation)
	}
	for i := range p.Plans {
		out = append(out, p.Plans[i].tables()...)
	}
	return out
}

func explain(t *testing.T, app *pgx.Conn, sid, sql string, args ...any) *plan {
	t.Helper()
	var text []byte
	err := pgx.BeginFunc(t.Context(), app, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `select set_config('refmon.sid', $1, true)`, sid); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `explain (analyze, buffers, format json) `+sql, args...).Scan(&text)
	})
	var out []struct{ Plan plan }
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	check.RequireThat(t, err == nil && len(out) == 1, "%v %v", err, string(text))
	return &out[0].Plan
}

const unfiltered = `select id from pages where words @@ plainto_tsquery('english', 'budget')
	order by ts_rank(words, plainto_tsquery('english', 'budget')) desc limit 10`

const fifty = `select id from refmon.documents where id = any ($1) and right_name = 'read'`

// TestPlansReadFewPages checks on a real database that the policy makes neither of two questions read a table whole,
// for users with few and with many classes (N-102). It counts pages of tables and indexes, which do not depend on the
// machine: at most 12 for each id, 24 in three partitions, and for a ranked search twice those of the unfiltered
// search.
func TestPlansReadFewPages(t *testing.T) {
	for name, stored := range map[string]bool{"run": false, "partitions": true} {
		t.Run(name, func(t *testing.T) { fewPages(t, newCorpus(t, 30_000, stored), stored) })
	}
}

func fewPages(t *testing.T, app *pgx.Conn, stored bool) {
	rows, err := app.Query(t.Context(), `select id from pages order by hashtext(id) limit 50`)
	check.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check.NoError(t, err)
	search := documented(t, "with me as materialized")
	base := explain(t, app, "", unfiltered)
	for _, n := range readers {
		p := explain(t, app, sidOf(n), fifty, ids)
		most := 12 * len(ids)
		if stored { // each id is looked up in three partitions
			most *= 2
		}
		if got := p.Hit + p.Read; got > most || len(p.tables()) > 0 {
			t.Errorf("50 ids for a reader of %d classes: %d pages, and all of %q", n, got, p.tables())
		}
		p = explain(t, app, sidOf(n), search)
		got := p.Hit + p.Read
		most = 2 * (base.Hit + base.Read)
		t.Logf("%d classes: %d pages, unfiltered %d", n, got, base.Hit+base.Read)
		check.That(t, !slices.ContainsFunc(p.tables(), func(s string) bool { return strings.HasPrefix(s, "documents") }),
			"a ranked search for a reader of %d classes reads all documents or all classes", n)
		check.That(t, got <= most, "a ranked search for a reader of %d classes: %d pages, at most %d", n, got, most)
	}
}
