package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/refmon/refmon/server/index"
)

// The SQL of a new database. schema runs after one of the two statements that create the table of documents:
// documentsTable, or for a [Store] partitionedTable.
var (
	//go:embed schema.sql
	schema string
	//go:embed documents.sql
	documentsTable string
	//go:embed partitions.sql
	partitionedTable string
	// definitions returns a hash of the definitions in the database.
	//go:embed definitions.sql
	definitions string
)

// Sink writes an index to a PostgreSQL database. Create it with [Open]. While the database does not
// answer, Write and SetWatermark wait and the run sends no heartbeats. After ten minutes they fail.
type Sink struct {
	// Warn receives the error that starts a wait for the database; nil: it is dropped.
	Warn func(error)

	ctx        context.Context // context of the run, because the methods of Sink have no context parameter
	conn       *pgx.Conn
	view       *index.View
	dsn        string
	limit      time.Duration
	probeAfter time.Duration // of a transaction's time, and the limit of the probe: answerLimit, except in tests
	// The number of each class in the database. A number is never used again.
	numbers map[string]int32
	last    int32
	store   *Store // has the documents instead of view; nil: view has them
}

// Open connects to the database in dsn, creates missing tables, and makes their rows equal to the state of the index
// in the folder state. It writes only rows that differ (N-103). Rows whose watermark is older than limit are invisible
// to the database's users. The role must own the schema refmon, and must not be a role that these users have. ctx is
// that of the run: when it ends, Write and SetWatermark fail. It returns an error if the database does not answer,
// without waiting for it, and if another run or store writes to the database. The caller closes the sink.
func Open(ctx context.Context, dsn, state string, limit time.Duration) (*Sink, error) {
	view, err := index.NewView(state)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s := &Sink{ctx: ctx, conn: conn, view: view, dsn: dsn, limit: limit, probeAfter: answerLimit}
	if err := s.begin(); err != nil {
		_ = s.Close() // the error of begin is the cause
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return s, nil
}

// begin creates the tables and makes their rows equal to the view. For a store, only the members of classes are
// compared, once all are known. begin deletes all watermarks, so no session sees a document until the next
// SetWatermark.
func (s *Sink) begin() error {
	return s.inTransaction(func(tx pgx.Tx) error {
		if err := s.checkEncoding(tx); err != nil {
			return err
		}
		if err := s.lock(tx); err != nil {
			return err
		}
		if err := s.createTables(tx); err != nil {
			return err
		}
		for _, sql := range []string{
			`delete from refmon.fence`, `delete from refmon.state`, // truncate would wait for readers
			// The policies of schema.sql decide which rows a session may read (N-102).
			`grant usage on schema refmon to public`, `grant select on refmon.documents, refmon.members to public`,
		} {
			if _, err := tx.Exec(s.ctx, sql); err != nil {
				return err
			}
		}
		_, err := tx.Exec(s.ctx, `insert into refmon.state (index, seq, allowance, directory)
			values ('', 0, $1, $2)`, s.limit, s.view.Directory())
		if err != nil {
			return err
		}
		stored, err := s.readNumbers(tx)
		if err != nil || s.store != nil && !s.store.filled {
			return err
		}
		return s.fill(tx, stored)
	})
}

// checkEncoding returns an error if the database could store a path as another text than the application's: if its
// encoding is neither UTF8 nor SQL_ASCII, which keeps all bytes.
func (s *Sink) checkEncoding(tx pgx.Tx) error {
	var encoding, name string
	err := tx.QueryRow(s.ctx, `select current_setting('server_encoding'), current_database()`).Scan(&encoding, &name)
	if err == nil && encoding != "UTF8" && encoding != "SQL_ASCII" {
		err = fmt.Errorf("database %q has the encoding %s, in which paths are other paths: take a database with the "+
			"encoding UTF8", name, encoding)
	}
	return err
}

// errReaders says that the tables need a change which an open transaction prevents.
var errReaders = errors.New("the tables need a change, and a transaction that has read them is open: end it, see " +
	"pg_stat_activity")

// errWriter says that another run writes to the database.
var errWriter = errors.New("another refmon-index writes to this database, or another session holds its advisory " +
	"lock: stop one of them, see pg_locks")

// lock makes this connection the only writer of the database until it ends (N-10). It waits a few seconds, because the
// database may not have noticed yet that a killed run is gone, and then returns errWriter. It also makes the database
// end the connection half a minute after this machine has stopped answering, which frees the lock. By default the
// database waits for two hours. A connection over a Unix socket ignores these settings.
func (s *Sink) lock(tx pgx.Tx) error {
	_, err := tx.Exec(s.ctx, `set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5;
		set tcp_keepalives_count = 3; set tcp_user_timeout = '30s';
		set local lock_timeout = '3s';
		select pg_advisory_lock(hashtext('refmon'), hashtext('documents'));
		set local lock_timeout to default`)
	if hasCode(err, lockNotAvailable) {
		return errWriter
	}
	return err
}

// lockNotAvailable is the SQLSTATE of a wait that reached lock_timeout.
const lockNotAvailable = "55P03"

// hasCode reports whether err is an error of the server with an SQLSTATE code.
func hasCode(err error, code string) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == code
}

