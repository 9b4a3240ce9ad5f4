package hostfs

import (
	"bytes"
	"errors"
	"fmt"
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

const forEveryone = "O:BAG:SYD:P(A;;FA;;;WD)"

// Granted rights: everything that a descriptor shows, and reading, writing or both.
const (
	toRead  = winnt.FILE_GENERIC_READ
	toWrite = winnt.FILE_GENERIC_WRITE | seen
	toBoth  = toRead | toWrite
)

// newHandOuts returns a tree that passes descriptors. It skips the test where that is not possible.
func newHandOuts(t testing.TB, what HandOut, options ...func(*Config)) *world {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root copies mounts and is other users")
	}
	passes := func(c *Config) { c.HandOut, c.Attribute = what, ntacl.Name }
	w := newWorld(t, append([]func(*Config){passes}, options...)...)
	if got, err := w.tree.HandsOut(); got != what || err != nil {
		t.Skipf("%d is handed out: %v", got, err)
	}
	w.must(os.Chmod(w.root, 0o700)) // the path is closed
	return w
}

// passTo passes a descriptor of a handle's file to a receiver.
func (w *world) passTo(th *nt.Thread, h winnt.Handle, uid uint32) (*os.File, ntstatus.Status) {
	out, st := w.sys.HandOut(th, h, uid)
	return out.File, st
}

// tryPass passes a descriptor of a handle's file to a receiver, and closes it. It returns the status.
func (w *world) tryPass(th *nt.Thread, h winnt.Handle, uid uint32) ntstatus.Status {
	w.Helper()
	f, st := w.passTo(th, h, uid)
	check.Equal(w, f != nil, st == ntstatus.Success, "HandOut with %v returns a file", st)
	if f != nil {
		w.must(f.Close())
	}
	return st
}

// handOut opens a file as alice and gets a descriptor of it.
func (w *world) handOut(name string, granted winnt.AccessMask, uid uint32) (*os.File, ntstatus.Status) {
	w.Helper()
	th := w.as(alice)
	h := w.open(th, name, granted, ntstatus.Success)
	f, st := w.passTo(th, h, uid)
	w.want(th.NtClose(h), ntstatus.Success)
	return f, st
}

// tableFile is one file of the table.
type tableFile struct {
	name    string
	mode    uint32
	acl     bool // the receiver is named with reading and writing
	owner   int
	granted winnt.AccessMask
	who     receiver
	before  unix.Stat_t
	plain   bool // a descriptor of the file itself, for comparison
	f       *os.File
}

// table returns each kind of file for a receiver.
func (w *world) table(who receiver) (list []*tableFile) {
	for _, mode := range []uint32{0o400, 0o600, 0o644, 0o666, 0o660, 0o777} {
		for _, owner := range []int{0, ownerUID} {
			for _, granted := range []winnt.AccessMask{toRead, toWrite, toBoth} {
				l := &tableFile{mode: mode, acl: mode == 0o660, owner: owner, granted: granted, who: who}
				l.name = fmt.Sprintf("%s-%o-%d-%x", who.name, mode, owner, uint32(granted))
				list = append(list, l)
			}
		}
	}
	plain := &tableFile{name: who.name + "-plain", mode: 0o666, owner: ownerUID, granted: toRead, who: who, plain: true}
	return append(list, plain)
}

// make creates the file and gets a descriptor of it.
func (w *world) make(l *tableFile) {
	w.Helper()
	w.file(l.name, "data", forEveryone)
	path := w.path(l.name)
	w.must(unix.Setxattr(path, "user.theirs", []byte("x"), 0))
	if l.acl {
		w.must(unix.Setxattr(path, aclAccess, namedACL(6, l.who.uid), 0))
	}
	w.must(os.Chown(path, l.owner, groupGID))
	w.must(os.Chmod(path, os.FileMode(l.mode)))
	w.must(unix.Stat(path, &l.before))
	if l.plain {
		f := check.Must(os.Open(path))
		l.f = f
	} else {
		f, st := w.handOut(l.name, l.granted, l.who.uid)
		if st != ntstatus.Success && st != ntstatus.AccessDenied {
			w.Errorf("HandOut of %s: %v, want success or STATUS_ACCESS_DENIED", l.name, st)
		}
		l.f = f
	}
	if l.f != nil {
		w.Cleanup(func() { _ = l.f.Close() })
	}
}

