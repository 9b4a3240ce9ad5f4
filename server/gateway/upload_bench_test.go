package gateway

import "testing"

// BenchmarkPut measures PUT of 4 KiB over an existing file.
func BenchmarkPut(b *testing.B) {
	const changed = "O:BAG:SYD:P(A;OICI;FA;;;AU)"
	w := newWorld(b, changed)
	w.file("f", "f", changed)
	body := string(make([]byte, 4096))
	b.ReportAllocs()
	for b.Loop() {
		if got := w.ask("alice", "PUT", "/share/f", body); got.code != 204 && got.code != 201 {
			b.Fatal(got)
		}
	}
}
