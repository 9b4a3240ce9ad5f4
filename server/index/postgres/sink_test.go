package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// application searches pages for users: its role owns the pages, and reads the index.
type application struct {
	t    *testing.T
	conn *pgx.Conn
}

// search returns a user's full-text results; "" is a session without a user.
func (a *application) search(who, text string) string {
	a.t.Helper()
	ctx := a.t.Context()
	tx, err := a.conn.Begin(ctx)
	if err != nil {
		a.t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if who != "" {
		if _, err := tx.Exec(ctx, `select set_config('refmon.sid', $1, true)`, who); err != nil {
			a.t.Fatal(err)
		}
	}
	rows, err := tx.Query(ctx, `select regexp_replace(p.id, '.*/', '') from pages p
		join refmon.documents d on d.id = p.id and d.right_name = 'read'
		where p.words @@ plainto_tsquery('english', $1) order by 1`, text)
	if err != nil {
		a.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.Join(found, " ")
}

const firm = "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 4001}\n" +
	"- {name: bob, sid: S-1-5-21-1-2-3-1108, uid: 4002}\n- {name: carol, sid: S-1-5-21-1-2-3-1109, uid: 4003}\n"

const alice, bob, carol = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1108", "S-1-5-21-1-2-3-1109"

// TestPostgresIndex runs full-text searches of three users on a real database. Each sees only
// documents of their classes, and a revoked right disappears with the next watermark. Without a
// user, and with an old watermark, there are no results, for the owner of the application's tables
// too (N-9).
func TestPostgresIndex(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("files are given to other users by root only")
	}
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user="
	ctx := t.Context()
	admin, err := pgx.Connect(ctx, dsn+database.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	tree, state, dir := t.TempDir(), filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "firm.yaml")
	put := func(name string, uid int) {
		t.Helper()
		path := filepath.Join(tree, name)
		err := errors.Join(os.WriteFile(path, []byte("the budget of "+name), 0o600), os.Chown(path, uid, 0))
		if err != nil {
			t.Fatal(err)
		}
	}
	put("plan", 4001)
	put("offer", 4002)
	put("lunch", 4001)
	err = errors.Join(os.WriteFile(dir, []byte(firm), 0o600), os.Chmod(filepath.Join(tree, "lunch"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	const setup = `create role keeper login; create role app login; grant create on database postgres to keeper;
		create table pages (id text primary key, words tsvector); alter table pages owner to app`
	if _, err := admin.Exec(ctx, setup); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plan", "offer", "lunch"} {
		if _, err := admin.Exec(ctx, `insert into pages values ($1, to_tsvector('english', $2))`,
			filepath.Join(tree, name), "the budget of "+name); err != nil {
			t.Fatal(err)
		}
	}
	sink, err := postgres.Open(ctx, dsn+"keeper", state, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- index.Run(run, index.Config{Trees: []string{tree}, Directory: dir, Rights: "read", State: state,
			NoEvents: true, Every: 20 * time.Millisecond, Beat: 20 * time.Millisecond, Sinks: []index.Sink{sink},
			Ready: func() { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, dsn+"app")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	app := &application{t, conn}
	want := func(who, found string) {
		t.Helper()
		if got := app.search(who, "budget"); got != found {
			t.Errorf("%s finds %q, want %q", who, got, found)
		}
	}
	want(alice, "lunch plan")
	want(bob, "lunch offer")
	want(carol, "lunch")
	want("", "")
	want("S-1-5-21-1-2-3-9999", "")

	if err := os.Chown(filepath.Join(tree, "plan"), 4003, 0); err != nil {
		t.Fatal(err)
	}
	for present := time.Now(); ; { // until the watermark is later than now
		var at time.Time
		if err := admin.QueryRow(ctx, `select at from refmon.fence where source = $1`, tree).Scan(&at); err != nil {
			t.Fatal(err)
		}
		if at.After(present) {
			break
		}
	}
	want(alice, "lunch")
	want(carol, "lunch plan")

	for _, sql := range []string{`select * from refmon.members`, `select * from refmon.fence`,
		`update refmon.documents set class = 'x'`, `delete from refmon.documents`, `truncate refmon.documents`} {
		if _, err := conn.Exec(ctx, sql); err == nil {
			t.Errorf("the application may %s", sql)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want(alice, "lunch") // as long as the limit is not over
	for _, sql := range []string{`update refmon.fence set at = at - interval '1 minute' where source = 'directory'`,
		`update refmon.fence set at = at + interval '2 minutes' where source = 'directory'`,
		`delete from refmon.fence where source = 'directory'`} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
		want(alice, "")
	}
}
