package index_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// forest makes files with descriptors, of which each 100 have one of their own. REFMON_TREE names a
// folder in which they stay for the next run.
func forest(b *testing.B, root string, files int) {
	b.Helper()
	if _, err := os.Stat(filepath.Join(root, "whole")); err == nil {
		return
	}
	distinct := max(1, files/100)
	values := make([][]byte, distinct)
	for i := range values {
		a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(fmt.Sprintf(
			"O:SYG:SYD:(A;;FR;;;%s-%d)(A;;FR;;;%s-%d)(A;;FR;;;S-1-5-21-7-7-7-%d)",
			company.Domain, 20000+i%3, company.Domain, 100000+i%1000, 1000+i))}
		var err error
		if values[i], err = a.Append(nil); err != nil {
			b.Fatal(err)
		}
	}
	for i := range files {
		dir := filepath.Join(root, fmt.Sprintf("d%d", i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		fd, err := unix.Open(fmt.Sprintf("%s/f%d", dir, i), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			b.Fatal(err)
		}
		if err := unix.Fsetxattr(fd, ntacl.Name, values[i%distinct], 0); err != nil {
			b.Fatal(err)
		}
		_ = unix.Close(fd)
	}
	if err := os.WriteFile(filepath.Join(root, "whole"), nil, 0o600); err != nil {
		b.Fatal(err)
	}
}

// used returns the processor time that this process has used.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFirstLoadFiles walks real files and keeps an index of them: at first, and again where
// all is as it was.
func BenchmarkFirstLoadFiles(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("security.NTACL is set by root only")
	}
	files := randtest.Count(b, "REFMON_DOCS", 20_000)
	root := os.Getenv("REFMON_TREE")
	if root == "" {
		root = b.TempDir()
	}
	forest(b, root, files)
	list := filepath.Join(b.TempDir(), "people.yaml")
	out, err := os.Create(list)
	if err != nil {
		b.Fatal(err)
	}
	s := company.Sample{Seed: 24, Principals: 1000, Groups: 100, Objects: 1, Descriptors: 1}
	if err := s.Directory(out); err != nil {
		b.Fatal(err)
	}
	_ = out.Close()
	for b.Loop() {
		state := filepath.Join(b.TempDir(), "state")
		for _, when := range []string{"first", "again"} {
			ctx, stop := context.WithCancel(b.Context())
			start, before := time.Now(), used(b)
			err := index.Run(ctx, index.Config{Trees: []string{root}, Directory: list, Rights: "read", State: state,
				Ready: func() {
					b.ReportMetric(time.Since(start).Seconds(), "s-"+when)
					b.ReportMetric((used(b) - before).Seconds(), "cpu-s-"+when)
					stop()
				}})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// asChanger makes the test's program one that changes descriptors of files of a folder, a thousand
// in each second, until its input ends.
const asChanger = "REFMON_TEST_CHANGER"

// change is that program.
func change(root string) error {
	var values [2][]byte
	for i, text := range []string{forStaff, forCarol} {
		a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(text)}
		var err error
		if values[i], err = a.Append(nil); err != nil {
			return err
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	start, n := time.Now(), 0
	for {
		select {
		case err := <-ended:
			fmt.Println(n)
			return err
		case <-tick.C:
		}
		for ; n < int(time.Since(start).Milliseconds()); n++ { // ticks may be lost
			name := fmt.Sprintf("%s/d%d/f%d", root, n/50%20, n%1000)
			if err := unix.Setxattr(name, ntacl.Name, values[n/1000%2], 0); err != nil {
				return err
			}
		}
	}
}

// BenchmarkWatcher watches a tree in which another process changes a thousand descriptors a second,
// and says how much of a core that takes: for the watcher alone, who reads what it tells drops it.
func BenchmarkWatcher(b *testing.B) {
	root := b.TempDir()
	for i := range 1000 {
		name := fmt.Sprintf("%s/d%d/f%d", root, i/50, i)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, nil, 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	out := make(chan index.Batch)
	go func() {
		if err := (&index.Watcher{Root: root}).Run(b.Context(), out); err != nil {
			b.Error(err)
		}
	}()
	for x := range out {
		if x.End {
			break
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asChanger+"="+root)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout = &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	start, before, seen, batches := time.Now(), used(b), 0, 0
	for b.Loop() {
		for round := time.Now(); time.Since(round) < 5*time.Second; {
			x := <-out
			seen += len(x.Seen)
			batches++
		}
	}
	cpu, took := used(b)-before, time.Since(start)
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	changes, err := strconv.Atoi(strings.TrimSpace(said.String()))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "%-of-a-core")
	b.ReportMetric(float64(changes)/took.Seconds(), "changes/s")
	b.ReportMetric(float64(seen)/took.Seconds(), "seen/s")
	b.ReportMetric(float64(batches)/took.Seconds(), "batches/s")
}
