package hostfs

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A listing shows what can be opened, in pieces, to who may list (F-70, F-120, F-123).
func TestList(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;;FA;;;"+alice+")(A;;0x100080;;;"+bob+")")
	var want []string
	for i := range 700 {
		name := fmt.Sprintf("file %03d.txt", i)
		want = append(want, name)
		w.must(os.WriteFile(w.path(`d\`+name), nil, 0o600))
	}
	w.must(os.Mkdir(w.path(`d\Sub`), 0o700))
	for _, name := range []string{"a:b", `back\slash`, "bad\xff", privatePrefix + "1", "star*"} {
		w.must(os.WriteFile(w.root+"/d/"+name, nil, 0o600))
	}
	w.must(os.Symlink("/etc/passwd", w.path(`d\link`)))
	w.must(mkfifo(w.path(`d\fifo`)))
	one, two := w.as(alice), w.as(bob)
	_, st := two.NtQueryDirectoryFile(w.open(two, "d", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success), "", true)
	w.want(st, ntstatus.AccessDenied)
	h := w.open(one, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	list := func(pattern string) (names []string) {
		entries, st := one.NtQueryDirectoryFile(h, pattern, true)
		for ; st == ntstatus.Success; entries, st = one.NtQueryDirectoryFile(h, "ignored", false) {
			if len(entries) > 1024 {
				t.Errorf("%d entries at once", len(entries))
			}
			for _, e := range entries {
				names = append(names, e.FileName)
			}
		}
		end := ntstatus.NoMoreFiles
		if names == nil {
			end = ntstatus.NoSuchFile
		}
		if st != end {
			t.Errorf("%q ends with %v, want %v", pattern, st, end)
		}
		slices.Sort(names)
		return names
	}
	for pattern, names := range map[string][]string{"": append([]string{".", "..", "Sub"}, want...), ".": {"."},
		"..": {".."}, "FILE 00?.*": want[:10],
		"*9.txt": func() (l []string) {
			for i := 9; i < 700; i += 10 {
				l = append(l, want[i])
			}
			return l
		}(), "sub": {"Sub"}, "none*": nil, "su?": {"Sub"}, "sub?": nil, "?sub": nil, "?": {"."}, "??": {".."}} {
		if got := list(pattern); !slices.Equal(got, names) {
			t.Errorf("%q: %d names, want %d: %.20q...", pattern, len(got), len(names), fmt.Sprint(got))
		}
	}
	// A scan that is begun anew tells all names, whatever the last one had still to tell (F-120).
	for range 2 {
		out, st := one.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: h, RestartScan: true,
			FileInformationClass: nt.FileNamesInformation, ReturnSingleEntry: true})
		// The class of names tells names alone.
		if len(out.FileInformation) != 1 || st != ntstatus.Success ||
			out.FileInformation[0] != (nt.FileEntry{FileName: out.FileInformation[0].FileName}) {
			t.Errorf("one entry: %v, %v", out, st)
		}
	}
	// The pattern of a scan is that of its first call.
	single := nt.QueryDirectoryFileIn{FileHandle: h, RestartScan: true, ReturnSingleEntry: true, FileName: "file 69?.txt",
		FileInformationClass: nt.FileNamesInformation}
	for i := range 10 {
		out, st := one.Services().NtQueryDirectoryFile(single)
		if st != ntstatus.Success || len(out.FileInformation) != 1 ||
			!strings.HasPrefix(out.FileInformation[0].FileName, "file 69") {
			t.Errorf("F-120: entry %d of file 69?.txt: %v, %v", i, out, st)
		}
		single.RestartScan, single.FileName = false, "Sub"
	}
	_, st = one.Services().NtQueryDirectoryFile(single)
	w.want(st, ntstatus.NoMoreFiles)
	if got := list(""); len(got) != 703 {
		t.Errorf("after a scan that did not end there are %d names", len(got))
	}
	// The root of a volume has no such names (F-175).
	entries, st := one.NtQueryDirectoryFile(w.open(one, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success), "", true)
	if w.want(st, ntstatus.Success); len(entries) != 1 || entries[0].FileName != "d" {
		t.Errorf("the root lists %v", entries)
	}
	_, st = one.NtQueryDirectoryFile(h, "a/b", true)
	w.want(st, ntstatus.ObjectNameInvalid)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	_, st = one.NtQueryDirectoryFile(w.open(one, "f", winnt.FILE_READ_DATA, ntstatus.Success), "", true)
	w.want(st, ntstatus.InvalidParameter)
}

// A descriptor is read and set by who may, and stands in the attribute afterwards (F-50,
// F-121).
func TestSetSecurity(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:"+alice+"G:SYD:P(A;;FR;;;WD)")
	one, two := w.as(alice), w.as(bob)
	h := w.open(one, "f", winnt.READ_CONTROL|winnt.WRITE_DAC, ntstatus.Success) // alice owns it
	w.open(two, "f", winnt.WRITE_DAC, ntstatus.AccessDenied)
	reader := w.open(two, "f", winnt.READ_CONTROL|winnt.FILE_READ_DATA, ntstatus.Success)
	const dacl = winnt.DACL_SECURITY_INFORMATION
	next := sddl.MustParse("D:P(A;;FA;;;" + alice + ")")
	w.want(two.NtSetSecurityObject(reader, dacl, next), ntstatus.AccessDenied)
	w.want(one.NtSetSecurityObject(h, dacl, next), ntstatus.Success)
	if a := w.readBack("f"); a.Version != 3 || !a.Descriptor.DACL().Equal(next.DACL()) || a.HashType != ntacl.HashSHA256 ||
		a.Hash != [64]byte{} {
		t.Errorf("the attribute is %+v", a)
	}
	w.open(two, "f", winnt.FILE_READ_DATA, ntstatus.AccessDenied)
	// The handle that was open keeps what it has (F-52), and shows what there is.
	if _, st := two.NtReadFileAt(reader, 1, 0); st != ntstatus.EndOfFile {
		t.Errorf("bob's handle: %v", st)
	}
	d, st := two.NtQuerySecurityObject(reader, dacl)
	if st != ntstatus.Success || !d.DACL().Equal(next.DACL()) {
		t.Errorf("bob sees %v, %v", d, st)
	}
}

// Each version of the attribute is written as it was found, and a server that checks
// the hash believes it; one whose hash only the server knows is not written (F-121).
func TestVersions(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	th, begun := w.as(alice), time.Now().Truncate(time.Second)
	text := "O:" + alice + "G:SYD:P(A;;FA;;;" + alice + ")"
	sealed := ntacl.Attribute{Version: 4}
	info := ntacl.Info{Mode: 0o600, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	w.must(sealed.Seal(info, nil, nil))
	for name, c := range map[string]struct {
		a    ntacl.Attribute
		want ntstatus.Status
	}{
		"1":         {ntacl.Attribute{Version: 1}, ntstatus.Success},
		"2":         {ntacl.Attribute{Version: 2, Hash: [64]byte{1, 2, 3}}, ntstatus.Success},
		"3":         {ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256}, ntstatus.Success},
		"3, hashed": {ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Hash: [64]byte{1}}, ntstatus.NotSupported},
		"4":         {sealed, ntstatus.Success},
		"4, other":  {ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: "other"}, ntstatus.NotSupported},
	} {
		w.must(os.WriteFile(w.path(name), nil, 0o600))
		c.a.Descriptor = sddl.MustParse(text)
		value, err := c.a.Append(nil)
		w.must(err)
		w.must(setAttribute(w.path(name), w.tree.cfg.Attribute, value))
		h := w.open(th, name, winnt.WRITE_DAC, ntstatus.Success)
		next := sddl.MustParse("D:P(A;;FR;;;WD)")
		if st := th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, next); st != c.want {
			t.Errorf("version %s: %v, want %v", name, st, c.want)
		}
		got := w.readBack(name)
		// Version 4 says when it was written, in 100-ns units since 1601.
		written := time.Unix(got.Time/10_000_000-11_644_473_600, 0)
		if got.Version == 4 && c.want == ntstatus.Success && (written.Before(begun) || written.After(time.Now())) {
			t.Errorf("version %s was written at %v, the test began at %v", name, written, begun)
		}
		if c.want != ntstatus.Success {
			next = c.a.Descriptor
		}
		if got.Version != c.a.Version || got.Hash != c.a.Hash || !got.Descriptor.DACL().Equal(next.DACL()) {
			t.Errorf("version %s: %+v", name, got)
		}
		if v := got.Verify(info, nil, nil); c.want == ntstatus.Success && v != ntacl.Unhashed && v != ntacl.Intact {
			t.Errorf("version %s: a server finds it %v", name, v)
		}
	}
	// Permissions changed behind the server's back: the descriptor does not count (F-115).
	w.must(os.Chmod(w.path("4"), 0o644))
	w.open(th, "4", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	w.open(th, "4", winnt.FILE_READ_DATA, ntstatus.Success)
	w.must(os.Chmod(w.path("4"), 0o600))
	w.must(os.Chmod(w.path("4"), 0o660))
	w.open(th, "4", winnt.FILE_READ_DATA, ntstatus.AccessDenied)
}

// The hash of a directory's attribute has its default ACL in it: a server that checks both believes what was
// written (F-121).
func TestDefaultACLIsHashed(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	// user::rwx, group::r-x, other::r-x
	inherited, err := hex.DecodeString("0200000001000700ffffffff04000500ffffffff20000500ffffffff")
	w.must(err)
	w.must(os.Mkdir(w.path("d"), 0o700))
	if err := unix.Setxattr(w.path("d"), aclDefault, inherited, 0); err != nil {
		t.Skipf("no POSIX ACL can be set in %s: %v", w.root, err)
	}
	info := ntacl.Info{Directory: true, Mode: 0o700, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	a := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse("O:" + alice + "G:SYD:P(A;;FA;;;" + alice + ")")}
	w.must(a.Seal(info, nil, inherited))
	value, err := a.Append(nil)
	w.must(err)
	w.must(setAttribute(w.path("d"), w.tree.cfg.Attribute, value))
	th := w.as(alice)
	h := w.open(th, "d", winnt.WRITE_DAC, ntstatus.Success)
	w.want(th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:P(A;;FR;;;WD)")), ntstatus.Success)
	got := w.readBack("d")
	if v := got.Verify(info, nil, inherited); v != ntacl.Intact {
		t.Errorf("F-121: a server finds what was written %v", v)
	}
	if v := got.Verify(info, nil, nil); v == ntacl.Intact {
		t.Error("F-121: the hash is that of a directory without a default ACL")
	}
}

// A descriptor is written over the one that was looked at alone (F-121): another one stays.
func TestSwapDescriptor(t *testing.T) {
	w := newWorld(t)
	const text = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.file("f", "", text)
	th := w.as(alice)
	h := w.open(th, "f", winnt.WRITE_DAC, ntstatus.Success)
	w.tree.mu.Lock()
	var f *file
	for _, n := range w.tree.nodes {
		f = n.opens[0]
	}
	w.tree.mu.Unlock()
	next := sddl.MustParse("O:BAG:SYD:P(A;;FR;;;WD)")
	for _, old := range []*sd.Descriptor{nil, next, sddl.MustParse("O:BAG:BAD:P(A;;FA;;;WD)"),
		sddl.MustParse("O:BAG:SYD:P")} {
		if swapped, st := f.SwapDescriptor(old, next); swapped || st != ntstatus.Success ||
			!w.readBack("f").Descriptor.Equal(sddl.MustParse(text)) {
			t.Errorf("F-121: another descriptor than %v was written over: %t, %v", old, swapped, st)
		}
	}
	if swapped, st := f.SwapDescriptor(sddl.MustParse(text), next); !swapped || st != ntstatus.Success ||
		!w.readBack("f").Descriptor.Equal(next) {
		t.Errorf("F-121: the descriptor that was looked at stays: %t, %v", swapped, st)
	}
	w.want(th.NtClose(h), ntstatus.Success)
}

// A tree with a descriptor of its own gates every open, and clips what is granted
// (F-111).
func TestShareDescriptor(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("D:(A;;0x1200a9;;;" + alice + ")") })
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	one, two := w.as(alice), w.as(bob)
	h := w.open(one, "f", winnt.MAXIMUM_ALLOWED, ntstatus.Success)
	if v, st := one.NtQueryInformationFile(h, nt.FileAccessInformation); st != ntstatus.Success ||
		v.(nt.AccessInformation).AccessFlags != 0x1200a9 {
		t.Errorf("alice is granted %v, %v", v, st)
	}
	w.open(one, "f", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	w.create(one, "g", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}, ntstatus.AccessDenied)
	w.open(two, "f", winnt.FILE_READ_DATA, ntstatus.AccessDenied)
	w.exists("g", false)
}

// The share gates an open that begins at a directory's handle as it gates names from the root (F-111).
func TestShareOnEveryWay(t *testing.T) {
	native := newWorld(t)
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("D:(A;;0x1300a9;;;WD)") }) // no adding of files
	const all = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", all)
	w.dir("d", all)
	w.file(`d\f`, "text", all)
	th := w.as(bob)
	d := w.open(th, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	below := func(desired winnt.AccessMask, want ntstatus.Status) winnt.Handle {
		t.Helper()
		in := call{desired: desired, disposition: fileaccess.FileOpen}.at("f")
		in.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{RootDirectory: d, ObjectName: "f"})
		h, _, st := th.NtCreateFile(in)
		w.want(st, want)
		return h
	}
	below(winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	h := below(winnt.MAXIMUM_ALLOWED, ntstatus.Success)
	if v, st := th.NtQueryInformationFile(h, nt.FileAccessInformation); st != ntstatus.Success ||
		v.(nt.AccessInformation).AccessFlags != 0x1300a9 {
		t.Errorf("F-111: from a directory's handle %v, %v are granted", v, st)
	}
	// Behind a share the directory is opened for a rename within it, too, as an SMB server does (F-57).
	for _, c := range []struct {
		w    *world
		want ntstatus.Status
	}{{w, ntstatus.AccessDenied}, {native, ntstatus.Success}} {
		c.w.dir("adds", "O:BAG:SYD:P(A;;0x23;;;WD)") // no SYNCHRONIZE, which that open asks for
		c.w.file(`adds\f`, "", all)
		mover := c.w.as(bob)
		f := c.w.open(mover, `adds\f`, winnt.DELETE, ntstatus.Success)
		c.w.want(mover.NtSetInformationFile(f, nt.FileRenameInformation, nt.FileRename{FileName: "g"}), c.want)
		c.w.want(mover.NtClose(f), ntstatus.Success)
	}
}

// A name in another case is found where the tree says so, and then not made twice.
func TestCase(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.CaseInsensitive = true })
	const all = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", all)
	w.dir("Sub", all)
	w.file(`Sub\File`, "x", all)
	th := w.as(bob)
	h := w.open(th, `sUB\fILE`, winnt.FILE_READ_DATA|winnt.DELETE, ntstatus.Success)
	if v, _ := th.NtQueryInformationFile(h, nt.FileNameInformation); v.(nt.NameInformation).FileName != `\Sub\File` {
		t.Errorf("the name is %v", v)
	}
	w.create(th, `SUB\FILE`, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate},
		ntstatus.ObjectNameCollision)
	w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "FILE"}), ntstatus.Success)
	w.exists(`Sub\FILE`, true)
	exact := newWorld(t)
	exact.describe("", all)
	exact.file("File", "", all)
	exact.open(exact.as(bob), "fILE", winnt.FILE_READ_DATA, ntstatus.ObjectNameNotFound)
}

// The number of open files is bounded (F-123).
func TestOpensAreBounded(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Opens = 2 })
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(bob)
	h := w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.TooManyOpenedFiles)
	w.want(th.NtClose(h), ntstatus.Success)
	w.open(th, "f", winnt.FILE_READ_DATA, ntstatus.Success)
}
