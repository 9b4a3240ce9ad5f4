package hostfs

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// faulty returns a world in which a test can make the host's calls fail.
func faulty(t *testing.T) (*world, *inject.Injector) {
	t.Helper()
	disk := new(inject.Injector)
	w := newWorld(t, func(c *Config) { c.Faults = disk.Do })
	w.describe("", wide)
	w.tree.settling = time.Hour // changed files are read again, however slow the test is
	return w, disk
}

// eachCall repeats an operation on fresh trees. Each time another call of the host fails, and check gets the call and
// the status. The operation must make at least the given number of calls.
func eachCall(t *testing.T, least int, prepare func(*world) *file, do func(*world, *file) ntstatus.Status,
	check func(w *world, f *file, what string, st ntstatus.Status)) {
	t.Helper()
	for i := 0; ; i++ {
		w, disk := faulty(t)
		f := prepare(w)
		disk.Fail(unix.EIO, inject.OnIndex(i))
		before := len(disk.Ops())
		st := do(w, f)
		disk.Fail(nil)
		ops := disk.Ops()[before:]
		if i >= len(ops) {
			if w.want(st, ntstatus.Success); i < least {
				t.Errorf("the operation made %d calls of the host: %v, want at least %d", i, ops, least)
			}
			return
		}
		check(w, f, fmt.Sprintf("call %d, %s, fails", i, strings.ReplaceAll(ops[i], privatePrefix, "private ")), st)
	}
}

// A failed rename over another file leaves both files under their names and the open with its old name. A successful
// one moves the file (F-118). A call that only sets the archive attribute may fail.
func TestMoveSurvivesEveryFailedCall(t *testing.T) {
	for _, link := range []bool{false, true} {
		for _, target := range []string{"t", "free"} {
			eachCall(t, 2, func(w *world) *file {
				w.file("f", "source", wide)
				w.file("t", "target", narrow)
				return w.opened("f", fileaccess.Request{}, winnt.DELETE)
			}, func(w *world, f *file) ntstatus.Status {
				return f.Move(&nt.FileMove{Name: target, Link: link, Replace: true, Decide: agree(nil)})
			}, func(w *world, f *file, what string, st ntstatus.Status) {
				what = fmt.Sprintf("to %s, link %t: %s", target, link, what)
				name, want := "f", map[string]string{"f": "source", "t": "target", "free": "-"}
				if st == ntstatus.Success {
					if want[target] = "source"; !link {
						name, want["f"] = target, "-"
					}
				} else if st != ntstatus.IODeviceError {
					t.Errorf("F-124: %s: status %v, want %v", what, st, ntstatus.IODeviceError)
				}
				for n, contents := range want {
					b, err := os.ReadFile(w.path(n))
					if contents == "-" && os.IsNotExist(err) {
						continue
					}
					check.That(t, string(b) == contents,
						"F-118: %s: status %v, then %s holds %q, want %q", what, st, n, b, contents)
				}
				if l := f.linkNow(); l.name != name {
					t.Errorf("F-118: %s: the open's name is %s, want %s", what, l.name, name)
				}
			})
		}
	}
}

// A file that cannot be created completely, with its descriptor, does not exist afterwards. So is one without a name
// (F-114, F-197).
func TestCreateSurvivesEveryFailedCall(t *testing.T) {
	const nameless = fileaccess.OpenReparsePoint // stands for a file without a name
	for _, kind := range []fileaccess.CreateOptions{0, fileaccess.DirectoryFile, nameless} {
		eachCall(t, 3, func(w *world) *file { return nil }, func(w *world, _ *file) ntstatus.Status {
			th := w.as(bob)
			if kind == nameless {
				h, st := w.sys.MakeNameless(th, nt.ObjectAttributes{ObjectName: `\??\share\f`}, winnt.FILE_GENERIC_READ, nil, nil)
				w.want(closeAny(th, h), ntstatus.Success)
				return st
			}
			h, _, st := th.NtCreateFile(call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate,
				options: kind, sd: sddl.MustParse("D:P(A;;FA;;;" + bob + ")")}.at("f"))
			check.That(t, st == ntstatus.Success || h == 0, "create: %v and a handle, want no handle", st)
			w.want(closeAny(th, h), ntstatus.Success)
			return st
		}, func(w *world, _ *file, what string, st ntstatus.Status) {
			check.That(t, st != ntstatus.Success, "F-114: %s: create: %v, want a failure", what, st)
			w.exists("f", false)
			if !strings.Contains(what, "unlink") {
				w.nothingPrivate("")
			}
		})
	}
}

