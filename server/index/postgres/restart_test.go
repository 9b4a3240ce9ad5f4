package postgres_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// TestRunSurvivesDatabaseRestart checks that a run survives a restart of its database. Without the database
// there are no heartbeats, so queries fail. Afterwards the database has all changes, and a right
// revoked in between is gone (N-92). The end of the wait is reported (N-122). A document with an overlong path has a
// hash as its id.
func TestRunSurvivesDatabaseRestart(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("files are given to other users by root only")
	}
	server := database.Start(t)
	dsn := "host=" + server.Dir + " dbname=postgres user=" + database.Owner
	h := newHost(t)
	var long []string // random names, because repetitions are compressed
	random := rand.New(rand.NewPCG(1, 2))
	for range 14 {
		name := make([]byte, 240)
		for i := range name {
			name[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[random.IntN(64)]
		}
		long = append(long, string(name))
	}
	h.put("plan", 4001)
	h.put("budget", 4001)
	h.put(filepath.Join(long...), 4001)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	sink, err := postgres.Open(ctx, dsn, h.state, time.Minute)
	check.NoError(t, err)
	waits := make(chan error, 16)
	sink.Warn = func(err error) { waits <- err }
	done := h.run(ctx, sink)
	x, err := index.Open(h.state, time.Hour)
	check.NoError(t, err)
	defer x.Close()
	heartbeat := func() (out time.Time) {
		t.Helper()
		list, err := x.Heartbeats()
		check.NoError(t, err)
		for _, h := range list {
			if out.IsZero() || h.Time.Before(out) {
				out = h.Time
			}
		}
		return out
	}
	ended := func() {
		t.Helper()
		select {
		case err := <-done:
			t.Fatalf("the run has ended: %v", err)
		default:
		}
	}
	found := func() (names []string) {
		t.Helper()
		conn := check.Must(pgx.Connect(t.Context(), dsn))
		defer conn.Close(context.Background())
		rows, err := conn.Query(t.Context(), `select d.id from refmon.documents d join refmon.members m using (class)
			where m.sid = $1 and tree = any (refmon.fresh()) order by 1`, alice)
		check.NoError(t, err)
		if names, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			if names[i] = filepath.Base(name); len(name) == 64 && !strings.Contains(name, "/") {
				names[i] = "hash"
			}
		}
		slices.Sort(names)
		return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(long, n) || n == filepath.Base(h.tree) })
	}
	wait := func(what string, is func() bool) {
		t.Helper()
		check.Eventually(t, func() bool { ended(); return is() }, "%s does not come", what)
	}
	wait("the first answer", func() bool { return slices.Contains(found(), "plan") })
	for round, was := range []int{4001, 4002} {
		server.Stop()
		h.put("plan", 8003-was)
		h.put([]string{"new", "newer"}[round], 4001)
		select {
		case <-waits:
		case err := <-done:
			t.Fatalf("the run has ended: %v", err)
		}
		for len(waits) > 0 {
			<-waits
		}
		before := heartbeat()
		time.Sleep(500 * time.Millisecond)
		ended()
		if now := heartbeat(); now.After(before) {
			t.Errorf("without the database there is a heartbeat of %v, after %v", now, before)
		}
		server.Again()
		want := [][]string{{"budget", "new"}, {"budget", "new", "newer", "plan"}}[round]
		wait("the change of the meantime", func() bool {
			return slices.Equal(slices.DeleteFunc(found(), func(n string) bool { return n == "hash" }), want)
		})
		wait("a heartbeat", func() bool { return heartbeat().After(before) })
		if err := <-waits; !strings.Contains(err.Error(), "connected again") {
			t.Errorf("N-122: after the wait: %v, want that the database is connected again", err)
		}
	}
	if got := found(); !slices.Contains(got, "hash") {
		t.Errorf("alice finds %q, and not the document whose path is long", got)
	}
	stop()
	check.NoError(t, <-done)
}
