package vectors

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestReleasedVectorsAreRead reads the vectors of released versions. A newer format is an error that names the line,
// the format and the remedy.
func TestReleasedVectorsAreRead(t *testing.T) {
	files, err := filepath.Glob("../testdata/formats/*/vectors/*.jsonl")
	check.RequireThat(t, err == nil && len(files) >= 2, "%v %v", files, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		check.NoError(t, err)
		n := 0
		for v, err := range read(name, b) {
			if n++; err != nil || v.About == "" || len(v.In) == 0 || len(v.Out) == 0 {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
		}
		check.That(t, n == 2, "%s: %d vectors, want 2", name, n)
	}
	for _, err := range read("x.jsonl", []byte(`{"format":2,"about":"a"}`)) {
		if want := "x.jsonl:1: format 2, this program knows 1: use the release that wrote it"; err == nil ||
			err.Error() != want {
			t.Errorf("a newer vector: %v, want %s", err, want)
		}
	}
}
