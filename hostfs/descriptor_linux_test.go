package hostfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Inode number, birth time and change time identify a file at one moment, to the nanosecond. A write by another
// program changes the change time (F-115).
func TestChangeTimeDetectsWrites(t *testing.T) {
	at := func(n int64) unix.StatxTimestamp { return unix.StatxTimestamp{Sec: n, Nsec: uint32(n)} }
	base := unix.Statx_t{Ino: 1, Ctime: at(2), Btime: at(3), Mtime: at(4), Atime: at(5)}
	for what, c := range map[string]struct {
		change func(*unix.Statx_t)
		same   bool
	}{
		"nothing": {func(*unix.Statx_t) {}, true}, "access time": {func(s *unix.Statx_t) { s.Atime = at(9) }, true},
		"write time":          {func(s *unix.Statx_t) { s.Mtime = at(9) }, true},
		"inode number":        {func(s *unix.Statx_t) { s.Ino++ }, false},
		"change time":         {func(s *unix.Statx_t) { s.Ctime.Sec++ }, false},
		"change time by 1 ns": {func(s *unix.Statx_t) { s.Ctime.Nsec++ }, false},
		"birth time":          {func(s *unix.Statx_t) { s.Btime.Sec++ }, false},
		"birth time by 1 ns":  {func(s *unix.Statx_t) { s.Btime.Nsec++ }, false},
	} {
		s := base
		c.change(&s)
		check.Equal(t, identityOf(&s) == identityOf(&base), c.same, "F-115: after a change of %s: same identity", what)
	}
}

// openPlace opens a file without deciding about it.
func (w *world) openPlace(name string) (fd int, s unix.Statx_t) {
	w.Helper()
	fd = check.Must(below(w.tree.root, name, 0))
	w.Cleanup(func() { shut(fd) })
	s = check.Must(stat(fd))
	return fd, s
}

// A descriptor is cached only if the file has not changed for 20 ms, and not during the read (F-115).
func TestOnlyUnchangedFilesAreCached(t *testing.T) {
	w := newWorld(t)
	w.tree.settling = settled
	w.file("f", "", wide)
	fd, _ := w.openPlace("f")
	for try := 0; ; try++ {
		begun := time.Now()
		w.must(os.Chmod(w.path("f"), 0o640))
		s := check.Must(stat(fd))
		_, keep, err := w.tree.read(&held{fd: fd}, &s)
		w.must(err)
		if time.Since(begun) < settled {
			check.That(t, !keep, "F-115: a file that has just changed is cached, want not cached")
			break
		}
		if try == 1000 {
			t.Skip("this machine is too busy for a look within 20 ms")
		}
	}
	awaitCache(t, w.path("f"))
	s := check.Must(stat(fd))
	if k, keep, err := w.tree.read(&held{fd: fd}, &s); err != nil || !keep || formatted(k.descriptor) != wide {
		t.Errorf("F-115: read of a file at rest: cached %t, %v; want true, no error, descriptor %s", keep, err, wide)
	}
	old, before := s, s
	old.Ctime.Sec--
	if _, keep, err := w.tree.read(&held{fd: fd}, &old); err != nil || keep {
		t.Errorf("F-115: read of a file that has changed since its stat: cached %t, %v; want false, no error", keep,
			err)
	}
	// The descriptor is read once, and again after a change of the file.
	first := check.Must(w.tree.known(held{fd: fd}, &before, sid.SID{}))
	again, err := w.tree.known(held{fd: fd}, &before, sid.SID{})
	if w.must(err); first != again {
		t.Error("F-115: a cached descriptor was read again, want the cached one")
	}
	w.describe("f", narrow)
	awaitCache(t, w.path("f"))
	s = check.Must(stat(fd))
	if k, err := w.tree.known(held{fd: fd}, &s, sid.SID{}); err != nil || formatted(k.descriptor) != narrow {
		t.Errorf("F-115: descriptor after a change: %v, %v; want %s, no error", formatted(k.descriptor), err, narrow)
	}
	// An unreadable attribute is an error, and is not cached.
	check.Equal(t, check.Err(w.tree.known(held{fd: -1}, &before, sid.SID{})), nil,
		"F-115: known of a cached file, without a descriptor")
	before.Ino++
	check.That(t, check.Err(w.tree.known(held{fd: -1}, &before, sid.SID{})) != nil,
		"F-115: known of an uncached file, without a descriptor: no error, want one")
}

