package mount

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// bytesOf returns a descriptor in the self-relative form of the attribute.
func bytesOf(text string) []byte { return sddl.MustParse(text).Append(nil) }

// TestDescriptorXattrNeedsReadControl checks that the owner reads and changes the descriptor through the mount, others
// by their rights. Without the privilege the SACL is omitted (M-16).
func TestDescriptorXattrNeedsReadControl(t *testing.T) {
	w := newWorld(t)
	const text = "O:S-1-22-1-61001G:SYD:P(A;;FA;;;S-1-22-1-61001)(A;;0x100001;;;WD)S:(AU;SA;FA;;;WD)"
	w.file("f", "hers\n", text)
	buf := make([]byte, 4096)
	// A user who may only read the data gets no descriptor, and neither does the superuser.
	for _, name := range []string{ntfsACL, ntACL} {
		if _, err := unix.Getxattr(filepath.Join(w.at, "f"), name, buf); !errors.Is(err, unix.EACCES) {
			t.Errorf("M-16: uid 0, %s: %v, want %v", name, err, unix.EACCES)
		}
		if err := unix.Removexattr(filepath.Join(w.at, "f"), name); !errors.Is(err, unix.EPERM) {
			t.Errorf("M-16: uid 0 removes %s: %v, want %v", name, err, unix.EPERM)
		}
	}
	w.sees(bob, "hers", "cat", "f")
	w.setDescriptor(bob, "f", "O:S-1-22-1-61002", unix.EACCES)
	w.file("g", "", "O:S-1-22-1-61001G:SYD:P(A;;0xa0080;;;S-1-22-1-61002)") // bob may take ownership
	w.setDescriptor(bob, "g", "O:S-1-22-1-61002", 0)
	w.setDescriptor(alice, "f", "D:P(A;;FA;;;S-1-22-1-61001)", 0)
	w.refused(bob, "Permission denied", "cat", "f")
	w.setDescriptor(alice, "f", "D:P(A;;FA;;;S-1-22-1-61001)S:(AU;SA;FA;;;WD)", unix.EPERM)
	w.setDescriptor(alice, "f", "O:S-1-22-1-61002", unix.EPERM)
	if n, err := unix.Listxattr(filepath.Join(w.at, "f"), nil); n != 0 || err != nil {
		t.Errorf("M-16: %d bytes of names, %v, want 0, nil", n, err)
	}
}

// setDescriptor sets a file's descriptor through the attribute as a user, and checks the error.
func (w *world) setDescriptor(uid uint32, name, text string, want unix.Errno) {
	w.Helper()
	in := &fuse.SetXAttrIn{InHeader: header(uid, w.known(uid, name))}
	if s := w.m.SetXAttr(nil, in, ntfsACL, bytesOf(text)); s != fuse.Status(want) {
		w.Errorf("M-16: uid %d gives %s the descriptor %s: %v, want %v", uid, name, text, s, fuse.Status(want))
	}
}

// TestChangedDescriptorPartNeedsItsRight checks which parts of a descriptor a change concerns, and the right that each
// part needs (M-16, F-50).
func TestChangedDescriptorPartNeedsItsRight(t *testing.T) {
	const owner, group, dacl, sacl = winnt.OWNER_SECURITY_INFORMATION, winnt.GROUP_SECURITY_INFORMATION,
		winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION
	const old, shutOld = "O:BAG:SYD:(A;;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;WD)"
	for _, c := range []struct {
		old, next string
		parts     uint32
		want      winnt.AccessMask
	}{
		{old, "", 0, 0}, {old, old, 0, 0}, {old, "O:BA", 0, 0}, {old, "G:SY", 0, 0}, {shutOld, shutOld, 0, 0},
		{old, "O:SY", owner, winnt.WRITE_OWNER}, {old, "G:BA", group, winnt.WRITE_OWNER},
		{old, "D:(A;;FR;;;WD)", dacl, winnt.WRITE_DAC}, {old, "D:", dacl, winnt.WRITE_DAC},
		{old, "D:NO_ACCESS_CONTROL", dacl, winnt.WRITE_DAC},
		{"O:BAG:SYD:NO_ACCESS_CONTROL", "D:", dacl, winnt.WRITE_DAC},
		{old, "D:P(A;;FA;;;WD)", dacl, winnt.WRITE_DAC}, {shutOld, "D:(A;;FA;;;WD)", dacl, winnt.WRITE_DAC},
		{old, "S:", sacl, winnt.ACCESS_SYSTEM_SECURITY}, {old, "S:(AU;SA;FA;;;WD)", sacl, winnt.ACCESS_SYSTEM_SECURITY},
		{old, "O:SYG:BAD:P(A;;FA;;;WD)S:", owner | group | dacl | sacl,
			winnt.WRITE_OWNER | winnt.WRITE_DAC | winnt.ACCESS_SYSTEM_SECURITY},
	} {
		next := sd.New(sd.Parts{})
		if c.next != "" {
			next = sddl.MustParse(c.next)
		}
		if parts, want := differing(sddl.MustParse(c.old), next); parts != c.parts || want != c.want {
			t.Errorf("M-16: %s over %s sets %#x by %v, want %#x by %v", c.next, c.old, parts, want, c.parts, c.want)
		}
	}
}

