package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	database "github.com/refmon/refmon/internal/test/postgres"

	"github.com/refmon/refmon/internal/test/check"
)

// asCommand makes the test's program the command.
const asCommand = "REFMON_TEST_INDEX_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command is a running command that a signal ends.
type command struct {
	*testing.T
	cmd  *exec.Cmd
	said *bufio.Scanner
}

// start runs the command until its error output has a line with a text.
func start(t *testing.T, until string, args ...string) *command {
	t.Helper()
	c := &command{T: t, cmd: exec.Command(os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), asCommand+"=1")
	out, err := c.cmd.StderrPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	check.NoError(t, err)
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	})
	c.said = bufio.NewScanner(out)
	text := ""
	for c.said.Scan() {
		text += c.said.Text() + "\n"
		if strings.Contains(c.said.Text(), until) {
			return c
		}
	}
	if strings.Contains(text, "watch for changes") {
		t.Skip("changes of a file system cannot be watched here: ", text)
	}
	t.Fatalf("it ended: %s", text)
	return nil
}

// end sends a signal and returns the exit code.
func (c *command) end(sig os.Signal) int {
	c.Helper()
	check.NoError(c, c.cmd.Process.Signal(sig))
	for c.said.Scan() { // to its end
	}
	var failed *exec.ExitError
	if err := c.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		c.Fatal(err)
	}
	return c.cmd.ProcessState.ExitCode()
}

// TestSignalEndsRun checks that a run ends with code 0 after SIGTERM or SIGINT, also while it waits for its database,
// and with code 2 if it cannot start. Without events it does not listen for changes.
func TestSignalEndsRun(t *testing.T) {
	t.Parallel()
	tree, dir := t.TempDir(), filepath.Join(t.TempDir(), "firm.yaml")
	check.NoError(t, os.WriteFile(dir, []byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"), 0o600))
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		args := []string{"run", "--tree", tree, "-d", dir, "--state", t.TempDir(), "--no-events"}
		c := start(t, "were looked at", args...)
		for _, fd := range check.Must(filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", c.cmd.Process.Pid))) {
			at, _ := os.Readlink(fd)
			check.That(t, !strings.Contains(at, "fanotify"), "a run with --no-events listens for changes")
		}
		check.Equal(t, c.end(sig), 0, "%v: code", sig)
		args = append(args, "--postgres", "host="+tree) // no database listens there
		check.Equal(t, start(t, "wait for the database", args...).end(sig), 0, "%v while it waits: code", sig)
	}
	cmd := exec.Command(os.Args[0], "run", "--tree", "relative", "-d", dir, "--state", t.TempDir())
	cmd.Env = append(os.Environ(), asCommand+"=1")
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("a relative tree: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	check.NoError(t, unlessStopped(ctx, fmt.Errorf("a query: %w", context.Canceled)))
	check.ErrorIs(t, unlessStopped(ctx, errNo), errNo, "another error after a signal")
}

// TestRunMaintainsDatabase checks that the command writes the documents of each user to a database. The tests of
// package postgres search it.
func TestRunMaintainsDatabase(t *testing.T) {
	t.Parallel()
	dsn := "host=" + database.Start(t).Dir + " dbname=postgres user=" + database.Owner
	tree, dir := t.TempDir(), filepath.Join(t.TempDir(), "firm.yaml")
	const firm = "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: %d}\n- {name: bob, sid: S-1-5-21-1-2-3-1108}\n"
	plan := filepath.Join(tree, "plan")
	check.NoError(t, errors.Join(os.WriteFile(dir, fmt.Appendf(nil, firm, os.Getuid()), 0o600),
		os.WriteFile(plan, nil, 0o600)))
	c := start(t, "were looked at", "run", "--tree", tree, "-d", dir, "--state", t.TempDir(), "--postgres", dsn)
	conn := check.Must(pgx.Connect(t.Context(), dsn))
	defer conn.Close(context.Background())
	rows := func(rid string) (n int) {
		check.NoError(t, conn.QueryRow(t.Context(), `select count(*) from refmon.documents join refmon.members using (class)
			where id = $1 and right_name = 'read' and descriptor <> '' and seq > 0 and tree = any (refmon.fresh())
			and sid = $2`, plan, "S-1-5-21-1-2-3-"+rid).Scan(&n))
		return n
	}
	// The heartbeats of the tree and of the directory follow the walk.
	check.Eventually(t, func() bool { return rows("1107") == 1 }, "alice has no row of the plan")
	check.Equal(t, rows("1108"), 0, "rows of the plan for bob")
	check.Equal(t, c.end(syscall.SIGTERM), 0, "SIGTERM: code")
}

// TestSearchExampleHidesRevokedDocument runs examples/search as three users: full-text search, and no hit for a
// document once the right was revoked.
func TestSearchExampleHidesRevokedDocument(t *testing.T) {
	if os.Getenv("REFMON_SEARCH_EXAMPLE") == "" {
		t.Skip("REFMON_SEARCH_EXAMPLE is not set: it starts a database")
	}
	if os.Getuid() != 0 {
		t.Skip("files are given to other users by root only")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the database's account comes in
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "../../../examples/search/search.sh", dir)
	cmd.Env = append(os.Environ(), asCommand+"=1", "REFMON_INDEX="+os.Args[0])
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "carol finds: \nbob finds: offer \nalice finds: lunch plan \n") {
		t.Errorf("%v, want string(out) ending with %q, no error\n%s", err,
			"carol finds: \nbob finds: offer \nalice finds: lunch plan \n", out)
	}
}

// TestFailedOutputClosesTheOthers checks that no descriptor of the bulk file stays open if the database cannot be
// opened.
func TestFailedOutputClosesTheOthers(t *testing.T) {
	bulk := filepath.Join(t.TempDir(), "bulk")
	o := outputs{Bulk: bulk, BulkForm: "sids", Index: "i", Postgres: "postgres://127.0.0.1:none/x"}
	if sinks, err := o.open(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "none") ||
		sinks != nil {
		t.Errorf("open returned %v, %v, want no sinks and an error of the database", sinks, err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, fd := range open {
		if at, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); at == bulk {
			t.Errorf("descriptor %s of %s is open, want it closed", fd.Name(), bulk)
		}
	}
}

// TestFollowNeedsStateOrPostgres checks that follow refuses to run without a folder unless the database is its only
// output (N-130).
func TestFollowNeedsStateOrPostgres(t *testing.T) {
	const says = "follow: give --state DIR, or --postgres DSN without --bulk"
	for args, refused := range map[string]bool{"": true, "--bulk b": true, "--postgres x --bulk b": true,
		"--postgres x": false, "--state s": false, "--state s --bulk b --postgres x": false} {
		var out bytes.Buffer
		all := append([]string{"follow", "--site", t.TempDir()}, strings.Fields(args)...)
		code := run(all, &streams{out: &out, err: &out})
		check.That(t, code == exitFailed && strings.Contains(out.String(), says) == refused,
			"follow %s: code %d, %q, refused %v", args, code, out.String(), refused)
	}
}
