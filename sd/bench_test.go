package sd_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// tenEntries is a descriptor with a DACL of ten plain entries for accounts of
// a domain: the shape the budgets of the access check are stated for.
func tenEntries(domain uint32) []byte {
	var aces []sd.ACE
	for i := range uint32(10) {
		s, _ := sid.New(5, 21, domain, 2, 3, 1000+i)
		a, _ := sd.NewACE(sd.AccessAllowed, 0, 0x120089, s)
		aces = append(aces, a)
	}
	l, _ := sd.NewACL(aces...)
	owner, _ := sid.New(5, 21, domain, 2, 3, 1107)
	group, _ := sid.New(5, 21, domain, 2, 3, 513)
	return sd.New(sd.Parts{Owner: owner, Group: group, DACL: l}).Binary()
}

func TestEntrySize(t *testing.T) {
	if n := unsafe.Sizeof(sd.Entry{}); unsafe.Sizeof(uintptr(0)) == 8 && n != 32 {
		t.Errorf("an Entry has %d bytes, want 32", n)
	}
}

func TestAllocations(t *testing.T) {
	b := tenEntries(1)
	if n := testing.AllocsPerRun(100, func() { _, _ = sd.Decode(b) }); n > 3 { // the bytes, the values, the entries
		t.Errorf("Decode allocates %v times, want at most 3", n)
	}
	buf := make([]sd.Entry, 0, 16)
	if n := testing.AllocsPerRun(100, func() {
		r, st := sd.Peek(b)
		if st == ntstatus.Success {
			buf, _ = sd.CompileInto(buf, r.DACL)
		}
	}); n != 0 || len(buf) != 10 {
		t.Errorf("Peek and CompileInto allocate %v times, want none", n)
	}
	d, _ := sd.Decode(b)
	out := make([]byte, 0, d.Size())
	if n := testing.AllocsPerRun(100, func() { out = d.Append(out[:0]) }); n != 0 {
		t.Errorf("Append allocates %v times, want none", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, a := range d.DACL().All() {
			_ = a.SID()
		}
	}); n != 0 {
		t.Errorf("walking allocates %v times, want none", n)
	}
}

// Heap of decoded descriptors: at most twice their bytes.
func TestHeap(t *testing.T) {
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
	if ratio > 2 {
		t.Errorf("heap is %.2f times the descriptors' bytes, want at most 2", ratio)
	}
	runtime.KeepAlive(in)
	runtime.KeepAlive(out)
}

func BenchmarkDecode(b *testing.B) {
	in := tenEntries(1)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sd.Decode(in)
	}
}

func BenchmarkUsedOnce(b *testing.B) {
	in := tenEntries(1)
	buf := make([]sd.Entry, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		r, _ := sd.Peek(in)
		buf, _ = sd.CompileInto(buf, r.DACL)
	}
}

func BenchmarkAppend(b *testing.B) {
	d, _ := sd.Decode(tenEntries(1))
	out := make([]byte, 0, d.Size())
	b.ReportAllocs()
	for b.Loop() {
		out = d.Append(out[:0])
	}
}

func BenchmarkNew(b *testing.B) {
	d, _ := sd.Decode(tenEntries(1))
	p := d.Parts()
	b.ReportAllocs()
	for b.Loop() {
		_ = sd.New(p)
	}
}

func ExampleDecode() {
	b := tenEntries(1)
	d, err := sd.Decode(b)
	fmt.Println(d.Owner(), d.DACL().Len(), err)
	_, err = sd.Decode(b[:40])
	fmt.Println(strings.Replace(err.Error(), ": an", ":\nan", 1))
	// Output:
	// S-1-5-21-1-2-3-1107 10 <nil>
	// security descriptor: at byte 4:
	// an offset must be 0, or at least 20, a multiple of 4 and inside: STATUS_INVALID_SECURITY_DESCR
}

func ExampleNewACL() {
	deny, _ := sd.NewACE(sd.AccessDenied, 0, 0x2, sid.Guests)
	allow, _ := sd.NewACE(sd.AccessAllowed, sd.ObjectInherit|sd.ContainerInherit, 0x1, sid.Everyone)
	l, err := sd.NewACL(deny, allow)
	d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
	fmt.Println(d.DACL().Len(), d.DACL().Revision(), sd.IsCanonical(l), len(d.Binary()), err)
	// Output: 2 2 true 100 <nil>
}
