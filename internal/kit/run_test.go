package kit_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/test/check"
)

// adapters are the programs that TestMain becomes, by the value of REFMON_KIT_ADAPTER. They read questions on standard
// input, as an adapter does, and answer wrongly, too late, or with malformed answers.
var adapters = map[string]func(questions *bufio.Scanner, out io.Writer){
	"silent":  func(*bufio.Scanner, io.Writer) { time.Sleep(time.Hour) },
	"deaf":    func(_ *bufio.Scanner, out io.Writer) { fmt.Fprintln(out, `{"id":"bytes.000001","error":"invalid"}`) },
	"gone":    func(*bufio.Scanner, io.Writer) { os.Exit(3) },
	"endless": func(_ *bufio.Scanner, out io.Writer) { repeat(out, "x") },
	"blank":   func(_ *bufio.Scanner, out io.Writer) { repeat(out, "\n") },
	"nul":     func(_ *bufio.Scanner, out io.Writer) { repeat(out, "\x00\n") },
	"deep": func(_ *bufio.Scanner, out io.Writer) {
		fmt.Fprintln(out, `{"id":"bytes.000001","out":`+strings.Repeat("[", 1<<19))
	},
	"again": func(q *bufio.Scanner, out io.Writer) {
		q.Scan()
		repeat(out, `{"id":"bytes.000001","unsupported":"twice"}`+"\n")
	},
	"stranger": func(_ *bufio.Scanner, out io.Writer) { fmt.Fprintln(out, `{"id":"other.1","unsupported":"no"}`) },
	"field":    func(_ *bufio.Scanner, out io.Writer) { fmt.Fprintln(out, `{"id":"bytes.000001","aut":{}}`) },
	"both": func(_ *bufio.Scanner, out io.Writer) {
		fmt.Fprintln(out, `{"id":"bytes.000001","out":{},"error":"invalid"}`)
	},
	"lingers": func(q *bufio.Scanner, out io.Writer) { eachID(q, out, "unsupported"); time.Sleep(time.Hour) },
	"trailer": func(q *bufio.Scanner, out io.Writer) { eachID(q, out, "unsupported"); fmt.Fprintln(out, "done") },
	"last":    answerReversed,
	"wrong":   func(q *bufio.Scanner, out io.Writer) { eachID(q, out, "error") },
}

func repeat(w io.Writer, text string) {
	big := strings.Repeat(text, 1<<12/len(text)+1)
	for {
		if _, err := io.WriteString(w, big); err != nil {
			return
		}
	}
}

func eachID(questions *bufio.Scanner, out io.Writer, field string) {
	for questions.Scan() {
		fmt.Fprintf(out, `{"id":%q,%q:"other: no"}`+"\n", idOf(questions.Bytes()), field)
	}
}

func idOf(line []byte) string {
	var q struct{ ID string }
	if err := json.Unmarshal(line, &q); err != nil {
		panic(err)
	}
	return q.ID
}

// answerReversed reads all questions before it answers the last one first.
func answerReversed(questions *bufio.Scanner, out io.Writer) {
	var ids []string
	for questions.Scan() {
		ids = append(ids, idOf(questions.Bytes()))
	}
	for i := len(ids) - 1; i >= 0; i-- {
		fmt.Fprintf(out, `{"id":%q,"unsupported":"no"}`+"\n", ids[i])
	}
}

