package hostfs

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Extended attributes are read by an open that grants FILE_READ_EA and changed by one that grants FILE_WRITE_EA. The
// servers' own attributes are not accessible, and the total size is limited (F-194 to F-196).
func TestExtendedAttributesNeedRights(t *testing.T) {
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
			t.Errorf(`F-194: Extended = %q, want "value"`, value)
		}
		names, st := f.ExtendedNames()
		if w.want(st, want); st == ntstatus.Success && !slices.Equal(names, []string{"user.a"}) {
			t.Errorf(`F-194: ExtendedNames = %q, want "user.a"`, names)
		}
		if f != writes {
			w.want(f.SetExtended("user.b", nil, 0), ntstatus.AccessDenied)
			w.want(f.RemoveExtended("user.a"), ntstatus.AccessDenied)
		}
	}
	for _, name := range []string{w.tree.cfg.Attribute, "system.a"} {
		w.want(check.Status(reads.Extended(name)), ntstatus.ObjectNameNotFound)
		w.want(check.Status(blind.Extended(name)), ntstatus.AccessDenied)
		w.want(writes.SetExtended(name, []byte("x"), 0), ntstatus.AccessDenied)
		w.want(writes.RemoveExtended(name), ntstatus.AccessDenied)
	}
	w.want(writes.RemoveExtended("user.a"), ntstatus.Success)
	w.want(writes.RemoveExtended("user.a"), ntstatus.ObjectNameNotFound)
	large := make([]byte, mostExtended/2+1) // ext4 has no room for it, tmpfs has
	if writes.SetExtended("user.a", large, 0) == ntstatus.Success {
		w.want(writes.SetExtended("user.a", large, 0), ntstatus.Success) // it does not count twice
	}
}

