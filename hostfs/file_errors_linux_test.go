package hostfs

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// If stat fails, a query fails. It does not return zeros (F-124).
func TestFailedStatReturnsNoFacts(t *testing.T) {
	w := newWorld(t)
	f := &file{t: w.tree, fd: -1}
	facts, st := f.Facts()
	if w.want(st, ntstatus.AccessDenied); facts != (nt.FileFacts{}) {
		t.Errorf("Facts of a file whose stat fails = %+v, want none", facts)
	}
	check.Equal(t, check.Status(f.Volume()), ntstatus.AccessDenied, "Volume of a file whose stat fails")
	check.Equal(t, check.Status(f.Descriptor()), ntstatus.AccessDenied, "Descriptor of a file whose stat fails")
}

// If the host's descriptor is closed, queries and changes return an error status (F-124).
func TestClosedDescriptorFailsQueries(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	held := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	f := &file{t: w.tree, fd: -1, granted: winnt.FILE_ALL_ACCESS, node: held.node, link: held.link}
	src := &file{t: w.tree, fd: -1, granted: winnt.FILE_ALL_ACCESS, node: &node{}, link: held.link}
	const gone = ntstatus.AccessDenied // EBADF
	for what, st := range map[string]ntstatus.Status{
		"facts": second(f.Facts()), "volume": second(f.Volume()), "descriptor": second(f.Descriptor()),
		"swap": second(f.SwapDescriptor(nil, nil)), "read": second(f.ReadAt(make([]byte, 1), 0)),
		"write": third(f.WriteAt([]byte("x"), 0)), "flush": f.Flush(), "sync": f.Sync(), "size": f.SetSize(1),
		"refill":   f.Refill(src),
		"allocate": f.Allocate(0, 0, 1), "backing": second(f.Backing(true)),
		"shown": third(f.Shown()), "found": third(f.Found()),
	} {
		check.Equal(t, st, gone, "F-124: %s on a closed descriptor", what)
	}
	for what, st := range map[string]ntstatus.Status{"extended": second(f.Extended("user.a")),
		"names": second(f.ExtendedNames()), "set": f.SetExtended("user.a", nil, 0), "remove": f.RemoveExtended("user.a"),
		"basic": f.SetBasic(nt.FileBasic{LastWriteTime: 1}), "locking": second(f.Locking())} {
		if st != ntstatus.ObjectNameNotFound { // reached by a name in /proc, which does not exist
			t.Errorf("F-124: %s on a closed descriptor: %v, want %v", what, st, ntstatus.ObjectNameNotFound)
		}
	}
	if _, id := f.Identity(); id != "" {
		t.Errorf(`F-180: Identity without a birth time or file handle = %q, want ""`, id)
	}
	if path, ok := f.CurrentPath(); ok {
		t.Errorf("CurrentPath of a closed descriptor = %q, want none", path)
	}
	check.ErrorIs(t, check.Err(Open(Config{Path: w.path("none")})), unix.ENOENT, "Open of a missing directory")
	if _, err := notEmpty(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("notEmpty(-1): %v, want %v", err, unix.EBADF)
	}
	f.directory = true
	w.want(second(f.List("", true, 1, nil)), gone)
	check.That(t, f.Sync() != ntstatus.Success, "F-124: sync of a closed directory: success, want an error")
}

func second[A any](_ A, st ntstatus.Status) ntstatus.Status { return st }

func third[A, B any](_ A, _ B, st ntstatus.Status) ntstatus.Status { return st }

// A name that the host lets nobody remove is not marked for deletion, and the call says why. The close that would
// remove the name reports no error (F-117).
func TestRefusedRemovalIsNotPromised(t *testing.T) {
	w, disk := faulty(t)
	w.dir("d", wide)
	w.file("d/f", "text", wide)
	refused := func(what string, want ntstatus.Status) {
		t.Helper()
		f := w.opened(`d\f`, fileaccess.Request{}, winnt.DELETE)
		check.Equal(t, f.SetDelete(true), want, "F-117: delete a file %s", what)
		check.Equal(t, f.SetDelete(false), ntstatus.Success, "F-117: keep a file %s", what)
	}
	for err, want := range map[unix.Errno]ntstatus.Status{unix.EROFS: ntstatus.MediaWriteProtected,
		unix.EACCES: ntstatus.AccessDenied} {
		disk.Fail(err, inject.Kind("access"))
		refused("of a directory with "+err.Error(), want)
		disk.Fail(nil)
	}
	for _, name := range []string{"d", "d/f"} {
		for _, mark := range []uint32{unix.STATX_ATTR_IMMUTABLE, unix.STATX_ATTR_APPEND} {
			w.mark(name, mark)
			refused("while "+name+" is marked as not to be changed", ntstatus.AccessDenied)
			w.mark(name, 0)
		}
	}
	refused("like others", ntstatus.Success)
}

// mark sets the marks of a file that chattr(1) calls i and a. It skips the test on a file system without them.
func (w *world) mark(name string, marks uint32) {
	w.Helper()
	fd := check.Must(unix.Open(w.path(name), unix.O_RDONLY|unix.O_CLOEXEC, 0))
	defer func() { w.must(unix.Close(fd)) }()
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err == nil {
		const all = unix.STATX_ATTR_IMMUTABLE | unix.STATX_ATTR_APPEND
		err = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags&^all|marks))
	}
	if err != nil {
		w.Skipf("%s takes no marks: %v", w.root, err)
	}
}
