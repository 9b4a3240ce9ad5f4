package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/refmon/refmon/server/index"
)

// Limits of a wait for the database.
const (
	patience    = 10 * time.Minute       // time after which an error is final
	shortest    = 100 * time.Millisecond // first pause between attempts
	longest     = 5 * time.Second        // longest pause between attempts
	answerLimit = 30 * time.Second       // time in which a database answers a connection attempt
)

// send sends a batch in one transaction, and waits as transact does. Each attempt sends a copy, because a batch that
// was sent names the prepared statements of its connection.
func (s *Sink) send(b *pgx.Batch) error {
	return s.transact(func(tx pgx.Tx) error {
		again := &pgx.Batch{}
		for _, q := range b.QueuedQueries {
			again.Queue(q.SQL, q.Arguments...)
		}
		return tx.SendBatch(s.ctx, again).Close()
	})
}

// transact calls f in a transaction and returns the error of either. After a broken connection the outcome is unknown.
// transact then waits for the database, at most ten minutes, fills the tables again and repeats f (N-92). So f must be
// repeatable. The start and the end of the wait go to s.Warn (N-122). Any other error is returned at once. The end of
// the context ends the wait with an error.
func (s *Sink) transact(f func(tx pgx.Tx) error) error {
	try := func() error { return s.inTransaction(f) }
	err := try()
	if err == nil || !s.restarting(err) {
		return err
	}
	warn := s.Warn
	if warn == nil {
		warn = func(error) {}
	}
	warn(fmt.Errorf("postgres: wait for the database: %w", err))
	for begun, pause := time.Now(), shortest; time.Since(begun) < patience; pause = min(2*pause, longest) {
		if err := sleep(s.ctx, pause); err != nil {
			return err
		}
		if err = s.reconnect(); err == nil {
			err = try()
		}
		if err == nil {
			warn(errors.New("postgres: connected again"))
		}
		if err == nil || !s.restarting(err) {
			return err
		}
	}
	return err
}

// Await is [Open] for a database that may not have started. It waits for the database, and returns an error if ctx ends
// first. It passes the start and the end of a wait to warn (N-122), which becomes the sink's Warn; nil drops
// them. It returns other errors at once, such as a rejected password.
func Await(ctx context.Context, dsn, state string, limit time.Duration, warn func(error)) (*Sink, error) {
	s, err := await(ctx, warn, func() (*Sink, error) { return Open(ctx, dsn, state, limit) })
	if err == nil {
		s.Warn = warn
	}
	return s, err
}

// AwaitStore is [OpenStore] for a database that may not have started. It waits as [Await] does.
func AwaitStore(ctx context.Context, dsn string, limit time.Duration, warn func(error)) (*Store, error) {
	s, err := await(ctx, warn, func() (*Store, error) { return OpenStore(ctx, dsn, limit) })
	if err == nil {
		s.Warn = warn
	}
	return s, err
}

// await calls open until the database has started and open succeeds. Any error other than that of a starting database
// is returned. The first wait and its end go to warn, which may be nil. If ctx ends, await returns its error, or that
// of open.
func await[T any](ctx context.Context, warn func(error), open func() (T, error)) (out T, err error) {
	if warn == nil {
		warn = func(error) {}
	}
	for pause, waits := shortest, false; ; pause = min(2*pause, longest) {
		out, err = open()
		switch {
		case err == nil:
			if waits {
				warn(errors.New("postgres: connected: the database has started"))
			}
			return out, nil
		case ctx.Err() != nil || !starting(err):
			return out, err
		case !waits:
			waits = true
			warn(fmt.Errorf("postgres: wait for the database: %w", err))
		}
		if err := sleep(ctx, pause); err != nil {
			return out, err
		}
	}
}

// connect connects to the database in dsn. It waits as long as parse says.
func connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}

// parse parses a DSN. Without a timeout in the DSN or the environment, a connection attempt ends after answerLimit: a
// stopped server, or a network that loses packets, would hold it for ever.
func parse(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err == nil && config.ConnectTimeout == 0 {
		config.ConnectTimeout = answerLimit
	}
	return config, err
}

// errSilent says that the database did not answer during a transaction.
var errSilent = errors.New("the database does not answer")