// could lists what a receiver may do with a descriptor for some granted rights: the operations that the rights allow,
// and locks, leases and positions, which need no right.
var could = map[winnt.AccessMask][]string{
	0: {"lock to read", "lock to write", "lock the open file to write", "flock", "lease to read", "lease to write",
		"reopen as a place"},
	toRead: {"read", "map to read", "reopen to read", "reopen to read without times"},
	toWrite: {"write", "truncate", "truncate its place", "allocate", "touch", "reopen to write", "reopen to append",
		"reopen as a place, then to write", "set an attribute"},
	toBoth: {"map to write", "map to read, then write", "reopen to read and write", "reopen and empty"},
}

// covered reports whether granted rights allow what a receiver did.
func covered(granted winnt.AccessMask, did string) bool {
	for needs, names := range could {
		if granted&needs == needs && slices.Contains(names, did) {
			return true
		}
	}
	return false
}

// The receiver of a descriptor can do no more with it than was granted, whether it is the file's owner, a member of
// its group, a stranger or in a container. The file does not change (F-152, F-153, F-155).
func TestReceiverCanDoOnlyGranted(t *testing.T) {
	w := newHandOuts(t, HandOutWrites)
	place, err := os.MkdirTemp("", "receivers") // on the same file system, with access for everybody
	w.must(err)
	defer os.RemoveAll(place)
	w.must(os.Chmod(place, 0o777|os.ModeSticky))
	dir := check.Must(os.Open(place))
	defer dir.Close()
	for _, who := range receivers {
		var rows []*tableFile
		var files []*os.File
		for _, l := range w.table(who) {
			if w.make(l); l.f != nil {
				rows, files = append(rows, l), append(files, l.f)
			}
			w.expects(l)
		}
		for i, did := range who.attempts(t, dir, files) {
			w.judge(rows[i], did)
		}
	}
}

// expects checks which files are passed, and with which access mode.
func (w *world) expects(l *tableFile) {
	w.Helper()
	writes := l.granted&writing == writing && l.owner == 0 && (l.granted&reading != 0 || l.mode&0o44 == 0)
	want := -1
	switch reads := l.granted&reading != 0; {
	case l.plain, reads && !writes:
		want = unix.O_RDONLY
	case reads:
		want = unix.O_RDWR
	case writes:
		want = unix.O_WRONLY
	}
	got := -1
	if l.f != nil {
		flags := check.Must(unix.FcntlInt(l.f.Fd(), unix.F_GETFL, 0))
		got = flags & unix.O_ACCMODE
	}
	check.Equal(w, got, want, "access mode of the descriptor of %s", l.name)
}

// judge compares a receiver's successful attempts with the granted rights.
func (w *world) judge(l *tableFile, did []string) {
	w.Helper()
	var beyond []string
	for _, d := range did {
		if !covered(l.granted, d) {
			beyond = append(beyond, d)
		}
	}
	reads := l.granted&reading != 0
	if must := "read"; reads && !slices.Contains(did, must) {
		w.Errorf("receiver of %s cannot read, only %q, want to read", l.name, did)
	}
	if l.plain {
		// The table itself is checked: the owner can do anything with a descriptor of the file itself.
		if l.who.uid == ownerUID && (!slices.Contains(did, "chmod") || !slices.Contains(did, "reopen to write")) {
			w.Errorf("owner with a descriptor of the file itself, %s: %q, want also chmod and reopen to write",
				l.name, did)
		}
		return
	}
	if len(beyond) > 0 {
		w.Errorf("receiver of %s, granted %#x: could also %q, want nothing more", l.name, uint32(l.granted), beyond)
	}
	w.unchanged(l)
}

