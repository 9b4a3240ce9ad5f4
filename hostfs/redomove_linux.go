package hostfs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// moveRecord describes a move that replaces a file, for completion after a crash. Directories are paths below the
// root of the tree.
type moveRecord struct {
	moved, replaced uint64 // inodes
	from, to        recordedName
	aside           string // the name that the replaced file gets in the directory of to; "": it is removed
}

// recordedName is a name in a directory as a moveRecord stores it.
type recordedName struct {
	inode     uint64 // of the directory
	directory string // its path; "": the root of the tree
	name      string
}

// moveVersion begins the record of a move.
const moveVersion = "move 1"

// longestRecord is the largest size of a record that is read, in bytes.
const longestRecord = 16 << 10

// encode returns the stored form: the version and nine fields, each ended by a zero byte, which no name contains.
func (m *moveRecord) encode() string {
	var b strings.Builder
	for _, field := range []string{moveVersion, strconv.FormatUint(m.moved, 10), strconv.FormatUint(m.replaced, 10),
		strconv.FormatUint(m.from.inode, 10), m.from.directory, m.from.name,
		strconv.FormatUint(m.to.inode, 10), m.to.directory, m.to.name, m.aside} {
		b.WriteString(field)
		b.WriteByte(0)
	}
	return b.String()
}

// decodeMove reads a stored record. It returns an error for bytes that encode never returns, such as those of a write
// that a power failure cut short. It checks the form of the numbers and names only. After an error the record is empty.
func decodeMove(s string) (m moveRecord, err error) {
	fields := strings.Split(s, "\x00")
	if len(fields) != 11 || fields[0] != moveVersion || fields[10] != "" {
		return m, fmt.Errorf("record of a move: %d fields, want 11 with the version %q", len(fields), moveVersion)
	}
	for i, to := range map[int]*uint64{1: &m.moved, 2: &m.replaced, 3: &m.from.inode, 6: &m.to.inode} {
		if *to, err = strconv.ParseUint(fields[i], 10, 64); err != nil || strconv.FormatUint(*to, 10) != fields[i] {
			return moveRecord{}, fmt.Errorf("record of a move: %q is not a number", fields[i])
		}
	}
	m.from.directory, m.from.name, m.to.directory, m.to.name = fields[4], fields[5], fields[7], fields[8]
	m.aside = fields[9]
	for _, name := range []string{m.from.name, m.to.name, cmp.Or(m.aside, m.to.name)} {
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return moveRecord{}, fmt.Errorf("record of a move: %q is not a name", name)
		}
	}
	return m, nil
}

// pathOf returns the current path of an open file below the root of the tree, with slashes. The root is "". If the
// file was moved out of the tree, the error is ENOENT. The path of a removed file ends with " (deleted)".
func (t *Tree) pathOf(fd int) (string, error) {
	root, err := os.Readlink(placeOf(t.root))
	if err != nil {
		return "", err
	}
	path, err := os.Readlink(placeOf(fd))
	if err != nil {
		return "", err
	}
	below, ok := strings.CutPrefix(path, strings.TrimSuffix(root, "/"))
	if !ok || below != "" && below[0] != '/' {
		return "", unix.ENOENT
	}
	return strings.TrimPrefix(below, "/"), nil
}

// move stores the record of a move from l to g that replaces a file. moved and replaced are the inode numbers of the
// two files. Directories are recorded by path and inode. After an error an incomplete record may remain, which the
// caller removes.
func (r *record) move(moved, replaced uint64, l *link, g *target) (err error) {
	m := moveRecord{moved: moved, replaced: replaced,
		from: recordedName{inode: l.directory, name: l.name},
		to:   recordedName{inode: g.directory.status.Ino, name: g.name}, aside: g.aside}
	if m.from.directory, err = r.t.pathOf(l.dir); err != nil {
		return err
	}
	if m.to.directory, err = r.t.pathOf(g.directory.object); err != nil {
		return err
	}
	if err := r.t.fault("create", redoMove); err != nil {
		return err
	}
	fd, err := unix.Openat(r.dir, r.id+redoPart, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := &file{t: r.t, fd: fd, link: &link{name: redoMove}}
	text := []byte(m.encode())
	n, err := f.pwrite(text, 0)
	shut(fd)
	if err == nil && n < len(text) {
		err = unix.EIO
	}
	if err != nil {
		return err
	}
	return r.t.rename(r.dir, r.id+redoPart, r.dir, r.id+redoMove, unix.RENAME_NOREPLACE)
}

// removeReplaced deletes the file with state s, which a move has replaced, from its name in dir. If it cannot delete
// the file, or another file has the name now, it leaves the name as it was and returns an error.
func (r *record) removeReplaced(s *unix.Statx_t, dir int, name string) error {
	if err := r.t.moveOwn(s.Ino, dir, name, r.dir, r.id+redoGone); err != nil {
		return err
	}
	return r.removeGone(s, dir, name)
}

// removeGone removes the replaced file for good. If that fails, as for a directory with entries, the file gets back the
// name, and the error is returned all the same.
func (r *record) removeGone(s *unix.Statx_t, dir int, name string) (err error) {
	if s.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = r.t.unlink(r.dir, r.id+redoGone, unix.AT_REMOVEDIR)
	} else if err = r.t.unlink(r.dir, r.id+redoMove, 0); err == nil {
		// The record went first, because afterwards a new file may get the inode number of this one.
		r.drop(redoGone) // after an error the next start of a server tries again
	}
	if err != nil {
		err = errors.Join(err, r.t.rename(r.dir, r.id+redoGone, dir, name, unix.RENAME_NOREPLACE))
	}
	return err
}

