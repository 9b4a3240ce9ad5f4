package mount

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestHandleKeepsGrantedRights checks that a handle keeps its granted rights after the file lost its name or the user
// lost the rights (M-4, M-15).
func TestHandleKeepsGrantedRights(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/f", "before\n", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	// The shell opens the file, the test revokes all rights, and the shell continues.
	script := `exec 3<>d/f; echo opened; read go; cat <&3; echo after >&3; stat -L -c %s /dev/fd/3`
	cmd := as(alice, "/bin/sh", "-c", `cd "$0" && `+script, w.at)
	shell := w.talkTo(cmd)
	w.readLine(shell, "opened")
	w.describe("d/f", "O:BAG:SYD:P(A;;FA;;;BA)")
	w.refused(alice, "Permission denied", "cat", "d/f")
	w.must(os.Remove(filepath.Join(w.root, "d/f")))
	w.must(check.Err(io.WriteString(shell.in, "go\n")))
	w.readLine(shell, "before")
	w.readLine(shell, "13")
	w.must(cmd.Wait())
}

const (
	data    = winnt.FILE_READ_DATA
	writing = winnt.FILE_WRITE_DATA
	adding  = winnt.FILE_APPEND_DATA
	running = winnt.FILE_EXECUTE
	about   = winnt.FILE_READ_ATTRIBUTES
	synch   = winnt.SYNCHRONIZE
)

// TestOpenRequestsMostRightsFirst checks the rights that an open requests, most first (M-13). A handle uses passthrough
// only if it grants everything that its flags allow, which can turn appending into overwriting (M-18).
func TestOpenRequestsMostRightsFirst(t *testing.T) {
	for _, c := range []struct {
		flags uint32
		want  []winnt.AccessMask
		past  winnt.AccessMask
	}{
		{syscall.O_RDONLY, []winnt.AccessMask{data | about | synch, data | synch}, data},
		{syscall.O_WRONLY, []winnt.AccessMask{writing | adding | about | synch, writing | adding | synch}, writing | adding},
		{syscall.O_RDWR, []winnt.AccessMask{data | writing | adding | about | synch, data | writing | adding | synch},
			data | writing | adding},
		{syscall.O_WRONLY | syscall.O_APPEND, []winnt.AccessMask{writing | adding | about | synch, adding | about | synch,
			adding | synch}, writing | adding},
		{syscall.O_RDWR | syscall.O_APPEND, []winnt.AccessMask{data | writing | adding | about | synch,
			data | adding | about | synch, data | adding | synch}, data | writing | adding},
		{syscall.O_RDONLY | syscall.O_TRUNC, []winnt.AccessMask{data | writing | about | synch, data | writing | synch},
			data},
		{syscall.O_RDONLY | execFlag, []winnt.AccessMask{data | running | about | synch, data | running | synch}, data},
	} {
		got := wanted(c.flags)
		if len(got) != len(c.want) {
			t.Errorf("M-13: flags %#x request %v, want %v", c.flags, got, c.want)
			continue
		}
		for i := range got {
			check.That(t, got[i] == c.want[i], "M-13: flags %#x request %v, want %v", c.flags, got, c.want)
		}
		for granted := winnt.AccessMask(0); granted < 8; granted++ {
			o := &open{n: &node{}, granted: granted}
			if may := granted&c.past == c.past; o.passable(c.flags) != may {
				t.Errorf("M-18: passthrough of a handle with flags %#x and rights %v: %t, want %t",
					c.flags, granted, !may, may)
			}
			o.n.file.dir = true
			check.That(t, !o.passable(c.flags),
				"M-18: passthrough of a directory with flags %#x: true, want false", c.flags)
		}
	}
}

// TestExecuteNeedsReadAndExecuteRights checks that running a program needs the rights to execute and to read it (M-13),
// and that the shown permissions are those of the descriptor (M-12).
func TestExecuteNeedsReadAndExecuteRights(t *testing.T) {
	w := newWorld(t)
	program := check.Must(os.ReadFile("/bin/true"))
	for name, rights := range map[string]string{"both": "0x1200a9", "read": "0x120089", "execute": "0x1200a0"} {
		w.file(name, string(program), "O:BAG:SYD:P(A;;"+rights+";;;WD)")
	}
	w.sees(bob, "", "./both")
	w.refused(bob, "permission denied", "./read")
	w.refused(bob, "permission denied", "./execute")
	w.sees(bob, "111 0 0", "stat", "-c", "%a %u %g", "execute")
	w.file("owned", "", "O:"+user(alice)+"G:S-1-22-2-62001D:P(A;;FR;;;WD)")
	w.sees(bob, "444 61001 62001", "stat", "-c", "%a %u %g", "owned")
}

// TestUsesAreRecordedWithTheOpen checks that the uses that a SACL audits are recorded at the open, before any
// read or mapping, because the mount does not see reads that bypass it (M-18).
func TestUsesAreRecordedWithTheOpen(t *testing.T) {
	w := newWorld(t)
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnBoth}})
	w.must(err)
	w.sys.Audit().Policy.Store(p)
	sink := w.sys.Audit().Sink.(*audit.Memory)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;0x3;;;WD)")
	uses := func() (masks []string) {
		for _, e := range sink.Drain() {
			if e.ID == 4663 {
				m, _ := e.Field("AccessMask")
				masks = append(masks, m)
			}
		}
		return masks
	}
	uses()
	f := check.Must(os.OpenFile(filepath.Join(w.at, "f"), os.O_RDWR, 0))
	defer f.Close()
	if got := uses(); !slices.Equal(got, []string{"0x3"}) {
		t.Errorf("the open is recorded as uses %q, want 0x3", got)
	}
	// MAP_POPULATE reads the page during the call. A page fault would stop a thread of this program, which also serves
	// the mount: a garbage collection that waits for the thread would never end.
	b := check.Must(unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE))
	check.That(t, b[3] == '3', "the mapped file has %q, want 3 as the fourth byte", b)
	w.must(unix.Munmap(b))
	if got := uses(); len(got) != 0 {
		t.Errorf("a mapping is recorded as uses %q, want none", got)
	}
}