// unchanged checks that the file is the same.
func (w *world) unchanged(l *tableFile) {
	w.Helper()
	path := w.path(l.name)
	var s unix.Stat_t
	w.must(unix.Stat(path, &s))
	b := &l.before
	if s.Mode != b.Mode || s.Uid != b.Uid || s.Gid != b.Gid || s.Nlink != b.Nlink {
		w.Errorf("%s: mode %o, owner %d:%d, %d links; want %o, %d:%d, %d", l.name, s.Mode, s.Uid, s.Gid, s.Nlink,
			b.Mode, b.Uid, b.Gid, b.Nlink)
	}
	if value, err := attribute(path, w.tree.cfg.Attribute); err != nil || !bytes.Equal(value, w.accepted(forEveryone)) {
		w.Errorf("descriptor of %s: %x, %v, want it unchanged", l.name, value, err)
	}
	if l.granted&writing == writing {
		return
	}
	mine, err := attribute(path, "user.mine")
	data, readErr := os.ReadFile(path)
	if err != nil || readErr != nil || mine != nil || string(data) != "data" || s.Mtim != b.Mtim || s.Ctim != b.Ctim {
		w.Errorf("%s was changed: contents %q, attribute %q, time %v, %v; want no change", l.name, data, mine, s.Mtim,
			errors.Join(err, readErr))
	}
}

// No descriptor is passed for a handle that does not have the whole right of the descriptor, nor for certain files. The
// table has the reasons (F-151, F-152, F-154).
func TestHandOutNeedsWholeGrant(t *testing.T) {
	w := newHandOuts(t, HandOutReads)
	w.dir("d", forEveryone)
	w.file("f", "data", forEveryone)
	w.file("audited", "data", forEveryone+"S:(AU;SA;FW;;;WD)")
	w.file("labelled", "data", forEveryone+"S:(ML;;NW;;;LW)")
	for _, c := range []struct {
		name    string
		granted winnt.AccessMask
		want    ntstatus.Status
	}{
		{"d", toRead, ntstatus.FileIsADirectory},
		{"f", toRead, ntstatus.Success},
		{"f", toBoth, ntstatus.Success},
		{"f", toWrite, ntstatus.AccessDenied},                            // this tree hands out for reading only
		{"f", toRead &^ winnt.FILE_READ_DATA, ntstatus.AccessDenied},     // nothing to read
		{"f", toRead &^ winnt.READ_CONTROL, ntstatus.AccessDenied},       // the descriptor would be readable
		{"f", toRead &^ winnt.FILE_READ_EA, ntstatus.AccessDenied},       // extended attributes
		{"f", seen | winnt.FILE_EXECUTE, ntstatus.AccessDenied},          // running is not reading
		{"audited", toRead, ntstatus.AccessDenied},                       // the SACL would be readable
		{"labelled", toRead, ntstatus.Success},                           // a label is shown by READ_CONTROL
		{"f", toWrite &^ winnt.FILE_WRITE_DATA, ntstatus.AccessDenied},   // a program can clear O_APPEND
		{"f", toRead | winnt.DELETE | winnt.WRITE_DAC, ntstatus.Success}, // further rights do not matter
	} {
		f, st := w.handOut(c.name, c.granted, strangerUID)
		if st != c.want || (f != nil) != (st == ntstatus.Success) {
			w.Errorf("HandOut of %s for %#x: %v, want %v", c.name, uint32(c.granted), st, c.want)
		}
		if f != nil {
			if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&(unix.O_ACCMODE|unix.O_NONBLOCK) != 0 {
				w.Errorf("descriptor of %s: status flags %#x, %v; want only reading, blocking", c.name, flags, err)
			}
			w.must(f.Close())
		}
	}
	th := w.as(alice, winnt.SeSecurityPrivilege)
	// An attribute that cannot be decoded may have a SACL.
	h := w.open(th, "f", toRead, ntstatus.Success)
	w.must(setAttribute(w.path("f"), w.tree.cfg.Attribute, []byte("nonsense")))
	check.Equal(t, w.tryPass(th, h, strangerUID), ntstatus.AccessDenied,
		"F-154: HandOut of a file with an invalid attribute")
	h = w.open(th, "audited", toRead|winnt.ACCESS_SYSTEM_SECURITY, ntstatus.Success)
	check.Equal(t, w.tryPass(th, h, strangerUID), ntstatus.Success, "HandOut to a caller who may read the SACL")
	check.Equal(t, w.tryPass(th, 0x4444, 0), ntstatus.InvalidHandle, "HandOut of no handle")
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, 0, false)
	w.want(st, ntstatus.Success)
	check.Equal(t, w.tryPass(th, event, 0), ntstatus.ObjectTypeMismatch, "HandOut of an event")
}

