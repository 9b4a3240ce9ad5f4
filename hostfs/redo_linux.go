package hostfs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
)

// redoDirectory is the directory in the root of a tree that has the records of unfinished changes. It exists while a
// change runs, and after a crash until the tree is opened again.
const redoDirectory = privatePrefix + "redo"

// Suffixes of the names of a record. The part before is the record's id.
const (
	redoTarget = ".target" // a link to the file whose contents are replaced
	redoData   = ".data"   // ends the name of a link to the new contents; it makes the record valid
	redoPart   = ".part"   // a record of a move that is not complete
	redoMove   = ".move"   // a record of a move that replaces a file
	redoGone   = ".gone"   // the replaced file, before it is removed
)

// redoLog makes changes that take several system calls atomic: each has a record on disk. After a crash [Open]
// completes each of them, so that a file is old or new (F-210). A record belongs to a running call with open files,
// which its user is charged for, and takes no space beyond theirs. The zero value is empty.
type redoLog struct {
	mu sync.Mutex
	// +checklocks:mu
	dir int // guarded by mu: the directory, opened and locked; valid only while records is not 0
	// +checklocks:mu
	records int // guarded by mu
}

// dataSuffix returns the end of the record's name for the new contents of a file, with their size and checksum.
func dataSuffix(size int64, sum uint32) string { return fmt.Sprintf(".%x-%08x%s", size, sum, redoData) }

// record is a record of the redo log. It is owned by one goroutine.
type record struct {
	t   *Tree
	dir int    // borrowed from the log until end
	id  string // begins the record's names
}

// newRecord returns an empty record with a fresh id. The caller must call end. It fails if the record directory
// cannot be created, or if it belongs to another account or others may use it.
func (t *Tree) newRecord() (*record, error) {
	t.redo.mu.Lock()
	defer t.redo.mu.Unlock()
	if t.redo.records == 0 {
		dir, err := t.makeRedoDirectory()
		if err != nil {
			return nil, err
		}
		t.redo.dir = dir
	}
	t.redo.records++
	return &record{t, t.redo.dir, privateName()[len(privatePrefix):]}, nil
}

// end releases the record. The last one of all servers removes the directory, unless a record stayed there after an
// error.
func (r *record) end() {
	l := &r.t.redo
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.records--; l.records == 0 {
		// Another server of the tree that holds the lock may be about to create a record: it removes the directory.
		if unix.Flock(l.dir, unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = r.t.unlink(r.t.root, redoDirectory, unix.AT_REMOVEDIR) // fails if the directory has a record
		}
		shut(l.dir)
	}
}

// makeRedoDirectory opens the directory of the redo log, creates it if it is missing, and locks it. The lock tells
// other servers of the tree that its records are not those of a crash. The caller closes the result, which ends the
// lock.
func (t *Tree) makeRedoDirectory() (int, error) {
	for {
		if err := t.fault("mkdir", redoDirectory); err != nil {
			return -1, err
		}
		if err := unix.Mkdirat(t.root, redoDirectory, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
			return -1, err
		}
		dir, err := t.openRedoDirectory(unix.LOCK_SH)
		if !errors.Is(err, unix.ENOENT) {
			return dir, err
		}
		// Another server of the tree removed it first.
	}
}

// openRedoDirectory opens the directory of the redo log and locks it with the flock(2) flags how.
//   - ENOENT: it is missing or was removed
//   - EACCES: another account owns it or may use it
//   - EWOULDBLOCK: how has LOCK_NB, and another server of the tree holds the lock
func (t *Tree) openRedoDirectory(how int) (int, error) {
	dir, err := resolve(t.root, redoDirectory, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return -1, err
	}
	err = retry(func() error { return unix.Flock(dir, how) })
	var s unix.Statx_t
	if err == nil {
		s, err = stat(dir)
	}
	switch {
	case err != nil:
	case s.Nlink == 0:
		err = unix.ENOENT
	case s.Uid != uint32(os.Geteuid()) || s.Mode&0o077 != 0:
		// Whoever can create records could let the server write to any file of the tree (F-212).
		err = unix.EACCES
	}
	if err != nil {
		shut(dir)
		return -1, err
	}
	return dir, nil
}

// link gives an open file one of the record's names in the redo directory.
func (r *record) link(fd int, suffix string) error { return r.t.linkInode(fd, r.dir, r.id+suffix) }

// drop removes one of the record's names from the redo directory. It ignores errors: after one the next [Open]
// completes the change once more.
func (r *record) drop(suffix string) { _ = r.t.unlink(r.dir, r.id+suffix, 0) }

