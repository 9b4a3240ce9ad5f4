// Package bounded checks, for fuzz targets, that decoding an input takes time and memory in proportion to its size.
//
//	bounded.Run(t, len(b), func() { sd.Decode(b) })
//
// Guards: Run measures the whole process, so that one call runs at a time.
package bounded

import (
	"runtime"
	"testing"
	"time"
)

// The limits for any input: a fixed amount, and an amount for each byte. Decoded entries of 40 bytes and messages
// that quote the input fit.
const (
	base    = 1 << 20
	perByte = 512
	limit   = 5 * time.Second // far above what a loaded machine needs for 1 MiB
)

// Run calls f and fails the test if f allocates more than an input of size
// bytes may, or takes longer than 5 s.
func Run(t *testing.T, size int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(base+perByte*size); got > most {
		t.Errorf("%d bytes of input took %d bytes of memory, want at most %d", size, got, most)
	}
	if took > limit {
		t.Errorf("%d bytes of input took %v, want at most %v", size, took, limit)
	}
}
