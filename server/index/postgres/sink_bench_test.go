package postgres_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
)

// BenchmarkSearch compares a ranked search of 1,000,000 documents, as docs/search.md has it, with the same search
// without a filter, and asks for 50 ids. It alternates both and reports the medians' ratio ("x-unfiltered", goal 2)
// and the time for 50 ids (goal 3 ms) for users with 3, 300 and 30,000 classes. REFMON_DOCUMENTS sets another number.
func BenchmarkSearch(b *testing.B) {
	documents := 1_000_000
	if s := os.Getenv("REFMON_DOCUMENTS"); s != "" {
		n, err := strconv.Atoi(s)
		check.NoError(b, err)
		documents = n
	} else if testing.Short() {
		documents = 60_000
	}
	app, ctx := newCorpus(b, documents).fill(false), context.Background()
	search := documented(b, "with me as materialized")
	rows, err := app.Query(ctx, `select id from pages order by hashtext(id) limit 50`)
	check.NoError(b, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check.NoError(b, err)
	ask := func(sid, sql string, args ...any) time.Duration {
		check.NoError(b, check.Err(app.Exec(ctx, `select set_config('refmon.sid', $1, false)`, sid)))
		begin := time.Now()
		rows, err := app.Query(ctx, sql, args...)
		if err == nil {
			_, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		check.NoError(b, err)
		return time.Since(begin)
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2])
	}
	for _, n := range readers {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var base, ranked, some []time.Duration
			ask(sidOf(n), unfiltered)
			ask(sidOf(n), search)
			for range max(b.N, 5) {
				base = append(base, ask(sidOf(n), unfiltered))
				ranked = append(ranked, ask(sidOf(n), search))
				some = append(some, ask(sidOf(n), fifty, ids))
			}
			b.ReportMetric(median(ranked)/median(base), "x-unfiltered")
			b.ReportMetric(median(base)/1e6, "unfiltered-ms")
			b.ReportMetric(median(some)/1e6, "50-ids-ms")
		})
	}
}
