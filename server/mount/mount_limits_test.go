package mount

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// hostCalls lists the system calls on files. strace 6.1 prints getxattrat as a number.
var hostCalls = regexp.MustCompile(`^\d+ +(openat2?|statx|newfstatat|close|f?[gs]etxattr|syscall_0x1d0|getxattrat|` +
	`renameat2|unlinkat|ftruncate|fcntl|dup|ioctl|getdents64|name_to_handle_at)\(`)

// otherCalls lists calls that a trace omits, because the runtime makes them at any time or because they read the trace.
const otherCalls = "trace=!read,pread64,write,writev,lseek,nanosleep,futex,epoll_pwait,epoll_ctl,sched_yield,getpid," +
	"tgkill,rt_sigreturn,rt_sigprocmask,madvise,mmap,munmap,fstat"

// TestHostCallsPerOperationAreLimited limits the calls to the host's kernel that an operation on names takes. It counts
// them with strace, so that a slow machine does not matter.
func TestHostCallsPerOperationAreLimited(t *testing.T) {
	if testing.Short() {
		t.Skip("it traces this process")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("not installed: ", err)
	}
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/f", "x", full)
	dir, file := w.known(alice, "d"), w.known(alice, "d/f")
	calls := w.traced()
	lookup := func(name string) {
		var out fuse.EntryOut
		head := header(alice, dir)
		if s := w.m.Lookup(nil, &head, name, &out); s != fuse.OK {
			t.Errorf("lookup of %s: %v", name, s)
		}
	}
	var fh uint64
	for _, c := range []struct {
		name string
		most int
		run  func()
	}{
		{"lookup", 6, func() { lookup("f") }},
		{"getattr", 3, func() {
			if _, s := w.attributesOf(alice, file, 0); s != fuse.OK {
				t.Error(s)
			}
		}},
		{"open", 5, func() {
			var out fuse.OpenOut
			if s := w.m.Open(nil, &fuse.OpenIn{InHeader: header(alice, file), Flags: syscall.O_RDONLY}, &out); s != fuse.OK {
				t.Error(s)
			}
			fh = out.Fh
		}},
		{"release", 2, func() { w.m.Release(nil, &fuse.ReleaseIn{Fh: fh}) }},
		{"create", 12, func() {
			var out fuse.CreateOut
			in := &fuse.CreateIn{InHeader: header(alice, dir), Flags: syscall.O_WRONLY | syscall.O_TRUNC, Mode: 0o600}
			if s := w.m.Create(nil, in, "new", &out); s != fuse.OK {
				t.Error(s)
			}
			fh = out.Fh
		}},
		{"release of a new file", 5, func() { w.m.Release(nil, &fuse.ReleaseIn{Fh: fh}) }},
		{"lookup of a new file", 14, func() { lookup("new") }},
		{"unlink", 13, func() {
			head := header(alice, dir)
			if s := w.m.Unlink(nil, &head, "new"); s != fuse.OK {
				t.Error(s)
			}
		}},
	} {
		got := calls(c.run)
		if strings.Contains(strings.Join(got, ""), "ENOSYS") {
			t.Skip("before Linux 6.13 attributes take more calls")
		}
		if len(got) > c.most || len(got) == 0 {
			t.Errorf("%s: %d calls, want 1 to %d:\n%s", c.name, len(got), c.most, strings.Join(got, "\n"))
		} else {
			t.Logf("%s: %d calls", c.name, len(got))
		}
	}
}

// traced starts to trace this process. The returned function runs f and returns the system calls of f. No other
// operation may run at that time.
func (w *world) traced() func(f func()) []string {
	w.Helper()
	out := filepath.Join(folder(w), "trace")
	cmd := exec.Command("strace", "-f", "-qq", "-o", out, "-e", "signal=none", "-e", otherCalls, "-p",
		strconv.Itoa(os.Getpid()))
	cmd.Stderr = w.Output()
	w.must(cmd.Start())
	w.Cleanup(func() {
		w.must(cmd.Process.Signal(os.Interrupt))
		_ = cmd.Wait() // of its own signal
	})
	mark := func(name string) { _ = unix.Access("/refmon-"+name, 0) } // a missing file that marks the trace
	ready, marks := false, 0
	return func(f func()) (list []string) {
		w.Helper()
		for range 600 {
			marks++
			start, end := fmt.Sprintf("start-%d.", marks), fmt.Sprintf("end-%d.", marks)
			mark(start)
			if ready {
				f()
			}
			mark(end)
			text := w.await(out, end, ready)
			if text != "" && ready {
				text = text[strings.Index(text, start):strings.Index(text, end)]
				for line := range strings.Lines(text) {
					if hostCalls.MatchString(line) {
						list = append(list, strings.TrimSpace(line))
					}
				}
				return list
			}
			ready = text != ""
		}
		w.Skip("strace does not trace this process")
		return nil
	}
}

// await waits until a file contains a text and returns its contents. It returns "" if the text is missing at the first
// read, or after a minute if long is set.
func (w *world) await(name, text string, long bool) string {
	w.Helper()
	for range 600 {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			w.Fatal(err)
		}
		if strings.Contains(string(b), text) {
			return string(b)
		}
		time.Sleep(100 * time.Millisecond)
		if !long {
			break
		}
	}
	return ""
}
