package sd_test

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

func TestDecodeAndAppendAllocateLittle(t *testing.T) {
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
		t.Errorf("Peek and CompileInto made %v allocations, want none and 10 entries", n)
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
		t.Errorf("iterating over the entries made %v allocations, want none", n)
	}
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
