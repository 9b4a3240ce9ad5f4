package hostfs

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/cache"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
)

// Tree is a directory that is served. The zero value is not usable: [Open] makes one.
type Tree struct {
	cfg       Config            // immutable
	root      int               // immutable until Close; O_PATH
	device    unixDevice        // immutable
	share     *fileaccess.Share // immutable; nil: none
	readOnly  bool              // immutable
	rootInode uint64            // immutable
	abandoned time.Duration     // immutable; age at which a private name was left by a crash
	lender    *lender           // immutable; nil: hands nothing out
	noLender  error             // immutable; why it hands nothing out

	descriptors *cache.Cache[identity, *known]

	writing sync.Mutex // held while an attribute is compared and written

	mu sync.Mutex
	// +checklocks:mu
	nodes map[uint64]*node // guarded by mu: the files that are open, by inode
	// +checklocks:mu
	opens int // guarded by mu
	// +checklocks:mu
	dooms int // guarded by mu: names that are to go
}

// unixDevice is a device as statx tells it.
type unixDevice struct{ major, minor uint32 }

// Defaults of the limits (F-123).
const (
	defaultDescriptors = 4096
	defaultOpens       = 16384
)

// Open holds a directory to serve it. It fails where the system cannot keep a look-up
// below a directory (Linux before 5.6, or openat2 forbidden).
func Open(c Config) (*Tree, error) {
	c.Attribute = cmp.Or(c.Attribute, ntacl.Name)
	c.Descriptors, c.Opens = cmp.Or(c.Descriptors, defaultDescriptors), cmp.Or(c.Opens, defaultOpens)
	c.FileMode, c.DirectoryMode = cmp.Or(c.FileMode, 0o600), cmp.Or(c.DirectoryMode, 0o700)
	fd, err := unix.Open(c.Path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hostfs: open the tree %s: %w", c.Path, err)
	}
	_ = ownDescriptors() // each open of a file uses it
	t := &Tree{cfg: c, root: fd, abandoned: time.Minute, nodes: map[uint64]*node{},
		descriptors: cache.New[identity, *known](c.Descriptors)}
	if err := t.look(); err != nil {
		return nil, errors.Join(fmt.Errorf("hostfs: look at the tree %s: %w", c.Path, err), unix.Close(fd))
	}
	if c.HandOut != HandOutNothing {
		// Without the right to copy a mount the tree is served, and hands nothing out. F-151
		if t.lender, err = newLender(fd, c.HandOut); err != nil {
			t.noLender = fmt.Errorf("hostfs: %s hands no descriptors out: %w", c.Path, err)
		}
	}
	if c.Share != nil {
		t.share = &fileaccess.Share{Descriptor: c.Share, ABE: c.AccessBased, Path: c.Path}
	}
	return t, nil
}

// look learns what the tree is on, and tries what each look-up does.
func (t *Tree) look() error {
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
	fd, err := below(t.root, ".", unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("openat2: %w", err)
	}
	return unix.Close(fd)
}

// Close gives the directory up. No file of the tree may be open any more.
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
	return unix.Close(fd)
}

func deviceOf(s *unix.Statx_t) unixDevice { return unixDevice{s.Dev_major, s.Dev_minor} }

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// shut closes a descriptor that nothing was written to.
func shut(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

// statuses say what refusals of the system under the tree mean. F-124
var statuses = map[unix.Errno]ntstatus.Status{
	unix.ENOENT: ntstatus.ObjectNameNotFound, unix.ESTALE: ntstatus.ObjectNameNotFound,
	unix.ENOTDIR: ntstatus.ObjectPathNotFound,
	unix.EACCES:  ntstatus.AccessDenied, unix.EPERM: ntstatus.AccessDenied, unix.ELOOP: ntstatus.AccessDenied,
	unix.EXDEV: ntstatus.AccessDenied, unix.EBADF: ntstatus.AccessDenied, unix.EROFS: ntstatus.MediaWriteProtected,
	unix.ENOSPC: ntstatus.DiskFull, unix.EDQUOT: ntstatus.DiskFull, unix.EFBIG: ntstatus.DiskFull,
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

// statusOf returns what an error of the system means; success for nil.
func statusOf(err error) ntstatus.Status {
	if err == nil {
		return ntstatus.Success
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		if st, ok := statuses[errno]; ok {
			return st
		}
	}
	return ntstatus.Unsuccessful
}
