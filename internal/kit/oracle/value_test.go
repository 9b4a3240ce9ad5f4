package oracle_test

import (
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestOracleMapsGenericLikeWindows compares the rights that generic rights stand for on files.
func TestOracleMapsGenericLikeWindows(t *testing.T) {
	for _, row := range recordings.Rows[struct{ Generic, Specific oracle.Word }](t, "file_generic_mapping.jsonl") {
		if got := oracle.File.Map(row.Generic); got != row.Specific {
			t.Errorf("%#x: got %#x, want %#x as recorded", row.Generic, got, row.Specific)
		}
	}
	check.Equal(t, oracle.Mapping{Read: 0xC0000001}.Map(0x80000010), 0x11, "S-11: a mapping with generic bits")
}

// In JSON a mask is hexadecimal with 0x in a string, or a number, of 32 bits. Anything else is an error that leaves the
// value.
func TestMaskInJSONHas32Bits(t *testing.T) {
	const before oracle.Word = 7
	for text, want := range map[string]oracle.Word{`"0x1F01ff"`: 0x1F01FF, `"0XFFFFFFFF"`: 0xFFFFFFFF, `0`: 0,
		`4294967295`: 0xFFFFFFFF, `4294967296`: before, `"0x100000000"`: before, `-1`: before, `1.0`: before,
		`1e3`: before, `"1F"`: before, `"12"`: before, `"0x"`: before, `""`: before, `"0x1 "`: before, `true`: before} {
		got := before
		err := json.Unmarshal([]byte(text), &got)
		check.That(t, got == want && (err != nil) == (want == before), "%s: %#x, %v, want %#x", text, uint32(got), err,
			uint32(want))
	}
	check.Equal(t, string(check.Must(json.Marshal(oracle.Word(0x1F01FF)))), `"0x1f01ff"`, "mask in JSON")
}
