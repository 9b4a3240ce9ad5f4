package auditlog

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// question returns an audited open: its descriptor's SACL asks for a record.
func question(t testing.TB) (*audit.Policy, *access.Request, access.Decision) {
	t.Helper()
	d := testcheck.Must(sddl.Parse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SAFA;0x3;;;WD)"))
	tok := testcheck.Must(token.New(token.Spec{
		User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
		Groups: []token.Group{{SID: sid.MustParse("S-1-1-0"),
			Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_MANDATORY}},
	}))
	p := testcheck.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth},
	}))
	r := &access.Request{Descriptor: d, Subject: access.Subject{Primary: tok}, Desired: winnt.FILE_READ_DATA,
		Type: winnt.FileObject}
	dec := testcheck.Must(access.SeAccessCheck(r))
	return p, r, dec
}

// newIdleLog returns a log whose writer does not run.
func newIdleLog() *Log {
	return &Log{
		cfg:  Config{Mode: Relaxed},
		next: &batch{events: make([]audit.Event, 0, queueRecords), done: make(chan struct{})},
		room: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// TestQueueIsBoundedByBytes checks that a queue accepts records up to its limit in bytes, however few they are, and no
// record beyond it. A durable one waits before it fails (U-66).
func TestQueueIsBoundedByBytes(t *testing.T) {
	l, e, n := newIdleLog(), opened(t, audit.Success, strings.Repeat("r", 200_000)), 0
	for l.Write(e) == nil {
		if n++; n > queueRecords/2 {
			t.Fatal("the queue has no bound in bytes")
		}
	}
	if bytes := n * e.Size(); bytes <= queueBytes || bytes > queueBytes+e.Size() {
		t.Errorf("U-66: %d records of %d bytes are queued, the bound is %d bytes", n, e.Size(), queueBytes)
	}
	synctest.Test(t, func(t *testing.T) {
		l.room = make(chan struct{}) // of this bubble
		begun := time.Now()
		testcheck.ErrorIs(t, testcheck.Err(l.push([]audit.Event{e}, true, nil)), audit.ErrFull, "a durable record")
		testcheck.Equal(t, time.Since(begun), queueWait, "the wait of a durable record")
	})
}

// decideAndEnqueue does the work of an audited open on the relaxed path: it evaluates the SACL and queues the record.
func decideAndEnqueue(l *Log, p *audit.Policy, r *access.Request, d access.Decision, e audit.Event) bool {
	if v := p.Evaluate("File", r, d, nil); !v.Success {
		return false
	}
	if len(l.next.events) == queueRecords {
		l.next.events, l.next.bytes = l.next.events[:0], 0
	}
	return l.Write(e) == nil
}

// TestEnqueueAllocatesNothing checks that the relaxed path makes no allocation.
func TestEnqueueAllocatesNothing(t *testing.T) {
	p, r, d := question(t)
	l, e := newIdleLog(), opened(t, audit.Success, "report")
	n := testing.AllocsPerRun(1000, func() {
		if !decideAndEnqueue(l, p, r, d, e) {
			t.Fatal("no record")
		}
	})
	testcheck.Equal(t, n, 0, "allocations")
}

func BenchmarkDecideAndEnqueue(b *testing.B) {
	p, r, d := question(b)
	l, e := newIdleLog(), opened(b, audit.Success, "report")
	b.ReportAllocs()
	for b.Loop() {
		decideAndEnqueue(l, p, r, d, e)
	}
}

// diskTimes returns the sorted durations of making 300 appended bytes durable.
func diskTimes(b *testing.B, dir string) []time.Duration {
	b.Helper()
	f := testcheck.Must(os.Create(filepath.Join(dir, "rate")))
	defer f.Close()
	line := make([]byte, 300)
	var out []time.Duration
	for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
		one := time.Now()
		testcheck.NoError(b, testcheck.Err(f.Write(line)))
		testcheck.NoError(b, syncData(f))
		out = append(out, time.Since(one))
	}
	slices.Sort(out)
	return out
}

// BenchmarkDurable writes durable records from several goroutines. The disk's
// own times are measured before and after, in the same run. The reserve is that of refmond.
func BenchmarkDurable(b *testing.B) {
	for _, writers := range []int{1, 64, 512} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) {
			dir := b.TempDir()
			disk := diskTimes(b, dir)
			l := mustOpen(b, Config{Dir: filepath.Join(dir, "log"), Reserve: 4 << 20})
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
			testcheck.NoError(b, l.Close())
			disk = slices.Sorted(slices.Values(append(disk, diskTimes(b, dir)...)))
			report(b, slices.Sorted(slices.Values(slices.Concat(each...))), disk)
		})
	}
}

