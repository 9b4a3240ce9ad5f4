package hostfs

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestReserved: which attributes of the host count as a file's: users' own, and of those not what servers keep, in
// whatever case (F-195).
func TestReserved(t *testing.T) {
	f := &file{t: &Tree{cfg: Config{Attribute: "user.Ours"}}}
	for name, want := range map[string]bool{
		"user.a": false, "user.NTACLs": false, "user.our": false, "user.ours1": false, "user.DosStream": false,
		"user.DosStrea.x": false, "user.x.DosStream.": false,
		"user.": true, "": true, "user": true, "User.a": true, "trusted.a": true, "security.NTACL": true, "xuser.a": true,
		"user.ours": true, "user.OURS": true, "user.DOSATTRIB": true, "user.dosattrib": true, ntacl.UserName: true,
		"user.samba_pai": true, "user.SAMBA_PAI": true, "user.SmbReparse": true, "user.SMBREPARSE": true,
		"user.DosStream.x": true, "user.DOSSTREAM.x": true, "user.DosStream.": true,
	} {
		if got := f.reserved(name); got != want {
			t.Errorf("F-195: %q counts as a server's: %t", name, got)
		}
	}
	if mostExtended != 65536 {
		t.Error("F-196: the room is another one")
	}
	for _, c := range []struct {
		taken, name, value int
		want               bool
	}{{0, 10, 65526, true}, {0, 10, 65527, false}, {1, 10, 65525, true}, {1, 10, 65526, false}, {65526, 10, 0, true},
		{65527, 10, 0, false}} {
		if got := fits(c.taken, string(make([]byte, c.name)), make([]byte, c.value)); got != c.want {
			t.Errorf("F-196: %+v has room: %t", c, got)
		}
	}
}

// TestSetExtended: an attribute is made, replaced and told as it was given, byte by byte; whether it is to be there
// already is asked as setxattr(2) says it; what is replaced is not counted besides (F-194, F-196).
func TestSetExtended(t *testing.T) {
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
			t.Errorf("F-194: %s is %q, want %q", c.name, got, c.kept)
		}
	}
	names, st := f.ExtendedNames()
	if slices.Sort(names); st != ntstatus.Success || !slices.Equal(names, []string{"user.a", "user.b"}) {
		t.Errorf("F-194: %q, %v", names, st)
	}
	for but, want := range map[string]int{"": 6 + 1 + 6 + 2, "user.a": 6 + 2, "user.b": 6 + 1, "user.c": 6 + 1 + 6 + 2} {
		if n, st := f.taken(but); n != want || st != ntstatus.Success {
			t.Errorf("F-196: beside %q %d bytes are taken, %v, want %d", but, n, st, want)
		}
	}
	big := bytes.Repeat([]byte("x"), 2000)
	w.want(f.SetExtended("user.a", big, 0), ntstatus.Success)
	w.want(f.SetExtended("user.a", big, 0), ntstatus.Success)
	got, st := f.Extended("user.a")
	if w.want(st, ntstatus.Success); !bytes.Equal(got, big) {
		t.Errorf("F-194: %d bytes", len(got))
	}
	w.want(f.SetExtended("user.c", make([]byte, mostExtended-6-2000-6-2-5), 0), ntstatus.DiskFull)
}

