package bulk_test

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/bulk"
)

func BenchmarkE2E(b *testing.B) {
	dir := os.Getenv("REFMON_SAMPLE")
	for b.Loop() {
		raw, err := os.ReadFile(dir + "/company.json")
		if err != nil {
			b.Skip(err)
		}
		t1 := time.Now()
		d, err := bulk.ReadDirectory(raw)
		b.Log("read", time.Since(t1))
		if err != nil {
			b.Fatal(err)
		}
		t0 := time.Now()
		effective.Compile(d.Tokens(), effective.Config{})
		b.Log("compile", time.Since(t0))
		f, _ := os.Open(dir + "/objects.jsonl")
		rights, _ := bulk.ParseRights("read")
		src, _ := bulk.Open("objects.jsonl", f)
		run := bulk.Run{Source: src, Directory: d, Rights: rights, Ask: bulk.Count, Format: bulk.JSONL, Out: io.Discard}
		sum, err := run.Do(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		b.Log(sum.Position)
		f.Close()
	}
}
