package sd_test

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Decoded descriptors use at most twice their encoded bytes of heap.
func TestDecodedDescriptorsUseLittleHeap(t *testing.T) {
	const n = 2000
	in := make([][]byte, n)
	total := 0
	for i := range in {
		in[i] = tenEntries(uint32(i))
		total += len(in[i])
	}
	out := make([]*sd.Descriptor, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i, b := range in {
		out[i], _ = sd.Decode(b)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	ratio := float64(after.HeapAlloc-before.HeapAlloc) / float64(total)
	t.Logf("%d bytes a descriptor, heap %.2f times that", total/n, ratio)
	check.That(t, ratio <= 2, "heap is %.2f times the descriptors' bytes, want at most 2", ratio)
	runtime.KeepAlive(in)
	runtime.KeepAlive(out)
}

// HeapSize counts the bytes that a decoded descriptor keeps because Append would write others.
func TestHeapSizeCountsKeptBytes(t *testing.T) {
	b := tenEntries(1)
	plain := check.Must(sd.Decode(b)).HeapSize()
	slack := check.Must(sd.Decode(append(b, make([]byte, 5000)...))).HeapSize()
	// A condition and an attribute take memory of their own.
	extras := check.Must(sd.Decode(sddl.MustParse(`D:(XA;;FX;;;WD;(@User.Title=="PM"))`).Binary())).DACL()
	condition := extras.Extra(0).Condition.HeapSize()
	check.That(t, condition > 0 && extras.HeapSize() > condition+extras.Size()+int(unsafe.Sizeof(sd.Extra{})),
		"HeapSize of a list with a condition of %d bytes: %d", condition, extras.HeapSize())
	extras = sddl.MustParse(`S:(RA;;;;;WD;("Dept",TS,0,"` + strings.Repeat("x", 2000) + `"))`).SACL()
	check.That(t, extras.HeapSize() > extras.Size()+2000, "HeapSize of a list with an attribute of 4000 bytes: %d",
		extras.HeapSize())
	check.That(t, plain >= len(b) && slack >= plain+5000, "HeapSize of %d bytes: %d, with 5000 more: %d", len(b), plain,
		slack)
}