// TestListedLinks: a listing by a handle that knows links tells those of the tree, with what they say for a length, and
// no other; by another handle none is told (F-191). What is left of them goes and stays by the same measure (F-129).
func TestListedLinks(t *testing.T) {
	linksHere(t)
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.dir("d", wide)
	w.link(`d\ours`, "somewhere", hers)
	w.link(`d\`+privatePrefix+"ours", "somewhere", hers)
	w.must(os.Symlink("f", w.path(`d\planted`)))
	w.must(os.Symlink("f", w.path(`d\`+privatePrefix+"planted")))
	w.must(os.Symlink("f", w.path(`d\spoiled`)))
	w.must(unix.Lsetxattr(w.path(`d\spoiled`), w.tree.cfg.Attribute, []byte("nonsense"), 0))
	for _, knows := range []bool{false, true} {
		r := fileaccess.Request{}
		if knows {
			r.Options = fileaccess.OpenReparsePoint
		}
		f := w.opened("d", r, winnt.FILE_READ_DATA)
		list, st := f.List("????*", true, 9, nil)
		if !knows {
			if w.want(st, ntstatus.NoSuchFile); len(list) != 0 {
				t.Errorf("F-191: %v", list)
			}
			continue
		}
		if w.want(st, ntstatus.Success); len(list) != 1 || list[0].FileName != "ours" || list[0].EndOfFile != 9 ||
			list[0].AllocationSize != 0 || list[0].FileAttributes != fileaccess.AttributeReparsePoint {
			t.Errorf("F-191: %+v", list)
		}
	}
	w.exists(`d\`+privatePrefix+"ours", true) // it may be under way
	w.tree.abandoned = -1 << 40
	f := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	_, _ = f.List("", true, 9, nil)
	w.exists(`d\`+privatePrefix+"ours", false)
	w.exists(`d\`+privatePrefix+"planted", true)
	dir, _ := w.place("d")
	for _, c := range []struct {
		name  string
		inode uint64
		want  bool
	}{{"ours", w.inode(`d\ours`), true}, {"ours", w.inode(`d\planted`), false}, {"planted", w.inode(`d\planted`), false},
		{"spoiled", w.inode(`d\spoiled`), false}, {"none", 0, false}, {".", w.inode("d"), false}} {
		if got := w.tree.ownLink(dir, c.name, c.inode); got != c.want {
			t.Errorf("F-129: %s of %d is a link of the tree: %t", c.name, c.inode, got)
		}
	}
	// A link that was not made here is not replaced, whatever its permissions amount to (F-191).
	w.file("f", "", wide)
	mover := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(mover.Move(&nt.FileMove{Name: `d\planted`, Decide: agree(nil)}), ntstatus.AccessDenied)
	w.want(mover.Move(&nt.FileMove{Name: `d\ours`, Decide: agree(nil)}), ntstatus.Success)
	w.want(second(w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA).Target()), ntstatus.InvalidParameter)
}

// TestMakesLink: what a link says is not empty and has no zero byte; which is asked after whether the tree can have
// links at all (F-192).
func TestMakesLink(t *testing.T) {
	for _, c := range []struct {
		attribute, to string
		want          ntstatus.Status
	}{{ntacl.UserName, "f", ntstatus.NotSupported}, {ntacl.UserName, "", ntstatus.NotSupported},
		{"user.other", "f", ntstatus.NotSupported}, {ntacl.Name, "", ntstatus.InvalidParameter},
		{ntacl.Name, "a\x00", ntstatus.InvalidParameter}, {ntacl.Name, "\x00", ntstatus.InvalidParameter},
		{ntacl.Name, "f", ntstatus.Success}, {"security.user.", "f", ntstatus.Success}} {
		p := &place{t: &Tree{cfg: Config{Attribute: c.attribute}}}
		st := p.MakesLink(c.to)
		if st != c.want || (p.target != "") != (st == ntstatus.Success) {
			t.Errorf("F-192: %q by %s: %v, it says %q", c.to, c.attribute, st, p.target)
		}
	}
}

// TestOtherDevices: what another device has is no file of the tree: not found, not listed, not replaced, not swept
// (F-112, F-120, F-129).
func TestOtherDevices(t *testing.T) {
	w := newWorld(t)
	w.file("f", "f", wide)
	w.dir("d", wide)
	w.file(`d\`+privatePrefix+"x", "", wide)
	w.file(`d\f`, "", wide)
	w.tree.abandoned = -1 << 40
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	w.tree.device.minor++
	_, st := w.tree.Find(&fileaccess.Request{Name: "f", Subject: w.subject(bob)}, nil)
	w.want(st, ntstatus.AccessDenied)
	if list, st := d.List("", true, 9, nil); st != ntstatus.Success || len(list) != 2 {
		t.Errorf("F-120: %v, %v, want its own names alone", list, st)
	}
	fd, status := w.place("f")
	g := target{directory: &place{}, name: "f", existing: fd, status: status}
	w.want(f.describeExisting(&g, &fileaccess.Move{}), ntstatus.AccessDenied)
	w.exists(`d\`+privatePrefix+"x", true)
	w.tree.device.minor--
	w.want(f.describeExisting(&g, &fileaccess.Move{}), ntstatus.Success)
	_, _ = d.List("", true, 9, nil)
	w.exists(`d\`+privatePrefix+"x", false)
}

// TestSweptByAge: how old what a crash left is counts from its last change, whatever times it was given (F-129).
func TestSweptByAge(t *testing.T) {
	w := newWorld(t)
	w.file(privatePrefix+"x", "", wide)
	w.must(unix.UtimesNanoAt(unix.AT_FDCWD, w.path(privatePrefix+"x"), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0))
	w.tree.sweep(w.tree.root, privatePrefix+"x")
	w.exists(privatePrefix+"x", true)
}

// TestPathAsAsked: a place tells its name as the tree spells it, however it was asked for.
func TestPathAsAsked(t *testing.T) {
	for _, c := range []struct{ path, name, asked, want string }{
		{"d", "f", `d\f`, `d\f`}, {"d", "f", "", `d\f`}, {"d", "f", `D\f`, `d\f`}, {"d", "f", `d\F`, `d\f`},
		{"", "f", "f", "f"}, {"", "f", "F", "f"}, {"d", "", "d", "d"},
		{`d\e`, "f", `d\e\f`, `d\e\f`}, {"d", "f", `d\ef`, `d\f`},
		{"d", "ff", `d\f`, `d\ff`}, {"", "", "", ""}, {"dd", "f", `d\f`, `dd\f`},
	} {
		p := &place{path: c.path, name: c.name, asked: c.asked}
		if got := p.Path(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestUnescape: mountinfo has a blank and its like as three octal digits; whatever is no such escape stays (F-126).
func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{`a\040b`: "a b", `\134`: `\`, `a\011\012`: "a\t\n", `a\04`: `a\04`,
		`\`:      `\`,
		`a\090b`: `a\090b`, `\777`: `\777`, `\0401`: " 1", `x\040`: "x ", `\040\040x`: "  x", "plain": "plain", "": ""} {
		if got := unescape(text); got != want {
			t.Errorf("F-126: %q is %q, want %q", text, got, want)
		}
	}
	var list []string
	for p := range prefixes("/a/bc/d") {
		list = append(list, p)
	}
	if !slices.Equal(list, []string{"/", "/a", "/a/bc", "/a/bc/d"}) {
		t.Errorf("F-126: %q", list)
	}
	list = nil
	for p := range prefixes("/") {
		list = append(list, p)
	}
	if !slices.Equal(list, []string{"/"}) {
		t.Errorf("F-126: of the root %q", list)
	}
}
