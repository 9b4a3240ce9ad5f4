package mount

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// alices is the descriptor of alice's file. bob may change it, carol may read it and every SACL.
const alices = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x1301bf;;;S-1-22-1-61002)" +
	"(A;;0x1200a9;;;S-1-22-1-61003)"

// readWhole reads the whole descriptor of a file as a user.
func (w *world) readWhole(uid uint32, name string) (text string, errno unix.Errno) {
	w.Helper()
	buf := make([]byte, 1<<16)
	h := header(uid, w.known(uid, name))
	n, s := w.m.GetXAttr(nil, &h, wholeACL, buf)
	if s != fuse.OK {
		return "", unix.Errno(s)
	}
	d := check.Must(sd.Decode(buf[:n]))
	text = check.Must(sddl.Format(d, sddl.Options{}))
	return text, 0
}

// setsWhole replaces the whole descriptor of a file as a user and checks the error.
func (w *world) setsWhole(uid uint32, name string, value []byte, want unix.Errno) {
	w.Helper()
	in := &fuse.SetXAttrIn{InHeader: header(uid, w.known(uid, name))}
	w.want(fmt.Sprintf("uid %d replaces the descriptor of %s", uid, name), w.m.SetXAttr(nil, in, wholeACL, value), want)
}

// M-50: the whole descriptor or an error, never a part.
func TestWholeDescriptorReadIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct {
		sacl  string
		by    uint32
		errno unix.Errno
	}{
		{"", alice, 0}, {"", bob, 0}, {"", carol, 0}, {"", 61004, unix.EACCES},
		{"S:(AU;SA;FA;;;WD)", alice, unix.EPERM}, {"S:(AU;SA;FA;;;WD)", carol, 0},
		{"S:(ML;;NW;;;ME)", alice, unix.EPERM}, {"S:(ML;;NW;;;ME)", carol, 0},
		{"S:AI", alice, unix.EPERM}, {"S:AI", carol, 0},
	} {
		name := fmt.Sprint("f", i)
		w.file(name, "", alices+c.sacl)
		text, errno := w.readWhole(c.by, name)
		check.That(t, errno == c.errno && (errno != 0 || text == alices+c.sacl),
			"M-50: uid %d reads %s as %s, %v, want error %v", c.by, alices+c.sacl, text, errno, c.errno)
	}
}

// carols is alices with all rights for carol.
var carols = strings.Replace(alices, "0x1200a9", "FA", 1)

