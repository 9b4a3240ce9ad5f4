// Package recordings gives tests the outcomes that were recorded on other
// systems. They are no part of this repository: a test that asks for them is
// skipped where they are absent.
//
//	for i, row := range recordings.Rows[struct{ Hex string }](t, "sddl_to_bytes_windows.jsonl") { … }
package recordings

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Rows reads a file of one JSON value a line from the folder that
// REFMON_VECTORS names, ../shared/vectors beside the repository by default.
// It skips the test if the file is absent, and ends it at a row that is no T.
func Rows[T any](t testing.TB, name string) []T {
	t.Helper()
	dir := os.Getenv("REFMON_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "vectors") // the default of REFMON_VECTORS, from a package's folder
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("recorded rows are not here, set REFMON_VECTORS to their folder: %v", err)
	}
	var rows []T
	for line := range bytes.Lines(b) {
		var row T
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s, row %d: %v", name, len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	return rows
}
