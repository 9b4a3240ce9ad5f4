package mount

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// TestUserAttributes: a user's attributes are set, told, listed and removed by their rights alone, each decided anew
// (M-35, M-36).
func TestUserAttributes(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x100088;;;"+user(bob)+")")
	node := w.known(alice, "f")
	a, b := header(alice, node), header(bob, node)
	set := func(in fuse.InHeader, name, value string, flags uint32) fuse.Status {
		return w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: in, Flags: flags}, name, []byte(value))
	}
	s := set(a, "user.a", "value", unix.XATTR_REPLACE)
	if s == fuse.Status(syscall.EOPNOTSUPP) {
		t.Skip("the file system has no attributes of users")
	}
	w.says("M-35: replacing what is not there", s, unix.ENODATA)
	w.says("M-35: making it", set(a, "user.a", "value", unix.XATTR_CREATE), 0)
	w.says("M-35: making it again", set(a, "user.a", "other", unix.XATTR_CREATE), unix.EEXIST)
	w.says("M-35: by bob", set(b, "user.a", "other", 0), unix.EACCES)
	w.says("M-35: another one", set(a, "user.b", "", 0), 0)
	for _, in := range []fuse.InHeader{a, b} {
		buf := bytes.Repeat([]byte("-"), 9)
		n, s := w.m.GetXAttr(nil, &in, "user.a", buf)
		if s != fuse.OK || n != 5 || string(buf) != "value----" {
			t.Errorf("M-35: %q of %d, %v", buf, n, s)
		}
		if n, s := w.m.GetXAttr(nil, &in, "user.a", nil); s != fuse.OK || n != 5 {
			t.Errorf("M-35: its size is %d, %v", n, s)
		}
		if n, s := w.m.GetXAttr(nil, &in, "user.a", make([]byte, 4)); s != fuse.ERANGE || n != 5 {
			t.Errorf("M-35: without room %d, %v", n, s)
		}
		buf = make([]byte, 99)
		n, s = w.m.ListXAttr(nil, &in, buf)
		names := strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00")
		if slices.Sort(names); s != fuse.OK || !slices.Equal(names, []string{"user.a", "user.b"}) {
			t.Errorf("M-36: %q, %v", names, s)
		}
	}
	w.says("M-35: bob removes it", w.m.RemoveXAttr(nil, &b, "user.a"), unix.EACCES)
	w.says("M-35: alice removes it", w.m.RemoveXAttr(nil, &a, "user.a"), 0)
	w.says("M-35: and again", w.m.RemoveXAttr(nil, &a, "user.a"), unix.ENODATA)
	_, s = w.m.GetXAttr(nil, &a, "user.a", nil)
	w.says("M-35: it is gone", s, unix.ENODATA)
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x100081;;;"+user(bob)+")")
	if n, s := w.m.ListXAttr(nil, &b, make([]byte, 99)); n != 0 || s != fuse.OK {
		t.Errorf("M-36: to who may not read them %d bytes, %v", n, s)
	}
	_, s = w.m.GetXAttr(nil, &b, "user.b", nil)
	w.says("M-35: nor is one read", s, unix.EACCES)
	if n, s := w.m.ListXAttr(nil, &fuse.InHeader{NodeId: node, Caller: fuse.Caller{Owner: fuse.Owner{Uid: unknown}}},
		make([]byte, 99)); n != 0 || s != fuse.OK {
		t.Errorf("M-36: to no user %d bytes, %v", n, s)
	}
}

// TestDescriptorInEachForm: the descriptor is told and set as a program has it and as a file server has it, with its
// SACL for who holds the privilege, and each part by its right; the same one changes nothing (M-16).
func TestDescriptorInEachForm(t *testing.T) {
	w := newWorld(t)
	const text = "O:S-1-22-1-61001G:SYD:P(A;;FA;;;S-1-22-1-61001)(A;;0x120081;;;S-1-22-1-61003)"
	const sacl = "S:(AU;SA;FA;;;WD)"
	w.file("f", "", text+sacl)
	node := w.known(alice, "f")
	for uid, want := range map[uint32]string{alice: text, carol: text + sacl} {
		for _, name := range []string{ntfsACL, ntACL} {
			buf := make([]byte, 4096)
			h := header(uid, node)
			n, s := w.m.GetXAttr(nil, &h, name, buf)
			w.says("M-16: "+name, s, 0)
			d, err := decoded(name, buf[:n])
			w.must(err)
			got, err := sddl.Format(d, sddl.Options{})
			if err != nil || got != want {
				t.Errorf("M-16: %d is told %s, %v, want %s", uid, got, err, want)
			}
			if _, err := sd.Decode(buf[:n]); (err == nil) != (name == ntfsACL) {
				t.Errorf("M-16: %s in another form: %v", name, err)
			}
			w.says("M-16: the same", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: header(alice, node)}, name,
				form(name, text)), 0)
		}
	}
	if got := w.descriptorOf("f"); got != text+sacl {
		t.Errorf("M-16: it became %s", got)
	}
	w.says("M-16: by another form", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: header(alice, node)}, ntACL,
		form(ntACL, "D:P(A;;FA;;;S-1-22-1-61001)")), 0)
	want := "O:S-1-22-1-61001G:SYD:P(A;;FA;;;S-1-22-1-61001)" + sacl
	if got := w.descriptorOf("f"); got != want {
		t.Errorf("M-16: it became %s, want %s", got, want)
	}
}

// form returns a descriptor as an attribute of that name has it.
func form(name, text string) []byte {
	if name == ntfsACL {
		return raw(text)
	}
	a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(text)}
	value, err := a.Append(nil)
	if err != nil {
		panic(err)
	}
	return value
}
