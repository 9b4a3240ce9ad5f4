package hostfs

import (
	"crypto/rand"
	"encoding/hex"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// privatePrefix begins the temporary names under which files are created and removed. Clients can neither request nor
// list such a name (F-113).
const privatePrefix = ".refmon-"

// privateName returns a random temporary name, which nobody can guess and listings hide.
func privateName() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // it never fails
	return privatePrefix + hex.EncodeToString(b[:])
}

// Open opens or creates the file as the decision d says, and enters it into the table of opens. If again is true,
// another program has changed the place since the lookup: nothing was done, and the caller must look up the name
// again. A decision that denies, and a place without a directory, are STATUS_ACCESS_DENIED. The caller must close the
// file. The place still has to be released.
func (p *place) Open(r *fileaccess.Request, d *fileaccess.Decision) (nt.OpenFile, bool, ntstatus.Status) {
	if !d.Allowed() || p.object < 0 && p.parent < 0 {
		return nil, false, ntstatus.AccessDenied
	}
	share := r.Share
	if d.ForceShareRead {
		// An open that cannot write must not exclude readers (F-48).
		share |= fileaccess.ShareRead
	}
	f := &file{t: p.t, fd: -1, user: p.user, granted: d.Granted, share: share,
		deleteOnClose: r.Options&fileaccess.DeleteOnClose != 0,
		links:         p.links,
		ownLink:       link{dir: p.parent, directory: p.parentStatus.Ino, name: p.name, path: p.Path()}}
	f.link = &f.ownLink
	var again bool
	var err error
	st := ntstatus.Success
	if p.object < 0 {
		again, err = p.create(f, r, d)
	} else {
		again, st, err = p.open(f, r, d)
	}
	if st == ntstatus.Success {
		st = statusOf(err)
	}
	if again || st != ntstatus.Success {
		return nil, again, st
	}
	return f, false, ntstatus.Success
}

// enterHere adds an open to the table of opens, under the name that the lookup found. If the directory belongs to a
// handle, it is duplicated first. On success the link takes over the directory descriptor that the place owns. On
// failure the place keeps it.
func (p *place) enterHere(s *unix.Statx_t, f *file) ntstatus.Status {
	f.born, f.bornMask = s.Btime, s.Mask&unix.STATX_BTIME
	f.marked = s.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
	if p.parent >= 0 && !p.owned && p.parent != p.t.root {
		// The directory is a handle's own, which may be closed before this open.
		fd, err := p.t.duplicate(p.parent)
		if err != nil {
			return statusOf(err)
		}
		p.parent, p.owned, f.link.dir = fd, true, fd
	}
	f.link.owned = p.owned
	st := p.t.enter(s.Ino, f)
	if st == ntstatus.Success {
		p.owned = false
	}
	return st
}

// open opens the existing file that the lookup found, and truncates it to overwrite or supersede. st is a conflict
// with other opens, err a failure of the host; at most one is set. again is always false. After a failure f is not
// open, and the file is not deleted.
func (p *place) open(f *file, r *fileaccess.Request, d *fileaccess.Decision) (again bool, st ntstatus.Status,
	err error) {
	f.directory, f.decided = p.facts.Object.IsDirectory, p.read
	f.symlink = p.facts.Object.ReparseTag != 0
	if st := p.enterHere(&p.status, f); st != ntstatus.Success {
		return false, st, nil
	}
	if f.fd, err = f.reopen(p.object, f.directory || f.symlink, d.Granted); err != nil {
		f.deleteOnClose = false
		p.t.leave(f)
		return false, ntstatus.Success, err
	}
	if f.fd == p.object {
		p.object = -1
	}
	if d.Action == fileaccess.Opened {
		f.found = factsOf(&p.status)
	}
	if p.read != nil {
		f.keeping.Lock()
		f.keepLocked(p.read.dos, &p.status)
		f.keeping.Unlock()
	}
	if d.Action == fileaccess.Overwritten || d.Action == fileaccess.Superseded {
		err := f.empty()
		if err == nil {
			err = f.replaced(r.Attributes)
		}
		if err != nil {
			f.deleteOnClose = false
			f.Close()
			return false, ntstatus.Success, err
		}
	}
	return false, ntstatus.Success, nil
}

