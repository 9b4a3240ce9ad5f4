package daemon

import (
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
)

// TestTrimReturnsMemoryAfterALargeRelease checks that the heap is collected after clients have released much memory,
// and again only after as much was released once more.
func TestTrimReturnsMemoryAfterALargeRelease(t *testing.T) {
	pool := kernel.NewQuotaPool(1<<30, 0)
	payer := quota.Payer{Block: kernel.NewQuotaBlock(pool, 1<<30, false)}
	held := make([]byte, 40<<20)
	paid := check.Result(payer.Charge(trimBytes))
	check.That(t, !trim(pool), "trimmed while the memory is charged")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runtime.KeepAlive(held) // until here
	paid.Return()
	check.That(t, trim(pool), "not trimmed after 32 MiB were given back")
	runtime.ReadMemStats(&after)
	if before.HeapAlloc-after.HeapAlloc < 39<<20 || after.HeapReleased < before.HeapReleased+32<<20 {
		t.Errorf("the heap went from %d to %d bytes, and %d to %d are returned to the host", before.HeapAlloc,
			after.HeapAlloc, before.HeapReleased, after.HeapReleased)
	}
	check.That(t, !trim(pool), "trimmed twice for one release")
}
