package broker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/broker"
)

// BenchmarkFirstLoad is a first load over a message server, all stages in one process: a row
// a file, of a tenth as many classes as there are modes.
func BenchmarkFirstLoad(b *testing.B) {
	const files = 20_000
	tree, dir := b.TempDir(), filepath.Join(b.TempDir(), "firm.json")
	for i := range files {
		at := filepath.Join(tree, fmt.Sprint("d", i%100))
		if i < 100 {
			if err := os.Mkdir(at, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(at, fmt.Sprint("f", i)), nil, os.FileMode(0o600|i%64)); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(dir, []byte(firm), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, parts := range []int{1, 4} {
		b.Run(fmt.Sprint("parts ", parts), func(b *testing.B) {
			for range b.N {
				state := filepath.Join(b.TempDir(), "state")
				ctx, stop := context.WithCancel(b.Context())
				a := broker.Alone{Host: "h", Trees: []string{tree}, Directory: dir, Rights: "read", State: state,
					NoEvents: true, Every: time.Hour, Beat: 50 * time.Millisecond, Parts: parts, Ready: stop}
				before := used(b)
				if err := a.Run(ctx); err != nil {
					b.Fatal(err)
				}
				info, err := os.Stat(filepath.Join(state, "events.jsonl"))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((used(b)-before).Seconds()*1e6/files, "cpu-µs/row")
				b.ReportMetric(float64(info.Size())/files, "bytes/row")
			}
			b.ReportMetric(float64(b.N)*files/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("one machine", func(b *testing.B) {
		for range b.N {
			ctx, stop := context.WithCancel(b.Context())
			before := used(b)
			err := index.Run(ctx, index.Config{Trees: []string{tree}, Directory: dir, Rights: "read",
				State: filepath.Join(b.TempDir(), "state"), NoEvents: true, Beat: 50 * time.Millisecond, Ready: stop})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric((used(b)-before).Seconds()*1e6/files, "cpu-µs/row")
		}
		b.ReportMetric(float64(b.N)*files/b.Elapsed().Seconds(), "rows/s")
	})
}

// used returns the processor time of this process.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
