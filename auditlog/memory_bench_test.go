package auditlog

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
)

// flooding, set in the environment, makes this program one that writes as fast as
// it can, in that mode, and prints how much memory that took.
const flooding = "REFMON_FLOOD"

// TestFloods is the other process of [BenchmarkMemory].
func TestFloods(t *testing.T) {
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
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
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
				cmd := exec.Command(os.Args[0], "-test.run=^TestFloods$", "-test.v")
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