// createTables creates the schema and its tables, policies and functions if they are missing or differ from those that
// the last start of this version left. Otherwise it defines nothing, because a new definition waits for each
// transaction that has read the tables, and later searches wait for the definition (N-103). It waits a few seconds for
// these transactions, and then returns errReaders. A table of documents that belongs to the other kind of sink is an
// error. It sets search_path for the rest of the transaction.
func (s *Sink) createTables(tx pgx.Tx) error {
	documents, kind := documentsTable, "r"
	if s.store != nil {
		documents, kind = partitionedTable, "p"
	}
	// The text of a policy depends on the search path. All names in this transaction have their schema.
	if _, err := tx.Exec(s.ctx, `set local search_path = pg_catalog`); err != nil {
		return err
	}
	version := sha256.Sum256([]byte(documents + schema))
	// The comment has the version of a start, its user, and a hash of the definitions that it left.
	var left, now string
	err := tx.QueryRow(s.ctx, `select coalesce(obj_description(to_regclass('refmon.state'), 'pg_class'), ''),
		format('refmon-index %s for %s: %s', $1::text, current_user, (`+definitions+`))`,
		hex.EncodeToString(version[:])).Scan(&left, &now)
	if err != nil || left == now {
		return err
	}
	var comment string
	if err = s.define(tx, documents, kind); err == nil {
		err = tx.QueryRow(s.ctx, `select format('comment on table refmon.state is %L', format('refmon-index %s for %s: %s',
			$1::text, current_user, (`+definitions+`)))`, hex.EncodeToString(version[:])).Scan(&comment)
	}
	if err == nil {
		_, err = tx.Exec(s.ctx, comment+`; set local lock_timeout to default`)
	}
	if hasCode(err, lockNotAvailable) {
		return errReaders
	}
	return err
}

// define creates what createTables describes. documents is the definition of the table of documents, and kind its kind.
// It sets lock_timeout for the rest of the transaction.
func (s *Sink) define(tx pgx.Tx, documents, kind string) error {
	_, err := tx.Exec(s.ctx, `set local lock_timeout = '3s'; create schema if not exists refmon; `+documents)
	if err != nil {
		return err
	}
	var same bool
	err = tx.QueryRow(s.ctx, `select relkind = $1 from pg_class where oid = 'refmon.documents'::regclass`,
		kind).Scan(&same)
	if err != nil {
		return err
	}
	if !same {
		return errors.New("refmon.documents belongs to an index of the other kind, with or without a folder: " +
			"take another database, or drop the schema refmon")
	}
	_, err = tx.Exec(s.ctx, schema)
	return err
}