// moveAgain completes a move that a crash interrupted. If the replaced directory has entries, it undoes the move. It
// can be repeated after another crash. A malformed record is removed. A record whose directories were moved or
// removed has no effect. Only a failure of the host is an error.
func (r *record) moveAgain() error {
	text, err := r.read()
	if err != nil {
		return err
	}
	m, err := decodeMove(text)
	if err != nil {
		return r.t.unlink(r.dir, r.id+redoMove, 0) // a power failure truncated the record
	}
	from, err := r.t.reopen(&m.from)
	if err != nil {
		return r.abandon(&m, ignoreMissing(err))
	}
	defer shut(from)
	to, err := r.t.reopen(&m.to)
	if err != nil {
		return r.abandon(&m, ignoreMissing(err))
	}
	defer shut(to)
	return r.complete(&m, from, to)
}

// abandon removes the replaced file of a recorded move that cannot be completed because one of its directories is
// missing. A file of another program in its place is an error, because it has no name to return to. abandon returns err
// unchanged if it is not nil.
func (r *record) abandon(m *moveRecord, err error) error {
	if err != nil {
		return err
	}
	gone, err := r.t.statAt(r.dir, r.id+redoGone)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return err
	case gone.Ino != m.replaced:
		return fmt.Errorf("%s is a file of another program: move it out of %s", r.id+redoGone, redoDirectory)
	case gone.Mode&unix.S_IFMT == unix.S_IFDIR:
		return r.t.unlink(r.dir, r.id+redoGone, unix.AT_REMOVEDIR)
	}
	return nil // the caller removes the file
}

// complete completes a recorded move between the open directories from and to. If the replaced file is a directory
// with entries, it undoes the move. If another program has changed the names, it leaves them or exchanges them back.
// Missing names are no error.
func (r *record) complete(m *moveRecord, from, to int) error {
	swap := func() error { return r.t.rename(from, m.from.name, to, m.to.name, unix.RENAME_EXCHANGE) }
	gone, err := r.t.statAt(r.dir, r.id+redoGone)
	switch {
	case err == nil && gone.Ino == m.replaced:
		if err = r.removeGone(&gone, from, m.from.name); isNotEmpty(err) {
			err = swap()
		}
		return err
	case err == nil:
		// Another program's file was moved instead. It gets back its name.
		return r.t.rename(r.dir, r.id+redoGone, from, m.from.name, unix.RENAME_NOREPLACE)
	case !errors.Is(err, unix.ENOENT):
		return err
	}
	old, err := r.t.statAt(from, m.from.name)
	if err != nil || old.Ino != m.replaced {
		return ignoreMissing(err) // the names were not exchanged, or another program has changed them since
	}
	placed, err := r.t.statAt(to, m.to.name)
	if err != nil {
		return ignoreMissing(err)
	}
	if placed.Ino != m.moved {
		return swap() // another program's file was exchanged
	}
	if m.aside != "" {
		if err = r.t.moveOwn(old.Ino, from, m.from.name, to, m.aside); errors.Is(err, unix.EEXIST) {
			err = swap()
		}
		return err
	}
	if err = r.removeReplaced(&old, from, m.from.name); isNotEmpty(err) {
		err = swap()
	}
	return err
}

// read returns the stored moveRecord as text, at most longestRecord bytes of it. A missing record is an error.
func (r *record) read() (string, error) {
	opened, err := r.open(redoMove, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(opened.fd), redoMove)
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, longestRecord))
	return string(b), err
}

// reopen opens a directory that a moveRecord names. If it is missing or another directory has its path now, the error
// is ENOENT. The caller closes the file descriptor.
func (t *Tree) reopen(n *recordedName) (int, error) {
	path := n.directory
	if path == "" {
		path = "."
	}
	fd, err := below(t.root, path, unix.O_DIRECTORY)
	if err != nil {
		return -1, err
	}
	s, err := stat(fd)
	if err == nil && s.Ino != n.inode {
		err = unix.ENOENT
	}
	if err != nil {
		shut(fd)
		return -1, err
	}
	return fd, nil
}

// ignoreMissing returns nil for the error of a name that is missing or leads out of the tree. It returns other
// errors, and nil, unchanged.
func ignoreMissing(err error) error {
	for _, missing := range []unix.Errno{unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EXDEV} {
		if errors.Is(err, missing) {
			return nil
		}
	}
	return err
}

// isNotEmpty reports whether a directory could not be removed because it has entries.
func isNotEmpty(err error) bool { return errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) }