// A file is passed for writing only if root or the server's own user owns it, its mode bits give others no more than
// the handle has, and it has no bit that a write would clear. Files of the receiver and of other users are not passed
// (F-155, F-125).
func TestOnlyConfinedFilesArePassedForWriting(t *testing.T) {
	const own, other = 4711, 4712
	all := winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_WRITE_EA
	l := &lender{writes: 3, self: own}
	for _, c := range []struct {
		owner, receiver uint32
		mode            uint16
		granted         winnt.AccessMask
		want            bool
	}{
		{0, other, 0o600, all, true}, {own, other, 0o600, all, true}, {other, strangerUID, 0o600, all, false},
		{0, 0, 0o600, all, false}, {own, own, 0o600, all, false}, {other, other, 0o600, all, false},
		{0, other, 0o4600, all, false}, {0, other, 0o2600, all, false}, {0, other, 0o1600, all, true},
		{0, other, 0o604, all, false}, {0, other, 0o640, all, false}, {0, other, 0o622, all, true},
		{0, other, 0o644, all | winnt.FILE_READ_DATA, true},
		{0, other, 0o600, all &^ winnt.FILE_WRITE_DATA, false}, {0, other, 0o600, all &^ winnt.FILE_APPEND_DATA, false},
		{0, other, 0o600, all &^ winnt.FILE_WRITE_ATTRIBUTES, false}, {0, other, 0o600, all &^ winnt.FILE_WRITE_EA, false},
	} {
		s := &unix.Statx_t{Uid: c.owner, Mode: unix.S_IFREG | c.mode}
		check.Equal(t, l.confines(s, c.granted, c.receiver), c.want,
			"F-155: confines of a file of %d, mode %o, for %d with %v", c.owner, c.mode, c.receiver, c.granted)
	}
	check.That(t, !(&lender{writes: -1}).confines(&unix.Statx_t{Mode: unix.S_IFREG | 0o600}, all, other),
		"F-155: confines without a mount for writing is true, want false")
	l.users = true // whoever may write the file can set descriptors
	for mode, want := range map[uint16]bool{0o600: true, 0o602: false, 0o620: false} {
		s := &unix.Statx_t{Mode: unix.S_IFREG | mode}
		check.Equal(t, l.confines(s, all, other), want, "F-155: confines of mode %o with a user.* attribute", mode)
	}
}