// inTransaction calls f in a transaction and returns the error of either. A long transaction may take its time while
// the database accepts or refuses other connections. Otherwise inTransaction ends it, breaks the connection and returns
// errSilent (N-92): a stopped server would hold it for ever.
func (s *Sink) inTransaction(f func(tx pgx.Tx) error) error {
	ctx, stop := context.WithCancel(s.ctx)
	silent := make(chan bool, 1)
	socket := s.conn.PgConn().Conn()
	go func() {
		dead := false
		for !dead && sleep(ctx, s.probeAfter) == nil {
			dead = s.silent(ctx)
		}
		if dead {
			_ = socket.Close() // the transaction's next read or write fails, also one that waits
		}
		silent <- dead
	}()
	err := pgx.BeginFunc(s.ctx, s.conn, f)
	stop()
	if <-silent && err != nil {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return err
}

// silent reports whether an attempt to connect to the database's address again has neither succeeded nor failed within
// s.probeAfter, or found no machine there (N-92). It returns false if ctx ends first.
func (s *Sink) silent(ctx context.Context) bool {
	limited, stop := context.WithTimeout(ctx, s.probeAfter)
	defer stop()
	// Another host of the DSN must neither use up the time nor answer instead of this one.
	at, config := s.conn.PgConn().Conn().RemoteAddr(), s.conn.Config()
	config.Fallbacks, config.ConnectTimeout = nil, 0
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, at.Network(), at.String())
	}
	conn, err := pgx.ConnectConfig(limited, config)
	if err == nil {
		_ = conn.Close(limited) // it was only a test
		return false
	}
	return ctx.Err() == nil && (errors.Is(limited.Err(), context.DeadlineExceeded) || unreachable(err))
}

// unreachable reports whether the network found no machine that could accept or refuse a connection.
func unreachable(err error) bool {
	return slices.ContainsFunc([]error{syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENETUNREACH, syscall.ETIMEDOUT},
		func(e error) bool { return errors.Is(err, e) })
}

// sleep waits for a time. It returns the error of ctx if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// starting reports whether a failed connection is worth another try, because the database may only be starting. A
// connection that cannot be made counts.
func starting(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return mayPass(answer.Code)
	}
	var refused *pgconn.ConnectError
	return errors.As(err, &refused) || errors.Is(err, errSilent)
}

// mayPass reports whether an SQLSTATE code of the server means a state that a restart of the server can end.
// [Sink.restarting] lists these codes.
func mayPass(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "53300", "25006":
		return true
	}
	return strings.HasPrefix(code, "08")
}

// reconnect recovers from a lost connection: it connects to the database and makes the tables equal to the current
// state, as begin does. It does not wait: if the database does not answer, it returns an error. A store cannot do that
// with documents, so there an older state of the database is errOlder.
func (s *Sink) reconnect() error {
	_ = s.Close() // fails if the connection is broken
	conn, err := connect(s.ctx, s.dsn)
	if err != nil {
		return err
	}
	if s.store != nil {
		s.store.session++
	}
	s.conn = conn
	if err := s.begin(); err != nil || s.store == nil {
		return err
	}
	return s.store.checkConfirmed()
}

// restarting reports whether a restart of the database may resolve an error. restarting returns false for ErrReload,
// and once the run's context has ended. restarting returns true for:
//
//   - class 08 (connection exception), 57P01 to 57P03 (shutdown, crash, cannot connect now), 53300 (too many
//     connections) and 25006 (the server is no longer the primary); source: PostgreSQL, appendix A
//   - an error without a code, if the connection is closed
//   - errWriter and errSilent
func (s *Sink) restarting(err error) bool {
	if s.ctx.Err() != nil || errors.Is(err, index.ErrReload) {
		return false
	}
	if errors.Is(err, errSilent) {
		return true
	}
	if errors.Is(err, errWriter) { // the lock may be held by this run's former connection, until the database ends that
		return true
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return mayPass(answer.Code)
	}
	return s.conn.IsClosed() // without a server error the connection itself failed
}

// longID is the size limit of an id, in bytes. PostgreSQL rejects longer values in a table's key.
const longID = 2000

// documentID returns a document's id: its path, or a hash if the path is too long for a key.
func documentID(path string) string {
	if len(path) <= longID {
		return path
	}
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:])
}
