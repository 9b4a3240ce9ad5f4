package hostfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestPermissionsThatDoNotCount: a tree that ignores permissions believes each attribute, whatever they have become
// since, and writes new ones without a hash of them (F-115, F-121).
func TestPermissionsThatDoNotCount(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		w := newWorld(t, func(c *Config) { c.IgnorePosix, c.Missing = ignore, SynthesiseMissing })
		a := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse(hers)}
		info := ntacl.Info{Mode: 0o600, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
		w.must(os.WriteFile(w.path("f"), nil, 0o600))
		w.must(a.Seal(info, nil, nil))
		value, err := a.Append(nil)
		w.must(err)
		w.must(setAttribute(w.path("f"), w.tree.cfg.Attribute, value))
		w.must(os.Chmod(w.path("f"), 0o640))
		fd, s := w.place("f")
		k, err := w.tree.readAttribute(placeOf(fd), &s)
		w.must(err)
		if want := map[bool]ntacl.Verdict{true: ntacl.Unhashed, false: ntacl.Stale}[ignore]; k.verdict != want ||
			(formatted(k.descriptor) == hers) != ignore || k.attribute.Version != 4 {
			t.Errorf("F-115: ignored %t: %v, %s", ignore, k.verdict, formatted(k.descriptor))
		}
		// A file without one gets one.
		w.must(os.WriteFile(w.path("bare"), nil, 0o600))
		f := w.opened("bare", fileaccess.Request{}, winnt.WRITE_DAC)
		old, st := f.Descriptor()
		w.want(st, ntstatus.Success)
		swapped, st := f.SwapDescriptor(old, sddl.MustParse(hers))
		w.want(st, ntstatus.Success)
		got := w.readBack("bare")
		want, verdict := uint16(4), ntacl.Intact
		if ignore {
			want, verdict = 3, ntacl.Unhashed
		}
		if v := got.Verify(info, nil, nil); !swapped || got.Version != want || v != verdict ||
			got.HashType != ntacl.HashSHA256 || formatted(got.Descriptor) != hers {
			t.Errorf("F-121: ignored %t: version %d, %v, type %d", ignore, got.Version, v, got.HashType)
		}
	}
	w := newWorld(t)
	w.must(os.WriteFile(w.path("bare"), nil, 0o600))
	f := w.opened("bare", fileaccess.Request{}, winnt.WRITE_DAC)
	if d, st := f.Descriptor(); d != nil || st != ntstatus.NoSecurityOnObject {
		t.Errorf("F-50: %v, %v", d, st)
	}
}

// TestVersionOfANewFile: a new file's attribute has the version of its directory's, or else the one in which a file
// server writes that looks at permissions, or does not (F-121).
func TestVersionOfANewFile(t *testing.T) {
	of := func(version uint16) *known {
		return &known{attribute: ntacl.Attribute{Version: version, Hash: [64]byte{1}}}
	}
	for _, c := range []struct {
		above   *known
		ignore  bool
		version uint16
		kind    uint16
	}{
		{nil, false, 4, 0}, {nil, true, 3, ntacl.HashSHA256}, {of(0), false, 4, 0}, {of(0), true, 3, ntacl.HashSHA256},
		{of(1), false, 1, 0}, {of(2), true, 2, 0}, {of(3), false, 3, ntacl.HashSHA256}, {of(3), true, 3, ntacl.HashSHA256},
		{of(4), false, 4, 0}, {of(4), true, 4, 0},
	} {
		got := (&Tree{cfg: Config{IgnorePosix: c.ignore}}).versionBelow(c.above)
		if got.Version != c.version || got.HashType != c.kind || got.Hash != [64]byte{} || got.Descriptor != nil {
			t.Errorf("F-121: below %+v, ignored %t: %+v", c.above, c.ignore, got)
		}
	}
}

// TestSealedWithACL: the hash that is written has the file's own ACL in it (F-121).
func TestSealedWithACL(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.must(os.WriteFile(w.path("f"), nil, 0o600))
	acl := posixACL(t, "user 4711 r--,mask r--")
	if err := unix.Setxattr(w.path("f"), aclAccess, acl, 0); err != nil {
		t.Skipf("no POSIX ACL can be set in %s: %v", w.root, err)
	}
	f := w.opened("f", fileaccess.Request{}, winnt.WRITE_DAC)
	old, st := f.Descriptor()
	w.want(st, ntstatus.Success)
	swapped, st := f.SwapDescriptor(old, sddl.MustParse(hers))
	w.want(st, ntstatus.Success)
	s, err := f.stat()
	w.must(err)
	got := w.readBack("f")
	if v := got.Verify(infoOf(&s), acl, nil); !swapped || v != ntacl.Intact {
		t.Errorf("F-121: a server finds what was written %v", v)
	}
	if v := got.Verify(infoOf(&s), nil, nil); v == ntacl.Intact {
		t.Error("F-121: the hash is that of a file without an ACL")
	}
	if d, st := f.Descriptor(); formatted(d) != hers || st != ntstatus.Success {
		t.Errorf("F-115: %s, %v", formatted(d), st)
	}
}

// TestInfoOfPermissions: the permissions that a hash is of are those of the file, special bits and both owners
// included (F-121).
func TestInfoOfPermissions(t *testing.T) {
	s := unix.Statx_t{Mode: unix.S_IFREG | 0o7641, Uid: 11, Gid: 22}
	if got := infoOf(&s); got != (ntacl.Info{Mode: 0o7641, UID: 11, GID: 22}) {
		t.Errorf("F-121: %+v", got)
	}
	s.Mode = unix.S_IFDIR | 0o755
	if got := infoOf(&s); got != (ntacl.Info{Directory: true, Mode: 0o755, UID: 11, GID: 22}) {
		t.Errorf("F-121: %+v", got)
	}
}

// TestAttributesOfAnyLength: an attribute is read whole, whatever its length (F-115).
func TestAttributesOfAnyLength(t *testing.T) {
	name := attributeHere(t)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := attribute(path, name); b != nil || err != nil {
		t.Errorf("F-115: %x, %v", b, err)
	}
	for _, n := range []int{1, 1023, 1024, 1025, 2000} {
		value := bytes.Repeat([]byte{1, 0}, n)[:n]
		if err := setAttribute(path, name, value); err != nil {
			t.Logf("the file system holds less than %d bytes: %v", n, err)
			break
		}
		if b, err := attribute(path, name); !bytes.Equal(b, value) || err != nil {
			t.Errorf("F-115: of %d bytes %d are read: %v", n, len(b), err)
		}
	}
	if _, err := attribute(path+"/none", name); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("F-115: %v", err)
	}
}