// A file is not opened if the host cannot read its descriptor, permissions or attributes. Without its descriptor it
// could grant more, and without its read-only attribute it could be written (F-101, F-115, F-130).
func TestUnreadableAttributesDeny(t *testing.T) {
	for _, name := range []string{"", dosName, aclAccess} {
		w, disk := faulty(t)
		w.tree.cfg.Missing = SynthesiseMissing
		if name == aclAccess {
			w.tree.cfg.Attribute = "user.none" // The permissions decide.
		} else if name == "" {
			name = w.tree.cfg.Attribute
		}
		w.file("f", "x", wide)
		readOnly := dos{fileaccess.AttributeReadOnly, true, 5}.append(nil, false)
		if err := setAttribute(w.path("f"), dosName, readOnly); err != nil {
			t.Skipf("%s cannot be set in %s: %v", dosName, w.root, err)
		}
		th := w.as(bob)
		disk.Fail(unix.EIO, inject.Kind("getxattr"), inject.PathMatch(name))
		for _, desired := range []winnt.AccessMask{winnt.FILE_WRITE_DATA, winnt.FILE_READ_DATA, winnt.MAXIMUM_ALLOWED} {
			h := w.open(th, "f", desired, ntstatus.IODeviceError)
			w.want(closeAny(th, h), ntstatus.Success)
		}
		check.That(t, disk.Selected() != 0, "the open never read %s, want a read that fails", name)
	}
	var disk inject.Injector
	w := newVersion4(t, func(c *Config) { c.Faults = disk.Do })
	w.newFile(`d\f`)
	disk.Fail(unix.EIO, inject.Kind("getxattr"), inject.PathMatch(aclAccess))
	w.open(w.as(alice), `d\f`, winnt.FILE_READ_DATA, ntstatus.IODeviceError)
}

// A change of attributes that cannot read the stored ones writes none, so that the read-only and hidden attributes
// stay (F-122, F-173).
func TestFailedReadKeepsAttribute(t *testing.T) {
	w, disk := faulty(t)
	w.file("f", "x", wide)
	was := dos{fileaccess.AttributeReadOnly | fileaccess.AttributeHidden, true, 5}
	if err := setAttribute(w.path("f"), dosName, was.append(nil, false)); err != nil {
		t.Skipf("%s cannot be set in %s: %v", dosName, w.root, err)
	}
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_ALL_ACCESS)
	disk.Fail(unix.EIO, inject.Kind("getxattr"), inject.PathMatch(dosName))
	w.want(f.SetBasic(nt.FileBasic{FileAttributes: fileaccess.AttributeSystem}), ntstatus.IODeviceError)
	w.want(second(f.Facts()), ntstatus.IODeviceError)
	w.describe("f", narrow) // what the cache has is of the file before this change
	if facts, d, st := f.Shown(); facts != w.statFacts("f", 0) || d != nil || st != ntstatus.Success {
		t.Errorf("M-20: Shown without a descriptor: %+v, %s, %v; want the facts, none, success", facts, formatted(d), st)
	}
	w.want(third(f.WriteAt([]byte("y"), 0)), ntstatus.Success) // It also sets the archive attribute if it can.
	disk.Fail(nil)
	check.Equal(t, w.dosOf(w.path("f")), was, "F-122: stored attributes after the failed change")
}

