package postgres_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
	"github.com/refmon/refmon/server/watch"
)

// application searches pages for users. Its database role owns the pages and may read the index.
type application struct {
	t    *testing.T
	conn *pgx.Conn
}

// search returns a user's full-text results; "" is a session without a user.
func (a *application) search(who, text string) string {
	a.t.Helper()
	ctx := a.t.Context()
	tx, err := a.conn.Begin(ctx)
	check.NoError(a.t, err)
	defer tx.Rollback(ctx)
	if who != "" {
		check.NoError(a.t, check.Err(tx.Exec(ctx, `select set_config('refmon.sid', $1, true)`, who)))
	}
	rows, err := tx.Query(ctx, `select regexp_replace(p.id, '.*/', '') from pages p
		join refmon.documents d on d.id = p.id and d.right_name = 'read'
		where p.words @@ plainto_tsquery('english', $1) order by 1`, text)
	check.NoError(a.t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check.NoError(a.t, err)
	return strings.Join(found, " ")
}

// queryAs queries one row as a user.
func (a *application) queryAs(who, sql string, args ...any) pgx.Row {
	a.t.Helper()
	check.NoError(a.t, check.Err(a.conn.Exec(a.t.Context(), `select set_config('refmon.sid', $1, false)`, who)))
	return a.conn.QueryRow(a.t.Context(), sql, args...)
}

const firm = "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 4001}\n" +
	"- {name: bob, sid: S-1-5-21-1-2-3-1108, uid: 4002}\n- {name: carol, sid: S-1-5-21-1-2-3-1109, uid: 4003}\n"

const alice, bob, carol = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1108", "S-1-5-21-1-2-3-1109"

// host is a file server with a tree and the directory firm.
type host struct {
	*testing.T
	tree, state, dir string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t, t.TempDir(), filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "firm.yaml")}
	check.NoError(t, os.WriteFile(h.dir, []byte(firm), 0o600))
	return h
}

// put writes a file of the tree that a user owns.
func (h *host) put(name string, uid int) {
	h.Helper()
	path := filepath.Join(h.tree, name)
	check.NoError(h, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600),
		os.Chown(path, uid, 0)))
}

