package hostfs

import (
	"errors"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// List returns at most most entries of a directory whose names match a pattern, as [matches] does. The first call,
// and one with restart, set the pattern of the scan; later calls ignore theirs. It omits entries for whose descriptor
// see returns false; nil accepts all. When no entry is left it returns STATUS_NO_MORE_FILES, or STATUS_NO_SUCH_FILE
// if the scan found none at all. A file that is not a directory gives STATUS_INVALID_PARAMETER. An error of the
// host is returned by the first call that finds no entry before it.
func (f *file) List(pattern string, restart bool, most int, see func(*sd.Descriptor) bool) (list []nt.FileEntry,
	st ntstatus.Status) {
	if !f.directory {
		return nil, ntstatus.InvalidParameter
	}
	f.listing.Lock()
	defer f.listing.Unlock()
	if f.scan == nil || restart {
		if st := f.restartLocked(pattern); st != ntstatus.Success {
			return nil, st
		}
	}
	for len(list) < most {
		if len(f.read) == 0 {
			names, err := f.scan.Readdirnames(256)
			if f.read = names; len(names) == 0 {
				if err = ignoreEOF(err); err != nil && len(list) == 0 {
					return nil, statusOf(err)
				}
				break
			}
		}
		name := f.read[0]
		f.read = f.read[1:]
		if !matches(f.pattern, name) {
			continue
		}
		if name == "." || name == ".." {
			if e, err := f.ownEntry(name); err == nil {
				list = append(list, e)
			}
		} else if e, ok := f.entry(name); ok && (see == nil || see(f.descriptorOf(name))) {
			list = append(list, e)
		}
	}
	matched := f.matched
	if f.matched = matched || len(list) > 0; len(list) > 0 {
		return list, ntstatus.Success
	}
	if !matched {
		// Nothing fits at all, or nothing more does (F-120).
		return nil, ntstatus.NoSuchFile
	}
	return nil, ntstatus.NoMoreFiles
}

// restartLocked begins a new scan with a pattern and closes the old scan. A pattern with one of \/:<>"|, or one over
// 255 bytes, gives STATUS_OBJECT_NAME_INVALID and leaves the old scan. A directory that cannot be opened leaves the old
// scan as well.
//
// +checklocks:f.listing
func (f *file) restartLocked(pattern string) ntstatus.Status {
	if strings.ContainsAny(pattern, `\/:<>"|`) || len(pattern) > 255 {
		return ntstatus.ObjectNameInvalid
	}
	d, err := openDirectory(f.fd)
	if err != nil {
		return statusOf(err)
	}
	if f.scan != nil {
		_ = f.scan.Close() // only read
	}
	f.scan, f.pattern, f.matched, f.read = d, pattern, false, nil
	if f.node.inode != f.t.rootInode {
		// The root of a volume does not list itself, other directories do (F-175).
		f.read = []string{".", ".."}
	}
	return ntstatus.Success
}

// ownEntry returns the entry "." of the directory itself, or ".." of its parent. For a directory that was opened by
// its own handle both are the directory (F-175). Any other name gives the directory itself.
func (f *file) ownEntry(name string) (e nt.FileEntry, err error) {
	f.node.moving.Lock() // a rename closes the directory it was in
	defer f.node.moving.Unlock()
	fd := f.fd
	if dir := f.linkNow().dir; name == ".." && dir >= 0 {
		fd = dir
	}
	s, err := stat(fd)
	if err != nil {
		return e, err
	}
	kept, err := f.t.dosOf(&held{fd: fd})
	return nt.FileEntry{FileBasic: kept.basicOf(&s), FileName: name}, err
}

// entry returns the directory entry for a name, if clients see the file (F-120). ok is false for a special file, a
// file on another device, a name that no request can contain, and a file that cannot be examined. Links need
// linkEntry to accept them. A private name is passed to sweep.
func (f *file) entry(name string) (e nt.FileEntry, ok bool) {
	if isPrivate(name) {
		f.t.sweep(f.fd, name)
		return e, false
	}
	if !sayable(name) {
		return e, false
	}
	s, err := statAt(f.fd, name, 0)
	if err != nil || deviceOf(&s) != f.t.device {
		return e, false
	}
	e = nt.FileEntry{FileBasic: dosAt(f.fd, name).basicOf(&s), FileName: name}
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.EndOfFile, e.AllocationSize = int64(s.Size), int64(s.Blocks)*512
	case unix.S_IFDIR:
	case unix.S_IFLNK:
		// In return e, f.linkEntry(&e, …) Go may read e before the call, so the call is a statement of its own.
		ok = f.linkEntry(&e, &s)
		return e, ok
	default:
		return e, false
	}
	return e, true
}

