package mount

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// handleCounts returns the number of a file's passthrough handles, and of its other handles.
func (w *world) handleCounts(name string) (passed, plain int) {
	w.Helper()
	n := w.m.nodes.get(w.known(0, name))
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if b := w.m.backings[n]; b != nil {
		return b.passed, b.plain
	}
	return 0, 0
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
