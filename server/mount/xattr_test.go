package mount

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// raw returns a descriptor as a program reads and writes it.
func raw(text string) []byte { return sddl.MustParse(text).Append(nil) }

// TestDescriptorAttribute: the owner reads and changes the descriptor through the mount,
// others by their rights; without the privilege the SACL is not told (M-16).
func TestDescriptorAttribute(t *testing.T) {
	w := newWorld(t)
	const text = "O:S-1-22-1-61001G:SYD:P(A;;FA;;;S-1-22-1-61001)(A;;0x100001;;;WD)S:(AU;SA;FA;;;WD)"
	w.file("f", "hers\n", text)
	node := w.known(alice, "f")
	h := header(alice, node)
	buf := make([]byte, 4096)
	n, s := w.m.GetXAttr(nil, &h, ntfsACL, buf)
	if s != 0 {
		t.Fatal(s)
	}
	d, err := sd.Decode(buf[:n])
	w.must(err)
	const seen = "O:S-1-22-1-61001G:SYD:P(A;;FA;;;S-1-22-1-61001)(A;;0x100001;;;WD)"
	if got, err := sddl.Format(d, sddl.Options{}); err != nil || got != seen {
		t.Errorf("M-16: %s, %v; want %s", got, err, seen)
	}
	n, s = w.m.GetXAttr(nil, &h, ntACL, buf)
	if s != 0 {
		t.Fatal(s)
	}
	if a, err := ntacl.Decode(buf[:n]); err != nil || !a.Descriptor.Equal(d) {
		t.Errorf("M-16: %+v, %v", a, err)
	}
	// Who may read the data and not the descriptor, and the superuser, see nothing of it.
	for _, name := range []string{ntfsACL, ntACL} {
		if _, err := unix.Getxattr(filepath.Join(w.at, "f"), name, buf); !errors.Is(err, unix.EACCES) {
			t.Errorf("M-16: uid 0, %s: %v", name, err)
		}
		if err := unix.Removexattr(filepath.Join(w.at, "f"), name); !errors.Is(err, unix.EPERM) {
			t.Errorf("M-16: uid 0 removes %s: %v", name, err)
		}
	}
	w.sees(bob, "hers", "cat", "f")
	w.sets(bob, "f", "O:S-1-22-1-61002", unix.EACCES)
	w.sets(alice, "f", "D:P(A;;FA;;;S-1-22-1-61001)", 0)
	w.refused(bob, "Permission denied", "cat", "f")
	w.sets(alice, "f", "D:P(A;;FA;;;S-1-22-1-61001)S:(AU;SA;FA;;;WD)", unix.EPERM)
	w.sets(alice, "f", "O:S-1-22-1-61002", unix.EPERM)
	for name, want := range map[string]unix.Errno{"user.x": unix.EACCES, "security.capability": unix.ENODATA,
		"system.posix_acl_access": unix.EOPNOTSUPP, "trusted.overlay.opaque": unix.ENODATA} {
		if _, err := unix.Getxattr(filepath.Join(w.at, "f"), name, buf); !errors.Is(err, want) {
			t.Errorf("M-22: %s: %v, want %v", name, err, want)
		}
	}
	if n, err := unix.Listxattr(filepath.Join(w.at, "f"), nil); n != 0 || err != nil {
		t.Errorf("M-16: %d bytes of names, %v", n, err)
	}
}

// sets gives a file another descriptor as a user, through the attribute, and expects
// an error.
func (w *world) sets(uid uint32, name, text string, want unix.Errno) {
	w.Helper()
	in := &fuse.SetXAttrIn{InHeader: header(uid, w.known(uid, name))}
	if s := w.m.SetXAttr(nil, in, ntfsACL, raw(text)); s != fuse.Status(want) {
		w.Errorf("M-16: uid %d gives %s the descriptor %s: %v, want %v", uid, name, text, s, fuse.Status(want))
	}
}