// journaled reports whether a sync of one file also makes all earlier name changes durable. That holds for a file
// system with one ordered journal. If this is unknown, the result is false, and a name is durable only after a sync
// of its directory.
func journaled(s *unix.Statx_t, fs *unix.Statfs_t) bool {
	switch fs.Type {
	case unix.XFS_SUPER_MAGIC:
		return true
	case unix.EXT4_SUPER_MAGIC: // ext2, or ext4 without a journal, have the same number
		device, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", s.Dev_major, s.Dev_minor))
		if err != nil {
			return false
		}
		task, err := os.ReadFile(filepath.Join("/sys/fs/ext4", filepath.Base(device), "journal_task"))
		_, none := strconv.Atoi(strings.TrimSpace(string(task)))
		return err == nil && none == nil
	}
	return false
}

// sync makes the record's names durable: it syncs the redo directory.
func (r *record) sync() error {
	if err := r.t.fault("sync", redoDirectory); err != nil {
		return err
	}
	return retry(func() error { return unix.Fsync(r.dir) })
}

// redoAll completes the changes that a crash interrupted (F-210). An error names the first record that cannot be
// completed. It stays, and so does every later one. redoAll does nothing on a read-only tree, and while another
// server changes the tree.
func (t *Tree) redoAll() error {
	dir, err := t.openRedoDirectory(unix.LOCK_EX | unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EWOULDBLOCK), t.readOnly && err == nil:
		shut(dir)
		return nil
	case err != nil:
		return fmt.Errorf("%s: remove it if refmon did not make it: %w", redoDirectory, err)
	}
	defer shut(dir)
	d, err := openDirectory(dir)
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	_ = d.Close() // only read
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.redoName(dir, name); err != nil {
			return fmt.Errorf("complete %s/%s: %w", redoDirectory, name, err)
		}
	}
	for _, name := range names {
		// The remaining files have no record that makes them valid.
		_ = t.unlink(dir, name, 0)
	}
	return t.unlink(t.root, redoDirectory, unix.AT_REMOVEDIR)
}

// redoName completes the operation whose record has this name after a crash. It ignores names that are not of a record.
// It returns the error of the completion.
func (t *Tree) redoName(dir int, name string) error {
	r := record{t: t, dir: dir}
	if strings.HasSuffix(name, redoData) {
		r.id, _, _ = strings.Cut(name, ".")
		return r.refillAgain(name[len(r.id):])
	}
	if id, ok := strings.CutSuffix(name, redoMove); ok {
		r.id = id
		return r.moveAgain()
	}
	return nil
}

// refillAgain completes a replacement of contents that a crash interrupted, and removes the links of the record. data
// is the suffix of the link to the new contents. After another crash the call can be repeated.
//   - no link to the target: no effect
//   - contents without the size and checksum in data: no effect
//   - no link to the contents: an error
//   - a file that is not regular: EINVAL
func (r *record) refillAgain(data string) error {
	to, err := r.open(redoTarget, unix.O_WRONLY)
	if errors.Is(err, unix.ENOENT) {
		return nil // the copy was complete, or never began
	}
	if err != nil {
		return err
	}
	defer shut(to.fd)
	// A power failure before the copy began loses contents whose size or checksum differ.
	from, err := r.open(data, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer shut(from.fd)
	s, err := from.stat()
	if err != nil {
		return err
	}
	sum, st := from.checksum(int64(s.Size))
	if st == ntstatus.Success && dataSuffix(int64(s.Size), sum) != data {
		return nil
	}
	if st == ntstatus.Success {
		st = to.overwrite(from, int64(s.Size))
	}
	if st != ntstatus.Success {
		return st.Err()
	}
	return cmp.Or(r.t.unlink(r.dir, r.id+data, 0), r.t.unlink(r.dir, r.id+redoTarget, 0))
}

// open opens one of the record's files. It waits until no other program has a lease on the file. A file that is not
// regular is EINVAL. The caller closes the result's descriptor.
func (r *record) open(suffix string, flags int) (*file, error) {
	at, err := below(r.dir, r.id+suffix, 0)
	if err != nil {
		return nil, err
	}
	defer shut(at)
	f := &file{t: r.t, fd: at, link: &link{name: r.id + suffix}}
	s, err := f.stat()
	if err != nil {
		return nil, err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, unix.EINVAL
	}
	if f.fd, err = openAgain(at, flags); err != nil {
		return nil, err
	}
	return f, nil
}
