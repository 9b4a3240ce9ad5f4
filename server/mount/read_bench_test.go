package mount

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// BenchmarkRead measures the mount's own cost of a read, without the host's kernel, alternating
// with pread of the same bytes. It reports both medians and their ratio.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	const size = 8 << 20
	w.file("f", strings.Repeat("x", size), "O:BAG:SYD:P(A;;FA;;;WD)")
	in := w.opensFor(bob, "f", syscall.O_RDONLY)
	fd := check.Must(unix.Open(filepath.Join(w.root, "f"), unix.O_RDONLY, 0))
	defer func() { w.must(unix.Close(fd)) }()
	for _, n := range []int{4 << 10, 128 << 10} {
		b.Run(fmt.Sprintf("%dk", n>>10), func(b *testing.B) {
			buf := make([]byte, n)
			var mount, pread []time.Duration
			const batch = 50
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				for i := range batch {
					in.Offset = uint64((at + i*n) % size)
					r, s := w.m.Read(nil, in, buf)
					if s != fuse.OK || r.Size() != n {
						b.Fatal(s)
					}
					r.Done()
				}
				middle := time.Now()
				for i := range batch {
					if m, err := unix.Pread(fd, buf, int64((at+i*n)%size)); m != n {
						b.Fatal(err)
					}
				}
				mount, pread = append(mount, middle.Sub(start)), append(pread, time.Since(middle))
				at += batch * n
			}
			slices.Sort(mount)
			slices.Sort(pread)
			x, y := mount[len(mount)/2]/batch, pread[len(pread)/2]/batch
			b.ReportMetric(float64(x.Nanoseconds()), "mount-ns")
			b.ReportMetric(float64(y.Nanoseconds()), "pread-ns")
			b.ReportMetric(float64(x)/float64(y), "x-pread")
		})
	}
}