// M-51: all parts are replaced, each by its right, or none is.
func TestWholeDescriptorWriteIsAllOrNothing(t *testing.T) {
	const audit = "S:(AU;SA;FA;;;WD)"
	other := strings.Replace(alices, "O:S-1-22-1-61001", "O:S-1-22-1-61002", 1)
	open := strings.Replace(alices, "D:P", "D:AI", 1)
	w := newWorld(t)
	for i, c := range []struct {
		what, old, next string
		by              uint32
		errno           unix.Errno
	}{
		{"equal", alices, alices, bob, 0},
		{"unprotected", alices, open, alice, 0},
		{"protected again", open, alices, alice, 0},
		{"without WRITE_DAC", alices, open, bob, unix.EACCES},
		{"another owner", alices, other, alice, unix.EPERM},
		{"without READ_CONTROL", alices, open, 61004, unix.EACCES},
		{"a SACL without the privilege", alices, alices + audit, alice, unix.EPERM},
		{"a SACL", carols, carols + audit, carol, 0},
		{"removing the SACL", carols + audit, carols, carol, 0},
		{"the SACL stays unread", alices + audit, open, alice, unix.EPERM},
		{"the SACL with the DACL", carols + audit, strings.Replace(carols, "D:P", "D:AI", 1) + "S:", carol, 0},
		{"an inherited SACL", carols, carols + "S:AI", carol, 0},
		{"no entries", alices, "O:S-1-22-1-61001G:S-1-22-2-62001D:", alice, 0},
		{"no DACL that limits", alices, "O:S-1-22-1-61001G:S-1-22-2-62001D:NO_ACCESS_CONTROL", alice, 0},
		{"no owner", alices, "G:S-1-22-2-62001D:(A;;FA;;;WD)", alice, unix.EINVAL},
		{"no group", alices, "O:S-1-22-1-61001D:(A;;FA;;;WD)", alice, unix.EINVAL},
		{"no DACL", alices, "O:S-1-22-1-61001G:S-1-22-2-62001", alice, unix.EINVAL},
		{"a grant to a session", alices, open + "(A;;FR;;;S-1-5-5-1-2)", alice, unix.EINVAL},
		{"a session is denied", alices, "O:S-1-22-1-61001G:S-1-22-2-62001D:(D;;FR;;;S-1-5-5-1-2)", alice, unix.EINVAL},
		{"inherited entries", alices,
			"O:S-1-22-1-61001G:S-1-22-2-62001D:AI(A;ID;FA;;;S-1-22-1-61001)(A;OICIIOID;GA;;;CO)", alice, 0},
	} {
		name := fmt.Sprint("f", i)
		w.file(name, "", c.old)
		w.setsWhole(c.by, name, bytesOf(c.next), c.errno)
		want := c.next
		if c.errno != 0 {
			want = c.old
		}
		check.Equal(t, w.descriptorOf(name), want, "M-51: %s: the descriptor", c.what)
	}
	w.file("f", "", alices)
	for _, value := range [][]byte{nil, {1}, make([]byte, 20), bytesOf(alices)[:30], []byte(alices)} {
		w.setsWhole(alice, "f", value, unix.EINVAL)
	}
	p := sddl.MustParse(alices).Parts()
	p.Control |= sd.RMControlValid
	for _, p.RMControl = range []byte{0, 7} {
		w.setsWhole(alice, "f", sd.New(p).Append(nil), unix.EINVAL)
	}
	h := header(alice, w.known(alice, "f"))
	w.want("M-51: XATTR_CREATE", w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: h, Flags: xattrCreate}, wholeACL,
		bytesOf(alices)), unix.EEXIST)
	check.Equal(t, w.descriptorOf("f"), alices, "M-51: after rejected values the descriptor")
	w.sees(alice, "", "touch", "f") // only a mount for backup fails after that
	p.RMControl = 5
	a := ntacl.Attribute{Version: 1, Descriptor: sd.New(p)}
	w.must(unix.Setxattr(filepath.Join(w.root, "f"), ntacl.Name, check.Must(a.Append(nil)), 0))
	w.setsWhole(alice, "f", sd.New(p).Append(nil), 0)
	p.RMControl = 7
	w.setsWhole(alice, "f", sd.New(p).Append(nil), unix.EINVAL)
}

// TestFlagsArePartsOfDescriptor checks that a flag that differs is a difference of its part, and needs the right for
// that part (M-51).
func TestFlagsArePartsOfDescriptor(t *testing.T) {
	old := sddl.MustParse(alices + "S:(AU;SA;FA;;;WD)")
	for flag, want := range map[sd.Control]struct {
		parts  uint32
		rights winnt.AccessMask
	}{
		0:                    {},
		sd.OwnerDefaulted:    {winnt.OWNER_SECURITY_INFORMATION, winnt.WRITE_OWNER},
		sd.GroupDefaulted:    {winnt.GROUP_SECURITY_INFORMATION, winnt.WRITE_OWNER},
		sd.DACLAutoInherited: {winnt.DACL_SECURITY_INFORMATION, winnt.WRITE_DAC},
		sd.SACLDefaulted:     {winnt.SACL_SECURITY_INFORMATION, winnt.ACCESS_SYSTEM_SECURITY},
	} {
		p := old.Parts()
		p.Control |= flag
		if parts, rights := diffParts(old, sd.New(p)); parts != want.parts || rights != want.rights {
			t.Errorf("M-51: flag %#x: parts %#x with %v, want %#x with %v", flag, parts, rights, want.parts, want.rights)
		}
	}
}

