package mount

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// turn is an operation of BenchmarkTurns: so many of it are one turn.
type turn struct {
	name  string
	block int
	times int
	write bool
	// fresh has the file looked at by an open before the turn: with the attributes that it is told
	// the host's kernel forgets that the file has no capabilities, and the first write after
	// that asks us for them (security.capability).
	fresh bool
}

// BenchmarkTurns measures reading and writing on the mount and in a folder of the file system below by turns, each turn
// long enough that the clock and the change of turns do not count: the median of the ratios of neighbours, where 1
// is as fast as the folder. The files are opened once, of 64 MiB each and in the page cache.
func BenchmarkTurns(b *testing.B) {
	w := newWorld(b)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	const size = 64 << 20
	var files []*os.File
	for _, dir := range []string{folder(b), filepath.Join(w.at, "all")} {
		name := filepath.Join(dir, "file")
		w.must(os.WriteFile(name, bytes.Repeat([]byte("x"), size), 0o600))
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		w.must(err)
		w.must(f.Sync())
		b.Cleanup(func() { w.must(f.Close()) })
		files = append(files, f)
	}
	for _, op := range []turn{{name: "read1M", block: 1 << 20, times: 16},
		{name: "write1M", block: 1 << 20, times: 16, write: true},
		{name: "read4k", block: 4096, times: 1000}, {name: "write4k", block: 4096, times: 1000, write: true},
		{name: "write4k-fresh", block: 4096, times: 20, write: true, fresh: true},
		{name: "write4k-first", block: 4096, times: 1, write: true, fresh: true}} {
		b.Run(op.name, func(b *testing.B) {
			var ratios []float64
			for i := 0; b.Loop(); i++ {
				var took [2]time.Duration
				for j := range files {
					j = (i + j) % 2 // who is first changes
					if op.fresh {
						w.must(opened(files[j].Name()))
					}
					start := time.Now()
					w.must(op.run(files[j], i, size))
					took[j] = time.Since(start)
				}
				ratios = append(ratios, float64(took[0])/float64(took[1]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "x-native")
			b.ReportMetric(ratios[len(ratios)/4], "x-lower-quarter")
		})
	}
}

// run does one turn, at places that are those of the same turn of the other file.
func (op turn) run(f *os.File, turn int, size int64) error {
	for i := range op.times {
		at := int64(turn*op.times+i) * 7919 * int64(op.block) % size
		do := readAt
		if op.write {
			do = writeAt
		}
		if err := do(f, op.block, at); err != nil {
			return err
		}
	}
	return nil
}
