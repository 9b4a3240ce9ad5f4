package batch

import (
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// BenchmarkScan compares reading the fields of a line with encoding/json.
func BenchmarkScan(b *testing.B) {
	in := generate(kinds[0], 1, 1)
	_, line := cutLine(in)
	b.Run("scanner", func(b *testing.B) {
		b.ReportAllocs()
		var slots [numCheckFields][]byte
		for b.Loop() {
			check.NoError(b, scanLine(checkFields, slots[:], line, 2))
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var fields struct {
				ID, Token, Define, Mapping, Desired json.RawMessage
				TokenRef, SD, SDHex                 string
			}
			check.NoError(b, json.Unmarshal(line, &fields))
		}
	})
}