// An attribute that cannot be decoded grants nothing, whatever the permissions are. It may have a SACL, and the DOS
// attributes remain readable (F-101, F-115, F-154).
func TestUndecodableAttributeGrantsNothing(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.must(os.WriteFile(w.path("f"), nil, 0o600))
	w.must(os.Chmod(w.path("f"), 0o666)) //nolint:gosec // the test asks what that grants
	w.setHidden(t, "f", false)
	fd, s := w.openPlace("f")
	for value, want := range map[string]*known{
		"": {verdict: ntacl.Stale}, "nonsense": {verdict: ntacl.Unverifiable, audited: true},
		string(w.accepted(wide)):                                {verdict: ntacl.Unhashed},
		string(w.accepted(wide + "S:(AU;SA;FA;;;WD)")):          {verdict: ntacl.Unhashed, audited: true},
		string(w.accepted(wide + "S:(ML;;NW;;;LW)")):            {verdict: ntacl.Unhashed},
		string(w.accepted(wide + `S:(RA;;;;;WD;("a",TI,0,1))`)): {verdict: ntacl.Unhashed},
	} {
		if value != "" {
			w.must(setAttribute(w.path("f"), w.tree.cfg.Attribute, []byte(value)))
		}
		k := check.Must(w.tree.readAttribute(&held{fd: fd}, &s))
		if k.verdict != want.verdict || k.audited != want.audited || (k.descriptor == nil) != (value == "nonsense") ||
			k.dos.attributes != fileaccess.AttributeHidden || k.attribute.Descriptor != nil {
			t.Errorf("F-115: attribute %.20q: %+v, want verdict %v, audited %t, hidden", value, k, want.verdict,
				want.audited)
		}
		if value != "" {
			w.must(unix.Removexattr(w.path("f"), w.tree.cfg.Attribute))
		}
	}
}

// With SynthesiseMissing the descriptor of a file without the attribute comes from its mode, owners and access ACL. A
// directory's default ACL does not matter (F-115).
func TestSynthesiseMissingUsesPermissions(t *testing.T) {
	accounts := func(id uint32, group bool) sid.SID {
		s, _ := sid.New(5, 21, 7, map[bool]uint32{true: 2}[group], id)
		return s
	}
	w := newWorld(t, func(c *Config) { c.Missing, c.Accounts = SynthesiseMissing, accounts })
	w.must(os.Mkdir(w.path("d"), 0o700))
	w.must(os.Chmod(w.path("d"), 0o750)) //nolint:gosec // the test asks what that grants
	acl := posixACL(t, "user 4711 r-x,group 51 --x,mask r-x")
	fd, s := w.openPlace("d")
	info := ntacl.Info{Directory: true, Mode: 0o750, UID: s.Uid, GID: s.Gid}
	made := func() *sd.Descriptor {
		s := check.Must(stat(fd))
		k := check.Must(w.tree.readAttribute(&held{fd: fd}, &s))
		check.That(t, k.verdict == ntacl.Stale && k.attribute.Version == 0,
			"F-115: %+v, want verdict %v and no stored version", k, ntacl.Stale)
		return k.descriptor
	}
	plain := check.Must(ntacl.Posix(info, nil, accounts))
	if got := made(); !got.Equal(plain) {
		t.Errorf("F-115: descriptor made from the mode: %s, want %s", formatted(got), formatted(plain))
	}
	if err := unix.Setxattr(w.path("d"), aclDefault, acl, 0); err != nil {
		t.Skipf("no POSIX ACL can be set in %s: %v", w.root, err)
	}
	if got := made(); !got.Equal(plain) {
		t.Errorf("F-115: descriptor of a directory with a default ACL: %s, want %s", formatted(got), formatted(plain))
	}
	w.must(unix.Setxattr(w.path("d"), aclAccess, acl, 0))
	info.Mode = 0o750
	named := check.Must(ntacl.Posix(info, acl, accounts))
	if got := made(); !got.Equal(named) || named.Equal(plain) {
		t.Errorf("F-115: descriptor made from an access ACL: %s, want %s, different from the mode's", formatted(got),
			formatted(named))
	}
}

// A tree that ignores permissions accepts each attribute, whatever the permissions are now, and writes new ones
// without their hash (F-115, F-121).
func TestPermissionsDoNotOverrideDescriptor(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		w := newWorld(t, func(c *Config) { c.IgnorePosix, c.Missing = ignore, SynthesiseMissing })
		a := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse(aliceOnly)}
		info := ntacl.Info{Mode: 0o600, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
		w.must(os.WriteFile(w.path("f"), nil, 0o600))
		w.must(a.Seal(info, nil, nil))
		value := check.Must(a.Append(nil))
		w.must(setAttribute(w.path("f"), w.tree.cfg.Attribute, value))
		w.must(os.Chmod(w.path("f"), 0o640))
		fd, s := w.openPlace("f")
		k := check.Must(w.tree.readAttribute(&held{fd: fd}, &s))
		if want := map[bool]ntacl.Verdict{true: ntacl.Unhashed, false: ntacl.Stale}[ignore]; k.verdict != want ||
			(formatted(k.descriptor) == aliceOnly) != ignore || k.attribute.Version != 4 {
			t.Errorf("F-115: permissions ignored %t: verdict %v, descriptor %s; want %v", ignore, k.verdict,
				formatted(k.descriptor), want)
		}
		// A file without an attribute gets one.
		w.must(os.WriteFile(w.path("bare"), nil, 0o600))
		f := w.opened("bare", fileaccess.Request{}, winnt.WRITE_DAC)
		old := check.Result(f.Descriptor())
		swapped := check.Result(f.SwapDescriptor(old, sddl.MustParse(aliceOnly)))
		got := w.readBack("bare")
		want, verdict := uint16(4), ntacl.Intact
		if ignore {
			want, verdict = 3, ntacl.Unhashed
		}
		if v := got.Verify(info, nil, nil); !swapped || got.Version != want || v != verdict ||
			got.HashType != ntacl.HashSHA256 || formatted(got.Descriptor) != aliceOnly {
			t.Errorf("F-121: permissions ignored %t: version %d, verdict %v, hash type %d; want %d, %v, SHA-256 "+
				"and the new descriptor", ignore, got.Version, v, got.HashType, want, verdict)
		}
	}
	w := newWorld(t)
	w.must(os.WriteFile(w.path("bare"), nil, 0o600))
	f := w.opened("bare", fileaccess.Request{}, winnt.WRITE_DAC)
	if d, st := f.Descriptor(); d != nil || st != ntstatus.NoSecurityOnObject {
		t.Errorf("F-50: descriptor of a file without one = %v, %v, want nil, %v", d, st, ntstatus.NoSecurityOnObject)
	}
}

