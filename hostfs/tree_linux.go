package hostfs

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
)

// Tree is a directory of the host that is served with NT access decisions. Do not use the zero value: [Open] returns
// a Tree.
type Tree struct {
	cfg       Config            // immutable
	root      int               // immutable until Close; O_PATH
	device    unixDevice        // immutable
	share     *fileaccess.Share // immutable; nil: none
	readOnly  bool              // immutable
	uniform   bool              // immutable; all files of its file system are of one device
	journaled bool              // immutable; a sync of a file makes all earlier changes of names durable too
	settling  time.Duration     // immutable; the age of a file's last change from which on it is known
	rootInode uint64            // immutable
	abandoned time.Duration     // immutable; age at which a private name was left by a crash
	lender    *lender           // immutable; nil: hands nothing out
	noLender  error             // immutable; why it hands nothing out

	// sharesBlocks is immutable: the file system stores equal attributes of several files once.
	sharesBlocks bool

	descriptors *descriptorCache
	held        heldValues
	redo        redoLog

	writing sync.Mutex // held while an attribute is compared and written

	mu sync.Mutex
	// +checklocks:mu
	nodes map[uint64]*node // guarded by mu: the files that are open, by inode
	// +checklocks:mu
	opens int // guarded by mu
	// +checklocks:mu
	dooms int // guarded by mu: names that are to go
}

// unixDevice is a device number of statx.
type unixDevice struct{ major, minor uint32 }

// Defaults of the limits (F-123).
const (
	defaultDescriptors = 16384
	defaultOpens       = 16384
)

// Open opens a directory in order to serve it. Before, it completes the changes that a crash of an earlier server
// interrupted (F-210). It fails if one of them cannot be completed, or if the system cannot restrict a lookup to a
// directory (Linux before 5.6, or openat2 forbidden). If it cannot hand out descriptors as configured, it succeeds
// and [Tree.HandsOut] returns the reason. The caller must close the tree.
func Open(c Config) (*Tree, error) {
	c.Attribute = cmp.Or(c.Attribute, ntacl.Name)
	c.Descriptors, c.Opens = cmp.Or(c.Descriptors, defaultDescriptors), cmp.Or(c.Opens, defaultOpens)
	c.FileMode, c.DirectoryMode = cmp.Or(c.FileMode, 0o600), cmp.Or(c.DirectoryMode, 0o700)
	fd, err := unix.Open(c.Path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hostfs: open the tree %s: %w", c.Path, err)
	}
	_ = ownDescriptors() // open /proc/self/fd now; every open of a file uses it
	t := &Tree{cfg: c, root: fd, abandoned: time.Minute, nodes: map[uint64]*node{},
		descriptors: newDescriptorCache(c.Descriptors)}
	if err := t.examine(); err != nil {
		return nil, errors.Join(fmt.Errorf("hostfs: look at the tree %s: %w", c.Path, err), unix.Close(fd))
	}
	if err := t.redoAll(); err != nil {
		return nil, errors.Join(fmt.Errorf("hostfs: open the tree %s: %w", c.Path, err), unix.Close(fd))
	}
	if c.HandOut != HandOutNothing {
		// Without the right to copy a mount the tree is served, but passes no descriptors (F-151).
		if t.lender, err = newLender(fd, c.HandOut, c.Attribute); err != nil {
			t.noLender = fmt.Errorf("hostfs: %s hands no descriptors out: %w", c.Path, err)
		}
	}
	if c.Share != nil {
		t.share = &fileaccess.Share{Descriptor: c.Share, ABE: c.AccessBased, Path: c.Path}
	}
	return t, nil
}

