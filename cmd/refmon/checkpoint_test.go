package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/test/check"
)

// A checkpoint that this program did not write is refused.
func TestForeignCheckpointIsRefused(t *testing.T) {
	good := `{"question":"q","inputSize":9,"position":{},"out":1,"sets":0,"done":false}`
	if c, err := parseCheckpoint([]byte(good)); err != nil || c.InputSize != 9 {
		t.Errorf("checkpoint = %+v, %v, want an input of 9 bytes", c, err)
	}
	for text, want := range map[string]string{
		strings.Replace(good, `"out":1`, `"out":1,"out":2`, 1): "out: given twice",
		strings.Replace(good, `"out":1`, `"Out":1`, 1):         "Out: unknown field, write it out",
		strings.Replace(good, `"out":1`, `"out":-1`, 1):        "out of range",
		strings.Replace(good, `{}`, `{"Offset":10}`, 1):        "out of range",
		good + good: "something follows",
		strings.Replace(good, `"sets":0`, `"state":`+strings.Repeat("[", 200_000), 1): "nested more than 64 deep",
	} {
		if _, err := parseCheckpoint([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	check.That(t, check.Err(readCheckpoint(t.TempDir())) != nil, "a directory as a checkpoint: no error")
	s := of(t, "who-can", "read", "-o", "@o.jsonl", "-f", "jsonl", "--out", "@out")
	s.write("c", "{}x")
	code, says := s.refmon()
	check.That(t, code == exitMalformed && strings.Contains(says, "c is not a checkpoint: ") && s.read("c") == "{}x",
		"a run with another file as checkpoint: exit code %d, %s", code, says)
}

// FuzzCheckpoint checks that no input causes a panic, that memory is in proportion to the input, and that an accepted
// checkpoint is written back unchanged.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"question":"q","inputSize":9,"position":{},"out":1,"sets":0,"state":{"runs":[1]},"done":false}`))
	f.Add([]byte(`{"position":{"Offset":1e3}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := parseCheckpoint(text)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1024*uint64(len(text))+16<<20 {
			t.Errorf("%d bytes of memory for %d of the file, want at most %d", used, len(text),
				1024*uint64(len(text))+16<<20)
		}
		if err != nil {
			return
		}
		b := check.Must(json.Marshal(c))
		check.Equal(t, check.Err(parseCheckpoint(b)), nil, "parsing %s again", b)
	})
}

// stopped is a run over four objects, the first and third unreadable, that stopped after the first. Its files are
// those of a run that was killed between two checkpoints.
type stopped struct {
	t    *testing.T
	dir  string
	args []string
}

const fourObjects = "bad\n" +
	`{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;WD)"}` + "\n" +
	"bad\n" +
	`{"path":"/b","sd":"O:BAG:SYD:(A;;FA;;;WD)"}` + "\n"

// refmon runs it and returns the exit code and the messages.
func (s *stopped) refmon() (int, string) {
	s.t.Helper()
	code, _, errs := runLine(append(slices.Clone(s.args), "-q", "-d", s.path("d.yaml"), "--checkpoint", s.path("c"))...)
	return code, errs
}

func (s *stopped) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stopped) write(name, text string) {
	s.t.Helper()
	check.NoError(s.t, os.WriteFile(s.path(name), []byte(text), 0o600))
}

func (s *stopped) read(name string) string {
	s.t.Helper()
	b := check.Must(os.ReadFile(s.path(name)))
	return string(b)
}

// checkpoint reads the run's checkpoint, changes it and writes it, with the sum of the output if its size changes.
func (s *stopped) checkpoint(change func(c *checkpoint)) checkpoint {
	s.t.Helper()
	c := check.Must(parseCheckpoint([]byte(s.read("c"))))
	was := *c
	change(c)
	if f, err := os.Open(s.path("out")); err == nil && c.Out != was.Out {
		c.OutSum, _ = (&counter{f: f, n: c.Out}).sum() // "" is no sum of a file that is too short
		check.NoError(s.t, f.Close())
	}
	check.NoError(s.t, writeCheckpoint(s.path("c"), c))
	return was
}

// of creates the files of a run. An argument with @ is the name of one.
func of(t *testing.T, args ...string) *stopped {
	t.Helper()
	s := &stopped{t: t, dir: t.TempDir()}
	for _, a := range args {
		if name, ok := strings.CutPrefix(a, "@"); ok {
			a = s.path(name)
		}
		s.args = append(s.args, a)
	}
	s.write("d.yaml", "domain: S-1-5-21-1-2-3\nusers:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n")
	s.write("o.jsonl", fourObjects)
	s.write("empty.jsonl", `{"path":"/z","sd":"O:BAG:SYD:(A;;FA;;;SY)"}`+"\n")
	return s
}

// aRun creates the files of a finished run, and checks that a second call reports that.
func aRun(t *testing.T, args ...string) *stopped {
	t.Helper()
	s := of(t, args...)
	if code, says := s.refmon(); code != exitMalformed || !strings.Contains(says, "line 1: ") {
		t.Fatalf(`the whole run: exit code %d, %s, want %d, text containing "line 1: "`, code, says, exitMalformed)
	}
	const complete = "refmon: the checkpoint is complete: there is nothing left to do\n"
	if code, says := s.refmon(); code != 0 || says != complete {
		t.Fatalf("again: exit code %d, %s, want 0, %q", code, says, complete)
	}
	return s
}

// toFirst moves a checkpoint back to the position after the first object.
func toFirst(out int64) func(c *checkpoint) {
	return func(c *checkpoint) {
		c.Done, c.Out = false, out
		c.Position.Objects, c.Position.Unreadable, c.Position.Offset, c.Position.Lines = 1, 1, 4, 1
		c.Position.Allowed, c.Position.Changed, c.Position.Changes = 0, 0, 0
	}
}

// TestResumedRunContinuesTableOfSets checks that a run with --for-index that was stopped before it marked its end
// accepts the table of sets that the checkpoint names, and no other.
func TestResumedRunContinuesTableOfSets(t *testing.T) {
	s := aRun(t, "who-can", "read", "-o", "@o.jsonl", "--for-index", "--out", "@out", "--sets", "@sets")
	whole := s.read("sets")
	s.checkpoint(func(c *checkpoint) { c.Done = false })
	code, says := s.refmon() // two objects are unreadable
	check.That(t, code == exitMalformed && strings.Contains(says, "2 of 4 objects") && s.read("sets") == whole,
		"resumed run: exit code %d, %s%s, want\n%s", code, says, s.read("sets"), whole)
	s.checkpoint(func(c *checkpoint) { c.Done = false })
	s.write("sets", strings.Repeat("x", len(whole)))
	code, says = s.refmon()
	check.That(t, code == exitMalformed && strings.Contains(says, "sets does not have the"), "another table: %d, %s", code,
		says)
}

// A resumed run removes the output after the checkpoint, continues the line numbers, and ends with the counts and the
// exit code of the whole run.
func TestResumedRunEqualsWholeRun(t *testing.T) {
	s := aRun(t, "who-can", "read", "-o", "@o.jsonl", "-f", "jsonl", "--out", "@out")
	whole := s.read("out")
	rows := strings.SplitAfter(whole, "\n")
	check.RequireThat(t, len(rows) == 5 && strings.Contains(rows[0], "line 1: ") && strings.Contains(rows[2], "line 3: "),
		"rows %q, want 5, the first and third with their line", rows)
	done := s.checkpoint(toFirst(int64(len(rows[0]))))
	s.write("out", rows[0]+strings.Repeat("more than the rest", len(whole)))
	code, says := s.refmon()
	if want := "refmon: 2 of 4 objects could not be read: "; code != exitMalformed || !strings.HasPrefix(says, want) ||
		!strings.Contains(says, "; the first: line 3: ") {
		t.Errorf("resumed run: exit code %d, %s, want %d and the counts of the whole run", code, says, exitMalformed)
	}
	if out := s.read("out"); out != whole {
		t.Errorf("the output is\n%swant\n%s", out, whole)
	}
	if now := s.checkpoint(func(*checkpoint) {}); now.Position != done.Position || !now.Done || now.Out != done.Out {
		t.Errorf("the checkpoint is %+v, want %+v", now, done)
	}

	// The one object that could not be read was before the checkpoint: the exit code is that of the whole.
	s.checkpoint(func(c *checkpoint) {
		c.Done, c.Position.Offset, c.Position.Lines = false, int64(strings.LastIndex(fourObjects, "{")), 3
		c.Position.Objects, c.Position.Unreadable = 3, 2
		c.Out = int64(len(whole) - len(rows[3]))
	})
	code, says = s.refmon()
	if want := "refmon: 2 of 4 objects could not be read: look for \"error\" in the output\n"; code != exitMalformed ||
		says != want || s.read("out") != whole {
		t.Errorf("exit code %d, %swant %s", code, says, want)
	}

	for what, spoil := range map[string]func(c *checkpoint){
		"belongs to another question":              func(c *checkpoint) { c.Question += "0" },
		"objects file: remove it and give --force": func(c *checkpoint) { c.InputSize++ },
		"written by an earlier version of refmon":  func(c *checkpoint) { c.Modified = 0 },
		"does not have the 233 bytes":              func(c *checkpoint) { c.Done, c.Out = false, int64(len(whole))+1 },
	} {
		was := s.checkpoint(spoil)
		if code, says := s.refmon(); code != exitMalformed || !strings.Contains(says, what) || s.read("out") != whole {
			t.Errorf("checkpoint with %s: exit code %d, %s, want a refusal and the old output", what, code, says)
		}
		s.checkpoint(func(c *checkpoint) { *c = was })
	}
	// An output that is not the one of the checkpoint stays (B-131).
	for _, size := range []int64{int64(len(rows[0])), 0} {
		s.checkpoint(toFirst(size))
		other := strings.Repeat("other", len(whole))
		s.write("out", other)
		code, says := s.refmon()
		check.That(t, code == exitMalformed && s.read("out") == other,
			"%d bytes of another output: exit code %d, %s, %d bytes left, want a refusal and %d", size, code, says,
			len(s.read("out")), len(other))
		s.write("out", whole)
	}
}

// A checkpoint belongs to the objects files as they were: one that was written again with another text of the same size
// is refused (B-131).
func TestCheckpointRefusesChangedObjects(t *testing.T) {
	for _, c := range []struct {
		file string
		args []string
	}{
		{"o.jsonl", []string{"who-can", "read", "-o", "@o.jsonl", "-f", "jsonl", "--out", "@out"}},
		{"o.jsonl", []string{"diff", "@empty.jsonl", "@o.jsonl", "-f", "jsonl", "--out", "@out"}},
		{"empty.jsonl", []string{"diff", "@empty.jsonl", "@o.jsonl", "-f", "jsonl", "--out", "@out"}},
		{"o.jsonl", []string{"report", "-o", "@o.jsonl", "--out", "@out"}},
	} {
		s := aRun(t, c.args...)
		later := time.Now().Add(time.Second)
		check.NoError(t, os.Chtimes(s.path(c.file), later, later))
		code, says := s.refmon()
		check.That(t, code == exitMalformed && strings.Contains(says, "or objects file: remove it and give --force"),
			"%s with a changed %s: exit code %d, %s, want a refusal", c.args[0], c.file, code, says)
	}
}

// TestDiffAndReportResume checks that after a resume, diff and report also count the objects that were unreadable
// before the checkpoint.
func TestDiffAndReportResume(t *testing.T) {
	s := aRun(t, "diff", "@empty.jsonl", "@o.jsonl", "-f", "jsonl", "--out", "@out")
	whole := s.read("out")
	last := int64(strings.LastIndex(fourObjects, "{"))
	back := func(state string) func(c *checkpoint) {
		return func(c *checkpoint) {
			c.Done, c.Position.Offset, c.Position.Lines, c.State = false, last, 3, json.RawMessage(state)
			c.Position.Objects, c.Position.Unreadable, c.Out = 3, 2, 0
			c.Position.Changed, c.Position.Changes = 1, 1
		}
	}
	rows := strings.SplitAfter(whole, "\n")
	check.RequireThat(t, len(rows) == 3 && strings.Contains(rows[0], `"/a"`) && strings.Contains(rows[1], `"/b"`),
		"rows %q, want 3 in the order of the objects", rows)
	s.checkpoint(func(c *checkpoint) { back("null")(c); c.Out = int64(len(rows[0])) })
	code, says := s.refmon()
	if want := "refmon: 2 objects could not be read and were not compared\n"; code != exitMalformed || says != want ||
		s.read("out") != whole {
		t.Errorf("diff: exit code %d, %swant %s%s", code, says, want, s.read("out"))
	}

	s = aRun(t, "report", "-o", "@o.jsonl", "--out", "@out")
	s.write("c.state", "")
	was := s.checkpoint(back(`{"runs":[],"reach":[[1,0,0]],"errors":["before: broken"]}`))
	check.That(t, strings.Contains(string(was.State), "line 1: "), "state of the whole report: %s", was.State)
	code, says = s.refmon()
	want := "refmon: 2 of 4 objects could not be read: look for \"error\" in the output\n"
	check.That(t, code == exitMalformed && says == want && strings.Contains(s.read("out"), "before: broken"),
		"report: exit code %d, %swant %s", code, says, want)
}

// TestResumeNeedsJSONLines checks that a run over objects that are not JSON lines in UTF-8 cannot be resumed, and
// that it writes nothing.
func TestResumeNeedsJSONLines(t *testing.T) {
	wide := "\xff\xfe"
	for _, r := range fourObjects {
		wide += string([]byte{byte(r), 0})
	}
	for name, text := range map[string]string{
		"o.csv":  "Path,Sddl\n/a,O:BAG:SYD:(A;;FR;;;WD)\n",
		"o.ldif": "dn: DC=x\n",
		"o.json": wide,
		"o.txt":  "Path,Sddl\n/a,O:BAG:SYD:(A;;FR;;;WD)\n",
	} {
		for _, args := range [][]string{{"who-can", "read", "-o", "@" + name, "--out", "@out"},
			{"diff", "@o.jsonl", "@" + name, "--out", "@out"}, {"report", "-o", "@" + name, "--out", "@out"}} {
			s := of(t, args...)
			s.write(name, text)
			s.write("out", "kept")
			code, says := s.refmon()
			want := "objects in a file of JSON lines"
			if args[0] == "diff" && name == "o.ldif" {
				want = "refmon report -o" // diff never reads a directory (B-78)
			}
			check.That(t, code == exitMalformed && strings.Contains(says, want) && s.read("out") == "kept",
				"%s, %v: exit code %d, %s, want a refusal and the old output", name, args, code, says)
		}
	}
}

// The checkpoint writes only its own files. A run that would use one of them for an output or an input is refused.
func TestCheckpointLeavesOtherFiles(t *testing.T) {
	run := []string{"who-can", "read", "-o", "@o.jsonl", "-f", "jsonl", "--out", "@c.new"}
	s := aRun(t, run...)
	check.That(t, strings.Count(s.read("c.new"), "\n") == 4, "the output c.new is %q, want 4 rows", s.read("c.new"))
	for name, args := range map[string][]string{
		"c":       {"who-can", "read", "-o", "@o.jsonl", "-f", "jsonl", "--out", "@c"},
		"c.state": {"diff", "@empty.jsonl", "@o.jsonl", "-f", "jsonl", "--out", "@c.state"},
	} {
		s := of(t, args...)
		code, says := s.refmon()
		check.That(t, code == exitMalformed && strings.Contains(says, name+" is used twice"),
			"output %s: exit code %d, %s, want a refusal", name, code, says)
	}
	s = of(t, "report", "-o", "@o.jsonl", "--out", "@c")
	code, says := s.refmon()
	check.NoError(t, apart(filepath.Join(t.TempDir(), "new"), filepath.Join(t.TempDir(), "new")))
	check.That(t, code == exitMalformed && strings.Contains(says, "c is used twice"),
		"report to c: exit code %d, %s, want a refusal", code, says)
	for _, args := range [][]string{{"diff", "@empty.jsonl", "@o.jsonl", "--out", "@out"},
		{"report", "-o", "@o.jsonl", "--out", "@out"}} {
		s := of(t, args...)
		s.write("c.state", "kept")
		code, says := s.refmon()
		check.That(t, code == exitMalformed && strings.Contains(says, "c.state is from another run: remove it") &&
			s.read("c.state") == "kept", "%s: exit code %d, %s, c.state %q, want a refusal and the old file", args[0],
			code, says, s.read("c.state"))
	}
}

// TestCheckpointIsWrittenAfterSyncOfOutputs checks that the old checkpoint stays if an output cannot be made durable,
// and that the state of a run stays until the checkpoint says that the run is complete.
func TestCheckpointIsWrittenAfterSyncOfOutputs(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *os.File { return check.Must(os.Create(filepath.Join(dir, name))) }
	for bad := range 3 {
		files := []*os.File{open("out"), open("sets"), open("state")}
		check.NoError(t, files[bad].Close()) // so its sync fails
		r := &resumption{name: filepath.Join(dir, "checkpoint"), out: &counter{f: files[0]}, sets: &counter{f: files[1]},
			state: files[2]}
		check.ErrorIs(t, r.save(bulk.Position{}, nil), os.ErrClosed, "save without output %d", bad)
		_, err := os.Stat(r.name)
		check.ErrorIs(t, err, os.ErrNotExist, "checkpoint without output %d", bad)
		for _, f := range files {
			_ = f.Close() // one was closed before
		}
	}
	state := open("last.state")
	r := &resumption{name: filepath.Join(dir, "missing", "checkpoint"), out: &counter{}, state: state}
	check.ErrorIs(t, r.finish(nil), os.ErrNotExist, "finish without a checkpoint")
	check.NoError(t, check.Err(os.Stat(state.Name())))
	check.NoError(t, state.Close())
	r.at.InputSize = 1
	check.NoError(t, r.finish(nil)) // the run did not reach the end of the input: there is nothing to write
}

// TestSumCoversEndOfOutput checks that the sum that identifies an output is about the 64 KiB before the end of the
// counted bytes (B-131).
func TestSumCoversEndOfOutput(t *testing.T) {
	sum := func(text string) string {
		f := check.Must(os.Create(filepath.Join(t.TempDir(), "out")))
		defer f.Close()
		c := &counter{f: f}
		check.Must(c.Write([]byte(text[:1])))
		check.Must(c.Write([]byte(text[1:])))
		check.Must(f.WriteString("not counted"))
		return check.Must(c.sum())
	}
	rest := strings.Repeat("x", 64<<10-1)
	same := sum("a" + rest + "y")
	check.Equal(t, sum("b"+rest+"y"), same, "sum of another beginning")
	check.That(t, sum("a"+rest+"z") != same && sum("a"+"y"+rest) != same, "another end has the sum %s", same)
}
