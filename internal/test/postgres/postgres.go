// Package postgres starts a PostgreSQL server for one test, on a Unix socket only.
//
//	s := postgres.Start(t)
//	conn, err := pgx.Connect(ctx, "host="+s.Dir+" dbname=postgres user="+postgres.Owner)
package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/programs"
)

// Owner is the role that owns the server, without a password.
const Owner = "admin"

// Server is a database server that runs until the test ends. The zero value is not a server.
type Server struct {
	Dir string // with its socket
	Bin string // with its programs, such as psql

	run func(program string, args ...string)
}

// Stop ends the server as a restart does: connections are cut.
func (s *Server) Stop() { s.run("pg_ctl", "-D", s.data(), "-m", "fast", "-w", "stop") }

// Again starts a server that was stopped or killed. It has fsync=off unless REFMON_FSYNC=on, for benchmarks.
func (s *Server) Again() {
	s.run("pg_ctl", "-D", s.data(), "-w", "-t", "120", "-l", filepath.Join(s.Dir, "log"), "-o",
		fmt.Sprintf("-c listen_addresses='' -c fsync=%s -k %s", cmp.Or(os.Getenv("REFMON_FSYNC"), "off"), s.Dir), "start")
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// Start starts a server. It skips the test in short mode, and on a host without Debian's package or its account.
func Start(t testing.TB) Server {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a server")
	}
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Skip("no PostgreSQL here: install the package postgresql")
	}
	s := Server{Dir: t.TempDir(), Bin: bins[len(bins)-1]}
	var as []string
	if os.Getuid() == 0 { // the server refuses to be root
		as = []string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"}
		if err := errors.Join(os.Chmod(filepath.Dir(s.Dir), 0o755), os.Chmod(s.Dir, 0o755)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("chown", "postgres", s.Dir).CombinedOutput(); err != nil {
			t.Skipf("no account postgres: %v %s", err, out)
		}
	}
	run := func(program string, args ...string) {
		t.Helper()
		args = append(append(slices.Clone(as), filepath.Join(s.Bin, program)), args...)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = s.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	s.run = run
	// Copying a cluster takes a quarter of the time of creating one.
	source := programs.Once(t, "postgres", func(to string) (string, error) {
		run("initdb", "-D", s.data(), "-U", Owner, "-A", "trust", "-E", "UTF8", "--no-sync")
		out, err := exec.Command("mv", s.data(), to).CombinedOutput()
		return string(out), err
	})
	if out, err := exec.Command("cp", "-a", source, s.data()).CombinedOutput(); err != nil {
		t.Fatalf("copy the cluster: %v\n%s", err, out)
	}
	s.Again()
	t.Cleanup(func() { run("pg_ctl", "-D", s.data(), "-m", "immediate", "stop") })
	return s
}
