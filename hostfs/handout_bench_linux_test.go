package hostfs

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// BenchmarkHandOut passes and closes a descriptor of an open file at depth 3.
func BenchmarkHandOut(b *testing.B) {
	w := newHandOuts(b, HandOutReads)
	for _, d := range []string{"a", `a\b`} {
		w.dir(d, forEveryone)
	}
	w.file(`a\b\f`, "x", forEveryone)
	awaitCache(b, w.path(`a\b\f`))
	th := w.as(bob)
	h := w.open(th, `a\b\f`, winnt.FILE_GENERIC_READ, ntstatus.Success)
	b.ReportAllocs()
	for b.Loop() {
		f, st := w.passTo(th, h, strangerUID)
		check.Require(b, st, ntstatus.Success, "HandOut")
		check.NoError(b, f.Close())
	}
}