// readNumbers returns the database's class numbers by class ID. The first call also makes them the numbers of s; later
// calls leave the numbers of s unchanged. In later calls, other numbers in the database are an error. A failed query
// returns nil. After another error the numbers read so far are returned, and a first call keeps them.
func (s *Sink) readNumbers(tx pgx.Tx) (map[string]int32, error) {
	stored := map[string]int32{}
	rows, err := tx.Query(s.ctx, `select class, name from refmon.classes`)
	if err != nil {
		return nil, err
	}
	var n int32
	var name string
	_, err = pgx.ForEachRow(rows, []any{&n, &name}, func() error {
		if own, ok := s.numbers[name]; s.numbers != nil && (!ok || own != n) {
			return fmt.Errorf("class %s has the number %d: another run writes to this database; stop one of them", name, n)
		}
		stored[name], s.last = n, max(s.last, n)
		return nil
	})
	if s.numbers == nil {
		s.numbers = maps.Clone(stored)
	}
	return stored, err
}

// number returns the number by which the tables refer to a class. It gives a new class the next number and passes it to
// add, so that the caller inserts the class.
func (s *Sink) number(class string, add func(int32)) int32 {
	n, ok := s.numbers[class]
	if !ok {
		s.last++
		n = s.last
		s.numbers[class] = n
		add(n)
	}
	return n
}

// Write writes the effect of events in one transaction. It sends nothing if they change no row, no member and no
// directory version. While the database does not answer, it waits, at most ten minutes, and then returns the last
// error. It returns the context's error if the run ends before. After an error the sink must not be used.
func (s *Sink) Write(events []index.Event) error {
	b, version := &pgx.Batch{}, s.view.Directory()
	number := func(class string) int32 {
		return s.number(class, func(n int32) {
			b.Queue(`insert into refmon.classes (class, name) values ($1, $2) on conflict do nothing`, n, class)
		})
	}
	for i := range events {
		d, err := s.view.Apply(&events[i])
		if err != nil {
			return err
		}
		for _, p := range d.Gone {
			b.Queue(`delete from refmon.documents where id = $1`, documentID(p))
		}
		for _, x := range d.Documents {
			b.Queue(`insert into refmon.documents (id, right_name, tree, class, descriptor, seq, at)
				values ($1, $2, $3, $4, $5, $6, $7) `+replaceDocument,
				documentID(x.Path), x.Right, x.Tree, number(x.Class), x.Descriptor, int64(x.Seq), x.Time)
		}
		if len(d.Lost) > 0 {
			b.Queue(`delete from refmon.members where class = $1 and sid = any ($2)`, number(d.Class), d.Lost)
		}
		if len(d.Dropped) > 0 {
			b.Queue(deleteMembers, s.known(d.Dropped))
		}
		if len(d.Gained) > 0 {
			b.Queue(`insert into refmon.members (class, sid) select $1, unnest($2::text[]) on conflict do nothing`,
				number(d.Class), d.Gained)
		}
	}
	if b.Len() == 0 && s.view.Directory() == version {
		return nil
	}
	b.Queue(`update refmon.state set directory = $1`, s.view.Directory())
	return s.send(b)
}

// SetWatermark writes the time of each source in f in one transaction. It waits for the database as [Sink.Write]
// does. Without sources it writes only the index and sequence number.
func (s *Sink) SetWatermark(f *index.Watermark) error {
	b := &pgx.Batch{}
	for source, m := range f.Sources {
		b.Queue(`insert into refmon.fence (source, seq, at) values ($1, $2, $3)
			on conflict (source) do update set seq = excluded.seq, at = excluded.at`, source, int64(f.Seq), m.Time)
	}
	b.Queue(`update refmon.state set index = $1, seq = $2`, f.Index, int64(f.Seq))
	return s.send(b)
}

// Compacted drops the members of the classes that the run has dropped. Such a class keeps its number. Compacted waits
// for the database as [Sink.Write] does.
func (s *Sink) Compacted() error {
	numbers := s.known(s.view.Compacted())
	if len(numbers) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	b.Queue(deleteMembers, numbers)
	return s.send(b)
}

const deleteMembers = `delete from refmon.members where class = any ($1)`

// known returns the numbers of those classes that have one.
func (s *Sink) known(classes []string) []int32 {
	numbers := []int32{}
	for _, class := range classes {
		if n, known := s.numbers[class]; known {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// Close closes the connection, even after the run's context has ended. It waits at most a second.
func (s *Sink) Close() error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
	defer stop()
	return s.conn.Close(ctx)
}
