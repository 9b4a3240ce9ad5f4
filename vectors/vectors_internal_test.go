package vectors

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReleasedVectorsAreRead reads the vectors of released versions. A newer format is an error that names the line,
// the format and the remedy.
func TestReleasedVectorsAreRead(t *testing.T) {
	files, err := filepath.Glob("../testdata/formats/*/vectors/*.jsonl")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for v, err := range read(name, b) {
			if n++; err != nil || v.About == "" || len(v.In) == 0 || len(v.Out) == 0 {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
		}
		if n != 2 {
			t.Errorf("%s: %d vectors, want 2", name, n)
		}
	}
	for _, err := range read("x.jsonl", []byte(`{"format":2,"about":"a"}`)) {
		if want := "x.jsonl:1: format 2, this program knows 1: use the release that wrote it"; err == nil ||
			err.Error() != want {
			t.Errorf("a newer vector: %v, want %s", err, want)
		}
	}
}
