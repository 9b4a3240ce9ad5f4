package trail

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// largeBytes is the size of the log that BenchmarkLarge makes: REFMON_BYTES, or
// 32 MiB.
func largeBytes() int64 {
	if n, err := strconv.ParseInt(os.Getenv("REFMON_BYTES"), 10, 64); err == nil {
		return n
	}
	return 32 << 20
}

// BenchmarkLarge measures slow operations on a large log: opening it after a crash, a narrow query, and a
// verification compared with plain SHA-256 over the same bytes.
func BenchmarkLarge(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "log")
	l, err := auditlog.Open(auditlog.Config{Dir: dir, Mode: auditlog.Relaxed})
	if err != nil {
		b.Fatal(err)
	}
	e := requested(b, audit.Object{Type: "File", Name: `\srv\files\department\report.txt`}, audit.Success, 1)
	size := int64(len(e.AppendJSON(nil)) + 16)
	for at := int64(0); at < largeBytes(); at += size {
		for err := l.Write(e); err != nil; err = l.Write(e) {
			if !errors.Is(err, audit.ErrFull) {
				b.Fatal(err)
			}
			time.Sleep(time.Millisecond) // the queue is full: the writer is at it
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	rate := func(b *testing.B, work func()) {
		for b.Loop() {
			start := time.Now()
			work()
			b.ReportMetric(float64(largeBytes())/1e6/time.Since(start).Seconds(), "MB/s")
		}
	}
	b.Run("recovery", func(b *testing.B) { openElsewhere(b, dir) })
	for name, expr := range map[string]string{
		"query/no such user":        `user=stranger and object="*department*"`,
		"query/no such combination": `user=*1107 and object="*department*" and result=failure`,
		"query/no such object":      `object="/srv/files/department/*.docx"`,
	} {
		b.Run(name, func(b *testing.B) { rate(b, func() { findNothing(b, dir, expr) }) })
	}
	b.Run("verify", func(b *testing.B) {
		rate(b, func() {
			if _, err := auditlog.Verify(auditlog.Verification{Dir: dir}); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("sha256", func(b *testing.B) { rate(b, func() { hashRecords(b, dir) }) })
}

// hashRecords hashes each record and does nothing else with it.
func hashRecords(b *testing.B, dir string) {
	b.Helper()
	r, err := auditlog.NewReader(dir, 0)
	if err != nil {
		b.Fatal(err)
	}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		sha256.Sum256(rec.Payload())
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

// findNothing runs a query that looks at every record.
func findNothing(b *testing.B, dir, expr string) {
	b.Helper()
	r, err := auditlog.NewReader(dir, 0)
	if err != nil {
		b.Fatal(err)
	}
	f, err := Parse(expr)
	if err != nil {
		b.Fatal(err)
	}
	if err := Query(r, f, func(*audit.Event) error { return errors.New("a record is found") }); err != nil {
		b.Fatal(err)
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

// opening, set in the environment, makes this program one that opens that log,
// and says how long that took and how much memory it has.
const opening = "REFMON_OPEN_LOG"

// TestOpenLogInOwnProcess is the other process of [openElsewhere].
func TestOpenLogInOwnProcess(t *testing.T) {
	dir := os.Getenv(opening)
	if dir == "" {
		t.Skip("it measures for BenchmarkLarge")
	}
	start := time.Now()
	l, err := auditlog.Open(auditlog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Printf("opened %d %s\n", took.Microseconds(), strings.Fields(peak)[0])
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// openElsewhere opens the log in a process of its own, so that its memory is that
// of the opening alone.
func openElsewhere(b *testing.B, dir string) {
	b.Helper()
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOpenLogInOwnProcess$", "-test.v")
		cmd.Env = append(os.Environ(), opening+"="+dir)
		out, err := cmd.Output()
		_, line, ok := strings.Cut(string(out), "opened ")
		var micro, kib float64
		if _, scan := fmt.Sscan(line, &micro, &kib); err != nil || !ok || scan != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(micro/1000, "ms")
		b.ReportMetric(kib/1024, "MiB-peak")
	}
}
