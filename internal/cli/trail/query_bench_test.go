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
	"github.com/refmon/refmon/internal/test/check"
)

// largeBytes returns the size of the log that BenchmarkLarge creates: REFMON_BYTES, or 32 MiB.
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
	l := check.Must(auditlog.Open(auditlog.Config{Dir: dir, Mode: auditlog.Relaxed}))
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
	check.NoError(b, l.Close())
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

// hashRecords hashes each record and does no other work.
func hashRecords(b *testing.B, dir string) {
	b.Helper()
	r := check.Must(auditlog.NewReader(dir, 0))
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		check.NoError(b, err)
		sha256.Sum256(rec.Payload())
	}
	check.NoError(b, r.Close())
}

// findNothing runs a query that looks at every record.
func findNothing(b *testing.B, dir, expr string) {
	b.Helper()
	r := check.Must(auditlog.NewReader(dir, 0))
	f := check.Must(Parse(expr))
	check.NoError(b, Query(r, f, func(*audit.Event) error { return errors.New("a record is found") }))
	check.NoError(b, r.Close())
}

// opening is the environment variable that makes this test program open a log, and print how long that took and how
// much memory it uses.
const opening = "REFMON_OPEN_LOG"

// TestOpenLogHelperProcess is the child process of [openElsewhere].
func TestOpenLogHelperProcess(t *testing.T) {
	dir := os.Getenv(opening)
	if dir == "" {
		t.Skip("it measures for BenchmarkLarge")
	}
	start := time.Now()
	l := check.Must(auditlog.Open(auditlog.Config{Dir: dir}))
	took := time.Since(start)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Printf("opened %d %s\n", took.Microseconds(), strings.Fields(peak)[0])
	check.NoError(t, l.Close())
}

// openElsewhere opens the log in a separate process, so that the measured memory is that of opening alone.
func openElsewhere(b *testing.B, dir string) {
	b.Helper()
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOpenLogHelperProcess$", "-test.v")
		cmd.Env = append(os.Environ(), opening+"="+dir)
		out, err := cmd.Output()
		_, line, ok := strings.Cut(string(out), "opened ")
		var micro, kib float64
		if _, scan := fmt.Sscan(line, &micro, &kib); err != nil || !ok || scan != nil {
			b.Fatalf("opening the log: %v, want time and memory in %s", err, out)
		}
		b.ReportMetric(micro/1000, "ms")
		b.ReportMetric(kib/1024, "MiB-peak")
	}
}
