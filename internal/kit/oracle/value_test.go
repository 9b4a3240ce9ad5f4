package oracle_test

import (
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestOracleMapsGenericLikeWindows compares the rights that generic rights stand for on files.
func TestOracleMapsGenericLikeWindows(t *testing.T) {
	for _, row := range recordings.Rows[struct{ Generic, Specific oracle.Word }](t, "file_generic_mapping.jsonl") {
		if got := oracle.File.Map(row.Generic); got != row.Specific {
			t.Errorf("%#x: got %#x, want %#x as recorded", row.Generic, got, row.Specific)
		}
	}
}
