package auditlog

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// question returns an audited open: its descriptor's SACL asks for a record.
func question(t testing.TB) (*audit.Policy, *access.Request, access.Decision) {
	t.Helper()
	d, err := sddl.Parse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SAFA;0x3;;;WD)")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := token.New(token.Spec{
		User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
		Groups: []token.Group{{SID: sid.MustParse("S-1-1-0"),
			Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_MANDATORY}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &access.Request{Descriptor: d, Subject: access.Subject{Primary: tok}, Desired: winnt.FILE_READ_DATA,
		Type: winnt.FileObject}
	dec, err := access.SeAccessCheck(r)
	if err != nil {
		t.Fatal(err)
	}
	return p, r, dec
}

// idle returns a log whose writer takes nothing.
func idle() *Log {
	return &Log{
		cfg:  Config{Mode: Relaxed},
		next: &batch{events: make([]audit.Event, 0, queueRecords), done: make(chan struct{})},
		room: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// decideAndEnqueue returns what an audited open pays on the relaxed path for a record
// that is made: the SACL is evaluated, the record queued.
func decideAndEnqueue(l *Log, p *audit.Policy, r *access.Request, d access.Decision, e audit.Event) bool {
	if v := p.Evaluate("File", r, d, nil); !v.Success {
		return false
	}
	if len(l.next.events) == queueRecords {
		l.next.events, l.next.bytes = l.next.events[:0], 0
	}
	return l.Write(e) == nil
}

// TestEnqueueAllocatesNothing holds the relaxed path to no allocation.
func TestEnqueueAllocatesNothing(t *testing.T) {
	p, r, d := question(t)
	l, e := idle(), opened(t, audit.Success, "report")
	n := testing.AllocsPerRun(1000, func() {
		if !decideAndEnqueue(l, p, r, d, e) {
			t.Fatal("no record")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecideAndEnqueue(b *testing.B) {
	p, r, d := question(b)
	l, e := idle(), opened(b, audit.Success, "report")
	b.ReportAllocs()
	for b.Loop() {
		decideAndEnqueue(l, p, r, d, e)
	}
}

// diskRate returns how often a second the disk makes 300 appended bytes durable.
func diskRate(b *testing.B, dir string) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "rate"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	line := make([]byte, 300)
	n, start := 0, time.Now()
	for ; time.Since(start) < 300*time.Millisecond; n++ {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := syncData(f); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// BenchmarkDurable writes durable records from 1 and from 64 goroutines; the
// disk's own rate is measured in the same run.
func BenchmarkDurable(b *testing.B) {
	for _, writers := range []int{1, 64, 512} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) {
			dir := b.TempDir()
			rate := diskRate(b, dir)
			l := mustOpen(b, Config{Dir: filepath.Join(dir, "log")})
			e := opened(b, audit.Failure, "report")
			each := make([][]time.Duration, writers)
			b.ResetTimer()
			var all sync.WaitGroup
			for g := range writers {
				all.Go(func() {
					for range (b.N + writers - 1) / writers {
						start := time.Now()
						if err := l.Write(e); err != nil {
							b.Error(err)
						}
						each[g] = append(each[g], time.Since(start))
					}
				})
			}
			all.Wait()
			b.StopTimer()
			took := slices.Sorted(slices.Values(slices.Concat(each...)))
			b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(rate, "fdatasync/s")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