// A tree with security descriptors in an attribute of users passes no file that others may write, because they could
// set that attribute (F-155).
func TestReceiverCannotSetDescriptorOfUsers(t *testing.T) {
	w := newHandOuts(t, HandOutWrites, func(c *Config) { c.Attribute = ntacl.UserName })
	w.must(setAttribute(w.root, ntacl.UserName, w.accepted("O:BAG:SYD:P(A;;0x1200a9;;;WD)")))
	for mode, want := range map[os.FileMode]ntstatus.Status{0o600: ntstatus.Success, 0o622: ntstatus.AccessDenied} {
		w.must(os.WriteFile(w.path("f"), nil, 0o600))
		w.must(setAttribute(w.path("f"), ntacl.UserName, w.accepted(forEveryone)))
		w.must(os.Chmod(w.path("f"), mode))
		f, st := w.handOut("f", toWrite, strangerUID)
		w.want(st, want)
		if f != nil {
			w.must(f.Close())
		}
	}
}

// On the copies of the tree's mount no program runs, no set-uid bit counts and no device opens. The copy for reading
// is read-only (F-153).
func TestMountCopiesAreRestricted(t *testing.T) {
	l := newHandOuts(t, HandOutWrites).tree.lender
	const all = unix.ST_NODEV | unix.ST_NOEXEC | unix.ST_NOSUID | unix.ST_RDONLY
	for fd, want := range map[int]int{l.reads: all, l.writes: all &^ unix.ST_RDONLY} {
		var s unix.Statfs_t
		if err := unix.Fstatfs(fd, &s); err != nil || int(s.Flags)&all != want {
			t.Errorf("F-153: mount flags %#x, %v, want %#x of %#x", s.Flags, err, want, all)
		}
	}
	before := check.OpenDescriptors(t)
	check.That(t, check.Err(newLender(-1, HandOutReads, ntacl.Name)) != nil,
		"F-151: copies of the mount of no directory: no error")
	_, err := clone(unix.AT_FDCWD, 1<<63)
	check.ErrorIs(t, err, unix.EINVAL, "a copy of a mount with unknown attributes")
	check.Equal(t, check.OpenDescriptors(t), before, "host descriptors after failed copies")
}

// The zero value passes no descriptor, and neither does a tree whose mount cannot be copied (F-151).
func TestHandOutDisabledPassesNothing(t *testing.T) {
	w := newWorld(t)
	w.file("f", "data", forEveryone)
	if f, st := w.handOut("f", toBoth, strangerUID); st != ntstatus.NotSupported || f != nil {
		t.Errorf("HandOut without HandOutReads: %v, want %v", st, ntstatus.NotSupported)
	}
	if what, err := w.tree.HandsOut(); what != HandOutNothing || err != nil {
		t.Errorf("HandsOut = %v, %v, want HandOutNothing, no error", what, err)
	}
	what, err := (&Tree{cfg: Config{HandOut: HandOutReads}, noLender: unix.EPERM}).HandsOut()
	check.That(t, what == HandOutNothing && errors.Is(err, unix.EPERM), "HandsOut = %v, %v, want a cause", what, err)
	if os.Getuid() == 0 {
		return // This program may copy mounts.
	}
	w = newWorld(t, func(c *Config) { c.HandOut = HandOutWrites })
	w.file("f", "data", forEveryone)
	if f, st := w.handOut("f", toBoth, strangerUID); st != ntstatus.NotSupported || f != nil {
		t.Errorf("HandOut without a copy of the mount: %v, want %v", st, ntstatus.NotSupported)
	}
	if what, err := w.tree.HandsOut(); what != HandOutNothing || !errors.Is(err, unix.EPERM) {
		t.Errorf("HandsOut without a copy of the mount = %v, %v, want HandOutNothing, %v", what, err, unix.EPERM)
	}
}

