package postgres_test

import (
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
	check.NoError(t, s.Close())
}
