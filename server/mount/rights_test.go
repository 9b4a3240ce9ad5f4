package mount

import (
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

const (
	data    = winnt.FILE_READ_DATA
	writing = winnt.FILE_WRITE_DATA
	adding  = winnt.FILE_APPEND_DATA
	running = winnt.FILE_EXECUTE
	about   = winnt.FILE_READ_ATTRIBUTES
	synch   = winnt.SYNCHRONIZE
)

// TestWanted: what an open asks for, the most first (M-13). A handle goes past the mount where it grants all that
// its flags let a program do, which can turn appending into overwriting (M-18).
func TestWanted(t *testing.T) {
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
		{syscall.O_RDONLY | execFlag, []winnt.AccessMask{data | running | about | synch, data | running | synch}, data},
	} {
		got := wanted(c.flags)
		if len(got) != len(c.want) {
			t.Errorf("M-13: flags %#x ask for %v, want %v", c.flags, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("M-13: flags %#x ask for %v, want %v", c.flags, got, c.want)
			}
		}
		for granted := winnt.AccessMask(0); granted < 8; granted++ {
			o := &open{n: &node{}, granted: granted}
			if may := granted&c.past == c.past; o.passable(c.flags) != may {
				t.Errorf("M-18: a handle of flags %#x that grants %v goes past: %t", c.flags, granted, !may)
			}
			o.n.file.dir = true
			if o.passable(c.flags) {
				t.Errorf("M-18: a directory with flags %#x goes past", c.flags)
			}
		}
	}
}

// TestDiffering: the parts of a descriptor that a change is about, and the right that each takes (M-16, F-50).
func TestDiffering(t *testing.T) {
	const owner, group, dacl, sacl = winnt.OWNER_SECURITY_INFORMATION, winnt.GROUP_SECURITY_INFORMATION,
		winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION
	const shut, bare = winnt.PROTECTED_DACL_SECURITY_INFORMATION, winnt.UNPROTECTED_DACL_SECURITY_INFORMATION
	const old, shutOld = "O:BAG:SYD:(A;;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;WD)"
	for _, c := range []struct {
		old, next string
		parts     uint32
		want      winnt.AccessMask
	}{
		{old, "", 0, 0}, {old, old, 0, 0}, {old, "O:BA", 0, 0}, {old, "G:SY", 0, 0}, {shutOld, shutOld, 0, 0},
		{old, "O:SY", owner, winnt.WRITE_OWNER}, {old, "G:BA", group, winnt.WRITE_OWNER},
		{old, "D:(A;;FR;;;WD)", dacl | bare, winnt.WRITE_DAC}, {old, "D:", dacl | bare, winnt.WRITE_DAC},
		{old, "D:NO_ACCESS_CONTROL", dacl | bare, winnt.WRITE_DAC},
		{"O:BAG:SYD:NO_ACCESS_CONTROL", "D:", dacl | bare, winnt.WRITE_DAC},
		{old, "D:P(A;;FA;;;WD)", dacl | shut, winnt.WRITE_DAC}, {shutOld, "D:(A;;FA;;;WD)", dacl | bare, winnt.WRITE_DAC},
		{old, "S:", sacl, winnt.ACCESS_SYSTEM_SECURITY}, {old, "S:(AU;SA;FA;;;WD)", sacl, winnt.ACCESS_SYSTEM_SECURITY},
		{old, "O:SYG:BAD:P(A;;FA;;;WD)S:", owner | group | dacl | shut | sacl,
			winnt.WRITE_OWNER | winnt.WRITE_DAC | winnt.ACCESS_SYSTEM_SECURITY},
	} {
		next := new(sd.Descriptor)
		if c.next != "" {
			next = sddl.MustParse(c.next)
		}
		if parts, want := differing(sddl.MustParse(c.old), next); parts != c.parts || want != c.want {
			t.Errorf("M-16: %s over %s sets %#x by %v, want %#x by %v", c.next, c.old, parts, want, c.parts, c.want)
		}
	}
}

// TestErrnos: what programs of Linux are told by the manual of errno(3); a status without a place in the table is
// an error of the device (M-6).
func TestErrnos(t *testing.T) {
	for st, want := range map[ntstatus.Status]unix.Errno{
		ntstatus.Success: 0, ntstatus.AccessDenied: unix.EACCES, ntstatus.DeletePending: unix.ENOENT,
		ntstatus.ObjectNameNotFound: unix.ENOENT, ntstatus.ObjectPathNotFound: unix.ENOENT,
		ntstatus.ObjectNameCollision: unix.EEXIST, ntstatus.FileIsADirectory: unix.EISDIR,
		ntstatus.NotADirectory: unix.ENOTDIR, ntstatus.DirectoryNotEmpty: unix.ENOTEMPTY,
		ntstatus.SharingViolation: unix.EBUSY, ntstatus.DiskFull: unix.ENOSPC, ntstatus.MediaWriteProtected: unix.EROFS,
		ntstatus.PrivilegeNotHeld: unix.EPERM, ntstatus.InvalidOwner: unix.EPERM, ntstatus.CannotDelete: unix.EPERM,
		ntstatus.NotSameDevice: unix.EXDEV, ntstatus.TooManyLinks: unix.EMLINK, ntstatus.Unsuccessful: unix.EIO,
		ntstatus.LogonFailure: unix.EIO, ntstatus.IODeviceError: unix.EIO,
	} {
		if got := status(st); got != fuse.Status(want) {
			t.Errorf("M-6: %v is %v, want %v", st, got, fuse.Status(want))
		}
	}
}

// TestRanges: a lock of bytes has the same first and last byte as fcntl(2) has it (M-25).
func TestRanges(t *testing.T) {
	for _, c := range []struct {
		l           fuse.FileLock
		start, size int64
	}{
		{fuse.FileLock{Start: 0, End: 0}, 0, 1}, {fuse.FileLock{Start: 3, End: 9}, 3, 7},
		{fuse.FileLock{Start: 3, End: 1<<63 - 1}, 3, 0}, {fuse.FileLock{Start: 0, End: 1<<63 - 2}, 0, 1<<63 - 1},
	} {
		if got := rangeOf(&c.l); got.Start != c.start || got.Len != c.size {
			t.Errorf("M-25: bytes %d to %d are locked as %+v", c.l.Start, c.l.End, got)
		}
	}
}

// TestWorkersGivenUp: a thread whose request panicked serves no other, and makes room for the next (M-7).
func TestWorkersGivenUp(t *testing.T) {
	w := newWorld(t)
	before := len(w.m.workers.idle)
	for range maxWorkers + 1 {
		func() {
			defer func() { _ = recover() }()
			w.m.do(func(*worker) fuse.Status { panic("of the test") })
		}()
		if idle, room := len(w.m.workers.idle), len(w.m.workers.room); idle > max(before-1, 0) || room > idle {
			t.Fatalf("M-7: %d threads are idle and %d have room after a panic, %d were idle before", idle, room, before)
		}
		before = len(w.m.workers.idle)
	}
}