// BenchmarkZeroesAhead alternates between a log that writes zeros behind its records and one that makes its segment
// longer with each flush. It prints the median and the 90th percentile of a durable record of each, in milliseconds.
func BenchmarkZeroesAhead(b *testing.B) {
	var took [2][]time.Duration
	var logs [2]*Log
	for i, reserve := range []int64{0, 4 << 20} {
		logs[i] = mustOpen(b, Config{Dir: filepath.Join(b.TempDir(), "log"), Reserve: reserve})
	}
	e := opened(b, audit.Failure, "report")
	for b.Loop() {
		for i, l := range logs {
			start := time.Now()
			testcheck.NoError(b, l.Write(e))
			took[i] = append(took[i], time.Since(start))
		}
	}
	for i, name := range []string{"longer", "zeros"} {
		testcheck.NoError(b, logs[i].Close())
		slices.Sort(took[i])
		b.ReportMetric(took[i][len(took[i])/2].Seconds()*1000, name+"-ms")
		b.ReportMetric(took[i][len(took[i])*9/10].Seconds()*1000, name+"-p90-ms")
	}
}

// BenchmarkOverlappingSyncs measures a log with one sync at a time and one with two, alternating, with 16 and 64
// writers of durable records.
func BenchmarkOverlappingSyncs(b *testing.B) {
	for _, writers := range []int{16, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			var took [2][]time.Duration // for 20 records of each writer
			var each [2][]time.Duration // of a record
			var logs [2]*Log
			for i := range logs {
				logs[i] = mustOpen(b, Config{Dir: filepath.Join(b.TempDir(), "log"), Reserve: 4 << 20, flushers: i + 1})
			}
			e := opened(b, audit.Failure, "report")
			for b.Loop() {
				for i, l := range logs {
					var all sync.WaitGroup
					times := make([][]time.Duration, writers)
					start := time.Now()
					for w := range writers {
						all.Go(func() {
							for range 20 {
								began := time.Now()
								if err := l.Write(e); err != nil {
									b.Error(err)
								}
								times[w] = append(times[w], time.Since(began))
							}
						})
					}
					all.Wait()
					took[i] = append(took[i], time.Since(start))
					each[i] = append(each[i], slices.Concat(times...)...)
				}
			}
			for i, name := range []string{"one", "two"} {
				testcheck.NoError(b, logs[i].Close())
				slices.Sort(took[i])
				slices.Sort(each[i])
				b.ReportMetric(float64(20*writers)/took[i][len(took[i])/2].Seconds(), name+"-records/s")
				b.ReportMetric(each[i][len(each[i])*99/100].Seconds()*1000, name+"-p99-ms")
			}
		})
	}
}

// report prints the time of records and that of the disk.
func report(b *testing.B, took, disk []time.Duration) {
	b.Helper()
	p99 := func(t []time.Duration) float64 { return t[len(t)*99/100].Seconds() * 1000 }
	var all time.Duration
	for _, t := range disk {
		all += t
	}
	rate, syncs := float64(len(took))/b.Elapsed().Seconds(), float64(len(disk))/all.Seconds()
	b.ReportMetric(rate, "records/s")
	b.ReportMetric(syncs, "fdatasync/s")
	b.ReportMetric(rate/syncs, "records/fdatasync")
	b.ReportMetric(p99(took), "p99-ms")
	b.ReportMetric(p99(disk), "p99-fdatasync-ms")
}

// flooding is the environment variable that makes this program write as fast as it can in the mode it names, and print
// its memory use.
const flooding = "REFMON_FLOOD"

// TestFloodHelperProcess is the other process of [BenchmarkMemory].
func TestFloodHelperProcess(t *testing.T) {
	mode := os.Getenv(flooding)
	if mode == "" {
		t.Skip("it measures for BenchmarkMemory")
	}
	cfg := Config{Dir: filepath.Join(t.TempDir(), "log")}
	outcome := audit.Failure
	if mode == Relaxed.String() {
		cfg.Mode, outcome = Relaxed, audit.Success
	}
	l := mustOpen(t, cfg)
	var all sync.WaitGroup
	for g := range 64 {
		all.Go(func() {
			for i := range 2000 {
				e := opened(t, outcome, strconv.Itoa(g)+"/"+strconv.Itoa(i))
				for err := l.Write(e); err != nil; err = l.Write(e) {
					if !errors.Is(err, audit.ErrFull) {
						t.Error(err)
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	testcheck.NoError(t, l.Close())
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Println("peak", strings.Fields(peak)[0])
}

// BenchmarkMemory has 64 goroutines of a process of its own fill the queue, and
// reports the most memory that process had.
func BenchmarkMemory(b *testing.B) {
	for _, mode := range []Mode{Sync, Relaxed} {
		b.Run(mode.String(), func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(os.Args[0], "-test.run=^TestFloodHelperProcess$", "-test.v")
				cmd.Env = append(os.Environ(), flooding+"="+mode.String())
				out, err := cmd.Output()
				_, line, ok := strings.Cut(string(out), "peak ")
				var kib float64
				if _, scan := fmt.Sscan(line, &kib); err != nil || !ok || scan != nil {
					b.Fatalf("%v: %s", err, out)
				}
				b.ReportMetric(kib/1024, "MiB-peak")
			}
		})
	}
}