func TestMain(m *testing.M) {
	if play := adapters[os.Getenv("REFMON_KIT_ADAPTER")]; play != nil {
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, kit.MaxQuestion)
		play(lines, os.Stdout)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// ask runs an adapter and returns what the run printed to standard error.
func ask(t *testing.T, adapter string, patience kit.Patience) (j *kit.Judge, said string, err error) {
	t.Helper()
	t.Setenv("REFMON_KIT_ADAPTER", adapter)
	questions, err := kit.Questions("bytes")
	check.NoError(t, err)
	j = kit.NewJudge(questions[:400], 3)
	start := time.Now()
	var errs bytes.Buffer
	err = kit.Run(context.Background(), j, &errs, patience, os.Args[0])
	if took := time.Since(start); took > time.Minute {
		t.Errorf("%s: took %v, want at most a minute", adapter, took)
	}
	return j, errs.String(), err
}

// TestHostileAdaptersEndTheRun checks that no output of an adapter holds the run or counts (B-38).
func TestHostileAdaptersEndTheRun(t *testing.T) {
	for _, adapter := range []string{"endless", "nul", "deep", "again", "stranger", "field", "both",
		"trailer"} {
		if _, _, err := ask(t, adapter, kit.DefaultPatience); !errors.Is(err, kit.ErrProtocol) {
			t.Errorf("%s: got %v, want an error of the protocol", adapter, err)
		}
	}
	short := kit.Patience{Silence: 200 * time.Millisecond, Exit: time.Second}
	for _, adapter := range []string{"silent", "blank"} {
		if _, _, err := ask(t, adapter, short); !errors.Is(err, kit.ErrProtocol) {
			t.Errorf("%s: got %v, want an error of the protocol", adapter, err)
		}
	}
}

// TestMissingAnswersAreWrong checks adapters that end early (B-36).
func TestMissingAnswersAreWrong(t *testing.T) {
	const missing = "refmon-kit: the adapter ended without answers to "
	for adapter, c := range map[string]struct {
		wrong int
		said  string
	}{
		"gone":  {400, missing + "400 questions, the first bytes.000001 (exit status 3)\n"},
		"deaf":  {399, missing + "399 questions, the first bytes.000002 (exit status 0)\n"},
		"wrong": {400, ""},
	} {
		j, said, err := ask(t, adapter, kit.DefaultPatience)
		check.Equal(t, said, c.said, "%s: standard error", adapter)
		n := j.Total()
		check.That(t, err == nil && n.Wrong >= c.wrong && n.Right+n.Wrong == 400 && len(j.Failed) == 3,
			"%s: got %+v, %d failures kept and %v, want %d wrong, 3 kept", adapter, n, len(j.Failed), err, c.wrong)
	}
}

// TestKitAcceptsAnswersInAnyOrder runs an adapter that answers backwards, and one that does not exit.
func TestKitAcceptsAnswersInAnyOrder(t *testing.T) {
	for _, adapter := range []string{"last", "lingers"} {
		j, _, err := ask(t, adapter, kit.Patience{Silence: 2 * time.Minute, Exit: 50 * time.Millisecond})
		if n := j.Total(); err != nil || n.Unsupported != 400 || n.Wrong != 0 {
			t.Errorf("%s: got %+v and %v, want 400 unsupported", adapter, n, err)
		}
	}
}

func TestCancelledRunHasNoScore(t *testing.T) {
	t.Setenv("REFMON_KIT_ADAPTER", "silent")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	questions := check.Must(kit.Questions("bytes"))
	j := kit.NewJudge(questions[:3], 1)
	if err := kit.Run(ctx, j, io.Discard, kit.DefaultPatience, os.Args[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	check.That(t, kit.Run(context.Background(), j, io.Discard, kit.DefaultPatience, "./no-such-program") != nil,
		"a missing adapter: got no error, want one")
}

func TestScoreReadsAnswersOffline(t *testing.T) {
	questions := check.Must(kit.Questions("bytes"))
	q := questions[0]
	b, _ := json.Marshal(map[string]any{"id": q.ID, "out": q.Out})
	if q.Out == nil {
		b, _ = json.Marshal(map[string]any{"id": q.ID, "error": "invalid: cut off"})
	}
	j := kit.NewJudge(questions[:2], 5)
	check.NoError(t, kit.Score(j, bytes.NewReader(append(b, "\n\n"...))))
	if n := j.Total(); n != (kit.Count{Asked: 2, Right: 1, Wrong: 1}) {
		t.Errorf("got %+v, want one right and one wrong", n)
	}
}

// TestKitGuideAdapterGetsDocumentedScore runs the Python adapter of docs/kit.md. The page shows its table, and states
// that the wrong answers are about low integrity and OWNER RIGHTS.
func TestKitGuideAdapterGetsDocumentedScore(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: the adapter in docs/kit.md is not run")
	}
	page := check.Must(os.ReadFile("../../docs/kit.md"))
	_, code, _ := strings.Cut(string(page), "```python\n")
	code, _, ok := strings.Cut(code, "```")
	if !ok || strings.Count(code, "\n") > 60 {
		t.Fatalf("got an adapter of %d lines, want one of at most 60", strings.Count(code, "\n"))
	}
	file := filepath.Join(t.TempDir(), "adapter.py")
	check.NoError(t, os.WriteFile(file, []byte(code), 0o600))
	questions := check.Must(kit.Questions("access"))
	j := kit.NewJudge(questions, len(questions))
	check.NoError(t, kit.Run(context.Background(), j, io.Discard, kit.DefaultPatience, python, file))
	var report bytes.Buffer
	check.NoError(t, j.Report(&report, 0))
	table, _, _ := strings.Cut(report.String(), "\n\n")
	// The page shows the table indented.
	check.That(t, strings.Contains(strings.ReplaceAll(string(page), "\n    ", "\n"), table),
		"docs/kit.md does not show the table\n%s", table)
	for _, f := range j.Failed {
		if rule := f.Question.Rules[0]; rule != "A-60" && rule != "A-56" {
			t.Fatalf("got a wrong answer about something else:\n%s", f.Text())
		}
	}
}
