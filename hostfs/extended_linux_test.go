package hostfs

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Extended attributes are read by an open that grants FILE_READ_EA and changed by one that grants FILE_WRITE_EA;
// what servers keep does not count as one, and their room is bounded (F-194 to F-196).
func TestExtended(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "D:P(A;;FA;;;WD)")
	th := w.as(bob)
	open := func(desired winnt.AccessMask) *file {
		t.Helper()
		h := w.open(th, "f", desired, ntstatus.Success)
		f, _, done, st := w.sys.TreeFile(th, h)
		w.want(st, ntstatus.Success)
		t.Cleanup(func() { done(); w.want(th.NtClose(h), ntstatus.Success) })
		return f.(*file)
	}
	blind, reads, writes := open(winnt.FILE_GENERIC_EXECUTE), open(winnt.FILE_READ_EA), open(winnt.FILE_WRITE_EA)
	if st := writes.SetExtended("user.a", []byte("value"), 0); st == ntstatus.NotSupported {
		t.Skip("the file system has no attributes of users")
	} else {
		w.want(st, ntstatus.Success)
	}
	for f, want := range map[*file]ntstatus.Status{blind: ntstatus.AccessDenied, writes: ntstatus.AccessDenied,
		reads: ntstatus.Success} {
		value, st := f.Extended("user.a")
		if w.want(st, want); st == ntstatus.Success && string(value) != "value" {
			t.Errorf("F-194: %q", value)
		}
		names, st := f.ExtendedNames()
		if w.want(st, want); st == ntstatus.Success && !slices.Equal(names, []string{"user.a"}) {
			t.Errorf("F-194: %q", names)
		}
		if f != writes {
			w.want(f.SetExtended("user.b", nil, 0), ntstatus.AccessDenied)
			w.want(f.RemoveExtended("user.a"), ntstatus.AccessDenied)
		}
	}
	for _, name := range []string{w.tree.cfg.Attribute, "security.capability", "trusted.a", "system.a", "user.", "other",
		"USER.a", "user.dosstream.x", "user.SmbReparse"} {
		_, st := reads.Extended(name)
		w.want(st, ntstatus.ObjectNameNotFound)
		w.want(writes.SetExtended(name, []byte("x"), 0), ntstatus.AccessDenied)
		w.want(writes.RemoveExtended(name), ntstatus.AccessDenied)
	}
	// 6 bytes of name and 64 KiB of value do not fit anywhere; one after the other they are counted together.
	w.want(writes.SetExtended("user.b", bytes.Repeat([]byte("x"), mostExtended-5), 0), ntstatus.DiskFull)
	if n, st := writes.taken("user.b"); n != len("user.a")+len("value") || st != ntstatus.Success {
		t.Errorf("F-196: %d bytes are taken, %v", n, st)
	}
	if n, _ := writes.taken("user.a"); n != 0 {
		t.Errorf("F-196: %d bytes are taken beside it", n)
	}
	w.want(writes.RemoveExtended("user.a"), ntstatus.Success)
	w.want(writes.RemoveExtended("user.a"), ntstatus.ObjectNameNotFound)
}

// A file without a name is decided about as a new one: it takes no name, has the descriptor that one would
// get, ends with its open, and is linked where a name may be made (F-197).
func TestNameless(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+alice+")(A;;0x1200a9;;;"+bob+")")
	w.file(`d\f`, "contents", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	hers, his := w.as(alice), w.as(bob)
	makes := func(th *nt.Thread, name string, want ntstatus.Status) winnt.Handle {
		t.Helper()
		h, st := w.sys.MakeNameless(th, nt.ObjectAttributes{ObjectName: `\??\share\` + name},
			winnt.FILE_GENERIC_READ|winnt.FILE_GENERIC_WRITE)
		w.want(st, want)
		return h
	}
	makes(his, `d\new`, ntstatus.AccessDenied)
	makes(hers, `d\f`, ntstatus.ObjectNameCollision)
	makes(hers, `none\f`, ntstatus.ObjectPathNotFound)
	h := makes(hers, `d\new`, ntstatus.Success)
	w.exists(`d\new`, false)
	_, st := hers.NtWriteFileAt(h, []byte("text"), 0)
	w.want(st, ntstatus.Success)
	d, st := hers.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION)
	if w.want(st, ntstatus.Success); d.DACL().Len() != 1 {
		t.Errorf("F-197: its descriptor is %v", d)
	}
	w.want(hers.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: `\??\share\d\new`}),
		ntstatus.AccessDenied)
	w.want(hers.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}),
		ntstatus.AccessDenied)
	link := func(name string, want ntstatus.Status) {
		t.Helper()
		w.want(hers.NtSetInformationFile(h, nt.FileLinkInformation, nt.FileRename{FileName: `\??\share\` + name}), want)
	}
	link(`d\f`, ntstatus.ObjectNameCollision)
	link("here", ntstatus.AccessDenied)
	link(`d\new`, ntstatus.Success)
	w.want(hers.NtClose(h), ntstatus.Success)
	if b, err := os.ReadFile(w.path(`d\new`)); string(b) != "text" || err != nil {
		t.Errorf("F-197: %q, %v", b, err)
	}
	w.want(hers.NtClose(w.create(hers, `d\new`, call{desired: winnt.DELETE, disposition: fileaccess.FileOpen},
		ntstatus.Success)), ntstatus.Success)
	h = makes(hers, `d\gone`, ntstatus.Success)
	f, _, done, st := w.sys.TreeFile(hers, h)
	w.want(st, ntstatus.Success)
	s, err := f.(*file).stat()
	if done(); err != nil || s.Nlink != 0 {
		t.Errorf("F-197: %d names, %v", s.Nlink, err)
	}
	w.want(hers.NtClose(h), ntstatus.Success)
	if left, err := os.ReadDir(w.path("d")); err != nil || len(left) != 2 {
		t.Errorf("F-197: %v stand there, %v", left, err)
	}
	if _, err := os.Lstat(w.path(`d\gone`)); !errors.Is(err, unix.ENOENT) {
		t.Error(err)
	}
}