// sayable reports whether a request can contain the name of an entry. Listings hide other entries, which have no
// alternative name (F-176).
func sayable(name string) bool {
	return !strings.Contains(name, `\`) && nameable(name) == ntstatus.Success && fileaccess.ValidName(name)
}

// isPrivate reports whether a name begins like the temporary names of a tree or like those of unfinished uploads.
// Listings hide both.
func isPrivate(name string) bool {
	return strings.HasPrefix(name, privatePrefix) || strings.HasPrefix(name, nt.UploadPrefix)
}

// sweep removes a file with a private name that a crash left behind, if no contents are lost. An open file, one that
// changed less than Tree.abandoned ago, and the redo directory, which may be about to get a record, stay. These are
// removed:
//   - an empty file or directory
//   - one of several names of a file
//   - an unfinished removal or upload
//   - a link that was created here
func (t *Tree) sweep(dir int, name string) {
	// Another file with contents may be another program's file that was moved and not moved back (F-129).
	s, err := statAt(dir, name, 0)
	if err != nil || name == redoDirectory || deviceOf(&s) != t.device || t.isOpen(s.Ino) ||
		time.Since(time.Unix(s.Ctime.Sec, int64(s.Ctime.Nsec))) < t.abandoned {
		return
	}
	switch kind := s.Mode & unix.S_IFMT; {
	case kind == unix.S_IFREG && strings.HasPrefix(name, nt.UploadPrefix):
		t.sweepUpload(dir, name, s.Ino)
	case kind == unix.S_IFDIR:
		_ = t.unlink(dir, name, unix.AT_REMOVEDIR) // unlink fails if the directory has entries
	case kind == unix.S_IFREG && (s.Size == 0 || s.Nlink > 1 || strings.HasSuffix(name, removedSuffix(s.Ino))):
		_ = t.unlink(dir, name, 0) // the next listing tries again
	case kind == unix.S_IFLNK && t.ownLink(dir, name, s.Ino):
		_ = t.unlink(dir, name, 0)
	}
}

// sweepUpload removes the file of an unfinished upload, if it has this inode number and no program has it open. If the
// file system has no leases, or this program may not take one on the file, the file stays.
func (t *Tree) sweepUpload(dir int, name string, inode uint64) {
	fd, err := below(dir, name, 0)
	if err != nil {
		return
	}
	defer shut(fd)
	if s, err := stat(fd); err != nil || s.Ino != inode || s.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	lease, err := openAgain(fd, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return
	}
	defer shut(lease)
	// An open that breaks the lease then sends a signal that programs ignore by default.
	if _, err := unix.FcntlInt(uintptr(lease), unix.F_SETSIG, int(unix.SIGURG)); err != nil {
		return
	}
	// The kernel grants a write lease only if no other open of the file exists, by any program. So the server of the
	// upload was killed (G-49).
	if _, err := unix.FcntlInt(uintptr(lease), unix.F_SETLEASE, unix.F_WRLCK); err == nil {
		_ = t.removeOwn(inode, false, dir, name)
	}
}

// descriptorOf returns the security descriptor of an entry of the directory. It returns nil, which grants nothing, if
// the descriptor is missing or cannot be read.
func (f *file) descriptorOf(name string) *sd.Descriptor {
	fd, err := below(f.fd, name, 0)
	if err != nil {
		return nil
	}
	defer shut(fd)
	s, err := stat(fd)
	if err != nil {
		return nil
	}
	k, err := f.t.known(held{fd: fd}, &s, f.user)
	if err != nil {
		return nil
	}
	return k.descriptor
}

// matches reports whether a name matches a pattern, ignoring case: * matches any text, ? one character. The patterns
// "", "*" and "*.*" match every name. It takes at most length × length steps.
func matches(pattern, name string) bool {
	if pattern == "" || pattern == "*" || pattern == "*.*" {
		return true
	}
	p, n := fold([]rune(pattern)), fold([]rune(name))
	star, from := -1, 0
	i, j := 0, 0
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// fold folds the case of a name for comparison: each character becomes the lower case of its upper case. It changes r
// and returns it.
func fold(r []rune) []rune {
	for i := range r {
		r[i] = unicode.ToLower(unicode.ToUpper(r[i]))
	}
	return r
}

// ignoreEOF returns nil for io.EOF and err otherwise.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