// reopen opens the file that fd holds for the granted access, without blocking. It returns fd itself if empty is
// true, or if no access to contents was granted (F-114). The caller closes another file descriptor than fd.
func (f *file) reopen(fd int, empty bool, granted winnt.AccessMask) (int, error) {
	reads := granted&(winnt.FILE_READ_DATA|winnt.FILE_EXECUTE) != 0
	writes := granted&(winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA) != 0
	if empty || !reads && !writes {
		return fd, nil
	}
	flags := unix.O_RDONLY
	switch {
	case reads && writes:
		flags = unix.O_RDWR
	case writes:
		flags = unix.O_WRONLY
	}
	if err := f.fault("open"); err != nil {
		return -1, err
	}
	return openAgain(fd, flags|unix.O_NONBLOCK|unix.O_NOCTTY)
}

// create creates the file or directory that the decision allows, with its security descriptor. The file gets its name
// last. After an error nothing is left. If another program took the name or removed the directory first, again is
// true and err is set.
func (p *place) create(f *file, r *fileaccess.Request, d *fileaccess.Decision) (again bool, err error) {
	if p.nameless {
		return false, p.createNameless(f, r, d)
	}
	f.directory, f.symlink = r.Options&fileaccess.DirectoryFile != 0, p.target != ""
	private := privateName()
	if err := p.make(f, private); err != nil {
		// The directory itself was removed: its name is looked up again.
		return errors.Is(err, unix.ENOENT), err
	}
	s, err := p.statNew(f)
	if err == nil && !f.symlink { // a link keeps no attributes of users
		err = f.begin(&s, r.Attributes)
		f.archived.Store(true)
	}
	if err == nil {
		err = p.describeNew(f, &s, d)
	}
	if err == nil {
		if st := p.enterHere(&s, f); st != ntstatus.Success {
			err = unix.EMFILE
		}
	}
	if err != nil {
		p.discard(f, private)
		return false, err
	}
	err = p.t.rename(f.link.dir, private, f.link.dir, f.link.name, unix.RENAME_NOREPLACE)
	if err != nil {
		p.discardEntered(f, private)
		return errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOENT), err
	}
	// The new file's descriptor is known. It is not cached for other opens, because another program may have changed it.
	if s, err = stat(f.fd); err == nil {
		f.found, f.decided = factsOf(&s), &known{descriptor: d.NewSD}
	}
	return false, nil
}

// statNew returns the status of a file, directory or link that was just created. If a umask or a default ACL changed
// the permissions of a new file, it first sets the configured ones.
func (p *place) statNew(f *file) (s unix.Statx_t, err error) {
	if s, err = stat(f.fd); err != nil || f.directory || f.symlink || uint32(s.Mode)&0o7777 == p.t.cfg.FileMode {
		return s, err
	}
	if err = p.t.chmod(f.fd, f.link.name, p.t.cfg.FileMode); err != nil {
		return s, err
	}
	return stat(f.fd)
}

// make creates an empty file, directory or link under a private name, and holds it in f.fd. After an error nothing is
// left. A file gets the configured mode from openat, which the umask limits. A directory gets it by chmod.
func (p *place) make(f *file, private string) (err error) {
	if err := p.t.fault("create", f.link.name); err != nil {
		return err
	}
	if f.symlink {
		return p.makeLink(f, private)
	}
	if !f.directory {
		const flags = unix.O_RDWR | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
		f.fd, err = unix.Openat(p.parent, private, flags, p.t.cfg.FileMode)
		return err
	}
	if err = unix.Mkdirat(p.parent, private, p.t.cfg.DirectoryMode); err != nil {
		return err
	}
	if f.fd, err = below(p.parent, private, unix.O_DIRECTORY); err == nil {
		err = p.t.chmod(f.fd, f.link.name, p.t.cfg.DirectoryMode)
	}
	if err != nil {
		p.discard(f, private)
	}
	return err
}

// describeNew stores the security descriptor of a new file, in the attribute version of its directory.
func (p *place) describeNew(f *file, s *unix.Statx_t, d *fileaccess.Decision) error {
	a := p.t.versionBelow(p.parentsKnown)
	a.Descriptor = d.NewSD
	return p.t.write(f.fd, s, &a)
}

// discard removes the private name of a file that could not be created, and closes its descriptor.
func (p *place) discard(f *file, private string) {
	flags := 0
	if f.directory {
		flags = unix.AT_REMOVEDIR
	}
	_ = p.t.unlink(p.parent, private, flags) // no other program knows the name
	shut(f.fd)
	f.fd = -1
}

// discardEntered removes the private name of an entered open that could not be renamed, and closes the open.
func (p *place) discardEntered(f *file, private string) {
	flags := 0
	if f.directory {
		flags = unix.AT_REMOVEDIR
	}
	_ = p.t.unlink(f.link.dir, private, flags) // no other program knows the name
	f.deleteOnClose = false
	f.Close()
}
