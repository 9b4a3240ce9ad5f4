package daemon_test

import (
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// measured has the durations of a client's calls.
type measured []time.Duration

// measure measures a client that makes one call after the other while an opponent runs.
func (m *measured) measure(b *testing.B, th *nt.Thread, opponents ...*os.Process) {
	b.Helper()
	for _, o := range opponents {
		_ = o.Signal(unix.SIGCONT)
		defer func() { _ = o.Signal(unix.SIGSTOP) }()
	}
	for end := time.Now().Add(50 * time.Millisecond); ; {
		at := time.Now()
		if at.After(end) {
			return
		}
		if st := open(th); st != ntstatus.AccessDenied {
			b.Fatal(st)
		}
		*m = append(*m, time.Since(at))
	}
}

// p99 returns the 99th percentile.
func (m measured) p99() float64 {
	slices.Sort(m)
	return float64(m[len(m)*99/100])
}

// BenchmarkFair measures the share of a well-behaved client next to one that floods the daemon with
// denied opens from 250 threads, and next to four such clients. The reference is its share next to
// another well-behaved client (W-21). A program that computes on every processor without calls
// shows the host scheduler's part. All programs, including the daemon, are separate processes and
// alternate, so that other load affects all alike.
func BenchmarkFair(b *testing.B) {
	_, socket := startPart(b, "daemon")
	other := startRival(b, socket, "client")
	var floods, burns []*os.Process
	for range 4 {
		floods = append(floods, startRival(b, socket, "flood"))
		burns = append(burns, startRival(b, socket, "burn"))
	}
	c := check.Must(client.Dial(socket))
	defer c.Close()
	var quiet, fair, burnt, flooded, floods4, burns4 measured
	for b.Loop() {
		quiet.measure(b, c.Thread())
		fair.measure(b, c.Thread(), other)
		burnt.measure(b, c.Thread(), burns[0])
		flooded.measure(b, c.Thread(), floods[0])
		floods4.measure(b, c.Thread(), floods...)
		burns4.measure(b, c.Thread(), burns...)
	}
	for name, m := range map[string]measured{"burn": burnt, "flood": flooded,
		"4-floods": floods4, "4-burns": burns4} {
		b.ReportMetric(float64(len(m))/float64(len(fair)), name+"-share")
		b.ReportMetric(m.p99()/quiet.p99(), name+"-p99/quiet")
	}
	b.ReportMetric(fair.p99()/quiet.p99(), "fair-p99/quiet")
	b.ReportMetric(0, "ns/op")
}

// TestFloodingClientDoesNotBlockOthers checks that a client with many threads, each with a call in progress, gets all
// replies and holds nothing at the end, while another one is served (W-13, W-21).
func TestFloodingClientDoesNotBlockOthers(t *testing.T) {
	d := start(t, nil)
	flood := d.dial()
	var all sync.WaitGroup
	for range 200 {
		th := check.Must(flood.NewThread())
		all.Go(func() {
			for range 20 {
				if st := open(th); st != ntstatus.ObjectNameNotFound {
					t.Error(st)
				}
			}
		})
	}
	for range 5 {
		d.checkServed()
	}
	all.Wait()
	_ = flood.Close()
}
