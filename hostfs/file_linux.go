package hostfs

import (
	"cmp"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// file is one open of a file or directory, as a handle refers to it. It implements [nt.OpenFile].
type file struct {
	t         *Tree
	fd        int                    // immutable; holds the inode, opened for the granted access
	directory bool                   // immutable
	symlink   bool                   // immutable
	links     bool                   // immutable; listings include links
	nameless  bool                   // immutable; it was made without a name
	user      sid.SID                // immutable; the user that the open was checked for
	granted   winnt.AccessMask       // immutable
	share     fileaccess.ShareAccess // immutable
	node      *node                  // immutable once entered
	decided   *known                 // immutable; what the open was decided by, or gave a new file; nil: neither is known
	found     nt.FileFacts           // immutable; facts from the lookup or of a new file; zero: the open changed the file
	born      unix.StatxTimestamp    // immutable once entered
	bornMask  uint32                 // immutable once entered; STATX_BTIME if born is known
	marked    bool                   // immutable once entered; the host lets nobody remove it (chattr +i or +a)
	link      *link                  // guarded by Tree.mu
	// deleteOnClose is guarded by Tree.mu once entered.
	deleteOnClose bool
	keeping       sync.Mutex
	// +checklocks:keeping
	kept dos // guarded by keeping
	// +checklocks:keeping
	keptOf identity // guarded by keeping; zero: kept counts no further
	// changed is true after a change by this open: Close sets the archive attribute again.
	changed atomic.Bool // atomic
	// archived is true if the open created the file with the archive attribute and did not change its attributes since.
	archived atomic.Bool // atomic
	// staged has the writes that Stage collects; nil: writes go to the file. It is set once.
	staged atomic.Pointer[file] // atomic
	// offset serializes the system calls that use the file descriptor's own offset.
	offset sync.Mutex
	// ownLink and ownNode are the targets of link and node for the first open of a file, so that an open takes one
	// allocation.
	ownLink link
	ownNode node

	listing sync.Mutex
	// +checklocks:listing
	scan *os.File // guarded by listing; nil until the directory is listed
	// +checklocks:listing
	pattern string // guarded by listing
	// +checklocks:listing
	matched bool // guarded by listing; some name fitted the pattern
	// +checklocks:listing
	read []string // guarded by listing: names that were read and not returned yet
	// +checklocks:listing
	names *nameScan // guarded by listing; nil until names are listed
}

// linkNow returns a copy of the name by which the file was opened, in its present form: a rename changes it.
func (f *file) linkNow() link {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	return *f.link
}

// Close ends the open and closes its descriptor. If the open changed the file, it first sets the archive attribute
// once more. If this is the last open by a name marked for deletion, it removes the name. Errors are lost. Collected
// writes of Stage that were not used are discarded.
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
	f.names.close()
	f.names = nil
	f.unstage()
	shut(f.fd)
}

// Facts returns size, times, attributes and identity of the open file. It reads them from the host at each call. A
// directory has size 0 and one link, and NotEmpty is set if it has entries.
func (f *file) Facts() (out nt.FileFacts, st ntstatus.Status) {
	s, err := f.stat()
	if err != nil {
		return out, statusOf(err)
	}
	kept, err := f.dosNow(&s)
	if err != nil {
		return out, statusOf(err)
	}
	out = factsOf(&s)
	out.FileBasic, out.DeletePending = kept.basicOf(&s), f.goes()
	if f.directory {
		if out.NotEmpty, err = notEmpty(f.fd); err != nil {
			return out, statusOf(err)
		}
	}
	return out, ntstatus.Success
}

// sector is the unit of Windows volume sizes, in bytes.
const sector = 512

// Volume returns the free and total space of the host's file system. An allocation unit is one of its blocks, and a
// sector has 512 bytes (F-128).
func (f *file) Volume() (v nt.FsFullSizeInformation, st ntstatus.Status) {
	var s unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(f.fd, &s) }); err != nil {
		return v, statusOf(err)
	}
	return volumeOf(&s), ntstatus.Success
}

// volumeOf converts the sizes of a file system. Allocation units are the host's fragments, of at least one
// sector.
func volumeOf(s *unix.Statfs_t) nt.FsFullSizeInformation {
	return nt.FsFullSizeInformation{TotalAllocationUnits: int64(s.Blocks),
		CallerAvailableAllocationUnits: int64(s.Bavail), ActualAvailableAllocationUnits: int64(s.Bfree),
		SectorsPerAllocationUnit: max(uint32(cmp.Or(s.Frsize, s.Bsize)/sector), 1), BytesPerSector: sector}
}

// fileTime returns a time of statx as a FILETIME.
func fileTime(t unix.StatxTimestamp) int64 { return filetime.Of(time.Unix(t.Sec, int64(t.Nsec))) }

// unixTime converts a Windows time. The host's file system replaces a time that it cannot store by the nearest one.
func unixTime(t int64) unix.Timespec {
	at := filetime.Time(t)
	return unix.Timespec{Sec: at.Unix(), Nsec: int64(at.Nanosecond())}
}

// notEmpty reports whether the directory that fd holds has entries. It returns false for a directory that was removed.
// Any other error is returned.
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

// openDirectory opens the directory that fd holds once more, in order to list it from the start. The caller closes
// the result.
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

// ReadAt reads from the offset until b is full or the file ends. At or after the end it returns 0 and success. After
// an error n has the number of bytes read before it. It does not see the writes that Stage collects.
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

