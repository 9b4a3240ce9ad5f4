package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
	database "github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// rowLog is the log of a part: random changes of 300 documents, and now and then a snapshot. It is the same for a seed.
type rowLog struct {
	r    *rand.Rand
	seq  uint64
	rows map[string]string // the class of each readable document
}

var rowPart = index.StoredPart{Name: "rows.a.x.0", Tree: "//a/srv's", Number: 0}

const rowClasses = 20

func newRowLog(seed uint64) *rowLog {
	return &rowLog{r: rand.New(rand.NewPCG(seed, 105)), rows: map[string]string{}}
}

func (l *rowLog) event(e index.Event) index.Event {
	l.seq++
	e.Seq, e.Time = l.seq, int64(l.seq)*1e9
	return e
}

func (l *rowLog) row(name int, error string) index.Event {
	path := fmt.Sprintf("%s/f%03d", rowPart.Tree, name)
	class := fmt.Sprint("class", l.r.IntN(rowClasses))
	r := &index.RowEvent{Path: path, Tree: rowPart.Tree, Descriptor: "d", Error: error}
	delete(l.rows, path)
	if error == "" {
		r.Classes, l.rows[path] = []string{class}, class
	}
	return l.event(index.Event{Row: r})
}

// batch returns the events of the next message: the log's start, a snapshot, or up to 20 changes.
func (l *rowLog) batch(message uint64) (events []index.Event, snapshot bool) {
	start := func(until uint64) {
		l.seq = 0
		events = append(events, l.event(index.Event{Start: &index.StartEvent{Format: 1, Index: "i", Rights: []string{"read"},
			Until: until}}))
		for i := range rowClasses {
			events = append(events, l.event(index.Event{Class: &index.ClassEvent{ID: fmt.Sprint("class", i)}}))
		}
	}
	switch {
	case message == 1:
		start(0)
	case l.r.IntN(10) == 0: // the state afterwards: other messages before it were deleted
		start(1 << 30)
		for name := range 300 {
			path := fmt.Sprintf("%s/f%03d", rowPart.Tree, name)
			switch l.r.IntN(4) {
			case 0:
				delete(l.rows, path)
			case 1:
				events = append(events, l.row(name, ""))
			default:
				if class := l.rows[path]; class != "" {
					events = append(events, l.event(index.Event{Row: &index.RowEvent{Path: path, Tree: rowPart.Tree,
						Descriptor: "d", Classes: []string{class}}}))
				}
			}
		}
		return events, true
	}
	for range l.r.IntN(20) {
		switch name := l.r.IntN(300); l.r.IntN(5) {
		case 0:
			path := fmt.Sprintf("%s/f%03d", rowPart.Tree, name)
			delete(l.rows, path)
			events = append(events, l.event(index.Event{Gone: path}))
		case 1:
			events = append(events, l.row(name, "permission denied"))
		default:
			events = append(events, l.row(name, ""))
		}
	}
	return events, false
}

// writeRows writes a log from the store's cursor until a message, and passes each number to observe.
func writeRows(s *postgres.Store, seed, last uint64, observe func(uint64)) error {
	if err := s.Begin("q", []index.StoredPart{rowPart}); err != nil {
		return err
	}
	own := func(string) bool { return true }
again:
	c, err := s.Cursor(rowPart)
	if err != nil {
		return err
	}
	l, b := newRowLog(seed), index.NewRowBatch([]string{"read"}, own, c)
	for message := uint64(1); message <= last; message++ {
		events, snapshot := l.batch(message)
		if message <= c.Message {
			continue
		}
		if snapshot {
			b.Restart()
		}
		for i := range events {
			if err := b.Add(&events[i]); err != nil {
				return err
			}
			if snapshot && i%100 == 99 && i < len(events)-1 { // one of several pieces, whose cursor is not to be stored
				b.Cursor.Message, b.Cursor.ID, b.Cursor.Generation = message, "piece", 7
				if err := s.Apply(rowPart, b); errors.Is(err, index.ErrReload) {
					goto again
				} else if err != nil {
					return err
				}
				if at, err := s.Cursor(rowPart); err != nil || at.Message >= message {
					return fmt.Errorf("N-130: the cursor in the middle of snapshot %d is %d, %v", message, at.Message, err)
				}
				b = b.Next()
			}
		}
		b.Cursor.Message, b.Cursor.ID, b.Cursor.Generation, b.End = message, fmt.Sprint(message), 7, snapshot
		if err := s.Apply(rowPart, b); errors.Is(err, index.ErrReload) {
			goto again
		} else if err != nil {
			return err
		}
		if snapshot {
			stored, err := s.Cursor(rowPart)
			if err != nil {
				return err
			}
			if stored != b.Cursor {
				return fmt.Errorf("N-130: the cursor after a snapshot is %+v, want %+v", stored, b.Cursor)
			}
		}
		b = b.Next()
		observe(message)
	}
	return nil
}