// examine examines the tree's file system for Open: its device, flags and type, and how it keeps times and names. It
// fails if openat2 cannot be used. After an error some of the fields are set.
func (t *Tree) examine() error {
	s, err := stat(t.root)
	if err != nil {
		return err
	}
	t.device, t.rootInode = deviceOf(&s), s.Ino
	var fs unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(t.root, &fs) }); err != nil {
		return err
	}
	t.readOnly = fs.Flags&unix.ST_RDONLY != 0
	t.settling = settling(t.root, &fs)
	t.journaled = journaled(&s, &fs)
	t.sharesBlocks = fs.Type == unix.EXT4_SUPER_MAGIC
	switch fs.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		// On other file systems a subvolume or a layer can have its own device number without a mount.
		t.uniform = true
	}
	fd, err := below(t.root, ".", unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("openat2: %w", err)
	}
	return unix.Close(fd)
}

// MaxOpens returns the configured limit of files that can be open in the tree at a time.
func (t *Tree) MaxOpens() int { return t.cfg.Opens }

// Close closes the directory. It fails and changes nothing while a file of the tree is open. A second call does
// nothing. After an error of the system the tree counts as closed.
func (t *Tree) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opens != 0 {
		return fmt.Errorf("hostfs: %s: %d files are open: close the system first", t.cfg.Path, t.opens)
	}
	if t.root < 0 || t.descriptors == nil {
		return nil // closed, or the zero Tree
	}
	fd := t.root
	t.root = -1
	t.lender.close()
	t.held.close()
	return unix.Close(fd)
}

// deviceOf returns the number of the device that has the file.
func deviceOf(s *unix.Statx_t) unixDevice { return unixDevice{s.Dev_major, s.Dev_minor} }

// retry calls f until its error is not EINTR, and returns that error.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// shut closes a file descriptor that nothing was written to. It ignores a negative one.
func shut(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

// statuses maps errors of the host's system calls to statuses (F-124).
var statuses = map[unix.Errno]ntstatus.Status{
	unix.ENOENT: ntstatus.ObjectNameNotFound, unix.ESTALE: ntstatus.ObjectNameNotFound,
	unix.ENOTDIR: ntstatus.ObjectPathNotFound,
	unix.EACCES:  ntstatus.AccessDenied, unix.EPERM: ntstatus.AccessDenied, unix.ELOOP: ntstatus.AccessDenied,
	unix.EXDEV: ntstatus.AccessDenied, unix.EBADF: ntstatus.AccessDenied, unix.EROFS: ntstatus.MediaWriteProtected,
	unix.ENOSPC: ntstatus.DiskFull, unix.EDQUOT: ntstatus.DiskFull, unix.EFBIG: ntstatus.FileTooLarge,
	unix.E2BIG:  ntstatus.DiskFull,
	unix.EMFILE: ntstatus.TooManyOpenedFiles, unix.ENFILE: ntstatus.TooManyOpenedFiles,
	unix.ENOMEM: ntstatus.InsufficientResources, unix.ENAMETOOLONG: ntstatus.ObjectNameInvalid,
	unix.EILSEQ: ntstatus.ObjectNameInvalid, unix.EINVAL: ntstatus.InvalidParameter,
	unix.ETXTBSY: ntstatus.SharingViolation, unix.EBUSY: ntstatus.SharingViolation,
	unix.EAGAIN: ntstatus.SharingViolation, // a lease that another program has
	unix.EEXIST: ntstatus.ObjectNameCollision, unix.ENOTEMPTY: ntstatus.DirectoryNotEmpty,
	unix.EMLINK: ntstatus.TooManyLinks, unix.EIO: ntstatus.IODeviceError, unix.EISDIR: ntstatus.FileIsADirectory,
	unix.ENOTSUP: ntstatus.NotSupported, unix.ENOSYS: ntstatus.NotSupported,
}

// statusOf converts an error of a system call to a status. It returns success for nil, the status in an error that
// has one, and STATUS_UNSUCCESSFUL for unknown errors.
func statusOf(err error) ntstatus.Status {
	var errno unix.Errno
	if errors.As(err, &errno) {
		if st, ok := statuses[errno]; ok {
			return st
		}
	}
	return ntstatus.Of(err, ntstatus.Unsuccessful)
}
