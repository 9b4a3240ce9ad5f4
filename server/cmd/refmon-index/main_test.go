package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
	"github.com/refmon/refmon/server/index"
)

// TestStatusExitsWith1BeforeHeartbeat checks that status exits with 1 before the first heartbeat, and with 2 if it
// cannot read the index (N-91).
func TestStatusExitsWith1BeforeHeartbeat(t *testing.T) {
	state := t.TempDir()
	check.NoError(t, os.WriteFile(filepath.Join(state, "events.jsonl"), nil, 0o600))
	var out bytes.Buffer
	code := run([]string{"status", "--state", state}, &streams{out: &out, err: &out})
	check.That(t, code == exitNo && strings.HasPrefix(out.String(), "heartbeat   none: answers are withheld"),
		"code %d\n%s", code, out.String())
	check.NoError(t, os.WriteFile(filepath.Join(state, "events.jsonl"), []byte("damaged\n"), 0o600))
	code = run([]string{"status", "--state", state}, &streams{out: &out, err: &out})
	check.Equal(t, code, exitFailed, "N-91: a damaged log: exit code")
	out.Reset()
	if code := run([]string{"status", "--state", state + "/none"}, &streams{out: &out, err: &out}); code != exitFailed {
		t.Errorf("a missing folder: code %d, want %d\n%s", code, exitFailed, out.String())
	}
}

// TestWarningCannotControlTerminal checks that a warning and an error are printed without control characters. They can
// have the text of an LDAP or NATS server.
func TestWarningCannotControlTerminal(t *testing.T) {
	var out bytes.Buffer
	s, err := &streams{err: &out}, errors.New("directory: \x1b[2Jno\u202e")
	s.warn(err)
	check.Equal(t, report(s, err), exitFailed, "code")
	const line = "refmon-index: directory: \ufffd[2Jno\ufffd\n"
	check.Equal(t, out.String(), line+line, "the warning and the error")
}

// TestNegativeQueryExitsWith1 runs the query verbs over a tree of plain files and checks their exit codes.
func TestNegativeQueryExitsWith1(t *testing.T) {
	tree, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	dir := filepath.Join(t.TempDir(), "firm.yaml")
	const firm = "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"
	err := errors.Join(os.WriteFile(filepath.Join(tree, "plan"), nil, 0o644), os.Chmod(filepath.Join(tree, "plan"), 0o644),
		os.WriteFile(filepath.Join(tree, "own"), nil, 0o600), os.WriteFile(dir, []byte(firm), 0o600))
	check.NoError(t, err)
	file := filepath.Join(t.TempDir(), "token.json")
	const tok = `{"user":"S-1-5-21-1-2-3-1107","groups":["S-1-1-0"]}`
	check.NoError(t, os.WriteFile(file, []byte(tok), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = index.Run(ctx, index.Config{Trees: []string{tree}, Directory: dir, Rights: "read", State: state, NoEvents: true,
		Beat: time.Millisecond, Ready: stop})
	check.NoError(t, err)
	x := check.Must(index.Open(state, time.Hour))
	defer x.Close()
	t.Chdir(tree)
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"can-read plan alice", "yes\n", 0},
		{"can-read none alice", "no: the document is not in the index\n", 1},
		{"can-read TREE/plan alice", "yes\n", 0},
		{"why TREE/plan alice", "yes\n\nright       read\nclass ", 0},
		{"why TREE/plan alice", "\ndescriptor  O:", 0},
		{"why TREE/own alice", "no\n\nright       read\nclass ", 1},
		{"filter alice", "", 0},
		{"status", " ago, of directory\n", 0},
		{"status", " ago, of TREE\n", 0},
		{"status", "documents   3\nunreadable  0\nunnamed     0; ", 0},
		{"status --limit 1ns", " ago, of TREE: answers are withheld, the limit is 1ns\n", 1},
		{"can-read TREE/plan alice --json", `{"allowed":true,"class":"`, 0},
		{"can-read TREE/own alice --json", `{"allowed":false,"class":"`, 1},
		{"why TREE/plan alice --json", `{"allowed":true,"class":"`, 0},
		{"listed", "", 0},
		{"filter alice --form bitmap", `{"right":"read","bitmap":"`, 0},
		{"filter alice --form sids", "those of a token", 2},
		{"filter --token TOKEN --form sids", `"sids":["S-1-1-0"`, 0},
		{"filter", "name a person, or a token", 2},
		{"can-read TREE/plan --token TOKEN", "yes\n", 0},
		{"can-read TREE/own --token TOKEN", "no\n", 1},
		{"can-read TREE/own alice --token TOKEN", "name a person, or a token", 2},
		{"why TREE/nothing alice", "no: ", 1},
		{"can-read TREE/plan mallory", "no: ", 1},
		{"can-read TREE/plan alice --limit 1ns", " had no heartbeat within ", 1},
		{"filter mallory", "refmon-index: ", 2},
		{"changes", `"document":"TREE/plan","right":"read","gained":["S-1-5-21-1-2-3-1107"]`, 0},
		{"version", "refmon-index", 0},
		{"status --bad", "unknown flag", 2},
	} {
		args := strings.Fields(strings.NewReplacer("TREE", tree, "TOKEN", file).Replace(c.args))
		if args[0] != "version" {
			args = append(args, "--state", state)
		}
		var out, failed bytes.Buffer
		code := run(args, &streams{out: &out, err: &failed})
		got, other := out.String(), failed.String()
		if c.code == exitFailed {
			got, other = other, got
		}
		if code != c.code || !strings.Contains(got, strings.ReplaceAll(c.want, "TREE", tree)) || other != "" ||
			strings.HasSuffix(c.args, "--json") && strings.Count(got, "\n") != 1 {
			t.Errorf("%s: code %d\n%s%s", c.args, code, out.String(), failed.String())
		}
		if code == exitSuccess && out.Len() > 0 {
			code = run(args, &streams{out: &noRoom{}, err: &failed})
			check.Equal(t, code, exitFailed, "%s without room for its output: exit code", c.args)
		}
	}
	var last index.Change
	check.NoError(t, index.Changes(state, 0, func(c index.Change) error { last = c; return nil }))
	full, errs := noRoom{}, bytes.Buffer{}
	run([]string{"changes", "--after", fmt.Sprint(last.Seq - 1), "--state", state}, &streams{&full, &errs})
	check.That(t, strings.HasPrefix(full.lost, fmt.Sprintf(`{"seq":%d,`, last.Seq)), "changes after %d begin with %s",
		last.Seq-1, full.lost)
	// The tree had no heartbeat, but the directory had one.
	var f index.Watermark
	at := filepath.Join(state, "fence.json")
	check.NoError(t, json.Unmarshal(check.Must(os.ReadFile(at)), &f))
	delete(f.Sources, tree)
	check.NoError(t, os.WriteFile(at, check.Must(json.Marshal(&f)), 0o600))
	var out bytes.Buffer
	code := run([]string{"status", "--state", state, "--limit", "1h"}, &streams{out: &out, err: &out})
	check.That(t, code == exitNo && strings.Contains(out.String(), "none of "+tree+": answers are withheld\n"),
		"exit code %d, want %d and no heartbeat of the tree in\n%s", code, exitNo, &out)
}

