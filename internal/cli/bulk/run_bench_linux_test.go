package bulk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// TestMeasureRunsOverRealTree measures runs over a real tree of small files, and reading alone for comparison. It runs
// only if REFMON_BENCH_TREE names a folder for the tree, and never fails by the clock.
func TestMeasureRunsOverRealTree(t *testing.T) {
	root := os.Getenv("REFMON_BENCH_TREE")
	if root == "" {
		t.Skip("a measurement: make bench-tree, or REFMON_BENCH_TREE=FOLDER")
	}
	root = filepath.Join(root, "refmon-tree")
	name := ntacl.Name
	if _, err := os.Stat(root); err != nil {
		t.Cleanup(func() { os.RemoveAll(root) })
		name = makeTree(t, root)
	}
	s := company.Sample{Seed: 1, Objects: 1, Descriptors: 1, Principals: 10_000, Groups: 800}
	var text bytes.Buffer
	check.NoError(t, s.Directory(&text))
	dir := check.Must(dirfile.Read(text.Bytes()))
	rights := check.Must(words.Parse("read"))
	three, _ := words.Parse("read+write+full")
	source := func() objects.Source { return tree.Files([]string{root}, tree.Options{Recurse: true, Attribute: name}) }
	whole := func(r Run) func() (Summary, error) {
		return func() (Summary, error) {
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				return Summary{}, err
			}
			defer out.Close()
			run := r
			run.Source, run.Directory, run.Out, run.Format = source(), dir, out, JSONL
			return run.Do(context.Background())
		}
	}
	rows := []struct {
		name string
		do   func() (Summary, error)
		best time.Duration
		cpu  time.Duration
	}{
		{name: "finding the files", do: func() (sum Summary, err error) {
			found := source()
			for b := (&objects.Batch{}); err == nil; b.Reset() {
				err = found.Next(b)
				sum.Objects += b.Len()
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return sum, err
		}},
		{name: "reading alone", do: func() (Summary, error) {
			p := pipeline[none]{source: source(), write: func(*box[none], *Summary) error { return nil },
				worker: func() (func(*box[none]), error) {
					return func(b *box[none]) { b.in.Each(func(*objects.Object) { b.sum.Objects++ }) }, nil
				}}
			return p.do(context.Background())
		}},
		{name: "`who-can read --count`", do: whole(Run{Rights: rights, Ask: Count})},
		{name: "`who-can read+write+full --for-index`", do: whole(Run{Rights: three, Ask: Index})},
	}
	debug.SetGCPercent(400) // as the command does
	n := 0
	for range 5 { // alternating, so that other load affects all equally
		for i := range rows {
			r := &rows[i]
			began, used := time.Now(), cpuTime()
			sum, err := r.do()
			check.RequireThat(t, err == nil && sum.Unreadable <= 0 && sum.Stale <= 0,
				"%s: %+v, %v, want no unreadable and no stale object, no error", r.name, sum, err)
			n = sum.Objects
			if d := time.Since(began); r.best == 0 || d < r.best {
				r.best = d
			}
			if c := cpuTime() - used; r.cpu == 0 || c < r.cpu {
				r.cpu = c
			}
		}
	}
	fmt.Printf("%d files and folders, %d principals, the least of 5 runs each\n\n| | seconds | CPU seconds | of "+
		"which reading | of CPU seconds |\n|---|--:|--:|--:|--:|\n", n, len(dir.Principals))
	for i, r := range rows {
		share := func(all, reading time.Duration) string {
			if i < 2 {
				return ""
			}
			return fmt.Sprintf("%.0f %%", 100*reading.Seconds()/all.Seconds())
		}
		fmt.Printf("| %s | %.2f | %.2f | %s | %s |\n", r.name, r.best.Seconds(), r.cpu.Seconds(), share(r.best, rows[1].best),
			share(r.cpu, rows[1].cpu))
	}
}

func cpuTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// makeTree creates 1,000,000 files in 10,000 folders and returns the root. Two thirds of the files have the attribute
// as a server writes it, with 500 different descriptors.
func makeTree(t *testing.T, root string) string {
	t.Helper()
	name := ntacl.Name
	a := &ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: "posix_acl"}
	// a file of root's, mode 0644
	blob, _ := hex.DecodeString("0000020000000000" + "0000000000000000" + "0000000000000000" + "a4810000" +
		"03000000" + "03000000" + "00000000" + "0200020006000000" + "0400040004000000" + "0500050004000000")
	sum := sha256.Sum256(blob)
	copy(a.SystemHash[:], sum[:])
	var ds []*sd.Descriptor
	for i := range 500 {
		text := "O:BAG:BAD:PAI"
		for j := range 1 + i%6 {
			text += fmt.Sprintf("(A;OICI;0x1200a9;;;%s-%d)", company.Domain, 20000+(i*7+j*131)%800)
		}
		ds = append(ds, sddl.MustParse(text+"(A;;FA;;;SY)(A;;FA;;;BA)"))
	}
	for i := range 10_000 {
		dir := fmt.Sprintf("%s/department%d/project%d", root, i/100, i)
		check.NoError(t, os.MkdirAll(dir, 0o755))
		for j := range 100 {
			path := fmt.Sprintf("%s/file%d.txt", dir, j)
			check.NoError(t, os.WriteFile(path, []byte("small"), 0o644))
			if j%3 == 0 {
				continue
			}
			a.Time, a.Descriptor = int64(100*i+j), ds[(2*i+j/50)%len(ds)]
			b, err := a.Append(nil)
			check.NoError(t, err)
			if err = unix.Setxattr(path, name, b, 0); err == unix.EPERM {
				name = ntacl.UserName
				err = unix.Setxattr(path, name, b, 0)
			}
			check.NoError(t, err)
		}
	}
	return name
}