// The descriptor is of the inode that was decided about, never of another file that took its name (F-156).
func TestHandOutFollowsInode(t *testing.T) {
	w := newHandOuts(t, HandOutWrites)
	w.dir("d", forEveryone)
	w.file(`d\f`, "mine", forEveryone)
	w.file("other", "another's", "O:BAG:SYD:P(A;;FA;;;BA)")
	th := w.as(alice)
	h := w.open(th, `d\f`, toBoth, ntstatus.Success)
	hands := func(want string, st ntstatus.Status) {
		t.Helper()
		f, got := w.passTo(th, h, strangerUID)
		check.Equal(t, got, st, "HandOut")
		if f == nil {
			return
		}
		defer f.Close()
		b := make([]byte, 16)
		if n, err := f.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("contents of the passed file: %q, %v, want %q", b[:n], err, want)
		}
	}
	hands("mine", ntstatus.Success)
	w.must(os.Rename(w.path("d/f"), w.path("d/away")))
	hands("", ntstatus.ObjectNameNotFound)
	w.must(os.Symlink("away", w.path("d/f")))
	hands("", ntstatus.AccessDenied) // No link is followed.
	w.must(os.Remove(w.path("d/f")))
	w.must(mkfifo(w.path("d/f")))
	hands("", ntstatus.ObjectNameNotFound)
	w.must(os.Rename(w.path("other"), w.path("d/f")))
	hands("", ntstatus.ObjectNameNotFound)
	w.must(os.Rename(w.path("d/away"), w.path("d/f")))
	hands("mine", ntstatus.Success)
	w.must(os.Rename(w.path("d"), w.path("e")))
	w.must(os.Symlink("e", w.path("d")))
	hands("", ntstatus.AccessDenied)
	w.must(os.Remove(w.path("d")))
	w.must(os.Rename(w.path("e"), w.path("d")))
	hands("mine", ntstatus.Success)
	// The tree's own renames are followed.
	w.want(th.NtSetInformationFile(w.open(th, `d\f`, winnt.DELETE, ntstatus.Success), nt.FileRenameInformation,
		nt.FileRename{FileName: `\??\share\d\g`}), ntstatus.Success)
	hands("mine", ntstatus.Success)
}

// A lease on a passed file blocks no open. A truncating open is rejected (F-124).
func TestLeaseBlocksNoOpen(t *testing.T) {
	w := newHandOuts(t, HandOutReads)
	w.file("f", "data", forEveryone)
	f, st := w.handOut("f", toRead, strangerUID)
	check.Require(t, st, ntstatus.Success, "HandOut")
	defer f.Close()
	check.NoError(t, check.Err(unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)))
	th := w.as(alice)
	w.create(th, "f", call{desired: winnt.FILE_READ_ATTRIBUTES, disposition: fileaccess.FileSupersede},
		ntstatus.SharingViolation)
	w.open(th, "f", toWrite, ntstatus.SharingViolation)
	w.open(th, "f", toRead, ntstatus.Success)
	w.holds(map[string]string{"f": "data"})
}

// A tree has a copy of its mount for writing only with HandOutWrites. A closed tree releases both copies (F-151).
func TestCopiesOfMountsAreClosed(t *testing.T) {
	for _, what := range []HandOut{HandOutReads, HandOutWrites} {
		tree, err := Open(Config{Path: t.TempDir(), HandOut: what})
		if err != nil {
			t.Skip("this system has no trees: ", err)
		}
		l := tree.lender
		if l == nil {
			_ = tree.Close()
			t.Skip("no copy of a mount: ", tree.noLender)
		}
		held := []int{tree.root, l.reads}
		check.That(t, (l.writes >= 0) == (what == HandOutWrites),
			"%v: descriptor of the mount for writing: %d, want one only with HandOutWrites", what, l.writes)
		if what == HandOutWrites {
			held = append(held, l.writes)
		}
		for _, fd := range held {
			if own, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || own != unix.FD_CLOEXEC {
				t.Errorf("%v: flags of a mount copy's descriptor: %d, %v, want %d, no error", what, own, err,
					unix.FD_CLOEXEC)
			}
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		for _, fd := range held {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
				t.Errorf("%v: descriptor %d of %v after Close: %v, want %v", what, fd, held, err, unix.EBADF)
			}
		}
	}
}