// If the host cannot store a new descriptor, the call fails and the old descriptor stays in effect (F-121).
func TestFailedDescriptorWriteChangesNothing(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ntstatus.Status
	}{{unix.ENOSPC, ntstatus.DiskFull}, {unix.EIO, ntstatus.IODeviceError}, {unix.EDQUOT, ntstatus.DiskFull}} {
		w, disk := faulty(t)
		w.file("f", "x", narrow)
		f := w.opened("f", fileaccess.Request{}, winnt.WRITE_DAC)
		disk.Fail(c.err, inject.Kind("setxattr"))
		swapped, st := f.SwapDescriptor(sddl.MustParse(narrow), sddl.MustParse(wide))
		if w.want(st, c.want); swapped {
			t.Errorf("F-121: SwapDescriptor after the error %v: swapped, want not", c.err)
		}
		disk.Fail(nil)
		th := w.as(bob)
		w.open(th, "f", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
		d, st := f.Descriptor()
		if w.want(st, ntstatus.Success); formatted(d) != narrow {
			t.Errorf("F-121: descriptor after the error %v: %s, want %s", c.err, formatted(d), narrow)
		}
	}
}

// After a short write of the host, WriteAt continues with the remaining bytes. It returns the number of stored bytes
// after an error, and fails if the host stores nothing and reports no error (F-124).
func TestShortWritesContinue(t *testing.T) {
	text := []byte("0123456789")
	for _, c := range []struct {
		fault error
		index int // of the write that fails
		n     int
		want  ntstatus.Status
	}{
		{inject.Short(3, nil), 0, 10, ntstatus.Success},
		{inject.Short(3, unix.ENOSPC), 0, 3, ntstatus.DiskFull},
		{inject.Short(0, nil), 0, 0, ntstatus.IODeviceError},
		{unix.ENOSPC, 0, 0, ntstatus.DiskFull},
		{unix.EIO, 1, 10, ntstatus.Success}, // There is no second write.
		{unix.EINTR, 0, 10, ntstatus.Success},
	} {
		for _, at := range []int64{0, -1} {
			w, disk := faulty(t)
			w.file("f", "", wide)
			f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
			disk.Fail(c.fault, inject.Kind("write"), inject.OnIndex(c.index))
			n, _, st := f.WriteAt(text, at)
			b, err := os.ReadFile(w.path("f"))
			if w.must(err); n != c.n || st != c.want || !bytes.Equal(b, text[:c.n]) {
				t.Errorf("F-124: WriteAt with the error %v, at %d: %d bytes, %v, then contents %q; want %d, %v, %q",
					c.fault, at, n, st, b, c.n, c.want, text[:c.n])
			}
		}
	}
}