// infoOf returns what the hash covers: the file's permissions, with their special bits, and both owners (F-121).
func TestInfoOfHasModeAndOwners(t *testing.T) {
	s := unix.Statx_t{Mode: unix.S_IFREG | 0o7641, Uid: 11, Gid: 22}
	if got := infoOf(&s); got != (ntacl.Info{Mode: 0o7641, UID: 11, GID: 22}) {
		t.Errorf("F-121: infoOf a file = %+v, want mode 07641, UID 11, GID 22", got)
	}
	s.Mode = unix.S_IFDIR | 0o755
	if got := infoOf(&s); got != (ntacl.Info{Directory: true, Mode: 0o755, UID: 11, GID: 22}) {
		t.Errorf("F-121: infoOf a directory = %+v, want a directory, mode 0755, UID 11, GID 22", got)
	}
}

// An attribute of any length is read completely.
func TestAttributeOfAnyLengthIsRead(t *testing.T) {
	name := attributeHere(t)
	path := filepath.Join(t.TempDir(), "f")
	check.NoError(t, os.WriteFile(path, nil, 0o600))
	for file, name := range map[string]string{path: name, "/proc/self/stat": "user.none"} { // proc(5) has no attributes
		if b, err := attribute(file, name); b != nil || err != nil {
			t.Errorf("F-115: attribute of %s without one = %x, %v, want nil, no error", file, b, err)
		}
	}
	for _, n := range []int{1, 1023, 1024, 1025, 2000} {
		value := bytes.Repeat([]byte{1, 0}, n)[:n]
		if err := setAttribute(path, name, value); err != nil {
			t.Logf("the file system holds less than %d bytes: %v", n, err)
			break
		}
		if b, err := attribute(path, name); !bytes.Equal(b, value) || err != nil {
			t.Errorf("F-115: attribute of %d bytes: %d bytes were read, %v; want all, unchanged", n, len(b), err)
		}
	}
	if _, err := attribute(path+"/none", name); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("F-115: attribute of a path through a file: %v, want %v", err, unix.ENOTDIR)
	}
}

// TestFileHasItsPresentName checks that a revocation gets the name by which a file was opened and the one that it has
// now, after it or a directory above it was renamed, through the tree or past it (W-99).
func TestFileHasItsPresentName(t *testing.T) {
	w := newWorld(t)
	const all = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.dir("d", all)
	w.dir(`d\e`, all)
	w.file(`d\e\f`, "f", all)
	w.must(os.Link(w.path(`d\e\f`), w.path("hard")))
	th := w.as(alice)
	root := w.open(th, "", winnt.FILE_READ_ATTRIBUTES, ntstatus.Success)
	dir := w.open(th, `d\e`, winnt.DELETE, ntstatus.Success)
	file := w.open(th, `d\e\f`, winnt.FILE_READ_DATA|winnt.DELETE, ntstatus.Success)
	hard := w.open(th, "hard", winnt.FILE_READ_DATA, ntstatus.Success)
	names := func(h winnt.Handle, want ...string) {
		t.Helper()
		_, got := w.sys.OpenedAs(th, h)
		check.SlicesEqual(t, got, want, "the names of the file")
	}
	const at = `\Device\share\`
	names(root, at, at)
	names(file, at+`d\e\f`, at+`d\e\f`)
	w.renames(th, file, nt.FileRename{FileName: "i"}, ntstatus.Success)
	w.must(os.Rename(w.path(`d\e`), w.path(`d\h`)))
	w.must(os.Rename(w.path("d"), w.path("g")))
	names(dir, at+`d\e`, at+`g\h`)
	names(file, at+`d\e\f`, at+`g\h\i`)
	names(hard, at+"hard", at+"hard")
	w.must(os.Remove(w.path("hard")))
	names(hard, at+"hard", at+"hard (deleted)")
	names(winnt.NtCurrentThread)
	for selects, want := range map[string]int{at + `d\h`: 0, at + `g\h`: 1, at + `g\h\i`: 1, at + "hard": 1} {
		_, n := w.sys.Revoke(nil, func(_ *token.Token, name string) bool { return name == selects })
		check.Equal(t, n, want, "W-99: files that a revocation of %s ends", selects)
	}
}
