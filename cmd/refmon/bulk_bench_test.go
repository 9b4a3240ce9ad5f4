//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/programs"
)

// TestMeasureBulkVerbs measures the verbs from file to file and prints the table of docs/performance.md. It runs only
// if REFMON_BENCH_BULK is set (make bench-bulk) and never fails by the clock.
func TestMeasureBulkVerbs(t *testing.T) {
	if os.Getenv("REFMON_BENCH_BULK") == "" {
		t.Skip("a measurement: make bench-bulk, or REFMON_BENCH_BULK=1")
	}
	dir := t.TempDir()
	refmon := filepath.Join(dir, "refmon")
	programs.Install(t, dir, "refmon")
	s := company.Sample{Seed: 1, Objects: 1 << 20, Descriptors: 50_000, Principals: 4096, Groups: 800}
	write(t, filepath.Join(dir, "company.json"), s.Directory)
	write(t, filepath.Join(dir, "objects.jsonl"), s.Write)
	s.Descriptors = s.Objects
	write(t, filepath.Join(dir, "distinct.jsonl"), s.Write)
	fmt.Printf("seed %d, %d objects, %d principals, %d groups; %s, %d cores, %s\n\n", s.Seed, s.Objects, s.Principals,
		s.Groups, processor(), runtime.NumCPU(), runtime.Version())
	fmt.Println("| descriptors | question | output | seconds | CPU seconds | ns a decision | MiB |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, c := range []struct{ file, what, right, flags string }{
		{"objects.jsonl", "50,000", "read", "--count"},
		{"objects.jsonl", "50,000", "read", "--for-index"},
		{"objects.jsonl", "50,000", "read+write+full", "--for-index"},
		{"distinct.jsonl", "1,048,576", "read", "--count"},
		{"distinct.jsonl", "1,048,576", "read+write+full", "--for-index"},
	} {
		args := []string{"who-can", c.right, "-o", filepath.Join(dir, c.file), "-d",
			filepath.Join(dir, "company.json"), c.flags,
			"-f", "jsonl", "--out", filepath.Join(dir, "out.jsonl")}
		if c.flags == "--for-index" {
			args = append(args, "--sets", filepath.Join(dir, "sets.jsonl"))
		}
		best, cpu, memory, size := time.Hour, time.Hour, int64(0), int64(0)
		for range 3 {
			cmd := exec.Command(refmon, args...)
			begun := time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
			best = min(best, time.Since(begun))
			cpu = min(cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
			if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				memory = max(memory, u.Maxrss/1024)
			}
		}
		for _, name := range []string{"out.jsonl", "sets.jsonl"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
				size += info.Size()
			}
		}
		decisions := float64(s.Objects) * float64(s.Principals) * float64(1+strings.Count(c.right, "+"))
		fmt.Printf("| %s | `who-can %s %s` | %d MB | %.2f | %.2f | %.3f | %d |\n", c.what, c.right, c.flags, size/1_000_000,
			best.Seconds(), cpu.Seconds(), float64(best.Nanoseconds())/decisions, memory)
	}
}

func write(t *testing.T, name string, f func(io.Writer) error) {
	t.Helper()
	out := check.Must(os.Create(name))
	w := bufio.NewWriter(out)
	check.NoError(t, f(w))
	check.NoError(t, w.Flush())
	check.NoError(t, out.Close())
}

// processor returns the name of the machine's processor, if it is known.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range bytes.Lines(b) {
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
