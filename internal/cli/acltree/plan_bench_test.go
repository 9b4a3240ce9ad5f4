package acltree

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// BenchmarkPlan plans a grant on 100,000 files in 1,000 directories, with its journal, as --dry-run does before it
// compares. It reports the heap that stays in use.
func BenchmarkPlan(b *testing.B) {
	m := newMemory()
	m.add("", Directory, "O:BAG:SYD:PAI(A;OICI;FA;;;BA)")
	for d := range 1000 {
		dir := fmt.Sprintf("d%d", d)
		m.add(dir, Directory, "O:BAG:SYD:AI(A;OICIID;FA;;;BA)")
		for f := range 99 {
			m.add(fmt.Sprintf("%s/f%d", dir, f), Regular, "O:BAG:SYD:AI(A;ID;FA;;;BA)")
		}
	}
	change := Edit([]Step{{Verb: Grant, Trustee: sddl.MustParse("O:BU").Owner(),
		Rights: check.Must(ParseRights("modify")), Flags: 3}})
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		f := check.Must(os.Create(filepath.Join(b.TempDir(), "undo")))
		w := check.Must(NewWriter(f, Header{Root: "/r", Keeper: "mount", Command: "test"}))
		p := Plan{Files: m, Keeper: Mount{}, Recursive: true, Change: change}
		counts := check.Must(p.Run(b.Context(), w))
		if err := w.Commit(false); err != nil || counts.Changed != 100001 {
			b.Fatal(counts, err)
		}
		check.Must(ReadJournal(f))
		check.NoError(b, f.Close())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(m)
	b.ReportMetric(float64(after.HeapInuse)-float64(before.HeapInuse), "heap-B")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100001, "µs/file")
}
