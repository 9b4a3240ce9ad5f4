package postgres_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/server/index/postgres"
)

// TestAwaitOpensOnceDatabaseStarts opens a sink while its database is stopped. It waits with one line, opens when the
// database has started, and does not wait for a database that refuses it (N-122).
func TestAwaitOpensOnceDatabaseStarts(t *testing.T) {
	t.Parallel()
	server := database.Start(t)
	dsn := "host=" + server.Dir + " dbname=postgres user=" + database.Owner
	server.Stop()
	warned := make(chan error, 16)
	done := make(chan error, 1)
	go func() {
		s, err := postgres.Await(t.Context(), dsn, filepath.Join(t.TempDir(), "state"), time.Minute,
			func(err error) { warned <- err })
		if err == nil {
			err = s.Close()
		}
		done <- err
	}()
	if err := <-warned; !strings.Contains(err.Error(), "wait for the database") {
		t.Errorf("N-122: the first line is %q, want that it waits", err)
	}
	time.Sleep(time.Second) // several attempts
	server.Again()
	check.NoError(t, <-done)
	if err := <-warned; len(warned) > 0 || !strings.Contains(err.Error(), "has started") {
		t.Errorf("N-122: the next line is %q and %d more follow, want only that the database has started", err, len(warned))
	}
	never := strings.Replace(dsn, "dbname=postgres", "dbname=none", 1)
	check.That(t, check.Err(postgres.Await(t.Context(), never, t.TempDir(), time.Minute, nil)) != nil,
		"N-122: a database that does not exist was opened")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	check.ErrorIs(t, check.Err(postgres.Await(ctx, dsn, t.TempDir(), time.Minute, nil)), context.Canceled,
		"N-122: after an interruption")
}
