package hostfs

import (
	"cmp"
	"errors"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// file is one open. It implements [nt.OpenFile].
type file struct {
	t         *Tree
	fd        int                    // immutable; holds the inode, opened for what was granted
	directory bool                   // immutable
	symlink   bool                   // immutable
	links     bool                   // immutable; a listing tells links, too
	nameless  bool                   // immutable; it was made without a name
	granted   winnt.AccessMask       // immutable
	share     fileaccess.ShareAccess // immutable
	node      *node                  // immutable once entered
	decided   *known                 // immutable; what the open was decided by; nil: the open made the file
	found     nt.FileFacts           // immutable; as it was found; zero: the open changed it
	link      *link                  // guarded by Tree.mu
	// deleteOnClose is guarded by Tree.mu once entered.
	deleteOnClose bool
	keeping       sync.Mutex
	// +checklocks:keeping
	kept dos // guarded by keeping
	// +checklocks:keeping
	keptOf identity // guarded by keeping; zero: kept counts no further
	// changed says that the file is to be archived for a change by this open.
	changed atomic.Bool // atomic
	// ownLink and ownNode stand behind link and node of this open or, where it was the
	// first, of others of the same file: an open is one piece of memory.
	ownLink link
	ownNode node

	listing sync.Mutex
	// +checklocks:listing
	scan *os.File // guarded by listing; nil until the directory is listed
	// +checklocks:listing
	pattern string // guarded by listing
	// +checklocks:listing
	told bool // guarded by listing; some name fitted the pattern
	// +checklocks:listing
	read []string // guarded by listing: names that were read and not told
}

// linkNow returns what the name of the file is now.
func (f *file) linkNow() link {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	return *f.link
}

// Close implements nt.OpenFile.
func (f *file) Close() {
	if f.changed.Load() {
		// A backup may have come after the first change (F-173).
		f.mark()
	}
	f.t.leave(f)
	f.listing.Lock()
	defer f.listing.Unlock()
	if f.scan != nil {
		_ = f.scan.Close() // only read
		f.scan = nil
	}
	shut(f.fd)
}

// stat tells about the open file.
func (f *file) stat() (unix.Statx_t, error) { return stat(f.fd) }

// Facts implements nt.OpenFile.
func (f *file) Facts() (out nt.FileFacts, st ntstatus.Status) {
	s, err := f.stat()
	if err != nil {
		return out, statusOf(err)
	}
	out = nt.FileFacts{FileBasic: f.dosNow(&s).basicOf(&s), EndOfFile: int64(s.Size),
		AllocationSize: int64(s.Blocks) * 512,
		Links:          s.Nlink, FileID: s.Ino, DeletePending: f.goes(), Directory: f.directory}
	if f.directory {
		out.EndOfFile, out.AllocationSize, out.Links = 0, 0, 1
		if out.NotEmpty, err = notEmpty(f.fd); err != nil {
			return out, statusOf(err)
		}
	}
	return out, ntstatus.Success
}

// sector is the size of which volumes of Windows count, in bytes.
const sector = 512

// Volume implements nt.OpenFile: what the file system below tells. A unit is a block of
// it. F-128
func (f *file) Volume() (v nt.FsFullSizeInformation, st ntstatus.Status) {
	var s unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(f.fd, &s) }); err != nil {
		return v, statusOf(err)
	}
	return nt.FsFullSizeInformation{TotalAllocationUnits: int64(s.Blocks),
		CallerAvailableAllocationUnits: int64(s.Bavail), ActualAvailableAllocationUnits: int64(s.Bfree),
		SectorsPerAllocationUnit: max(uint32(cmp.Or(s.Frsize, s.Bsize)/sector), 1), BytesPerSector: sector}, ntstatus.Success
}

// epoch is 1970 in units of 100 ns since 1601.
const epoch = 116444736000000000

