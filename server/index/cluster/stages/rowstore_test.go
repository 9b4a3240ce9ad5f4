package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	database "github.com/refmon/refmon/server/index/postgres"
	"github.com/refmon/refmon/server/watch"
)

// countingStore counts the snapshots and the parts that a store had to drop.
type countingStore struct {
	*database.Store
	snapshots, dropped *atomic.Int64
}

func (s countingStore) Apply(p index.StoredPart, b *index.RowBatch) error {
	if b.End {
		s.snapshots.Add(1)
	}
	return s.Store.Apply(p, b)
}

func (s countingStore) Forget(p index.StoredPart) error {
	s.dropped.Add(1)
	return s.Store.Forget(p)
}

// storeBench is a site whose follower has its rows in a database.
type storeBench struct {
	*openSite
	server             postgres.Server
	dsn                string
	snapshots, dropped atomic.Int64
}

const storeLimit = 2 * time.Second

func (b *storeBench) follow() (stop func()) {
	b.t.Helper()
	return b.run(site.Follow, func(ctx context.Context, c *Conn) error {
		s, err := database.OpenStore(ctx, b.dsn, storeLimit)
		for err != nil && ctx.Err() == nil { // the database may be starting
			time.Sleep(20 * time.Millisecond)
			s, err = database.OpenStore(ctx, b.dsn, storeLimit)
		}
		if err != nil {
			return nil
		}
		return Follow(ctx, c, FollowConfig{Rows: countingStore{s, &b.snapshots, &b.dropped}, Beat: heartbeatInterval})
	})
}

