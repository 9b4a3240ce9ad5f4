package mount

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// folders returns a folder of the backing file system, go-fuse's loopback of it with the same time-outs, the mount, and
// the mount without passthrough.
func folders(b *testing.B) []struct{ name, dir string } {
	w := newWorld(b)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	plain := newWorld(b, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	plain.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	native, loop := loopback(b)
	w.must(os.Mkdir(filepath.Join(native, "all"), 0o755)) // names have the same depth in each folder
	return []struct{ name, dir string }{{"native", filepath.Join(native, "all")}, {"loopback", filepath.Join(loop, "all")},
		{"mount", filepath.Join(w.at, "all")}, {"plain", filepath.Join(plain.at, "all")}}
}

// loopback returns a folder, and go-fuse's own loopback of it with the mount's time-outs.
func loopback(b *testing.B) (native, loop string) {
	b.Helper()
	native, loop = folder(b), folder(b)
	root := check.Must(fs.NewLoopbackRoot(native))
	none, life := time.Duration(0), attributeLife
	server, err := fs.Mount(loop, root, &fs.Options{EntryTimeout: &none, AttrTimeout: &life,
		MountOptions: fuse.MountOptions{AllowOther: true, DirectMountStrict: true, DisableReadDirPlus: true,
			ExtraCapabilities: fuse.CAP_HANDLE_KILLPRIV_V2}})
	check.NoError(b, err)
	b.Cleanup(func() { check.NoError(b, unix.Unmount(loop, unix.MNT_FORCE|unix.MNT_DETACH)); server.Wait() })
	return native, loop
}

// BenchmarkMount measures operations of programs on each file system in one run.
func BenchmarkMount(b *testing.B) {
	const size, block = 64 << 20, 1 << 20
	small := bytes.Repeat([]byte("x"), 4096)
	must := func(b *testing.B, err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range folders(b) {
		name := filepath.Join(p.dir, "file-"+p.name)
		must(b, os.WriteFile(name, bytes.Repeat(small, size/len(small)), 0o600))
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		must(b, err)
		for _, op := range []struct {
			name  string
			bytes int64
			run   func(i int64) error
		}{
			{"read1M", block, func(i int64) error { return readAt(f, block, i*block%size) }},
			{"write1M", block, func(i int64) error { return writeAt(f, block, i*block%size) }},
			{"read4k", 4096, func(i int64) error { return readAt(f, 4096, i*7919*4096%size) }},
			{"write4k", 4096, func(i int64) error { return writeAt(f, 4096, i*7919*4096%size) }},
			{"stat", 0, func(int64) error { _, err := os.Stat(name); return err }},
			{"fstat", 0, func(int64) error { _, err := f.Stat(); return err }},
			{"open", 0, func(int64) error { return opened(name) }},
			{"create", 0, func(i int64) error {
				name := fmt.Sprintf("%s-%d", name, i)
				if err := os.WriteFile(name, small, 0o600); err != nil {
					return err
				}
				return os.Remove(name)
			}},
		} {
			b.Run(op.name+"/"+p.name, func(b *testing.B) {
				b.SetBytes(op.bytes)
				for i := int64(0); b.Loop(); i++ {
					must(b, op.run(i))
				}
			})
		}
		must(b, f.Close())
	}
}

var buffer = make([]byte, 1<<20)

func readAt(f *os.File, n int, at int64) error {
	_, err := f.ReadAt(buffer[:n], at)
	if err == io.EOF {
		err = nil
	}
	return err
}

func writeAt(f *os.File, n int, at int64) error {
	_, err := f.WriteAt(buffer[:n], at)
	return err
}

func opened(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// turn is an operation of BenchmarkTurns, and its number per turn.
type turn struct {
	name  string
	block int
	times int
	write bool
	// fresh opens the file before the turn. The open refreshes the attributes, so the kernel drops
	// its note that the file has no capabilities and the next write requests security.capability.
	fresh bool
}

// BenchmarkTurns measures reading and writing on the mount and in a directory of the file system
// below in alternation. Each turn is long enough to hide the cost of the clock and of the switch.
// It reports the median of the ratios of neighbours; 1 is as fast as the directory. The files of 64
// MiB are opened once and are in the page cache.
func BenchmarkTurns(b *testing.B) {
	w := newWorld(b)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	const size = 64 << 20
	var files []*os.File
	for _, dir := range []string{folder(b), filepath.Join(w.at, "all")} {
		name := filepath.Join(dir, "file")
		w.must(os.WriteFile(name, bytes.Repeat([]byte("x"), size), 0o600))
		f := check.Must(os.OpenFile(name, os.O_RDWR, 0))
		w.must(f.Sync())
		b.Cleanup(func() { w.must(f.Close()) })
		files = append(files, f)
	}
	for _, op := range []turn{{name: "read1M", block: 1 << 20, times: 16},
		{name: "write1M", block: 1 << 20, times: 16, write: true},
		{name: "read4k", block: 4096, times: 1000}, {name: "write4k", block: 4096, times: 1000, write: true},
		{name: "write4k-fresh", block: 4096, times: 20, write: true, fresh: true},
		{name: "write4k-first", block: 4096, times: 1, write: true, fresh: true}} {
		b.Run(op.name, func(b *testing.B) {
			var ratios []float64
			for i := 0; b.Loop(); i++ {
				var took [2]time.Duration
				for j := range files {
					j = (i + j) % 2 // who is first changes
					if op.fresh {
						w.must(opened(files[j].Name()))
					}
					start := time.Now()
					w.must(op.run(files[j], i, size))
					took[j] = time.Since(start)
				}
				ratios = append(ratios, float64(took[0])/float64(took[1]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "x-native")
			b.ReportMetric(ratios[len(ratios)/4], "x-lower-quarter")
		})
	}
}

// run does one turn. Its offsets equal those of the same turn on the other file.
func (op turn) run(f *os.File, turn int, size int64) error {
	for i := range op.times {
		at := int64(turn*op.times+i) * 7919 * int64(op.block) % size
		do := readAt
		if op.write {
			do = writeAt
		}
		if err := do(f, op.block, at); err != nil {
			return err
		}
	}
	return nil
}