func fileTime(t unix.StatxTimestamp) int64 { return epoch + t.Sec*10_000_000 + int64(t.Nsec)/100 }

// unixTime returns a time as Linux has it. The last ones of Windows are the last of
// Linux: about the year 2262.
func unixTime(t int64) unix.Timespec {
	const last = math.MaxInt64 / 100
	return unix.NsecToTimespec(min(max(t-epoch, -last), last) * 100)
}

// notEmpty reports whether a directory has entries.
func notEmpty(fd int) (bool, error) {
	d, err := openDirectory(fd)
	if err != nil {
		return false, err
	}
	defer func() { _ = d.Close() }() // only read
	names, err := d.Readdirnames(1)
	if len(names) > 0 {
		return true, nil
	}
	if errors.Is(err, os.ErrNotExist) { // the directory was removed
		err = nil
	}
	return false, ignoreEOF(err)
}

// openDirectory opens a directory to list it.
func openDirectory(fd int) (*os.File, error) {
	for {
		n, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			return os.NewFile(uintptr(n), "directory"), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
}

// ReadAt implements nt.OpenFile.
func (f *file) ReadAt(b []byte, at int64) (n int, st ntstatus.Status) {
	for n < len(b) {
		m, err := unix.Pread(f.fd, b[n:], at+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, statusOf(err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, ntstatus.Success
}

// WriteAt implements nt.OpenFile.
func (f *file) WriteAt(b []byte, at int64) (n int, st ntstatus.Status) {
	if err := f.changing(); err != nil {
		return 0, statusOf(err)
	}
	for n < len(b) {
		var m int
		var err error
		if at < 0 {
			m, err = unix.Pwritev2(f.fd, [][]byte{b[n:]}, 0, unix.RWF_APPEND)
		} else {
			m, err = unix.Pwrite(f.fd, b[n:], at+int64(n))
		}
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, statusOf(err)
		}
		n += m
	}
	return n, ntstatus.Success
}

// changing prepares a change of a file's contents. F-125, F-173
func (f *file) changing() error {
	if err := f.clearSpecial(); err != nil {
		return err
	}
	f.archive()
	return nil
}

// clearSpecial takes the set-uid and set-gid bits off a file before its contents
// change: the system does so for users, not for a server that may do everything. F-125
func (f *file) clearSpecial() error {
	s, err := f.stat()
	if err != nil {
		return err
	}
	if f.directory || s.Mode&(unix.S_ISUID|unix.S_ISGID) == 0 {
		return nil
	}
	return unix.Chmod(placeOf(f.fd), uint32(s.Mode)&0o1777)
}

// empty takes the contents of a file away. It does not wait where another program has
// a lease on the file, as truncate(2) does. F-124
func (f *file) empty() error {
	if err := f.clearSpecial(); err != nil {
		return err
	}
	fd, err := openAgain(f.fd, unix.O_WRONLY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer shut(fd)
	return retry(func() error { return unix.Ftruncate(fd, 0) })
}

// Flush implements nt.OpenFile.
func (f *file) Flush() ntstatus.Status {
	if f.directory {
		return ntstatus.Success
	}
	return statusOf(retry(func() error { return unix.Fsync(f.fd) }))
}

// SetSize implements nt.OpenFile.
func (f *file) SetSize(size int64) ntstatus.Status {
	if size < 0 || f.directory {
		return ntstatus.InvalidParameter
	}
	if err := f.changing(); err != nil {
		return statusOf(err)
	}
	return statusOf(retry(func() error { return unix.Ftruncate(f.fd, size) }))
}

// given reports whether a time is to be set.
func given(t int64) bool { return t > 0 }

// SetDelete implements nt.OpenFile.
func (f *file) SetDelete(remove bool) ntstatus.Status {
	if f.linkNow().name == "" {
		// The root of the tree stays. F-117
		return ntstatus.CannotDelete
	}
	f.t.doom(f, remove)
	return ntstatus.Success
}