// A file without a name is decided about like a new one. It takes no name, has the descriptor that a new file would
// get, ends with its open, and can be linked where a name may be created (F-197).
func TestNamelessFileIsDecidedLikeNewOne(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.FileMode = 0o640 })
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+alice+")(A;;0x1200a9;;;"+bob+")")
	w.file(`d\f`, "contents", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	aliceThread, bobThread := w.as(alice), w.as(bob)
	makes := func(th *nt.Thread, name string, want ntstatus.Status) winnt.Handle {
		t.Helper()
		h, st := w.sys.MakeNameless(th, nt.ObjectAttributes{ObjectName: `\??\share\` + name},
			winnt.FILE_GENERIC_READ|winnt.FILE_GENERIC_WRITE, nil, nil)
		w.want(st, want)
		return h
	}
	makes(bobThread, `d\new`, ntstatus.AccessDenied)
	makes(aliceThread, `d\f`, ntstatus.ObjectNameCollision)
	makes(aliceThread, `none\f`, ntstatus.ObjectPathNotFound)
	h := makes(aliceThread, `d\new`, ntstatus.Success)
	w.exists(`d\new`, false)
	w.want(check.Status(aliceThread.NtWriteFileAt(h, []byte("text"), 0)), ntstatus.Success)
	d, st := aliceThread.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION)
	if w.want(st, ntstatus.Success); d.DACL().Len() != 1 {
		t.Errorf("F-197: descriptor of the nameless file: %v, want one entry in its DACL", d)
	}
	// Even a user with DELETE cannot rename or remove a nameless file.
	all, st := w.sys.MakeNameless(aliceThread, nt.ObjectAttributes{ObjectName: `\??\share\d\f2`}, winnt.GENERIC_ALL, nil,
		nil)
	w.want(st, ntstatus.Success)
	w.renames(aliceThread, all, nt.FileRename{FileName: `\??\share\d\new`}, ntstatus.AccessDenied)
	w.deletes(aliceThread, all, ntstatus.CannotDelete)
	w.want(aliceThread.NtClose(all), ntstatus.Success)
	link := func(name string, want ntstatus.Status) {
		t.Helper()
		to := nt.FileRename{FileName: `\??\share\` + name}
		w.want(aliceThread.NtSetInformationFile(h, nt.FileLinkInformation, to), want)
	}
	link(`d\f`, ntstatus.ObjectNameCollision)
	link("here", ntstatus.AccessDenied)
	link(`d\new`, ntstatus.Success)
	w.want(aliceThread.NtClose(h), ntstatus.Success)
	if b, err := os.ReadFile(w.path(`d\new`)); string(b) != "text" || err != nil {
		t.Errorf(`F-197: contents of the linked file: %q, %v; want "text"`, b, err)
	}
	w.want(aliceThread.NtClose(w.create(aliceThread, `d\new`, call{desired: winnt.DELETE,
		disposition: fileaccess.FileOpen}, ntstatus.Success)), ntstatus.Success)
	h = makes(aliceThread, `d\gone`, ntstatus.Success)
	f, _, done, st := w.sys.TreeFile(aliceThread, h)
	w.want(st, ntstatus.Success)
	s, err := f.(*file).stat()
	if done(); err != nil || s.Nlink != 0 || s.Mode&0o777 != 0o640 {
		t.Errorf("F-197: a nameless file has %d names, mode %o, %v; want 0, 640, no error", s.Nlink, s.Mode, err)
	}
	w.want(aliceThread.NtClose(h), ntstatus.Success)
	if left, err := os.ReadDir(w.path("d")); err != nil || len(left) != 2 {
		t.Errorf("F-197: entries of the directory: %v, %v; want 2", left, err)
	}
	if _, err := os.Lstat(w.path(`d\gone`)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("F-197: the nameless file's name: %v, want %v", err, unix.ENOENT)
	}
}

// Users' attributes belong to a file, except those of servers in any spelling of their case. Other attributes of the
// host do not (F-195).
func TestServerXattrsAreHiddenFromUsers(t *testing.T) {
	f := &file{t: &Tree{cfg: Config{Attribute: "user.Ours"}}}
	for name, want := range map[string]bool{
		"user.a": false, "user.NTACLs": false, "user.our": false, "user.ours1": false, "user.DosStream": false,
		"user.DosStrea.x": false, "user.x.DosStream.": false,
		"user.": true, "": true, "user": true, "User.a": true, "trusted.a": true, "security.NTACL": true, "xuser.a": true,
		"user.ours": true, "user.OURS": true, "user.DOSATTRIB": true, "user.dosattrib": true, ntacl.UserName: true,
		"user.samba_pai": true, "user.SAMBA_PAI": true, "user.SmbReparse": true, "user.SMBREPARSE": true,
		"user.DosStream.x": true, "user.DOSSTREAM.x": true, "user.DosStream.": true,
	} {
		check.Equal(t, f.reserved(name), want, "F-195: reserved(%q)", name)
	}
	check.Equal(t, mostExtended, 65536, "F-196: limit of all extended attributes")
	for _, c := range []struct {
		taken, name, value int
		want               bool
	}{{0, 10, 65526, true}, {0, 10, 65527, false}, {1, 10, 65525, true}, {1, 10, 65526, false}, {65526, 10, 0, true},
		{65527, 10, 0, false}} {
		check.Equal(t, fits(c.taken, string(make([]byte, c.name)), make([]byte, c.value)), c.want,
			"F-196: fits(%+v)", c)
	}
}

// Extended attributes are created, replaced and read back byte for byte. The flags of setxattr(2) say whether the
// attribute must exist. A replaced value does not count towards the limit (F-194, F-196).
func TestSetExtendedFlagsAndLimit(t *testing.T) {
	value := make([]byte, mostExtended-len("user.b")-4)
	check.That(t, fits(4, "user.b", value) && !fits(5, "user.b", value), "F-196: both sides of the limit")
	w := newWorld(t)
	w.file("f", "", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_EA|winnt.FILE_WRITE_EA)
	if st := f.SetExtended("user.probe", nil, 0); st == ntstatus.NotSupported {
		t.Skip("the file system has no attributes of users")
	}
	w.want(f.RemoveExtended("user.probe"), ntstatus.Success)
	for _, c := range []struct {
		name, value string
		how         int
		want        ntstatus.Status
		kept        string
	}{
		{"user.a", "x", unix.XATTR_REPLACE, ntstatus.ObjectNameNotFound, "-"},
		{"user.a", "a\x00b\x00", unix.XATTR_CREATE, ntstatus.Success, "a\x00b\x00"},
		{"user.a", "x", unix.XATTR_CREATE, ntstatus.ObjectNameCollision, "a\x00b\x00"},
		{"user.a", "", unix.XATTR_REPLACE, ntstatus.Success, ""},
		{"user.a", "\x00", 0, ntstatus.Success, "\x00"}, {"user.b", "bb", 0, ntstatus.Success, "bb"},
	} {
		w.want(f.SetExtended(c.name, []byte(c.value), c.how), c.want)
		got, st := f.Extended(c.name)
		if c.kept == "-" {
			w.want(st, ntstatus.ObjectNameNotFound)
		} else if w.want(st, ntstatus.Success); string(got) != c.kept {
			t.Errorf("F-194: value of %s after SetExtended: %q, want %q", c.name, got, c.kept)
		}
	}
	names, st := f.ExtendedNames()
	if slices.Sort(names); st != ntstatus.Success || !slices.Equal(names, []string{"user.a", "user.b"}) {
		t.Errorf(`F-194: ExtendedNames = %q, %v, want "user.a" and "user.b"`, names, st)
	}
	for but, want := range map[string]int{"": 6 + 1 + 6 + 2, "user.a": 6 + 2, "user.b": 6 + 1, "user.c": 6 + 1 + 6 + 2} {
		if n, st := f.taken(but); n != want || st != ntstatus.Success {
			t.Errorf("F-196: bytes used without %q = %d, %v, want %d", but, n, st, want)
		}
	}
	big := bytes.Repeat([]byte("x"), 2000)
	w.want(f.SetExtended("user.a", big, 0), ntstatus.Success)
	w.want(f.SetExtended("user.a", big, 0), ntstatus.Success)
	got, st := f.Extended("user.a")
	if w.want(st, ntstatus.Success); !bytes.Equal(got, big) {
		t.Errorf("F-194: a long value: %d bytes returned, want the %d that were set", len(got), len(big))
	}
	w.want(f.SetExtended("user.c", make([]byte, mostExtended-6-2000-6-2-5), 0), ntstatus.DiskFull)
}
