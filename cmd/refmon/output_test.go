package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// fullWriter accepts some bytes and then fails, as a full disk does.
type fullWriter struct{ room int }

func (w *fullWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.room)
	if w.room -= n; n < len(b) {
		return n, errors.New("no space left")
	}
	return n, nil
}

// TestLostOutputExitsWithCode2 checks that every verb exits with code 2 if it cannot write its output, so that
// truncated output is never taken for a success or a denial.
func TestLostOutputExitsWithCode2(t *testing.T) {
	enterFolder(t)
	dir := newTrail(t, 0)
	lines := [][]string{{"audit", "query", dir}, {"audit", "query", dir, "--format", "xml"}, {"audit", "query",
		dir, "--format", "csv"},
		{"audit", "stats", dir}, {"audit", "tail", dir, "--no-follow"}, {"audit", "verify", dir}, {"audit",
			"policy", dir},
		{"audit", "prove", dir, "3"}, {"sddl", sdOfUsers}, {"token", "filter", "alice.json"}, {"token", "show",
			"--json", "alice.json"},
		{"fmt", "shares.sddl"}, {"directory", "from", "passwd", "passwd"}, {"acl", "export", "--hex", "-o",
			"good.jsonl"},
		{"services", "NtClose"}, {"services", "--json"}}
	for _, c := range answers {
		if c.code == 0 && !strings.HasPrefix("^$", c.out) && c.args[0] != "diff" && c.args[0] != "run" {
			lines = append(lines, c.args)
		}
	}
	stored := []string{"acl", "get", "--offline", "--attribute", "user.NTACL", "company.yaml", "good.jsonl"}
	if _, _, errs := runLine(stored...); !strings.Contains(errs, errors.ErrUnsupported.Error()) {
		lines = append(lines, stored)
	}
	for _, args := range lines {
		_, whole, _ := runLine(args...)
		for _, room := range []int{0, len(whole) / 2} {
			var errs bytes.Buffer
			code := run(args, &streams{in: strings.NewReader(""), out: &fullWriter{room}, err: &errs})
			if code != 2 || strings.Count(errs.String(), "no space left") != 1 {
				t.Errorf(`%q with room for %d of %d bytes: exit code %d, %s, want 2 and "no space left" once`,
					args, room, len(whole), code, &errs)
			}
		}
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full: ", err)
	}
	for _, args := range [][]string{{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml"}, {"report",
		"-o", "good.jsonl", "-d", "company.yaml"},
		{"diff", "good.jsonl", "less.jsonl", "-d", "company.yaml"}, {"directory", "from", "passwd", "passwd"}} {
		full := filepath.Join(t.TempDir(), "full")
		check.NoError(t, os.Symlink("/dev/full", full))
		if code, _, errs := runLine(append(args, "--out", full)...); code != 2 ||
			strings.Count(errs, "no space left") != 1 {
			t.Errorf(`%q to a full disk: exit code %d, %s, want 2 and "no space left" once`, args, code, errs)
		}
	}
}

// TestEnvironmentLimitsMemory checks that only a limit in GOMEMLIMIT limits the memory of a run.
func TestEnvironmentLimitsMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(3 << 30))
	for text, want := range map[string]int64{"": 0, "3GiB": 3 << 30} {
		t.Setenv("GOMEMLIMIT", text)
		check.Equal(t, limited(), want, "limit with GOMEMLIMIT=%s", text)
	}
}

// TestOutputIsReplacedAfterItsTables checks that the output stays if a table that belongs to it cannot be replaced.
func TestOutputIsReplacedAfterItsTables(t *testing.T) {
	t.Chdir(t.TempDir())
	o := &output{}
	for _, name := range []string{"out", "sets"} {
		check.Must(o.create(name))
	}
	check.NoError(t, os.Mkdir("sets", 0o700)) // cannot be replaced by a file
	var err error
	o.close(&err)
	check.That(t, err != nil, "a folder was replaced")
	check.ErrorIs(t, check.Err(os.Stat("out")), os.ErrNotExist, "output without its table")
}
