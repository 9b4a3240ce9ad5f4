package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/server/index"
)

// TestPostgresBatchResendsAfterReconnect sends a batch on one connection and again on the next one, as after a
// connection that broke before the database confirmed the transaction. An error of the repetition that no restart
// resolves ends the wait (N-92).
func TestPostgresBatchResendsAfterReconnect(t *testing.T) {
	t.Parallel()
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s, err := Open(ctx, dsn, t.TempDir(), time.Minute)
	check.NoError(t, err)
	defer s.Close()
	b := &pgx.Batch{}
	b.Queue(`update refmon.state set directory = $1`, "v")
	for range 2 {
		check.NoError(t, s.send(b))
		var n int
		check.NoError(t, s.conn.QueryRow(ctx, `select count(*) from pg_settings where source = 'session' and name in
			('tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'tcp_user_timeout')`).Scan(&n))
		check.Equal(t, n, 4, "N-10: settings by which the database ends the connection of a dead machine")
		check.NoError(t, s.conn.Close(t.Context()))
	}
	calls := 0
	err = s.transact(func(pgx.Tx) error {
		if calls++; calls == 2 {
			stop() // otherwise transact would wait for ten minutes
		}
		return index.ErrReload
	})
	check.ErrorIs(t, err, index.ErrReload, "N-92: a final error after the reconnection")
	check.Equal(t, calls, 1, "N-92: calls that return a final error")
}