// compareRows compares the rows with those of the log up to the cursor, and returns the cursor.
func compareRows(t *testing.T, conn *pgx.Conn, seed uint64) (message uint64) {
	t.Helper()
	got := map[string]string{}
	var n int64
	err := pgx.BeginTxFunc(t.Context(), conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		err := tx.QueryRow(t.Context(), `select coalesce(max(message), 0) from refmon.cursors`).Scan(&n)
		if err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), `select id, name from refmon.documents join refmon.classes using (class)`)
		if err != nil {
			return err
		}
		var path, class string
		_, err = pgx.ForEachRow(rows, []any{&path, &class}, func() error { got[path] = class; return nil })
		return err
	})
	check.NoError(t, err)
	l := newRowLog(seed)
	for m := uint64(1); m <= uint64(n); m++ {
		l.batch(m)
	}
	check.RequireThat(t, maps.Equal(got, l.rows),
		"seed %d: %d rows at message %d, want %d", seed, len(got), n, len(l.rows))
	return uint64(n)
}

const storeChild = "REFMON_TEST_STORE"

// TestStoreRowsEqualCursor kills the writer and the database with SIGKILL, and cuts connections, while a log with
// snapshots is written. Whenever it looks, the rows are those of the log at the stored cursor, and a writer that starts
// again continues there (N-130).
func TestStoreRowsEqualCursor(t *testing.T) {
	if dsn := os.Getenv(storeChild); dsn != "" {
		writeAsChild(t, dsn)
		return
	}
	t.Parallel()
	server, seed := database.Start(t), randtest.Seed(t)
	dsn := "host=" + server.Dir + " dbname=postgres user=" + database.Owner
	r, last := rand.New(rand.NewPCG(seed, 1)), uint64(randtest.Count(t, "REFMON_STORE_MESSAGES", 2500))
	connect := func() *pgx.Conn {
		t.Helper()
		return check.Must(pgx.Connect(t.Context(), dsn))
	}
	kills, reached := 0, uint64(0)
	for reached < last {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStoreRowsEqualCursor$", "-test.v")
		cmd.Env = append(os.Environ(), storeChild+"="+dsn, fmt.Sprintf("REFMON_TEST_LOG=%d %d", seed, last))
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		check.NoError(t, cmd.Start())
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		for running := true; running; {
			select {
			case err := <-done:
				if running = false; err != nil {
					t.Fatalf("the writer: %v\n%s", err, out.String())
				}
			case <-time.After(time.Duration(150+r.IntN(400)) * time.Millisecond):
				switch kills++; r.IntN(4) {
				case 0:
					server.Crash()
					server.Again()
				case 1:
					conn := connect()
					check.NoError(t, check.Err(conn.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
						where pid <> pg_backend_pid() and backend_type = 'client backend'`)))
					_ = conn.Close(t.Context())
				default:
					_ = cmd.Process.Kill() // it may have ended
					<-done
					running = false
				}
			}
			conn := connect()
			var begun bool
			check.NoError(t, conn.QueryRow(t.Context(), `select to_regclass('refmon.cursors') is not null`).Scan(&begun))
			if begun {
				at := compareRows(t, conn, seed)
				check.RequireThat(t, at >= reached, "seed %d: the cursor went from %d back to %d", seed, reached, at)
				reached = at
			}
			_ = conn.Close(context.Background())
		}
	}
	t.Logf("seed %d: %d messages, %d kills", seed, last, kills)
	first, err := postgres.OpenStore(t.Context(), dsn, time.Minute)
	check.NoError(t, err)
	if _, err := postgres.OpenStore(t.Context(), dsn, time.Minute); err == nil ||
		!strings.Contains(err.Error(), "another refmon-index writes to this database") {
		t.Errorf("N-10: a second writer: %v, want an error", err)
	}
	other := rowPart // of the same tree
	other.Name, other.Number = "other", rowPart.Number+1
	check.NoError(t, errors.Join(first.Begin("q", []index.StoredPart{rowPart, other}), first.Forget(other)))
	conn := connect()
	check.Equal(t, compareRows(t, conn, seed), reached, "the cursor after another part was forgotten")
	check.NoError(t, errors.Join(conn.Close(t.Context()), first.Close()))
}

// writeAsChild writes the log that the parent has named.
func writeAsChild(t *testing.T, dsn string) {
	seed, last, _ := strings.Cut(os.Getenv("REFMON_TEST_LOG"), " ")
	a, err1 := strconv.ParseUint(seed, 10, 64)
	b, err2 := strconv.ParseUint(last, 10, 64)
	check.NoError(t, errors.Join(err1, err2))
	var s *postgres.Store
	for begin := time.Now(); ; { // the killed writer's connection may still hold the lock
		var err error
		if s, err = postgres.OpenStore(t.Context(), dsn, time.Minute); err == nil {
			break
		}
		check.RequireThat(t, time.Since(begin) <= time.Minute, "%v", err)
		time.Sleep(20 * time.Millisecond)
	}
	defer s.Close()
	check.NoError(t, writeRows(s, a, b, func(uint64) {}))
}
