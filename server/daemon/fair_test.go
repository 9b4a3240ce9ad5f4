package daemon_test

import (
	"golang.org/x/sys/unix"
	"sync"

	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// rival names the part that this program plays for BenchmarkFair, and the socket.
const rival = "REFMON_TEST_RIVAL"

func TestMain(m *testing.M) {
	if part, socket, ok := strings.Cut(os.Getenv(rival), " "); ok {
		if err := compete(part, socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// compete makes calls until it is killed: one at a time, or denied opens of many
// threads at once.
func compete(part, socket string) error {
	c, err := client.Dial(socket)
	if err != nil {
		return err
	}
	threads := 1
	if part == "flood" {
		threads = 250
	}
	for range threads {
		th, err := c.NewThread()
		if err != nil {
			return err
		}
		go func() {
			for {
				open(th)
			}
		}()
	}
	fmt.Println("ready")
	select {}
}

// open is denied.
func open(th *nt.Thread) ntstatus.Status {
	_, st := th.NtOpenFile(winnt.FILE_WRITE_DATA, &nt.ObjectAttributes{ObjectName: "report"}, 0, 0)
	return st
}

// opponent is another program that competes; it is stopped unless it is measured
// against.
func opponent(b *testing.B, socket, part string) *os.Process {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), rival+"="+part+" "+socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if _, err := out.Read(make([]byte, 8)); err != nil {
		b.Fatal(err)
	}
	_ = cmd.Process.Signal(unix.SIGSTOP)
	return cmd.Process
}

// measured has how long the calls of a client took.
type measured []time.Duration

// during measures a client that makes one call after the other while an opponent runs.
func (m *measured) during(b *testing.B, th *nt.Thread, opponent *os.Process) {
	b.Helper()
	if opponent != nil {
		_ = opponent.Signal(unix.SIGCONT)
		defer func() { _ = opponent.Signal(unix.SIGSTOP) }()
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

// p99 returns what 99 of 100 calls took at most.
func (m measured) p99() float64 {
	slices.Sort(m)
	return float64(m[len(m)*99/100])
}

// BenchmarkFair: what a well-behaved client keeps beside one that floods the daemon
// with denied opens of 250 threads. It has its fair share beside another
// well-behaved one (W-21). The three take turns, so that what else the machine does
// meets each alike.
func BenchmarkFair(b *testing.B) {
	d, socket := bench(b, daemon.Limits{})
	sec, err := sddl.Parse("O:SYG:SYD:(D;;FW;;;WD)(A;;FR;;;WD)")
	if err != nil {
		b.Fatal(err)
	}
	if err := d.System().CreateFile("report", sec); err != nil {
		b.Fatal(err)
	}
	client1, flood := opponent(b, socket, "client"), opponent(b, socket, "flood")
	c, err := client.Dial(socket)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var quiet, fair, flooded measured
	for b.Loop() {
		quiet.during(b, c.Thread(), nil)
		fair.during(b, c.Thread(), client1)
		flooded.during(b, c.Thread(), flood)
	}
	b.ReportMetric(float64(len(flooded))/float64(len(fair)), "of-fair-share")
	b.ReportMetric(flooded.p99()/quiet.p99(), "p99/quiet-p99")
	b.ReportMetric(fair.p99()/quiet.p99(), "fair-p99/quiet-p99")
}

// TestFlood: a client with many threads, each with a call under way, is answered whole
// and in the end holds nothing; another one is served meanwhile (W-13, W-21).
func TestFlood(t *testing.T) {
	d := start(t, nil)
	flood := d.dial()
	var all sync.WaitGroup
	for range 200 {
		th, err := flood.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for range 20 {
				if st := open(th); st != ntstatus.ObjectNameNotFound {
					t.Error(st)
				}
			}
		})
	}
	for range 5 {
		d.works()
	}
	all.Wait()
	_ = flood.Close()
	d.settles()
}
