package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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

// TestRestartResolvesConnectionErrors checks which errors of the database are worth another try (N-92). The codes are
// from PostgreSQL, appendix A.
func TestRestartResolvesConnectionErrors(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	for code, want := range map[string]bool{
		"08000": true, "08001": true, "08003": true, "08004": true, "08006": true, "08P01": true,
		"57P01": true, "57P02": true, "57P03": true, "53300": true, "25006": true,
		"28P01": false, "3D000": false, "42501": false, "57014": false, "57P04": false, "57P05": false, "53100": false,
		"53200": false, "25001": false, "0A000": false, "80000": false, "": false,
	} {
		err := fmt.Errorf("it failed: %w", &pgconn.PgError{Code: code})
		check.Equal(t, starting(err), want, "N-122: %q while the database starts", code)
		check.Equal(t, (&Sink{ctx: t.Context()}).restarting(err), want, "N-92: %q of a connected database", code)
		check.That(t, !(&Sink{ctx: ended}).restarting(err), "N-92: %q after the run has ended", code)
	}
	s := &Sink{ctx: t.Context()}
	check.That(t, s.restarting(fmt.Errorf("lock: %w", errWriter)) && !s.restarting(index.ErrReload),
		"N-92: another writer, or a batch that must be read again")
	check.That(t, starting(&pgconn.ConnectError{}) && !starting(errors.New("other")), "N-122: errors without a code")
}

// TestLongPathIsHashed checks that a path with more bytes than a key may have is replaced by a hash.
func TestLongPathIsHashed(t *testing.T) {
	for path, want := range map[string]int{strings.Repeat("a", longID): longID, strings.Repeat("ä", longID/2+1): 64} {
		check.Equal(t, len(documentID(path)), want, "bytes of the id of a path of %d bytes", len(path))
	}
}

// TestStoppedDatabaseIsWaitedFor stops a server's processes during a transaction and during a start: the kernel still
// accepts connections and data, and nothing answers (N-92, N-122). A slow transaction of a running server goes on, also
// if another host of the DSN is silent.
func TestStoppedDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := database.Start(t)
	dsn := "host=" + server.Dir + " dbname=postgres user=" + database.Owner
	for text, want := range map[string]time.Duration{dsn: answerLimit, dsn + " connect_timeout=2": 2 * time.Second} {
		config, err := parse(text)
		check.NoError(t, err)
		check.Equal(t, config.ConnectTimeout, want, "N-122: the longest wait for a connection to %q", text)
	}
	// The first host refuses at first, and is silent later.
	other := check.Must(net.Listen("tcp", "127.0.0.1:0")).(*net.TCPListener)
	check.NoError(t, other.Close())
	s, err := Open(t.Context(), fmt.Sprintf("host=127.0.0.1,%s port=%d,5432 dbname=postgres user=%s", server.Dir,
		other.Addr().(*net.TCPAddr).Port, database.Owner), t.TempDir(), time.Minute)
	check.NoError(t, err)
	defer s.Close()
	first := check.Must(net.Listen("tcp", other.Addr().String()))
	defer first.Close()
	warned := make(chan error, 16)
	s.Warn = func(err error) { warned <- err }
	s.probeAfter = 10 * time.Second // a loaded machine needs seconds for a connection
	slow := func(tx pgx.Tx) error { return check.Err(tx.Exec(t.Context(), `select pg_sleep(11)`)) }
	check.NoError(t, s.transact(slow))
	check.Equal(t, len(warned), 0, "N-92: lines about a slow transaction")
	check.That(t, !s.silent(t.Context()), "N-92: the silence of another host counts")
	socket := filepath.Join(server.Dir, ".s.PGSQL.5432")
	check.NoError(t, os.Rename(socket, socket+".away"))
	check.That(t, !s.silent(t.Context()), "N-92: an attempt that fails at once counts as silence")
	check.NoError(t, errors.Join(os.Rename(socket+".away", socket), first.Close()))
	for code, want := range map[syscall.Errno]bool{syscall.EHOSTUNREACH: true, syscall.ENETUNREACH: true,
		syscall.ETIMEDOUT: true, syscall.ECONNREFUSED: false, syscall.EMFILE: false} {
		err := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", code)}
		check.Equal(t, unreachable(fmt.Errorf("connect: %w", err)), want, "N-92: silence after %v", code)
	}

	s.probeAfter = 2 * time.Second
	resume := server.Freeze()
	done := make(chan error, 1)
	go func() { done <- s.SetWatermark(&index.Watermark{Index: "i"}) }()
	go func() {
		other, err := Await(t.Context(), dsn+" connect_timeout=2", t.TempDir(), time.Minute, s.Warn)
		if err == nil {
			_ = other.Close()
		}
	}()
	for range 2 {
		select {
		case err := <-warned:
			check.That(t, strings.Contains(err.Error(), "wait for the database"), "the line is %q", err)
		case <-time.After(time.Minute):
			resume()
			t.Fatal("N-92, N-122: nothing is printed about a stopped server")
		}
	}
	resume()
	check.NoError(t, <-done)
}
