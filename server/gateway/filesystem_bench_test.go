package gateway

import (
	"fmt"
	"testing"
)

// BenchmarkStat measures a PROPFIND of one file with a cached session.
func BenchmarkStat(b *testing.B) {
	w := newWorld(b, shared)
	w.file("f", "f", shared)
	b.ReportAllocs()
	for b.Loop() {
		if got := w.ask("alice", "PROPFIND", "/share/f", "", "Depth", "0"); got.code != 207 {
			b.Fatal(got)
		}
	}
}

// BenchmarkList sends a PROPFIND for a directory of 100 files, with all properties that clients request.
func BenchmarkList(b *testing.B) {
	w := newWorld(b, shared)
	for i := range 100 {
		w.file(fmt.Sprintf("d/f%d", i), "f", shared)
	}
	w.describe("d", shared)
	b.ReportAllocs()
	for b.Loop() {
		if got := w.ask("alice", "PROPFIND", "/share/d/", "", "Depth", "1"); got.code != 207 {
			b.Fatal(got)
		}
	}
}
