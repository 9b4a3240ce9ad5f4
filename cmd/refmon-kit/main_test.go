package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// TestMain makes the test program refmon-kit itself if the variable says so, so that run can start it as the adapter.
func TestMain(m *testing.M) {
	if os.Getenv("REFMON_KIT_SELF") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// command runs a command line with an input and returns its exit code and outputs.
func command(in string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &streams{strings.NewReader(in), &o, &e})
	return code, o.String(), e.String()
}

func TestHelpPagesFitTerminal(t *testing.T) {
	terminal.CheckHelp(t, "refmon-kit", func(args ...string) string {
		_, out, _ := command("", args...)
		return out
	})
}

// TestRunScoresRefmon runs refmon's own adapter on one suite.
func TestRunScoresRefmon(t *testing.T) {
	t.Setenv("REFMON_KIT_SELF", "1")
	file := filepath.Join(t.TempDir(), "score.json")
	code, out, errs := command("", "run", "--suite", "audit", "--json", file, "--", os.Args[0], "adapter")
	check.That(t, code == exitSuccess && strings.Contains(out, " audit\n"),
		"got %d, %s%s, want success and a row for audit", code, out, errs)
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), `"wrong": []`) {
		t.Errorf("got %v and %.200s, want no wrong answers", err, b)
	}
}

// A run that was interrupted has no score (B-38).
func TestInterruptEndsRun(t *testing.T) {
	t.Setenv("REFMON_KIT_SELF", "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"run", "--suite", "audit", "--", os.Args[0], "adapter"}, &streams{nil, &out, &errs})
	check.That(t, code != exitSuccess && out.Len() == 0 && strings.Contains(errs.String(), context.Canceled.Error()),
		"got %d, %s%s, want a failure without a score", code, out.String(), errs.String())
}

// TestScoreComparesOffline scores two answers, of which one is wrong.
func TestScoreComparesOffline(t *testing.T) {
	_, questions, _ := command("", "questions", "--suite", "audit")
	lines := strings.SplitAfter(questions, "\n")
	file := filepath.Join(t.TempDir(), "q.jsonl")
	write(t, file, lines[0]+lines[1]+lines[1])
	_, answers, _ := command(lines[0]+lines[1], "adapter")
	if code, out, errs := command(answers, "score", file); code != exitSuccess {
		t.Errorf("right answers: got %d, %s%s, want success", code, out, errs)
	}
	long := filepath.Join(t.TempDir(), "long")
	write(t, long, lines[0]+strings.Repeat(" ", maxQuestion))
	code, _, errs := command(answers, "score", long)
	check.That(t, code != exitSuccess && strings.Contains(errs, long+": line 2: longer than 1048576 bytes"),
		"a long line: got %d, %s", code, errs)
	first, _, _ := strings.Cut(answers, "\n")
	code, out, _ := command(first, "score", "--show", "2", file, file)
	if code != exitWrong || strings.Count(out, "audit.000002 audit_check: no answer") != 1 ||
		!strings.Contains(out, "  rule      U-12 ") {
		t.Errorf("a missing answer: got %d and %s, want it with its rule", code, out)
	}
	// JSON has all wrong answers, however many the report shows.
	if code, out, _ := command(first, "score", "--show", "0", "--json", "-", file); code != exitWrong ||
		!strings.HasPrefix(out, "{\n") || !strings.Contains(out, `"audit.000002"`) {
		t.Errorf("JSON on standard output: got %d and %s, want an object with the wrong answer", code, out)
	}
}

// TestChoicesAreListsAndRepeat chooses suites and ways of knowing.
func TestChoicesAreListsAndRepeat(t *testing.T) {
	lines := func(args ...string) int {
		t.Helper()
		code, out, errs := command("", append([]string{"questions"}, args...)...)
		check.RequireThat(t, code == exitSuccess, "%v: %s", args, errs)
		return strings.Count(out, "\n")
	}
	both := lines("--suite", "audit,ladder")
	if n := lines("--suite", "audit", "--suite", "ladder"); n != both || n != lines("--suite", "audit")+lines("--suite",
		"ladder") {
		t.Errorf("repeated: got %d, in a list %d, want both suites", n, both)
	}
	parts := 0
	for _, way := range []string{"recorded,documented", "agree", "decided"} {
		parts += lines("--suite", "audit,token", "--known", way)
	}
	if all := lines("--suite", "audit,token"); parts != all {
		t.Errorf("all ways together: got %d questions, want %d", parts, all)
	}
}

// TestMalformedCommandLinesExitWith2 checks the exit code 2 and the reason.
func TestMalformedCommandLinesExitWith2(t *testing.T) {
	file := filepath.Join(t.TempDir(), "q.jsonl")
	write(t, file, `{"kit":1,"id":"audit.000001","suite":"audit","op":"audit_check","in":{}}`+"\n")
	latin := filepath.Join(t.TempDir(), "b\xfcro")
	write(t, latin, "{}\n")
	for _, c := range []struct{ args, want string }{{"score " + latin, "is not a question of this version"},
		{"questions --suite other", `suite "other": choose one of`},
		{"questions --known all", `known "all": choose from [recorded documented agree decided]`},
		{"run --", "no adapter"}, {"run -- ./no-such-program", "starting the adapter"},
		{"score ./no-such-file", "no such file"}, {"score " + file, "is not a question of this version"},
		{"run --suite audit --known decided -- ./no-such-program", "no question"}, {"score " + os.DevNull, "no question"},
		{"questions extra", "unexpected argument"}, {"questions --known=", "--known is empty"}} {
		code, _, errs := command("", strings.Fields(c.args)...)
		check.That(t, code == exitMalformed && strings.Contains(errs, c.want),
			"%s: got %d and %q, want 2 and %q", c.args, code, errs, c.want)
	}
	if code, _, errs := command("x", "adapter"); code != exitMalformed || !strings.Contains(errs, "not a question") {
		t.Errorf("a malformed question: got %d and %q, want 2", code, errs)
	}
	if code, out, _ := command("", "version"); code != exitSuccess || !strings.HasPrefix(out, "refmon-kit ") {
		t.Errorf("version: got %d and %q, want refmon-kit", code, out)
	}
}

// fullAtEnd accepts whole buffers, and fails at the rest.
type fullAtEnd struct{}

func (fullAtEnd) Write(b []byte) (int, error) {
	if len(b) < 4096 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

// Questions that cannot be written to the end are an error.
func TestQuestionsReportFailedWrite(t *testing.T) {
	var errs bytes.Buffer
	code := run(context.Background(), []string{"questions", "--suite", "audit"}, &streams{nil, fullAtEnd{}, &errs})
	check.Equal(t, code, exitMalformed, "exit code, %s", errs.String())
}

func write(t *testing.T, file, text string) {
	t.Helper()
	check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}