// noRoom is a writer that fails, as on a full disk. It keeps the bytes of the failed writes.
type noRoom struct{ lost string }

func (n *noRoom) Write(b []byte) (int, error) {
	n.lost += string(b)
	return 0, errors.New("no room")
}

// TestNoArgumentsPrintsHelp checks that the program without arguments prints its help and exits with 0.
func TestNoArgumentsPrintsHelp(t *testing.T) {
	var none, help, stderr bytes.Buffer
	check.Equal(t, run(nil, &streams{out: &none, err: &stderr}), exitSuccess, "code")
	if code := run([]string{"--help"}, &streams{out: &help, err: &stderr}); code != exitSuccess ||
		none.String() != help.String() || !strings.Contains(help.String(), "See docs/search.md.") ||
		stderr.Len() > 0 {
		t.Errorf("code %d: %q, with --help %q, and %q", code, none.String(), help.String(), stderr.String())
	}
	if code := run([]string{"fly"}, &streams{out: &none, err: &stderr}); code != exitFailed ||
		!strings.HasPrefix(stderr.String(), "refmon-index: ") {
		t.Errorf("code %d: %q", code, stderr.String())
	}
}

// TestHelpFitsTerminal checks that the help pages of all commands fit 80 columns and hold no control codes in a pipe.
func TestHelpFitsTerminal(t *testing.T) {
	terminal.CheckHelp(t, "refmon-index", func(args ...string) string {
		var out bytes.Buffer
		check.Equal(t, run(args, &streams{out: &out, err: &out}), exitSuccess, "refmon-index %q: exit code", args)
		return out.String()
	})
}

// TestMeaninglessFlagValueIsRejected checks that a flag with an empty value, for example from an unset variable, and a
// time that is too short are errors that name the flag.
func TestMeaninglessFlagValueIsRejected(t *testing.T) {
	for args, want := range map[string]string{
		"can-read /a bob --state /nowhere -w _":                      "--right is empty",
		"status --state /nowhere --limit=-5s":                        "--limit is -5s: give a time above zero",
		"status --state /nowhere --limit 0s":                         "--limit is 0s: give a time above zero",
		"work --name x --site /nowhere --beat 0s":                    "--beat is 0s: give a time above zero",
		"run --tree /a/b/ --tree /a --directory x --state /nowhere":  "tree /a/b/ is the tree /a or below it",
		"run --tree /a --directory x --state /nowhere --every 1ns":   "--every is 1ns: give at least 100ms",
		"watch --host x --site /nowhere --every 99ms":                "--every is 99ms: give at least 100ms",
		"watch --host x --site /nowhere --every 1s":                  "/nowhere/site.json",
		"run --tree / --directory x --state /nowhere --every=-1000s": "--every is -16m40s: give at least 100ms",
	} {
		list := strings.Fields(args)
		for i := range list {
			list[i] = strings.ReplaceAll(list[i], "_", "")
		}
		var out, said bytes.Buffer
		code := run(list, &streams{out: &out, err: &said})
		check.That(t, code == exitFailed && out.Len() == 0 && strings.Contains(said.String(), want),
			"%s: exit code %d, printed %q, said %q, want %q", args, code, &out, &said, want)
	}
}

// TestMissingCountsAreNotZero checks that status does not print a count that an index on several machines does not have
// as 0 (N-5).
func TestMissingCountsAreNotZero(t *testing.T) {
	var out bytes.Buffer
	check.NoError(t, printCounts(&streams{out: &out}, index.Counts{Unnamed: index.NotCounted, Unnameable: 7}))
	check.That(t, strings.Contains(out.String(), "unnamed     not counted") &&
		strings.Contains(out.String(), "unnameable  7; "), "N-5: %s", out.String())
}