// A write that the host itself rejects stores nothing, and WriteAt returns 0 with its error (F-124). The system call
// returns -1 then.
func TestRejectedWriteStoresNothing(t *testing.T) {
	w, _ := faulty(t)
	w.file("f", "", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	n, _, st := f.WriteAt([]byte("text"), math.MaxInt64) // pwrite(2): EINVAL
	check.That(t, n == 0 && st == ntstatus.InvalidParameter, "F-124: WriteAt the largest offset: %d bytes, %v, want 0, %v",
		n, st, ntstatus.InvalidParameter)
}

// Contents are replaced and files are created on a host without attributes unless the request has one that would be
// lost (F-172).
func TestOverwriteNeedsRequestedAttributes(t *testing.T) {
	for requested, want := range map[fileaccess.Attributes]ntstatus.Status{0: ntstatus.Success,
		fileaccess.AttributeArchive: ntstatus.Success, fileaccess.AttributeHidden: ntstatus.NotSupported} {
		w, disk := faulty(t)
		w.describe("", wide)
		w.file("f", "old", wide)
		disk.Fail(unix.ENOTSUP, inject.Kind("setxattr"), inject.PathMatch(dosName))
		th := w.as(bob)
		for _, name := range []string{"f", "new"} {
			in := call{desired: winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOverwriteIf}.at(name)
			in.FileAttributes = requested
			h, _, st := th.NtCreateFile(in)
			check.Equal(t, st, want, "F-172: overwrite %s with attributes %#x", name, requested)
			w.want(closeAny(th, h), ntstatus.Success)
		}
	}
}

// A move whose record is stored in part changes nothing (F-211).
func TestMoveNeedsItsWholeRecord(t *testing.T) {
	w, disk := faulty(t)
	w.file("f", "new", wide)
	w.file("g", "old", wide)
	disk.Fail(inject.Short(3, nil), inject.Kind("write"))
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(f.Move(&nt.FileMove{Name: "g", Replace: true, Decide: agree(nil)}), ntstatus.IODeviceError)
	w.holds(map[string]string{"f": "new", "g": "old"})
}

// A failed truncation, refill or sync returns an error. The file keeps its contents, or has the part that was stored
// before the error (F-124, G-34).
func TestContentsSurviveErrors(t *testing.T) {
	full := strings.Repeat("new", 1000)
	for _, c := range []struct {
		call  string
		err   error
		do    func(w *world, f *file) ntstatus.Status
		want  ntstatus.Status
		holds []string
	}{
		{"truncate", unix.EIO, func(w *world, f *file) ntstatus.Status { return f.SetSize(1) }, ntstatus.IODeviceError,
			[]string{"old"}},
		{"sync", unix.EIO, func(w *world, f *file) ntstatus.Status { return f.Flush() }, ntstatus.IODeviceError,
			[]string{"old"}},
		{"sync", unix.ENOSPC, func(w *world, f *file) ntstatus.Status { return f.Flush() }, ntstatus.DiskFull,
			[]string{"old"}},
		{"allocate", unix.ENOSPC, refilled, ntstatus.DiskFull, []string{"old"}},
		{"copy", unix.EIO, refilled, ntstatus.IODeviceError, []string{"old"}},
		{"copy", inject.Short(4, unix.ENOSPC), refilled, ntstatus.DiskFull, []string{full[:4]}},
		{"copy", inject.Short(700, nil), refilled, ntstatus.Success, []string{full}},
		{"chmod", unix.EPERM, func(w *world, f *file) ntstatus.Status {
			w.must(os.Chmod(w.path("f"), 0o600|os.ModeSetuid))
			return third(f.WriteAt([]byte("evil"), 0)) // The file would stay set-uid.
		}, ntstatus.AccessDenied, []string{"old"}},
		{"truncate", unix.ENOSPC, func(w *world, f *file) ntstatus.Status {
			h, _, st := w.as(bob).NtCreateFile(call{desired: winnt.FILE_WRITE_DATA,
				disposition: fileaccess.FileOverwrite}.at("f"))
			check.Equal(w, h, 0, "an open whose truncation failed returned handle")
			return st
		}, ntstatus.DiskFull, []string{"old"}},
	} {
		w, disk := faulty(t)
		w.file("f", "old", wide)
		w.file("new", full, wide)
		f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA)
		disk.Fail(c.err, inject.Kind(c.call))
		w.want(c.do(w, f), c.want)
		disk.Fail(nil)
		b, err := os.ReadFile(w.path("f"))
		if w.must(err); !slices.Contains(c.holds, string(b)) {
			t.Errorf("F-124: %s fails with %v: contents %.20q, want one of %.20q", c.call, c.err, b, c.holds)
		}
	}
}

// refilled replaces a file's contents with those of another file.
func refilled(w *world, f *file) ntstatus.Status {
	return f.Refill(w.opened("new", fileaccess.Request{}, winnt.FILE_READ_DATA))
}

// A file whose deletion fails stays complete, under its name or, until the next listing, a private one. No other file
// is lost (F-117).
func TestDeleteSurvivesEveryFailedCall(t *testing.T) {
	eachCall(t, 3, func(w *world) *file {
		w.file("f", "text", wide)
		f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
		w.want(f.SetDelete(true), ntstatus.Success)
		return f
	}, func(w *world, f *file) ntstatus.Status { return f.RemoveName() },
		func(w *world, f *file, what string, st ntstatus.Status) {
			check.Equal(t, st, ntstatus.IODeviceError, "F-117: %s: RemoveName", what)
			check.That(t, !check.Result(f.Facts()).DeletePending, "F-117: %s: the deletion is still pending", what)
			w.holds(map[string]string{"f": "text"})
			w.nothingPrivate("")
		})
}
