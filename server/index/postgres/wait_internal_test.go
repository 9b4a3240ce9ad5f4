package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	database "github.com/refmon/refmon/internal/test/postgres"

	"github.com/refmon/refmon/internal/test/check"
)

// TestPostgresBatchResendsAfterReconnect sends a batch on one connection and again on the next one, as after a
// connection that broke before the database confirmed the transaction (N-92).
func TestPostgresBatchResendsAfterReconnect(t *testing.T) {
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	s, err := Open(t.Context(), dsn, t.TempDir(), time.Minute)
	check.NoError(t, err)
	defer s.Close()
	b := &pgx.Batch{}
	b.Queue(`update refmon.state set directory = $1`, "v")
	for range 2 {
		check.NoError(t, s.send(b))
		check.NoError(t, s.conn.Close(t.Context()))
	}
}
