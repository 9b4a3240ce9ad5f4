//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/randtest"
)

// Memory limits for the children of TestBulkVerbsUseBoundedMemory: the kernel's limit, which includes the runtime and
// unused mappings, and GOMEMLIMIT. Their input is twice the second.
const (
	hardLimit = 224 << 20
	softLimit = 48 << 20
)

// TestBulkVerbsUseBoundedMemory checks that each verb works in bounded memory: a child with a hard limit, whose input
// is several times larger, writes the same output.
func TestBulkVerbsUseBoundedMemory(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it runs for a minute")
	dir := t.TempDir()
	refmon := filepath.Join(dir, "refmon")
	programs.Install(t, dir, "refmon")
	// Every object has its own descriptor. The paths are long, so that the first state of a diff is too large as
	// well.
	s := company.Sample{Seed: randtest.Seed(t), Objects: 120_000, Descriptors: 120_000, Principals: 12, Groups: 10}
	write(t, filepath.Join(dir, "company.json"), s.Directory)
	grown := func(out io.Writer) error {
		r, w := io.Pipe()
		go func() { w.CloseWithError(s.Write(w)) }()
		return eachLine(r, out, func(to *bufio.Writer, line []byte) {
			to.WriteString(`{"path":"` + strings.Repeat("/a folder with a long name", 20))
			to.Write(bytes.TrimPrefix(line, []byte(`{"path":"`)))
		})
	}
	before, after := filepath.Join(dir, "before.jsonl"), filepath.Join(dir, "after.jsonl")
	write(t, before, grown)
	info := check.Must(os.Stat(before))
	t.Logf("objects %d MiB, soft limit %d MiB, hard limit %d MiB", info.Size()>>20, softLimit>>20, hardLimit>>20)
	write(t, after, func(out io.Writer) error { return someReplaced(out, before) })
	for _, c := range []struct {
		name string
		args []string
	}{
		{"who-can", []string{"who-can", "read", "-o", before, "-f", "jsonl"}},
		{"index", []string{"who-can", "read+write+full", "-o", before, "--for-index", "--sets", "SETS"}},
		{"what-can", []string{"what-can", "user1", "-o", before, "-f", "csv"}},
		{"diff", []string{"diff", before, after, "-f", "jsonl"}},
		{"summary", []string{"diff", before, after, "--summary"}},
		{"report", []string{"report", "--force", "-o", before}},
		{"export", []string{"acl", "export", "-o", before, "--domain", "S-1-5-21-1-2-3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			free := childOutput(t, dir, refmon, c.args, false)
			tight := childOutput(t, dir, refmon, c.args, true)
			check.That(t, free == tight, "with enough memory %s, with little %s, want %s", free, tight, tight)
			t.Log(free)
		})
	}
}

// someReplaced copies objects; every thousandth gets the descriptor of the one
// before, and every thousandth is left out.
func someReplaced(out io.Writer, name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	var last []byte
	n := 0
	return eachLine(in, out, func(w *bufio.Writer, line []byte) {
		switch n++; n % 1000 {
		case 7:
			at, was := bytes.Index(line, []byte(`","sd":`)), bytes.Index(last, []byte(`","sd":`))
			w.Write(line[:at])
			w.Write(last[was:])
		case 8:
		default:
			w.Write(line)
		}
		last = append(last[:0], line...)
	})
}

// eachLine copies a file line by line.
func eachLine(in io.Reader, out io.Writer, f func(w *bufio.Writer, line []byte)) error {
	w := bufio.NewWriterSize(out, 1<<16)
	s := bufio.NewScanner(in)
	for s.Scan() {
		f(w, append(s.Bytes(), '\n'))
	}
	return errors.Join(s.Err(), w.Flush())
}

// childOutput runs a verb and returns how much it wrote with a digest of it.
func childOutput(t *testing.T, dir, refmon string, args []string, limited bool) string {
	t.Helper()
	out := filepath.Join(dir, fmt.Sprintf("%s-%t", filepath.Base(t.Name()), limited))
	args = append([]string{}, args...)
	for i := range args {
		if args[i] == "SETS" {
			args[i] = out + ".sets"
		}
	}
	if args[0] != "acl" {
		args = append(args, "-d", filepath.Join(dir, "company.json"), "--out", out)
	}
	cmd := exec.Command(refmon, args...)
	if limited {
		cmd = exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -d %d && exec "$0" "$@"`, hardLimit>>10), refmon},
			args...)...)
		cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", softLimit))
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if args[0] == "acl" {
		f := check.Must(os.Create(out))
		defer f.Close()
		cmd.Stdout = f
	}
	if err := cmd.Run(); err != nil && !strings.Contains(stderr.String(), "changed for at least one user") {
		text := stderr.String()
		t.Fatalf("%v, limited %t: %v\n%s", args, limited, err, text[:min(len(text), 2000)])
	}
	h, size := sha256.New(), int64(0)
	for _, name := range []string{out, out + ".sets"} {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		n, err := io.Copy(h, f)
		f.Close()
		if size += n; err != nil {
			t.Fatal(err)
		}
	}
	check.RequireThat(t, size != 0, "output file has %v bytes, want at least 1", size)
	return fmt.Sprintf("%d bytes %x", size, h.Sum(nil)[:8])
}
