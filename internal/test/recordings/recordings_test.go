package recordings

import (
	"os"
	"path/filepath"
	"testing"
)

// outcome runs a test that uses a recording and stores its result.
type outcome struct {
	testing.TB
	skipped, failed bool
}

type ended struct{}

func (o *outcome) Helper()               {}
func (o *outcome) Skipf(string, ...any)  { o.skipped = true; panic(ended{}) }
func (o *outcome) Fatalf(string, ...any) { o.failed = true; panic(ended{}) }

func ask(name string) (o *outcome, rows []int) {
	o = &outcome{}
	defer func() {
		if r := recover(); r != nil && r != any(ended{}) {
			panic(r)
		}
	}()
	return o, Rows[int](o, name)
}

// A missing recording skips a test, and fails it if recordings are required.
func TestMissingRecordingSkipsUnlessRequired(t *testing.T) {
	t.Setenv("REFMON_VECTORS", t.TempDir())
	if o, _ := ask("nosuch.jsonl"); !o.skipped || o.failed {
		t.Errorf("absent: %+v, want o.skipped = true, o.failed = false", o)
	}
	t.Setenv("REFMON_VECTORS", required)
	if o, _ := ask("nosuch.jsonl"); o.skipped || !o.failed {
		t.Errorf("absent and required: %+v, want o.skipped = false, o.failed = true", o)
	}
}

func TestMalformedRowFailsAsk(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("REFMON_VECTORS", dir)
	for text, want := range map[string]int{"1\n2\n": 2, "1\n\"x\"\n": -1, "": -1} {
		if err := os.WriteFile(filepath.Join(dir, "rows.jsonl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, rows := ask("rows.jsonl")
		if o.skipped || o.failed != (want < 0) || !o.failed && len(rows) != want {
			t.Errorf("%q: %+v, %v", text, o, rows)
		}
	}
}