// visible returns the documents that the row policy shows to each person, by SID.
func (b *storeBench) visible(people ...string) map[string]string {
	b.t.Helper()
	ctx := b.t.Context()
	conn, err := pgx.Connect(ctx, b.dsn[:len(b.dsn)-len(postgres.Owner)]+"app")
	if err != nil {
		return nil // it restarts
	}
	defer conn.Close(context.Background())
	out := map[string]string{}
	for _, who := range people {
		rows, err := conn.Query(ctx, `with me as (select set_config('refmon.sid', $1, false))
			select d.id from me, lateral (select id, right_name from refmon.documents where me.set_config <> '') d
			where d.right_name = 'read' order by 1`, who)
		var list []string
		if err == nil {
			list, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil { // it restarts, or has no tables yet
			return nil
		}
		slices.Sort(list)
		out[who] = fmt.Sprint(list)
	}
	return out
}

const aliceSID, bobSID = "S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1108"

// expected returns the documents that each person may read by a new run on one machine.
func (b *storeBench) expected() map[string]string {
	b.t.Helper()
	state := filepath.Join(b.t.TempDir(), "fresh")
	ctx, stop := context.WithCancel(b.t.Context())
	defer stop()
	err := index.Run(ctx, index.Config{Trees: []string{b.tree}, Directory: b.dir, Rights: "read", State: state,
		NoEvents: true, Beat: time.Millisecond, Ready: stop})
	check.NoError(b.t, err)
	x := check.Must(index.Open(state, time.Hour))
	defer x.Close()
	out := map[string]string{}
	for _, who := range []string{aliceSID, bobSID} {
		list := []string{}
		err := filepath.WalkDir(b.tree, func(path string, _ fs.DirEntry, err error) error {
			if x.CanRead(path, who, "read").Allowed {
				list = append(list, "//a"+path)
			}
			return err
		})
		check.NoError(b.t, err)
		slices.Sort(list)
		out[who] = fmt.Sprint(list)
	}
	return out
}

func (b *storeBench) await(what string, is func() bool) {
	b.t.Helper()
	for range 1500 {
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatalf("%s does not come: the database shows %v, want %v", what, b.visible(aliceSID, bobSID), b.expected())
}

func newStoreBench(t *testing.T, server postgres.Server, tree string) *storeBench {
	t.Helper()
	b := &storeBench{openSite: newOpenSite(t, 2), server: server}
	if tree != "" {
		b.tree = tree
	}
	b.site.Hosts = map[string][]string{"a": {b.tree}}
	b.dsn = "host=" + server.Dir + " dbname=postgres user=" + postgres.Owner
	return b
}

// sql runs a statement as the owner of the database.
func (b *storeBench) sql(text string) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	check.NoError(b.t, err)
	_, err = conn.Exec(b.t.Context(), text)
	check.NoError(b.t, errors.Join(err, conn.Close(context.Background())))
}

func (b *storeBench) watch() (stop func()) {
	b.t.Helper()
	return b.run(site.Watch("a"), func(ctx context.Context, c *Conn) error {
		return Watch(ctx, c, WatchConfig{Host: "a", NoEvents: true, Every: heartbeatInterval, Beat: heartbeatInterval})
	})
}

// startWorker runs the directory and a worker that compacts its logs.
func (b *storeBench) startWorker() (stop func()) {
	b.t.Helper()
	directory := b.run(site.Directory, func(ctx context.Context, c *Conn) error {
		return Directory(ctx, c, DirectoryConfig{File: b.dir, Beat: heartbeatInterval})
	})
	work := b.run(site.Work, func(ctx context.Context, c *Conn) error {
		return Work(ctx, c, WorkConfig{Name: "w", Beat: patience, Compact: 4096})
	})
	return func() {
		directory()
		work()
	}
}

func (b *storeBench) equal() bool { return maps.Equal(b.visible(aliceSID, bobSID), b.expected()) }

// change changes one of 60 files at random.
func (b *storeBench) change(r *rand.Rand) {
	b.t.Helper()
	at := filepath.Join(b.tree, fmt.Sprint("f", r.IntN(60)))
	err := os.WriteFile(at, nil, 0o600)
	if r.IntN(4) == 0 {
		err = errors.Join(err, os.Remove(at))
	} else {
		err = errors.Join(err, os.Chmod(at, os.FileMode(0o600|r.IntN(64))))
	}
	check.NoError(b.t, err)
	time.Sleep(time.Millisecond)
}

// TestRestartedFollowerMatchesFreshRun changes files at random while the database is killed and a follower whose rows
// are there is ended and started again, with workers that compact their logs. Afterwards the policy shows each person
// what a fresh run lets that person read. Without a watcher it shows nothing after the limit (N-9, N-130).
func TestRestartedFollowerMatchesFreshRun(t *testing.T) {
	t.Parallel()
	b := newStoreBench(t, postgres.Start(t), "")
	b.sql(`create role app login`)
	seed := randtest.Seed(t)
	r := rand.New(rand.NewPCG(seed, 120))
	for range 60 {
		b.change(r)
	}
	defer b.startWorker()()
	stopWatch, stop := b.watch(), b.follow()
	b.await("the first answer", b.equal)
	for round := range randtest.Count(t, "REFMON_STORE_FAULTS", 15) {
		for range 60 {
			b.change(r)
		}
		switch kind := r.IntN(3); kind {
		case 0:
			b.server.Crash()
			b.server.Again()
		default:
			stop()
			for range 60 * kind {
				b.change(r)
			}
			stop = b.follow()
		}
		b.await(fmt.Sprintf("seed %d: the result of round %d", seed, round), b.equal)
	}
	if b.dropped.Load() != 0 {
		t.Errorf("the store dropped rows %d times though the streams are the same", b.dropped.Load())
	}
	t.Logf("seed %d: %d snapshots", seed, b.snapshots.Load())
	stopWatch()
	none := map[string]string{aliceSID: "[]", bobSID: "[]"}
	b.await("the end of answers", func() bool { return maps.Equal(b.visible(aliceSID, bobSID), none) })
	stopWatch = b.watch()
	b.await("an answer after a pause", b.equal)
	stopWatch()
	stop()
}

// TestNewStreamsDropStoredRows checks that a follower on new streams drops the rows of the old ones, whose cursors mean
// other messages there (N-130).
func TestNewStreamsDropStoredRows(t *testing.T) {
	t.Parallel()
	b := newStoreBench(t, postgres.Start(t), "")
	b.sql(`create role app login`)
	run := func(b *storeBench) {
		t.Helper()
		stops := []func(){b.startWorker(), b.watch(), b.follow()}
		b.await("an answer", b.equal)
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	}
	run(b)
	b.sql(`insert into refmon.documents select id || 'old', right_name, tree, class, part, descriptor, seq, at
		from refmon.documents where id like '%plan'`)
	other := newStoreBench(t, b.server, b.tree)
	run(other)
	check.That(t, other.dropped.Load() != 0, "no part was dropped")
	run(other) // its own cursors are valid
	if got := other.dropped.Load(); got > 2 {
		t.Errorf("%d parts were dropped, want at most 2", got)
	}
}

// TestFollowEndsDuringBegin checks that the end of the context is not an error while the store is prepared (N-130).
func TestFollowEndsDuringBegin(t *testing.T) {
	b := newOpenSite(t, 1)
	ctx, end := context.WithCancel(t.Context())
	end()
	check.Equal(t, Follow(ctx, b.dial(site.Follow), FollowConfig{Rows: noRows{}}), nil, "the context ended")
}

var errBegun = errors.New("begun")

// noRows is a store that ends the follower once its parts were accepted.
type noRows struct{ index.RowStore }

func (noRows) Begin(question string, _ []index.StoredPart) error {
	return fmt.Errorf("%w: %s", errBegun, question)
}
func (noRows) Close() error { return nil }

// TestEachSettingChangesStoredQuestion checks that each setting that decides rows makes another question, whose store
// drops the rows of the earlier one (N-130).
func TestEachSettingChangesStoredQuestion(t *testing.T) {
	questions := map[string]bool{}
	for _, s := range []site.Site{{}, {Rights: "write"}, {Share: "D:"}, {Traverse: index.TraverseAlways}, {Parts: 2}} {
		f := &following{c: &Conn{site: &s}, config: FollowConfig{Rows: noRows{}}}
		f.logs = f.all()
		questions[f.beginRows().Error()] = true
	}
	check.Equal(t, len(questions), 5, "N-130: questions")
}

// cursorStore is a store that keeps only its cursor, and counts how often its rows were dropped.
type cursorStore struct {
	index.RowStore
	cursor  index.Cursor
	dropped int
	failure error // of Apply
}

func (s *cursorStore) Cursor(index.StoredPart) (index.Cursor, error) { return s.cursor, nil }
func (s *cursorStore) Forget(index.StoredPart) error                 { s.dropped++; return nil }
func (s *cursorStore) Apply(_ index.StoredPart, b *index.RowBatch) error {
	if s.failure != nil {
		return s.failure
	}
	s.cursor = b.Cursor
	return nil
}

// TestStoreContinuesItsLog checks that a follower drops stored rows whose cursor is no message of the log (N-130), and
// that a part has no watermark while a snapshot is read that replaces deleted records (N-84).
func TestStoreContinuesItsLog(t *testing.T) {
	f := newFirm(t)
	store, s := &cursorStore{}, f.seen.logs[0]
	f.seen.config.Rows, s.part = store, &index.StoredPart{}
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan")}})
	check.NoError(t, f.seen.readRows(t.Context(), s))
	end := store.cursor
	for what, c := range map[string]struct {
		cursor  index.Cursor
		dropped int
	}{"its last record": {end, 0}, "a message of another stream": {index.Cursor{Message: end.Message, ID: "other"}, 1},
		"a message beyond the log": {index.Cursor{Message: end.Message + 1, ID: end.ID}, 1}} {
		store.cursor, store.dropped, s.batch = c.cursor, 0, nil
		check.NoError(t, f.seen.readRows(t.Context(), s))
		check.That(t, store.dropped == c.dropped && store.cursor == end, "N-130: from %s: dropped %d times, now at %+v",
			what, store.dropped, store.cursor)
	}
	store.failure = index.ErrReload
	f.push(watch.Batch{Seen: []watch.Seen{f.file("next")}})
	check.NoError(t, f.seen.readRows(t.Context(), s)) // the next call reads from the stored cursor again
	store.failure = nil
	f.seen.watermarks[s.name()] = &seenWatermark{}
	half := record{Generation: end.Generation, Worker: "w", Piece: 1}
	seq := f.send(site.Work, s.name(), "half", 1<<40, check.Must(half.bytes()))
	check.NoError(t, f.c.purge(t.Context(), site.StreamRows, s.name(), seq))
	check.NoError(t, f.seen.readRows(t.Context(), s))
	check.That(t, f.seen.watermarks[s.name()] == nil && !s.whole, "N-84: half of a snapshot leaves a watermark")
}
