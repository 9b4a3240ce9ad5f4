package kit_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit"
)

// TestAdapterOfDocs runs the Python adapter of docs/kit.md. The page tells the score, and that the wrong answers are
// about low integrity and OWNER RIGHTS.
func TestAdapterOfDocs(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: the adapter in docs/kit.md is not run")
	}
	page, err := os.ReadFile("../../docs/kit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```python\n")
	code, _, ok := strings.Cut(code, "```")
	if !ok || strings.Count(code, "\n") > 60 {
		t.Fatalf("got an adapter of %d lines, want one of at most 60", strings.Count(code, "\n"))
	}
	file := filepath.Join(t.TempDir(), "adapter.py")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	questions, err := kit.Questions("access")
	if err != nil {
		t.Fatal(err)
	}
	j := kit.NewJudge(questions, len(questions))
	if err := kit.Run(context.Background(), j, io.Discard, kit.DefaultPatience, python, file); err != nil {
		t.Fatal(err)
	}
	n := j.Total()
	// The page shows this row.
	row := fmt.Sprintf("%7d %6d %6d %12d access", n.Asked, n.Right, n.Wrong, n.Unsupported)
	if !strings.Contains(string(page), row) {
		t.Errorf("docs/kit.md does not show the row %q", row)
	}
	for _, f := range j.Failed {
		if rule := f.Question.Rules[0]; rule != "A-60" && rule != "A-56" {
			t.Fatalf("got a wrong answer about something else:\n%s", f.Text())
		}
	}
}
