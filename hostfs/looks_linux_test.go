package hostfs

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLooksInFull: both looks at a file tell all that the host's kernel does, the time of its birth too where there is
// one; the look by a name is at a link itself.
func TestLooksInFull(t *testing.T) {
	w := newWorld(t)
	w.file("f", "12345", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.Symlink("f", w.path("l")))
	for _, name := range []string{"f", "l", "."} {
		var want unix.Statx_t
		w.must(unix.Statx(w.tree.root, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &want))
		got, err := statAt(w.tree.root, name, 0)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
		fd, err := below(w.tree.root, name, 0)
		w.must(err)
		if got, err = stat(fd); err != nil || got != want {
			t.Errorf("%s, held: %+v, %v, want %+v", name, got, err, want)
		}
		shut(fd)
	}
	if _, err := statAt(w.tree.root, "none", 0); !errors.Is(err, unix.ENOENT) {
		t.Errorf("none: %v", err)
	}
	if _, err := stat(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
}

// TestCopiesOfMountsAreClosed: a tree that ends gives back every copy of its mount, for reading and for writing.
func TestCopiesOfMountsAreClosed(t *testing.T) {
	for _, what := range []HandOut{HandOutReads, HandOutWrites} {
		tree, err := Open(Config{Path: t.TempDir(), HandOut: what})
		if err != nil {
			t.Skip("this system has no trees: ", err)
		}
		l := tree.lender
		if l == nil {
			_ = tree.Close()
			t.Skip("no copy of a mount: ", tree.noLender)
		}
		held := []int{tree.root, l.reads}
		if (l.writes >= 0) != (what == HandOutWrites) {
			t.Errorf("%v: a copy for writing: %d", what, l.writes)
		}
		if what == HandOutWrites {
			held = append(held, l.writes)
		}
		for _, fd := range held {
			if own, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || own != unix.FD_CLOEXEC {
				t.Errorf("%v: a copy goes to other programs: %d, %v", what, own, err)
			}
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		for _, fd := range held {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
				t.Errorf("%v: descriptor %d of %v is open: %v", what, fd, held, err)
			}
		}
	}
}