// run starts a run and waits until it is ready. done gets its error.
func (h *host) run(ctx context.Context, sink index.Sink) (done chan error) {
	h.Helper()
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- index.Run(ctx, index.Config{Trees: []string{h.tree}, Directory: h.dir, Rights: "read", State: h.state,
			NoEvents: true, Every: 20 * time.Millisecond, Beat: 20 * time.Millisecond, Sinks: []index.Sink{sink},
			Ready: func() { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-done:
		h.Fatalf("the run has ended: %v", err)
	}
	return done
}

// TestPostgresRowsFollowRevocation runs full-text searches of three users on a real database. Each sees only
// documents of their classes, and a revoked right disappears with the next watermark. Without a
// user, and with an old watermark, there are no results, for the owner of the application's tables
// too (N-9).
func TestPostgresRowsFollowRevocation(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("files are given to other users by root only")
	}
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user="
	ctx := t.Context()
	admin := check.Must(pgx.Connect(ctx, dsn+database.Owner))
	defer admin.Close(context.Background())
	h := newHost(t)
	h.put("plan", 4001)
	h.put("offer", 4002)
	h.put("lunch", 4001)
	check.NoError(t, os.Chmod(filepath.Join(h.tree, "lunch"), 0o644))
	const setup = `create role keeper login; create role app login; grant create on database postgres to keeper;
		create table pages (id text primary key, words tsvector); alter table pages owner to app`
	check.NoError(t, check.Err(admin.Exec(ctx, setup)))
	for _, name := range []string{"plan", "offer", "lunch"} {
		check.NoError(t, check.Err(admin.Exec(ctx, `insert into pages values ($1, to_tsvector('english', $2))`,
			filepath.Join(h.tree, name), "the budget of "+name)))
	}
	sink, err := postgres.Open(ctx, dsn+"keeper", h.state, 30*time.Second)
	check.NoError(t, err)
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := h.run(run, sink)
	conn, err := pgx.Connect(ctx, dsn+"app")
	check.NoError(t, err)
	defer conn.Close(context.Background())
	app := &application{t, conn}
	want := func(who, found string) {
		t.Helper()
		check.Equal(t, app.search(who, "budget"), found, "%s finds", who)
	}
	want(alice, "lunch plan")
	want(bob, "lunch offer")
	want(carol, "lunch")
	want("", "")
	want("S-1-5-21-1-2-3-9999", "")
	for sid, want := range map[string]int{"": 0, bob: 3} { // classes of "offer", "lunch" and the tree (N-102)
		var own, all int
		err := app.queryAs(sid, `select count(*) filter (where sid = $1), count(*) from refmon.members`, sid).Scan(&own, &all)
		check.That(t, err == nil && own == want && all == want,
			"a session of %q reads %d members, %d of its user, want %d: %v", sid, all, own, want, err)
	}

	check.NoError(t, os.Chown(filepath.Join(h.tree, "plan"), 4003, 0))
	for present := time.Now(); ; { // until the watermark is later than now
		var at time.Time
		check.NoError(t, admin.QueryRow(ctx, `select at from refmon.fence where source = $1`, h.tree).Scan(&at))
		if at.After(present) {
			break
		}
	}
	want(alice, "lunch")
	want(carol, "lunch plan")

	for _, sql := range []string{`select * from refmon.fence`,
		`update refmon.documents set class = 1`, `delete from refmon.documents`, `truncate refmon.documents`} {
		check.That(t, check.Err(conn.Exec(ctx, sql)) != nil, "the application may %s", sql)
	}
	stop()
	check.NoError(t, <-done)
	want(alice, "lunch") // within the limit
	for _, sql := range []string{`update refmon.fence set at = at - interval '1 minute' where source = 'directory'`,
		`update refmon.fence set at = at + interval '2 minutes' where source = 'directory'`,
		`delete from refmon.fence where source = 'directory'`} {
		check.NoError(t, check.Err(admin.Exec(ctx, sql)))
		want(alice, "")
	}
}

// TestVersionWithoutChangesReachesDatabase checks that the database has the version of a directory that changes no
// member.
func TestVersionWithoutChangesReachesDatabase(t *testing.T) {
	t.Parallel()
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	sink, err := postgres.Open(t.Context(), dsn, t.TempDir(), time.Minute)
	check.NoError(t, err)
	defer sink.Close()
	if _, err := postgres.Open(t.Context(), dsn, t.TempDir(), time.Minute); err == nil ||
		!strings.Contains(err.Error(), "another refmon-index writes to this database") {
		t.Errorf("N-10: a second run: %v, want an error", err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	check.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	start := &index.StartEvent{Format: 1, Index: "x", Rights: []string{"read"}}
	for _, e := range []index.Event{{Seq: 1, Start: start}, {Seq: 2, Directory: "v1"}, {Seq: 3, Directory: "v2"}} {
		check.NoError(t, sink.Write([]index.Event{e}))
		var got string
		err := conn.QueryRow(t.Context(), `select directory from refmon.state`).Scan(&got)
		check.That(t, err == nil && got == e.Directory,
			"event %d: the database has version %q, %v, want %q", e.Seq, got, err, e.Directory)
	}
}

// TestForgottenClassHasNoMembers checks that a class that a compaction or an event drops has no members in the
// database. It gets its number and only its present members when a document needs it again (N-22, N-103, N-148).
func TestForgottenClassHasNoMembers(t *testing.T) {
	t.Parallel()
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	ctx, stop := context.WithCancel(t.Context())
	sink, err := postgres.Open(ctx, dsn, t.TempDir(), time.Minute)
	check.NoError(t, err)
	defer sink.Close()
	conn, err := pgx.Connect(t.Context(), dsn)
	check.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	w := check.Must(index.Question{Rights: check.Must(words.Parse("read"))}.Worker(nil))
	people := func(text string) {
		t.Helper()
		check.NoError(t, w.Directory(check.Must(dirfile.Read([]byte(text))), text, 1))
	}
	put := func(text string) {
		t.Helper()
		check.NoError(t, w.Batch(&watch.Batch{Tree: "/t", Seen: []watch.Seen{
			{Path: "/t/plan", Descriptor: sddl.MustParse("O:SYG:SYD:" + text)}}}))
	}
	class := "" // of the document
	want := func(what, members string) {
		t.Helper()
		events := w.Take()
		for _, e := range events {
			if e.Row != nil {
				class = e.Row.Classes[0]
			}
		}
		check.NoError(t, sink.Write(events))
		var got string
		check.NoError(t, conn.QueryRow(t.Context(), `select coalesce(string_agg(class || ' ' || right(sid, 4), ', '
			order by class, sid), '') from refmon.members`).Scan(&got))
		check.Equal(t, got, members, "%s: members of classes", what)
	}
	const both, one = "(A;;FR;;;" + alice + ")(A;;FR;;;" + bob + ")", "(A;;FR;;;" + carol + ")"
	people(firm)
	put(both)
	want("at the start", "1 1107, 1 1108")
	put(one)
	want("with another descriptor", "1 1107, 1 1108, 2 1109")
	check.NoError(t, check.Err(w.Compact(false)))
	check.NoError(t, sink.Compacted())
	want("after a compaction", "2 1109")
	people(strings.ReplaceAll(firm, "1108", "1110")) // bob is another person
	put(both)
	want("with the first descriptor again", "1 1107, 2 1109")
	check.NoError(t, w.DropClasses(func(id string) bool { return id == class }))
	want("after the log of a cluster has dropped a class", "1 1107")
	put(one)
	want("with the second descriptor again", "1 1107, 2 1109")
	check.NoError(t, check.Err(w.Compact(false)))
	stop()
	check.ErrorIs(t, sink.Compacted(), context.Canceled, "a compaction after the end of the run")
}

// TestDatabaseKeepsPaths checks that a database is refused in whose encoding the application's paths are other texts,
// and that no table is created in it.
func TestDatabaseKeepsPaths(t *testing.T) {
	t.Parallel()
	at := "host=" + database.Start(t).Dir + " user=" + database.Owner + " dbname="
	admin, err := pgx.Connect(t.Context(), at+"postgres")
	check.NoError(t, err)
	defer admin.Close(context.WithoutCancel(t.Context()))
	for encoding, refused := range map[string]bool{"UTF8": false, "SQL_ASCII": false, "LATIN1": true} {
		check.NoError(t, check.Err(admin.Exec(t.Context(), `create database "`+encoding+`" encoding '`+encoding+
			`' lc_collate 'C' lc_ctype 'C' template template0`)))
		sink, err := postgres.Open(t.Context(), at+encoding, t.TempDir(), time.Minute)
		if !refused {
			check.NoError(t, err)
			check.NoError(t, sink.Close())
			continue
		}
		check.That(t, err != nil && strings.Contains(err.Error(), `database "LATIN1" has the encoding LATIN1`),
			"%s: %v, want an error that names the database and its encoding", encoding, err)
		conn, err := pgx.Connect(t.Context(), at+encoding)
		check.NoError(t, err)
		var schema *string
		err = conn.QueryRow(t.Context(), `select to_regnamespace('refmon')::text`).Scan(&schema)
		check.That(t, err == nil && schema == nil, "%s: the schema refmon is there, %v", encoding, err)
		check.NoError(t, conn.Close(t.Context()))
	}
}

// TestDatabaseOfOtherKindIsRefused checks that a sink of an index with a folder refuses the database of a store without
// a folder, and that the store refuses the database of such a sink.
func TestDatabaseOfOtherKindIsRefused(t *testing.T) {
	t.Parallel()
	at := "host=" + database.Start(t).Dir + " user=" + database.Owner + " dbname="
	kinds := map[string]func(dsn string) (io.Closer, error){
		"sink":  func(at string) (io.Closer, error) { return postgres.Open(t.Context(), at, t.TempDir(), time.Minute) },
		"store": func(at string) (io.Closer, error) { return postgres.OpenStore(t.Context(), at, time.Minute) },
	}
	admin, err := pgx.Connect(t.Context(), at+"postgres")
	check.NoError(t, err)
	defer admin.Close(context.WithoutCancel(t.Context()))
	for first, open := range kinds {
		check.NoError(t, check.Err(admin.Exec(t.Context(), `create database `+first)))
		for range 2 {
			check.NoError(t, check.Must(open(at+first)).Close())
			for then, other := range kinds {
				if then == first {
					continue
				}
				_, err := other(at + first)
				check.That(t, err != nil && strings.Contains(err.Error(), "belongs to an index of the other kind"),
					"a %s in the database of a %s: %v, want an error", then, first, err)
			}
		}
	}
}

// TestRestartWritesOnlyDifferences checks that a run that starts again leaves the rows of unchanged documents alone,
// writes changed ones, deletes those of documents that are gone, and keeps the numbers of classes (N-103).
func TestRestartWritesOnlyDifferences(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("files are given to other users by root only")
	}
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	ctx := t.Context()
	h := newHost(t)
	db, err := pgx.Connect(ctx, dsn)
	check.NoError(t, err)
	defer db.Close(context.Background())
	run := func() {
		t.Helper()
		sink, err := postgres.Open(ctx, dsn, h.state, time.Minute)
		check.NoError(t, err)
		var n int
		check.NoError(t, db.QueryRow(ctx, `select count(*) from refmon.fence`).Scan(&n))
		check.Equal(t, n, 0, "watermarks of the earlier run")
		inner, stop := context.WithCancel(ctx)
		defer stop()
		err = index.Run(inner, index.Config{Trees: []string{h.tree}, Directory: h.dir, Rights: "read", State: h.state,
			Sinks: []index.Sink{sink}, NoEvents: true, Every: time.Hour, Beat: 20 * time.Millisecond, Ready: stop})
		check.NoError(t, err)
	}
	// versions returns the transaction that wrote each row, by the last element of the path; the tree has a row too.
	versions := func(sql string) map[string]string {
		t.Helper()
		out := map[string]string{}
		rows, err := db.Query(ctx, sql)
		check.NoError(t, err)
		var key, version string
		if _, err = pgx.ForEachRow(rows, []any{&key, &version}, func() error { out[key] = version; return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	const documents = `select regexp_replace(id, '.*/', ''), xmin::text from refmon.documents`
	const classes = `select name, class::text from refmon.classes`
	h.put("same", 4001)
	h.put("changed", 4001)
	h.put("gone", 4002)
	run()
	// The classes are read in another order than that of their numbers.
	_, err = db.Exec(ctx, `update refmon.classes set name = name where class = 1`)
	check.NoError(t, err)
	before, numbers := versions(documents), versions(classes)
	h.put("new", 4003)
	h.put("changed", 4002)
	check.NoError(t, os.Remove(filepath.Join(h.tree, "gone")))
	run()
	after := versions(documents)
	check.That(t, len(before) == 4 && before["same"] != "" && after["same"] == before["same"],
		"the row of an unchanged document was written: %v, then %v", before, after)
	check.That(t, after["changed"] != before["changed"] && after["new"] != "" && after["gone"] == "",
		"rows after the changes: %v, before: %v", after, before)
	third := versions(classes)
	for name, n := range numbers {
		check.That(t, third[name] == n, "class %s had the number %s, has %q", name, n, third[name])
	}
	same := versions(`select class || sid, xmin::text from refmon.members`)
	// A user whom another program adds to each class is removed again.
	_, err = db.Exec(ctx, `insert into refmon.members select class, $1 from refmon.classes
		except select class, sid from refmon.members`, alice)
	check.NoError(t, err)
	// An open transaction of a reader delays no start, also after a change of the role's search path.
	_, err = db.Exec(ctx, `alter role `+database.Owner+` set lock_timeout = '5s';
		alter role `+database.Owner+` set search_path = refmon, public`)
	check.NoError(t, err)
	reader := check.Must(pgx.Connect(ctx, dsn))
	defer reader.Close(context.WithoutCancel(ctx))
	read := func() (open pgx.Tx) {
		t.Helper()
		open, err := reader.Begin(ctx)
		check.NoError(t, err)
		for _, sql := range []string{`select refmon.fresh()`, `table refmon.documents`, `table refmon.members`} {
			check.NoError(t, check.Err(open.Exec(ctx, sql)))
		}
		return open
	}
	open := read()
	run()
	if got := versions(documents); !maps.Equal(got, after) {
		t.Errorf("a start without changes writes rows: %v, then %v", after, got)
	}
	if got := versions(`select class || sid, xmin::text from refmon.members`); !maps.Equal(got, same) {
		t.Errorf("a start without changes writes members: %v, then %v", same, got)
	}
	check.NoError(t, open.Rollback(ctx))
	// A start repairs definitions that another program has changed. That waits for readers, and not for ever.
	check.NoError(t, check.Err(db.Exec(ctx, `alter table refmon.documents no force row level security;
		alter policy reader on refmon.documents using (true); drop function refmon.few; drop index refmon.documents_class;
		create index documents_class on refmon.documents (at);
		create policy leak on refmon.documents for select to public using (true);
		create policy "a "" leak" on refmon.members for select to public using (true)`)))
	open = read()
	_, err = postgres.Open(ctx, dsn, h.state, time.Minute)
	check.That(t, err != nil && strings.Contains(err.Error(), "a transaction that has read them is open"),
		"a start that must repair tables which a transaction has read: %v", err)
	check.NoError(t, open.Rollback(ctx))
	compactLog(t, h.state)
	run()
	var repaired bool
	check.NoError(t, db.QueryRow(ctx, `select relforcerowsecurity and to_regproc('refmon.few') is not null
		and pg_get_indexdef('refmon.documents_class'::regclass) like '%(class)'
		and (select count(*) = 4 from pg_policies where schemaname = 'refmon')
		and (select qual like '%fresh%' from pg_policies where schemaname = 'refmon' and policyname = 'reader')
		from pg_class where oid = 'refmon.documents'::regclass`).Scan(&repaired))
	check.That(t, repaired, "a start does not restore policies, function and index")
	if got := versions(documents); !maps.Equal(got, after) {
		t.Errorf("a start after a compaction writes rows: %v, then %v", after, got)
	}
	const oid = `select 'oid', 'refmon.documents_class'::regclass::oid::text`
	same = versions(oid)
	check.NoError(t, check.Err(db.Exec(ctx, `drop policy reader on refmon.documents;
		create policy leak on refmon.members for select to public using (true)`)))
	// A search that begins while the start waits for a reader gets its rows when the reader ends.
	open = read()
	searched := make(chan error, 1)
	go func() {
		searcher, observer := check.Must(pgx.Connect(ctx, dsn)), check.Must(pgx.Connect(ctx, dsn))
		defer searcher.Close(context.WithoutCancel(ctx))
		defer observer.Close(context.WithoutCancel(ctx))
		await := func(waiting int) {
			for n := 0; n < waiting && ctx.Err() == nil; {
				_ = observer.QueryRow(ctx, `select count(*) from pg_locks where not granted`).Scan(&n)
			}
		}
		await(1)
		found := make(chan error, 1)
		go func() {
			found <- check.Err(searcher.Exec(ctx, `select count(*) from refmon.documents join refmon.members using (class)`))
		}()
		await(2)
		searched <- errors.Join(open.Rollback(ctx), <-found)
	}()
	run()
	check.NoError(t, <-searched)
	check.That(t, maps.Equal(versions(oid), same), "a start that restores a policy creates the index again")
}

// compactLog adds events without an effect to the log of an index, and then compacts it.
func compactLog(t *testing.T, state string) {
	t.Helper()
	q := index.Question{Rights: check.Must(words.Parse("read"))}
	for range 2 {
		log, s, err := index.OpenLog(state)
		check.NoError(t, err)
		m := check.Must(q.Merge(s, 1))
		var events []index.Event
		for seq := m.Watermark(nil).Seq; len(events) < 100; {
			seq++
			events = append(events, index.Event{Seq: seq, Directory: "v"})
		}
		check.NoError(t, log.Compact(m, 1, nil))
		check.NoError(t, errors.Join(log.Write(events), log.Close()))
	}
}
