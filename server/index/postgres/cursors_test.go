package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// TestStoreNoticesOlderDatabase checks that a store fails if the database it reconnects to has lost a transaction that
// was confirmed, such as a standby that was promoted, and that the next store reads the lost rows again (N-130).
func TestStoreNoticesOlderDatabase(t *testing.T) {
	t.Parallel()
	server, seed := database.Start(t), uint64(7)
	dsn := "host=" + server.Dir + " dbname=postgres user=" + database.Owner
	s, err := postgres.OpenStore(t.Context(), dsn, time.Minute)
	check.NoError(t, err)
	admin := check.Must(pgx.Connect(t.Context(), dsn))
	defer admin.Close(t.Context())
	run := func(sql string) {
		t.Helper()
		_, err := admin.Exec(t.Context(), sql)
		check.NoError(t, err)
	}
	check.NoError(t, writeRows(s, seed, 3, func(uint64) {}))
	run(`create table older as select * from refmon.documents; create table before as select * from refmon.cursors`)
	check.NoError(t, writeRows(s, seed, 5, func(uint64) {}))
	const disconnect = `select pg_terminate_backend(pid) from pg_stat_activity
		where pid <> pg_backend_pid() and backend_type = 'client backend'`
	b := index.NewRowBatch([]string{"read"}, func(string) bool { return true }, index.Cursor{Message: 5, ID: "5"})
	run(`update refmon.cursors set message = 5, id = '5', generation = 0, seq = 0;` + disconnect)
	check.NoError(t, s.Apply(rowPart, b)) // the database has it already, as after a lost confirmation
	run(`delete from refmon.documents; insert into refmon.documents select * from older;
		delete from refmon.cursors; insert into refmon.cursors select * from before;` + disconnect)
	if err := s.Apply(rowPart, b); err == nil || !strings.Contains(err.Error(), "lost transactions") {
		t.Errorf("%v: want an error about lost transactions", err)
	}
	check.NoError(t, s.Close())
	s, err = postgres.OpenStore(t.Context(), dsn, time.Minute)
	check.NoError(t, err)
	check.NoError(t, writeRows(s, seed, 5, func(uint64) {}))
	check.Equal(t, compareRows(t, admin, seed), 5, "the cursor")
	piece := b.Next()
	piece.Restart()
	check.NoError(t, s.Apply(rowPart, piece))
	run(disconnect)
	check.ErrorIs(t, s.Apply(rowPart, piece.Next()), index.ErrReload, "N-130: a snapshot whose first piece was lost")
	check.NoError(t, s.Close())
	s, err = postgres.OpenStore(t.Context(), dsn, time.Minute)
	check.NoError(t, errors.Join(err, s.Begin("q", []index.StoredPart{rowPart}), check.Err(s.Cursor(rowPart))))
	run(`delete from refmon.cursors;` + disconnect)
	if err := s.Apply(rowPart, b); err == nil || !strings.Contains(err.Error(), "lost transactions") {
		t.Errorf("%v: want an error about a cursor that was only read", err)
	}
	check.NoError(t, s.Close())
}

// TestPartsOfTreeKeepTheirRows checks that a snapshot of a part leaves the rows of the tree's other parts, and that a
// part that was forgotten, or that the site no longer has, has no cursor.
func TestPartsOfTreeKeepTheirRows(t *testing.T) {
	t.Parallel()
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	s := check.Must(postgres.AwaitStore(t.Context(), dsn, time.Minute, func(error) {}))
	other := index.StoredPart{Name: "other", Tree: rowPart.Tree, Number: rowPart.Number + 1}
	apply := func(p index.StoredPart, snapshot bool, events ...index.Event) {
		t.Helper()
		b := index.NewRowBatch([]string{"read"}, func(string) bool { return true }, index.Cursor{})
		if b.Cursor.Message, b.Cursor.ID = 1, "1"; snapshot {
			b.Restart()
		}
		start := index.Event{Start: &index.StartEvent{Format: 1, Index: "i", Rights: []string{"read"}}}
		for i, e := range append([]index.Event{start, {Class: &index.ClassEvent{ID: "c"}}}, events...) {
			e.Seq, e.Time = uint64(i+1), 1
			check.NoError(t, b.Add(&e))
		}
		b.End = snapshot
		check.NoError(t, s.Apply(p, b))
	}
	row := index.Event{Row: &index.RowEvent{Path: other.Tree + "/f", Tree: other.Tree, Classes: []string{"c"}}}
	check.NoError(t, s.Begin("q", []index.StoredPart{rowPart, other}))
	apply(other, false, row)
	apply(rowPart, true)
	conn, n := check.Must(pgx.Connect(t.Context(), dsn)), 0
	defer conn.Close(t.Context())
	check.NoError(t, conn.QueryRow(t.Context(), `select count(*) from refmon.documents`).Scan(&n))
	check.Equal(t, n, 1, "rows of the other part after an empty snapshot")
	check.NoError(t, s.Forget(other))
	check.Equal(t, check.Must(s.Cursor(other)), index.Cursor{}, "the cursor of a part that was forgotten")
	apply(other, false, row)
	check.NoError(t, s.Begin("q", []index.StoredPart{rowPart}))
	check.Equal(t, check.Must(s.Cursor(other)), index.Cursor{}, "the cursor of a part that the site no longer has")
	check.NoError(t, s.Write([]index.Event{{Seq: 1, Start: &index.StartEvent{Format: 1, Rights: []string{"read"}}},
		{Seq: 2, Person: &index.PersonEvent{SID: "S-1-5-21-1-2-3-1107", Name: "alice"}},
		{Seq: 3, Class: &index.ClassEvent{ID: "c", Version: "v", Members: "0"}}}))
	known := &index.Watermark{Sources: map[string]index.Moment{"directory": {Time: time.Now()}}}
	check.NoError(t, check.Err(conn.Exec(t.Context(), `alter table refmon.members rename to moved`)))
	check.That(t, s.SetWatermark(known) != nil, "a watermark without the table of members succeeds")
	check.NoError(t, check.Err(conn.Exec(t.Context(), `alter table refmon.moved rename to members`)))
	check.NoError(t, s.SetWatermark(known)) // it tries again
	check.NoError(t, conn.QueryRow(t.Context(), `select count(*) from refmon.members`).Scan(&n))
	check.Equal(t, n, 1, "members after a failed watermark")
	// A new tree waits for a transaction that has read the tables, and not for ever.
	open, err := conn.Begin(t.Context())
	check.NoError(t, errors.Join(err, check.Err(open.Exec(t.Context(), `table refmon.documents`))))
	err = s.Begin("q", []index.StoredPart{rowPart, {Name: "new", Tree: "/new"}})
	check.That(t, err != nil && strings.Contains(err.Error(), "a transaction that has read them is open"),
		"another tree while a transaction has read the tables: %v", err)
	check.NoError(t, s.Begin("q", []index.StoredPart{rowPart}))
	check.NoError(t, open.Rollback(t.Context()))
	check.NoError(t, s.Close())
}
