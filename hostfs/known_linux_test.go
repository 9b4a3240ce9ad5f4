package hostfs

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// TestWhatTellsAMoment: a file at one moment is told by its number, its birth and its change, to the nanosecond; what
// others write shows in the change (F-115).
func TestWhatTellsAMoment(t *testing.T) {
	at := func(n int64) unix.StatxTimestamp { return unix.StatxTimestamp{Sec: n, Nsec: uint32(n)} }
	base := unix.Statx_t{Ino: 1, Ctime: at(2), Btime: at(3), Mtime: at(4), Atime: at(5)}
	for what, c := range map[string]struct {
		change func(*unix.Statx_t)
		same   bool
	}{
		"nothing": {func(*unix.Statx_t) {}, true}, "read": {func(s *unix.Statx_t) { s.Atime = at(9) }, true},
		"written":         {func(s *unix.Statx_t) { s.Mtime = at(9) }, true},
		"number":          {func(s *unix.Statx_t) { s.Ino++ }, false},
		"changed":         {func(s *unix.Statx_t) { s.Ctime.Sec++ }, false},
		"changed by nano": {func(s *unix.Statx_t) { s.Ctime.Nsec++ }, false},
		"born":            {func(s *unix.Statx_t) { s.Btime.Sec++ }, false},
		"born by nano":    {func(s *unix.Statx_t) { s.Btime.Nsec++ }, false},
	} {
		s := base
		c.change(&s)
		if got := identityOf(&s) == identityOf(&base); got != c.same {
			t.Errorf("F-115: %s: the same %t", what, got)
		}
	}
}

// place opens a file as a place, for what is read by its descriptor.
func (w *world) place(name string) (fd int, s unix.Statx_t) {
	w.Helper()
	fd, err := below(w.tree.root, name, 0)
	w.must(err)
	w.Cleanup(func() { shut(fd) })
	s, err = stat(fd)
	w.must(err)
	return fd, s
}

// TestWhatIsKept: a descriptor is kept of a file that has not changed for 20 ms, nor while it was read (F-115).
func TestWhatIsKept(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", wide)
	fd, _ := w.place("f")
	for try := 0; ; try++ {
		begun := time.Now()
		w.must(os.Chmod(w.path("f"), 0o640))
		s, err := stat(fd)
		w.must(err)
		_, keep, err := w.tree.read(fd, &s)
		w.must(err)
		if time.Since(begun) < settled {
			if keep {
				t.Error("F-115: what has just changed is kept")
			}
			break
		}
		if try == 1000 {
			t.Skip("this machine is too busy for a look within 20 ms")
		}
	}
	settle(t, w.path("f"))
	s, err := stat(fd)
	w.must(err)
	if k, keep, err := w.tree.read(fd, &s); err != nil || !keep || formatted(k.descriptor) != wide {
		t.Errorf("F-115: of a file at rest: %t, %v", keep, err)
	}
	old, before := s, s
	old.Ctime.Sec--
	if _, keep, err := w.tree.read(fd, &old); err != nil || keep {
		t.Errorf("F-115: of another moment: %t, %v", keep, err)
	}
	// It is asked for once, and again when the file has changed.
	first, err := w.tree.known(fd, &before)
	w.must(err)
	again, err := w.tree.known(fd, &before)
	if w.must(err); first != again {
		t.Error("F-115: what is kept is read again")
	}
	w.describe("f", narrow)
	settle(t, w.path("f"))
	s, err = stat(fd)
	w.must(err)
	if k, err := w.tree.known(fd, &s); err != nil || formatted(k.descriptor) != narrow {
		t.Errorf("F-115: after a change: %v, %v", formatted(k.descriptor), err)
	}
	// What is known of an attribute that cannot be read is an error, and is not kept.
	if _, err := w.tree.known(-1, &before); err != nil {
		t.Errorf("F-115: what is kept needs no look: %v", err)
	}
	before.Ino++
	if _, err := w.tree.known(-1, &before); err == nil {
		t.Error("F-115: nothing is known of no file")
	}
}

