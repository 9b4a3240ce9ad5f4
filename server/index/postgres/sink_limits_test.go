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

// readers lists numbers of classes; each has a user with the right "read" on that many classes.
var readers = []int{3, 300, 30_000}

func sidOf(classes int) string { return fmt.Sprintf("S-1-5-21-1-2-3-%d", classes) }

// corpus is a database of pages. One page in sixty has the word "budget".
type corpus struct {
	testing.TB
	dir       string // with the server's socket
	documents int
	admin     *pgx.Conn
}

// newCorpus starts a server and fills it with pages, and with no index.
func newCorpus(t testing.TB, documents int) *corpus {
	t.Helper()
	c := &corpus{TB: t, dir: database.Start(t).Dir, documents: documents}
	c.admin = c.connect(database.Owner)
	c.run(`create role keeper login; create role app login; grant create on database postgres to keeper`)
	c.run(`create table pages (id text primary key, words tsvector not null); grant select on pages to app`)
	c.run(fmt.Sprintf(`insert into pages select
		format('/srv/department-%%s/project-%%s/report-%%s.docx', i %% 97, i %% 4001, i), to_tsvector('simple', (
			select string_agg('word' || hashint8(i * 31 + g) %% 5000, ' ') from generate_series(1, 40) g)
			|| case when hashint8(i) %% 60 = 0 then ' budget' else '' end)
		from generate_series(1::bigint, %d) i`, documents))
	c.run(`create index on pages using gin (words)`)
	return c
}

func (c *corpus) connect(role string) *pgx.Conn {
	c.Helper()
	conn := check.Must(pgx.Connect(context.Background(), "host="+c.dir+" dbname=postgres user="+role))
	c.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (c *corpus) run(sql string, args ...any) {
	c.Helper()
	check.Require(c, check.Err(c.admin.Exec(context.Background(), sql, args...)), nil, "%s", sql)
}

// fill fills a new index with a document for each page, in three partitions if stored is true. Each document has one
// of twice as many classes as the reader with the most classes, so that this reader may read half of them. It returns
// the application's connection.
func (c *corpus) fill(stored bool) *pgx.Conn {
	c.Helper()
	ctx := context.Background()
	dsn, trees, part := "host="+c.dir+" dbname=postgres user=keeper", []string{"/srv"}, ""
	var sink index.Sink
	var err error
	c.run(`drop schema if exists refmon cascade`)
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
		sink, err = postgres.Open(ctx, dsn, c.TempDir(), 24*time.Hour)
	}
	check.NoError(c, err)
	check.NoError(c, sink.Close())
	classes := readers[len(readers)-1] * 2 * c.documents / 1_000_000
	c.run(fmt.Sprintf(`insert into refmon.documents (id, right_name, tree, class, %[1]sdescriptor, seq, at)
		select format('/srv/department-%%s/project-%%s/report-%%s.docx', i %% 97, i %% 4001, i), 'read',
			(array['%[5]s'])[1 + i %% %[6]d], abs(hashint4(i)) %% %[2]d, %[3]smd5(i::text), i, now()
		from generate_series(1, %[4]d) i`, part, classes,
		strings.ReplaceAll(part, "part", "0"), c.documents, strings.Join(trees, "','"), len(trees)))
	for _, n := range readers {
		own := max(n*c.documents/1_000_000, 1)
		c.run(fmt.Sprintf(`insert into refmon.members select c * %d, '%s' from generate_series(0, %d) c`,
			classes/own, sidOf(n), own-1))
	}
	// Two thousand more people, so that one person is a small part of the table.
	c.run(fmt.Sprintf(`insert into refmon.members select distinct abs(hashint4(c * 7919 + u)) %% %d, 'S-1-5-21-9-' || u
		from generate_series(1, 2000) u, generate_series(1, %d) c`, classes, 100*c.documents/1_000_000+1))
	c.run(`insert into refmon.fence select unnest($1::text[]), 1, now()`, append(trees, "directory"))
	c.run(`vacuum analyze`)
	return c.connect("app")
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

// fullReads returns the names of the relations that the plan reads whole, and of those whose filter first collects all
// classes of the user.
func (p *plan) fullReads() (out []string) {
	if p.Type == "Seq Scan" || p.Relation != "" && strings.Contains(p.Filter, "hashed SubPlan") {
		out = append(out, p.Relation)
	}
	for i := range p.Plans {
		out = append(out, p.Plans[i].fullReads()...)
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
	t.Parallel()
	c := newCorpus(t, 30_000)
	for name, stored := range map[string]bool{"run": false, "partitions": true} {
		t.Run(name, func(t *testing.T) { fewPages(t, c.fill(stored), stored) })
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
		if got := p.Hit + p.Read; got > most || len(p.fullReads()) > 0 {
			t.Errorf("50 ids for a reader of %d classes: %d pages, and all of %q", n, got, p.fullReads())
		}
		p = explain(t, app, sidOf(n), search)
		got := p.Hit + p.Read
		most = 2 * (base.Hit + base.Read)
		t.Logf("%d classes: %d pages, unfiltered %d", n, got, base.Hit+base.Read)
		check.That(t, !slices.ContainsFunc(p.fullReads(), func(s string) bool { return strings.HasPrefix(s, "documents") }),
			"a ranked search for a reader of %d classes reads all documents or all classes", n)
		check.That(t, got <= most, "a ranked search for a reader of %d classes: %d pages, at most %d", n, got, most)
	}
}
