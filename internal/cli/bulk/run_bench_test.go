package bulk_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/words"
)

// BenchmarkRun is a run from memory to nowhere: 262,144 objects with 12,500
// distinct descriptors, or 131,072 all distinct, and 4,096 principals; compiling
// included.
func BenchmarkRun(b *testing.B) {
	dir, list := sample(b, company.Sample{Seed: 1, Objects: 1 << 18, Descriptors: 12_500, Principals: 4096, Groups: 800})
	_, distinct := sample(b, company.Sample{Seed: 1, Objects: 1 << 17, Descriptors: 1 << 17, Principals: 4096,
		Groups: 800})
	for _, c := range []struct {
		name, rights, list string
		ask                bulk.Ask
	}{{"count", "read", list, bulk.Count}, {"index", "read+write+full", list, bulk.Index},
		{"distinct", "read", distinct, bulk.Count}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.list)))
			for b.Loop() {
				r := bulk.Run{Directory: dir, Rights: check.Must(words.Parse(c.rights)), Ask: c.ask, Format: bulk.JSONL,
					Out: io.Discard, Source: jsonl.Lines(strings.NewReader(c.list), 0, 0)}
				check.NoError(b, check.Err(r.Do(context.Background())))
			}
		})
	}
}