// TestWholeDescriptorsRoundTrip: what a program reads of one file and sets on another is equal there, byte by byte in
// its self-relative form, for random descriptors (M-50, M-51). The bytes come from the builder of descriptors, not from
// the mount.
func TestWholeDescriptorsRoundTrip(t *testing.T) {
	w := newWorld(t)
	w.file("to", "", strings.Replace(alices, "0x1200a9", "FA", 1))
	const seed = 40
	rng := rand.New(rand.NewPCG(seed, 2))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	for range 300 {
		var b strings.Builder
		b.WriteString("O:S-1-22-1-61003G:" + pick("S-1-22-2-62001", "BA", "SY") + "D:" + pick("", "P", "AI", "PAI") +
			"(A;;FA;;;S-1-22-1-61003)")
		for range rng.IntN(5) {
			b.WriteString("(" + pick("A", "D") + ";" + pick("", "OI", "OICI", "CIIO", "OICIID", "ID") + ";" +
				pick("FR", "0x1301bf", "0x1200a9", "WO") + ";;;" + pick("WD", "S-1-22-1-61001", "CO", "S-1-5-21-1-2-3-500") + ")")
		}
		b.WriteString(pick("", "S:", "S:AI(AU;SAFA;FA;;;WD)", "S:P(AU;OICISA;FR;;;BA)(ML;;NW;;;ME)"))
		want := b.String()
		w.setsWhole(carol, "to", bytesOf(want), 0)
		got, errno := w.readWhole(carol, "to")
		check.RequireThat(t, errno == 0 && got == want,
			"M-50: seed %d: %s is read as %s, %v, want %s, 0", seed, want, got, errno, want)
		check.RequireThat(t, w.stored("to").Equal(sddl.MustParse(want)),
			"M-51: seed %d: %s is stored as another descriptor", seed, want)
	}
}

// M-52: if configured, the attribute is listed for files and directories and cannot be removed. Otherwise it can still
// be read by its name.
func TestDescriptorXattrIsListedIfConfigured(t *testing.T) {
	for _, listed := range []bool{false, true} {
		w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.ListDescriptors = listed })
		w.describe("", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
		w.file("f", "", alices)
		w.dir("d", alices)
		w.link("l", "f", "O:BAG:SYD:P(A;;FA;;;WD)")
		for name, want := range map[string]string{"f": wholeACL + "\x00", "d": wholeACL + "\x00", "l": ""} {
			if !listed {
				want = ""
			}
			buf := make([]byte, 4096)
			h := header(alice, w.known(alice, name))
			n, s := w.m.ListXAttr(nil, &h, buf)
			if w.want("M-52: list", s, 0); string(buf[:n]) != want {
				t.Errorf("M-52: listed %v: %s has %q, want %q", listed, name, buf[:n], want)
			}
			w.want("M-52: remove", w.m.RemoveXAttr(nil, &h, wholeACL), unix.EPERM)
		}
		if text, errno := w.readWhole(alice, "f"); errno != 0 || text != alices {
			t.Errorf("M-50: %s, %v, want %s, 0", text, errno, alices)
		}
	}
}

// TestOversizedDescriptorKeepsOldOne checks that a descriptor that does not fit into the file system is an error, and
// that the old one stays (M-51).
func TestOversizedDescriptorKeepsOldOne(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", alices)
	var b strings.Builder
	b.WriteString(alices)
	for i := range 1500 {
		fmt.Fprintf(&b, "(A;;FR;;;S-1-5-21-1-2-3-%d)", i)
	}
	in := &fuse.SetXAttrIn{InHeader: header(alice, w.known(alice, "f"))}
	s := w.m.SetXAttr(nil, in, wholeACL, bytesOf(b.String()))
	if s == fuse.OK {
		t.Skip("this file system keeps long attributes")
	}
	w.want("M-51", s, unix.ENOSPC)
	check.Equal(t, w.descriptorOf("f"), alices, "M-51: the descriptor")
}
