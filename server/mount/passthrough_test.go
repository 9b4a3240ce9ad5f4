package mount

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// handleCounts returns the number of a file's passthrough handles, and of its other handles.
func (w *world) handleCounts(name string) (passed, plain int) {
	w.Helper()
	n := w.m.nodes.get(w.known(0, name))
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if b := w.m.backings[n]; b != nil {
		for o := b.first; o != nil; o = o.next {
			if o.passed {
				passed++
			} else {
				plain++
			}
		}
	}
	return passed, plain
}

// TestOnlyFullRightsHandlesUsePassthrough checks that handles with all rights use passthrough, that others do not, and
// that one file never has both kinds at a time (M-18). The open removes the set-uid bit (F-125).
func TestOnlyFullRightsHandlesUsePassthrough(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("log", "line\n", "O:BAG:SYD:P(A;;0x1200ad;;;WD)")
	w.must(unix.Chmod(filepath.Join(w.root, "f"), 0o4755))
	at := filepath.Join(w.at, "f")
	f := check.Must(os.OpenFile(at, os.O_RDWR, 0))
	if passed, _ := w.handleCounts("f"); passed == 0 {
		t.Skip("the host's kernel has no passthrough")
	}
	if info, err := os.Stat(filepath.Join(w.root, "f")); err != nil || info.Mode()&os.ModeSetuid != 0 {
		t.Errorf("F-125: %v, %v", info.Mode(), err)
	}
	reader := check.Must(os.Open(at))
	w.must(check.Err(f.WriteAt([]byte("abc"), 3)))
	b := make([]byte, 10)
	if n, err := reader.ReadAt(b, 0); err != nil || string(b[:n]) != "012abc6789" {
		t.Errorf(`M-18: %q, %v, want "012abc6789", no error`, b[:n], err)
	}
	if passed, plain := w.handleCounts("f"); passed != 2 || plain != 0 {
		t.Errorf("M-18: %d past the mount, %d not, want 2, 0", passed, plain)
	}
	w.must(errors.Join(f.Close(), reader.Close()))
	// A handle that may only append is served by the mount, and so are later ones of its file.
	// While others bypass the mount, its open is EBUSY.
	log := check.Must(os.OpenFile(filepath.Join(w.at, "log"), os.O_WRONLY|os.O_APPEND, 0))
	reader = check.Must(os.Open(filepath.Join(w.at, "log")))
	w.must(check.Err(log.WriteString("more\n")))
	if n, err := reader.ReadAt(b, 0); n != 10 || string(b) != "line\nmore\n" {
		t.Errorf("M-18: %q, %v", b[:n], err)
	}
	w.must(errors.Join(log.Close(), reader.Close()))
	w.awaitRelease("log")
	reader = check.Must(os.Open(filepath.Join(w.at, "log")))
	if _, err := os.OpenFile(filepath.Join(w.at, "log"), os.O_WRONLY|os.O_APPEND, 0); !errors.Is(err, unix.EBUSY) {
		t.Errorf("M-18: an appending open while a passthrough handle exists: %v, want %v", err, unix.EBUSY)
	}
	w.must(reader.Close())
}

// TestOpenWritesToDiskWithoutLock checks that an open for writing, which sets the archive attribute on disk, does not
// hold the lock that each read and write of the mount takes.
//
// +checklocksignore
func TestOpenWritesToDiskWithoutLock(t *testing.T) {
	var m *Mount
	var writes, held atomic.Int32
	w := newWorld(t, func(h *hostfs.Config, _ *Config) {
		h.Faults = func(call, _ string) error {
			if call != "setxattr" || m == nil {
				return nil
			}
			if writes.Add(1); m.mu.TryLock() {
				m.mu.Unlock()
			} else {
				held.Add(1)
			}
			return nil
		}
	})
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	m = w.m
	w.m.leave(w.opens(bob, "f", unix.O_RDWR))
	check.That(t, writes.Load() > 0 && held.Load() == 0, "%d of %d writes with the lock held, want none of several",
		held.Load(), writes.Load())
}

// TestLendVisitsOnlyOpensOfTheFile checks that the search for an open handle of a file does not visit those of other
// files: a program can have thousands of them.
func TestLendVisitsOnlyOpensOfTheFile(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("other", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	n := w.m.nodes.get(w.known(bob, "f"))
	visits := func() (opens []*open) {
		w.m.lend(n, func(o *open) bool { opens = append(opens, o); return false })
		return opens
	}
	for _, w.m.plain = range []bool{false, true} { // with passthrough, and without
		var handles []uint64
		for range 3 {
			handles = append(handles, w.opens(bob, "f", unix.O_RDONLY))
			defer w.m.leave(w.opens(bob, "other", unix.O_RDONLY))
		}
		for _, left := range []int{1, 0, 2} { // from the middle of the list, its end and its start
			opens := visits()
			check.That(t, slices.Contains(opens, w.m.open(handles[left])), "open %d is not visited", left)
			w.m.leave(handles[left])
			check.Equal(t, len(visits()), len(opens)-1, "visited opens of f after open %d was closed", left)
		}
		check.Equal(t, len(visits()), 0, "visited opens of f")
	}
}

// awaitRelease waits until the kernel has released every handle of a file.
func (w *world) awaitRelease(name string) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if passed, plain := w.handleCounts(name); passed+plain == 0 {
			return
		}
		fd, err := unix.Open(w.at, unix.O_RDONLY|unix.O_DIRECTORY, 0) // a request that the others are before
		w.must(err)
		w.must(unix.Close(fd))
	}
	w.Fatalf("handles of %s are open", name)
}
