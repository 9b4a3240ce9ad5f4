package hostfs

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/mountinfo"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// nameScan reads the names of a directory with the types that the directory stores, without a query of each file.
// file.listing guards it.
type nameScan struct {
	dir  *os.File
	at   uint64 // the host's position after the last block
	bare bool   // nothing is mounted below the tree: a type that the directory stores is the entry's
	far  bool   // the first block was read
}

// blocks are buffers for getdents64.
var blocks = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ListNames returns the next entries of a directory with their types, in the order and with the positions of the host,
// without entries that List hides. It starts at the first entry if after is 0, otherwise after the entry with that
// Position. At the end it returns STATUS_NO_MORE_FILES, and for a file STATUS_INVALID_PARAMETER. Its position is
// independent of that of List. A removed directory has no more entries.
func (f *file) ListNames(after uint64) (list []nt.DirectoryName, st ntstatus.Status) {
	if !f.directory {
		return nil, ntstatus.InvalidParameter
	}
	f.listing.Lock()
	defer f.listing.Unlock()
	if err := f.seekNamesLocked(after); err != nil {
		return nil, statusOf(err)
	}
	block := blocks.Get().(*[32 << 10]byte)
	defer blocks.Put(block)
	for len(list) == 0 {
		var n int
		dir := int(f.names.dir.Fd())
		err := retry(func() (err error) { n, err = unix.Getdents(dir, block[:]); return err })
		if errors.Is(err, unix.ENOENT) {
			n, err = 0, nil // the directory was removed
		}
		if err != nil {
			return nil, statusOf(err)
		}
		if n == 0 {
			return nil, ntstatus.NoMoreFiles
		}
		if f.names.far && !f.names.bare && f.t.uniform {
			// Finding out about mounts costs as much as querying a few hundred files.
			f.names.bare = !f.t.mountedBelow()
		}
		f.names.far = true
		list = f.appendNamesLocked(list, string(block[:n]))
	}
	return list, ntstatus.Success
}

// seekNamesLocked makes ListNames continue after the entry at a host position (M-71). For 0, or a directory that is
// not open for listing, it opens the directory again. A position above MaxInt64 is EINVAL. A failed seek does not
// change the position.
//
// +checklocks:f.listing
func (f *file) seekNamesLocked(after uint64) error {
	if after == 0 || f.names == nil {
		d, err := openDirectory(f.fd)
		if err != nil {
			return err
		}
		f.names.close()
		f.names = &nameScan{dir: d}
	}
	if after == f.names.at {
		return nil
	}
	if after > math.MaxInt64 {
		return unix.EINVAL // directory positions are at most 63 bits
	}
	if _, err := f.names.dir.Seek(int64(after), io.SeekStart); err != nil {
		return err
	}
	f.names.at = after
	return nil
}

// appendNamesLocked decodes a block of getdents64(2) and appends the entries that clients see, with "." and "..". It
// ignores the rest of a block after a malformed entry.
// +checklocks:f.listing
func (f *file) appendNamesLocked(list []nt.DirectoryName, block string) []nt.DirectoryName {
	// struct linux_dirent64: u64 number, i64 position, u16 length, u8 type, the name and a zero byte
	const header = 19
	for len(block) > header {
		length := int(binary.NativeEndian.Uint16([]byte(block[16:18])))
		if length <= header || length > len(block) {
			break
		}
		f.names.at = binary.NativeEndian.Uint64([]byte(block[8:16]))
		number := binary.NativeEndian.Uint64([]byte(block[:8]))
		kind, name := block[18], block[header:length]
		name, _, _ = strings.Cut(name, "\x00")
		block = block[length:]
		if e, ok := f.nameLocked(name, kind); ok {
			e.Position, e.FileID = f.names.at, number
			if list == nil {
				list = make([]nt.DirectoryName, 0, len(block)/24+1)
			}
			list = append(list, e)
		}
	}
	return list
}

// nameLocked returns the directory entry for a name. kind is its type in getdents64, such as DT_REG. For entries that
// List hides ok is false (F-120). A file on another device is hidden too, unless only names are listed.
//
// +checklocks:f.listing
func (f *file) nameLocked(name string, kind byte) (e nt.DirectoryName, ok bool) {
	if name == "." || name == ".." {
		return nt.DirectoryName{Name: name, Directory: true}, true
	}
	if kind != unix.DT_REG && kind != unix.DT_DIR || isPrivate(name) {
		entry, ok := f.entry(name)
		return nt.DirectoryName{Name: name, Directory: entry.FileAttributes&fileaccess.AttributeDirectory != 0,
			Link: entry.FileAttributes&fileaccess.AttributeReparsePoint != 0}, ok
	}
	if !sayable(name) {
		return e, false
	}
	if !f.names.bare {
		if s, err := statAt(f.fd, name, 0); err != nil || deviceOf(&s) != f.t.device {
			return e, false
		}
	}
	return nt.DirectoryName{Name: name, Directory: kind == unix.DT_DIR}, true
}

// close closes the directory. It does nothing for nil.
func (s *nameScan) close() {
	if s != nil {
		_ = s.dir.Close() // only read
	}
}

// mountedBelow reports whether another file system or a bind mount is mounted somewhere below the tree, or whether that
// cannot be found out. A mount below has the tree's mount as its parent, and its path starts with the tree's.
func (t *Tree) mountedBelow() bool {
	var s unix.Statx_t
	err := retry(func() error { return unix.Statx(t.root, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &s) })
	if err != nil || s.Mask&unix.STATX_MNT_ID == 0 {
		return true
	}
	root, err := os.Readlink(placeOf(t.root))
	if err != nil {
		return true
	}
	mounts, err := mountinfo.Read()
	return err != nil || mountedIn(mounts, strconv.FormatUint(s.Mnt_id, 10), root)
}

// mountedIn reports whether a table has a mount whose parent is a given mount and that is below a directory. It also
// returns true if the table does not contain the given mount.
func mountedIn(mounts []mountinfo.Mount, parent, root string) bool {
	known := false
	for i := range mounts {
		m := &mounts[i]
		known = known || m.ID == parent
		if m.Parent == parent && strings.HasPrefix(m.Point, strings.TrimSuffix(root, "/")+"/") {
			return true
		}
	}
	return !known // if the table does not list the tree's own mount, its paths prove nothing
}