// WriteAt writes all of b at an offset, or at the end of the file for a negative one. After [file.Stage] the bytes go
// to the temporary file instead. The first write sets the archive attribute, and each one clears set-uid and set-gid
// bits. n is the number of bytes written, also after an error. end is the offset behind them, and 0 after an error.
func (f *file) WriteAt(b []byte, at int64) (n int, end int64, st ntstatus.Status) {
	if s := f.staged.Load(); s != nil {
		return s.write(b, at)
	}
	if err := f.changing(); err != nil {
		return 0, 0, statusOf(err)
	}
	return f.write(b, at)
}

// write writes all of b at an offset, or at the end for a negative one. n is the number of bytes written, also after
// an error, and end the offset behind them. It returns STATUS_IO_DEVICE_ERROR if the host writes nothing without an
// error.
func (f *file) write(b []byte, at int64) (n int, end int64, st ntstatus.Status) {
	if at < 0 {
		f.offset.Lock()
		defer f.offset.Unlock()
	}
	for n < len(b) {
		to := at
		if at >= 0 {
			to += int64(n)
		}
		m, err := f.pwrite(b[n:], to)
		n += m
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return n, 0, statusOf(err)
		case m == 0: // the host stores nothing and reports no error
			return n, 0, ntstatus.IODeviceError
		}
	}
	if at >= 0 {
		return n, at + int64(n), ntstatus.Success
	}
	// Other handles append too, so only the host knows where the bytes went (F-119).
	whence := unix.SEEK_CUR
	if n == 0 {
		whence = unix.SEEK_END
	}
	end, err := unix.Seek(f.fd, 0, whence)
	return n, end, statusOf(err)
}

// changing prepares a change of a file's contents: it clears the set-uid and set-gid bits and sets the archive
// attribute (F-125, F-173).
func (f *file) changing() error {
	if err := f.clearSpecial(); err != nil {
		return err
	}
	f.archive()
	return nil
}

// clearSpecial clears the set-uid and set-gid bits of a file before its contents change. The kernel does so for
// ordinary users, but not for a server with CAP_FSETID. It does nothing for a directory (F-125).
func (f *file) clearSpecial() error {
	s, err := f.stat()
	if err != nil {
		return err
	}
	if f.directory || s.Mode&(unix.S_ISUID|unix.S_ISGID) == 0 {
		return nil
	}
	return f.t.chmod(f.fd, "", uint32(s.Mode)&0o1777)
}

// empty truncates a file to 0 bytes. If another program has a lease on the file, it fails at once, while truncate(2)
// waits (F-124). It first clears set-user-id bits.
func (f *file) empty() error {
	if err := f.clearSpecial(); err != nil {
		return err
	}
	fd, err := openAgain(f.fd, unix.O_WRONLY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer shut(fd)
	return f.truncate(fd, 0)
}

// Flush blocks until the contents and attributes of the file are on disk. For a directory it does nothing and
// succeeds.
func (f *file) Flush() ntstatus.Status {
	if f.directory {
		return ntstatus.Success
	}
	return statusOf(f.flush())
}

// flush makes the contents and attributes of the file durable. It repeats interrupted calls.
func (f *file) flush() error {
	if err := f.fault("sync"); err != nil {
		return err
	}
	return retry(func() error { return unix.Fsync(f.fd) })
}

// flushData makes the contents of the file durable. It is faster than flush if the size has not changed.
func (f *file) flushData() error {
	if err := f.fault("sync"); err != nil {
		return err
	}
	return retry(func() error { return unix.Fdatasync(f.fd) })
}

// SetSize sets the size of the file in bytes. A longer file ends with zeros. A negative size, or a directory, gives
// STATUS_INVALID_PARAMETER. It does not affect the writes that Stage collects.
func (f *file) SetSize(size int64) ntstatus.Status {
	if size < 0 || f.directory {
		return ntstatus.InvalidParameter
	}
	if err := f.changing(); err != nil {
		return statusOf(err)
	}
	return statusOf(f.truncate(f.fd, size))
}

// given reports whether SetBasic sets a time. Zero and negative times stay.
func given(t int64) bool { return t > 0 }

// SetDelete marks the name by which f was opened for deletion, or removes the mark if remove is false. The name is
// deleted when the last open by that name is closed. SetDelete returns STATUS_CANNOT_DELETE for the root of the tree,
// and for a file without a name. If the host lets nobody remove the name now, such as on a read-only file system,
// SetDelete does not mark it and returns the host's error as a status.
func (f *file) SetDelete(remove bool) ntstatus.Status {
	if f.linkNow().name == "" {
		// The root of the tree stays (F-117).
		return ntstatus.CannotDelete
	}
	if remove {
		// The removal follows the last close, which reports no error (F-117).
		if err := f.removable(); err != nil {
			return statusOf(err)
		}
	}
	f.t.doom(f, remove)
	return ntstatus.Success
}

// removable returns the error with which the host would refuse to remove the name of the open: its file system is
// read-only, this process may not write to the directory, or one of both is marked as not to be changed (chattr +i or
// +a).
func (f *file) removable() error {
	if f.marked {
		return unix.EPERM
	}
	f.node.moving.Lock() // a rename closes the directory it was in
	defer f.node.moving.Unlock()
	return f.canWrite(f.linkNow().dir)
}