// TestUnsupportedXattrIsEOPNOTSUPP checks the errors for reading and removing missing attributes. Setting an
// unsupported one fails with EOPNOTSUPP, also for a program that sets a valid POSIX ACL or capability (M-22, M-35).
func TestUnsupportedXattrIsEOPNOTSUPP(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	h := header(alice, w.known(alice, "f"))
	for name, want := range map[string]unix.Errno{"security.capability": unix.ENODATA, "trusted.x": unix.ENODATA,
		"system.posix_acl_access": unix.EOPNOTSUPP, "system.x": unix.EOPNOTSUPP, "x": unix.EOPNOTSUPP,
		"user": unix.EOPNOTSUPP, "xsecurity.x": unix.EOPNOTSUPP} {
		_, s := w.m.GetXAttr(nil, &h, name, nil)
		w.want("M-22: get "+name, s, want)
		w.want("M-22: remove "+name, w.m.RemoveXAttr(nil, &h, name), want)
		w.want("M-22: set "+name, w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h}, name, []byte("x")), unix.EOPNOTSUPP)
	}
	at := filepath.Join(w.at, "f")
	const entry = "\x00\x07\x00\xff\xff\xff\xff" // after its tag
	for name, value := range map[string]string{"trusted.x": "x", "security.ima": "x",
		"security.capability":     "\x00\x00\x00\x02" + strings.Repeat("\x01\x00\x00\x00", 4), // version 2
		"system.posix_acl_access": "\x02\x00\x00\x00\x01" + entry + "\x04" + entry + "\x20" + entry,
	} {
		if err := unix.Setxattr(at, name, []byte(value), 0); !errors.Is(err, unix.EOPNOTSUPP) {
			t.Errorf("M-22: setting %s: %v, want %v", name, err, unix.EOPNOTSUPP)
		}
	}
	for _, name := range []string{ntfsACL, ntACL} {
		w.want("M-16: remove "+name, w.m.RemoveXAttr(nil, &h, name), unix.EPERM)
		w.want("M-16: make "+name, w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h, Flags: xattrCreate}, name, bytesOf(full)),
			unix.EEXIST)
		for _, value := range []string{"", "x", strings.Repeat("x", 1<<16)} {
			w.want("M-16: nonsense", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h}, name, []byte(value)), unix.EINVAL)
		}
	}
	for _, c := range []struct {
		value string
		room  int
		s     fuse.Status
		n     uint32
		want  fuse.Status
	}{
		{"abc", 0, fuse.OK, 3, fuse.OK}, {"abc", 2, fuse.OK, 3, fuse.ERANGE}, {"abc", 3, fuse.OK, 3, fuse.OK},
		{"abc", 4, fuse.OK, 3, fuse.OK}, {"", 0, fuse.OK, 0, fuse.OK}, {"", 1, fuse.OK, 0, fuse.OK},
		{"abc", 9, fuse.EACCES, 0, fuse.EACCES}, {"abc", 2, fuse.EACCES, 0, fuse.EACCES},
	} {
		out := []byte(strings.Repeat("-", c.room))
		n, s := fitted([]byte(c.value), c.s, out)
		want := strings.Repeat("-", c.room)
		if c.want == fuse.OK && c.room > 0 {
			want = c.value + want[len(c.value):]
		}
		check.That(t, n == c.n && s == c.want && string(out) == want,
			"%q in %d bytes: %d, %v, %q, want %d, %v, %q", c.value, c.room, n, s, out, c.n, c.want, want)
	}
}

// TestDescriptorXattrHasNativeAndSambaForm checks that the descriptor is read and set in the form for programs and in
// that of a file server. The SACL needs the privilege, and each part its right. Setting an equal descriptor changes
// nothing (M-16).
func TestDescriptorXattrHasNativeAndSambaForm(t *testing.T) {
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
			w.want("M-16: "+name, s, 0)
			d := check.Must(decoded(name, buf[:n]))
			got, err := sddl.Format(d, sddl.Options{})
			check.That(t, err == nil && got == want, "M-16: uid %d reads %s, %v, want %s", uid, got, err, want)
			if _, err := sd.Decode(buf[:n]); (err == nil) != (name == ntfsACL) {
				t.Errorf("M-16: %s in another form: %v", name, err)
			}
			w.want("M-16: the same", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: header(alice, node)}, name,
				xattrForm(name, text)), 0)
		}
	}
	check.Equal(t, w.descriptorOf("f"), text+sacl, "M-16: it became")
	w.want("M-16: by another form", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: header(alice, node)}, ntACL,
		xattrForm(ntACL, "D:P(A;;FA;;;S-1-22-1-61001)")), 0)
	want := "O:S-1-22-1-61001G:SYD:P(A;;FA;;;S-1-22-1-61001)" + sacl
	check.Equal(t, w.descriptorOf("f"), want, "M-16: it became")
}

// xattrForm returns a descriptor in the form of the attribute name.
func xattrForm(name, text string) []byte {
	if name == ntfsACL {
		return bytesOf(text)
	}
	a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse(text)}
	value, err := a.Append(nil)
	if err != nil {
		panic(err)
	}
	return value
}
