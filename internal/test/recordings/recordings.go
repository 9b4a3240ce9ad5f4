// Package recordings gives tests the outcomes that were recorded on other systems. The repository does not contain
// them: a test that requests a missing recording is skipped.
//
//	for i, row := range recordings.Rows[struct{ Hex string }](t, "sddl_to_bytes_windows.jsonl") { … }
//
// REFMON_VECTORS names their folder; the default is ../shared/vectors next to the repository. REFMON_VECTORS=required
// uses the default folder and fails a test whose recording is missing, so that a check of a submission cannot pass
// without them.
package recordings

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// required is the value of REFMON_VECTORS that turns a skip into a failure.
const required = "required"

// maxAbove is the number of folders from a package up to the one beside the
// repository.
const maxAbove = 6

// File returns the path of a recording, seen from a package at most four
// folders below the root. It skips the test if the recording is absent, or
// fails it if recordings are required.
func File(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("REFMON_VECTORS")
	must := dir == required
	if dir == "" || must {
		above := filepath.Join("..", "..")
		for n := 2; n < maxAbove; n++ {
			if _, err := os.Stat(filepath.Join(above, "shared", "vectors")); err == nil { // the default of REFMON_VECTORS
				break
			}
			above = filepath.Join(above, "..")
		}
		dir = filepath.Join(above, "shared", "vectors") // the default of REFMON_VECTORS
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		if must {
			t.Fatalf("REFMON_VECTORS=%s: the recording is not here: %v", required, err)
		}
		t.Skipf("the recording is not here, set REFMON_VECTORS to its folder: %v", err)
	}
	return path
}

// Rows returns the values of a recording of one JSON value a line. It skips the
// test if the recording is absent, and ends it at a row that is not a T or if
// there is no row.
func Rows[T any](t testing.TB, name string) []T {
	t.Helper()
	b, err := os.ReadFile(File(t, name))
	if err != nil {
		t.Fatal(err)
	}
	var rows []T
	for line := range bytes.Lines(b) {
		var row T
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s, row %d: %v", name, len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", name)
	}
	return rows
}