// TestUnreadable: an attribute that cannot be read grants nothing, whatever the permissions amount to, hides that it
// may have a SACL, and leaves what is kept beside it (F-101, F-115, F-154).
func TestUnreadable(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.must(os.WriteFile(w.path("f"), nil, 0o600))
	w.must(os.Chmod(w.path("f"), 0o666)) //nolint:gosec // the test asks what that grants
	w.hide(t, "f", false)
	fd, s := w.place("f")
	for value, want := range map[string]*known{
		"": {verdict: ntacl.Stale}, "nonsense": {verdict: ntacl.Unverifiable, audited: true},
		string(w.raw(wide)):                       {verdict: ntacl.Unhashed},
		string(w.raw(wide + "S:(AU;SA;FA;;;WD)")): {verdict: ntacl.Unhashed, audited: true},
		string(w.raw(wide + "S:(ML;;NW;;;LW)")):   {verdict: ntacl.Unhashed},
	} {
		if value != "" {
			w.must(setAttribute(w.path("f"), w.tree.cfg.Attribute, []byte(value)))
		}
		k, err := w.tree.readAttribute(placeOf(fd), &s)
		w.must(err)
		if k.verdict != want.verdict || k.audited != want.audited || (k.descriptor == nil) != (value == "nonsense") ||
			k.dos.attributes != fileaccess.AttributeHidden || k.attribute.Descriptor != nil {
			t.Errorf("F-115: %.20q: %+v", value, k)
		}
		if value != "" {
			w.must(unix.Removexattr(w.path("f"), w.tree.cfg.Attribute))
		}
	}
}

// TestMadeOfPermissions: what a file without the attribute grants is made of its mode, its owners and its own POSIX
// ACL, by the accounts of the tree; a directory's default ACL says nothing about itself (F-115).
func TestMadeOfPermissions(t *testing.T) {
	accounts := func(id uint32, group bool) sid.SID {
		s, _ := sid.New(5, 21, 7, map[bool]uint32{true: 2}[group], id)
		return s
	}
	w := newWorld(t, func(c *Config) { c.Missing, c.Accounts = SynthesiseMissing, accounts })
	w.must(os.Mkdir(w.path("d"), 0o700))
	w.must(os.Chmod(w.path("d"), 0o750)) //nolint:gosec // the test asks what that grants
	acl := posixACL(t, "user 4711 r-x,group 51 --x,mask r-x")
	fd, s := w.place("d")
	info := ntacl.Info{Directory: true, Mode: 0o750, UID: s.Uid, GID: s.Gid}
	made := func() *sd.Descriptor {
		s, err := stat(fd)
		w.must(err)
		k, err := w.tree.readAttribute(placeOf(fd), &s)
		w.must(err)
		if k.verdict != ntacl.Stale || k.attribute.Version != 0 {
			t.Errorf("F-115: %+v", k)
		}
		return k.descriptor
	}
	plain, err := ntacl.Posix(info, nil, accounts)
	w.must(err)
	if got := made(); !got.Equal(plain) {
		t.Errorf("F-115: of its mode: %s, want %s", formatted(got), formatted(plain))
	}
	if err := unix.Setxattr(w.path("d"), aclDefault, acl, 0); err != nil {
		t.Skipf("no POSIX ACL can be set in %s: %v", w.root, err)
	}
	if got := made(); !got.Equal(plain) {
		t.Errorf("F-115: of its default ACL: %s, want %s", formatted(got), formatted(plain))
	}
	w.must(unix.Setxattr(w.path("d"), aclAccess, acl, 0))
	info.Mode = 0o750
	named, err := ntacl.Posix(info, acl, accounts)
	w.must(err)
	if got := made(); !got.Equal(named) || named.Equal(plain) {
		t.Errorf("F-115: of its own ACL: %s, want %s", formatted(got), formatted(named))
	}
}
