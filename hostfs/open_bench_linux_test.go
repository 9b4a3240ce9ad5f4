package hostfs

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// BenchmarkOpen opens and closes a file at depth 3 in several ways: by openat2, by os.Root, by the system calls of an
// open without our code, by a thread's call through the kernel, and by the decision alone. It reports the median of
// each.
func BenchmarkOpen(b *testing.B) {
	w := newWorld(b)
	const text = "O:BAG:SYD:PAI(D;;FW;;;BG)(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1301bf;;;S-1-5-21-1-2-3-3001)(A;;FR;;;WD)"
	for _, d := range []string{"a", `a\b`} {
		w.dir(d, text)
	}
	w.file(`a\b\f`, "x", text)
	awaitCache(b, w.path(`a\b\f`))
	th := w.as(bob)
	in := call{desired: winnt.FILE_GENERIC_READ, disposition: fileaccess.FileOpen}.at(`a\b\f`)
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	r := fileaccess.Request{Desired: in.DesiredAccess, Disposition: fileaccess.FileOpen, Name: `a\b\f`, Share: 7}
	r.Subject = w.subject(bob)
	p := check.Result(w.tree.Find(&r, nil))
	defer p.Release()
	root := check.Must(os.OpenRoot(w.root))
	defer func() { w.must(root.Close()) }()
	all := []struct {
		name string
		run  func()
		took []time.Duration
	}{
		{name: "openat2", run: func() {
			fd := check.Must(unix.Openat2(w.tree.root, "a/b/f", &how))
			shut(fd)
		}},
		{name: "os.Root", run: func() {
			f := check.Must(root.Open("a/b/f"))
			w.must(f.Close())
		}},
		{name: "its-calls", run: func() {
			object := check.Must(below(w.tree.root, "a/b/f", 0))
			w.must(check.Err(stat(object)))
			fd := check.Must(openAgain(object, unix.O_RDONLY|unix.O_NONBLOCK))
			shut(object)
			shut(fd)
		}},
		{name: "NtCreateFile", run: func() {
			h, _, st := th.NtCreateFile(in)
			w.want(st, ntstatus.Success)
			w.want(th.NtClose(h), ntstatus.Success)
		}},
		{name: "decision", run: func() {
			if d := fileaccess.Open(&r, p.Facts()); !d.Allowed() {
				b.Fatal(d.Status())
			}
		}},
	}
	const times = 20
	for b.Loop() {
		for i := range all {
			start := time.Now()
			for range times {
				all[i].run()
			}
			all[i].took = append(all[i].took, time.Since(start)/times)
		}
	}
	for _, a := range all {
		slices.Sort(a.took)
		b.ReportMetric(float64(a.took[len(a.took)/2].Nanoseconds())/1000, a.name+"-µs")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOpenWithCapabilities measures the processor time of opening and closing a file where threads that parse have
// no effective capabilities: with none changed, raised by the thread for the call, and by a thread that keeps them.
func BenchmarkOpenWithCapabilities(b *testing.B) {
	name := b.TempDir()
	open := func() {
		if fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Close(fd)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var all, none [2]unix.CapUserData
	check.NoError(b, unix.Capget(&head, &all[0]))
	none = all
	none[0].Effective, none[1].Effective = 0, 0
	in, out := make(chan struct{}), make(chan struct{})
	defer close(in)
	go func() {
		runtime.LockOSThread() // and never unlocked
		for range in {
			open()
			out <- struct{}{}
		}
	}()
	for name, run := range map[string]func(){"kept": open,
		"raised": func() {
			_ = unix.Capset(&head, &all[0]) // the same or fewer: it cannot fail
			open()
			_ = unix.Capset(&head, &none[0])
		},
		"thread": func() {
			in <- struct{}{}
			<-out
		}} {
		b.Run(name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			used := func() int64 {
				var u unix.Rusage
				_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // it fails only for a bad address
				return u.Utime.Nano() + u.Stime.Nano()
			}
			begun, n := used(), 0
			for ; b.Loop(); n++ {
				run()
			}
			_ = unix.Capset(&head, &all[0])
			b.ReportMetric(float64(used()-begun)/float64(n), "cpu-ns/op")
		})
	}
}

// An open with its close needs few allocations, because the names for system calls are built on the stack.
func TestOpenAllocatesAtMost12Times(t *testing.T) {
	w := newWorld(t)
	w.dir("a", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.dir(`a\b`, "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.file(`a\b\f`, "x", "O:BAG:SYD:P(A;;FR;;;WD)")
	awaitCache(t, w.path(`a\b\f`))
	th := w.as(bob)
	in := call{desired: winnt.FILE_GENERIC_READ, disposition: fileaccess.FileOpen}.at(`a\b\f`)
	if n := testing.AllocsPerRun(100, func() {
		h, _, st := th.NtCreateFile(in)
		w.want(st, ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
	}); n > 12 {
		t.Errorf("open and close: %v allocations, want at most 12", n)
	}
}
