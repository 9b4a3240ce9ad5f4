package restore

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
)

// maxAttribute is the largest attribute of Linux, in bytes.
const maxAttribute = 1 << 16

var errNoMount = errors.New("it is not on a mount of refmond: mount its tree with refmond mount, or read and write " +
	"the attribute itself with --offline")

// IsMounted reports whether a directory is on a mount of refmond that serves whole descriptors. If the attribute cannot
// be read on a FUSE mount, it returns true unless the error says that the attribute does not exist.
func IsMounted(path string) bool {
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil || s.Type != unix.FUSE_SUPER_MAGIC {
		return false
	}
	_, err := unix.Getxattr(path, ntacl.WholeName, nil)
	return !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS)
}

// Mounted opens the files below a directory on a mount of refmond. The mount decides each change with the rights of the
// caller. The caller closes the Files. Mounted fails if [IsMounted] is false for path.
func Mounted(path string) (Files, error) {
	if !IsMounted(path) {
		return nil, fmt.Errorf("%s: %w", path, errNoMount)
	}
	root, err := beneath.Open(path)
	if err != nil {
		return nil, err
	}
	return &mounted{root, root.Dirs()}, nil
}

// mounted is the files below a directory of a mount.
type mounted struct {
	root *beneath.Root
	dirs *beneath.Dirs
}

// Open opens a file or directory of the mount. Another kind of file is an error. The caller closes it. A path with a
// link is an error. A missing file is an error.
func (m *mounted) Open(path string) (File, error) {
	fd, err := m.dirs.OpenPath(path)
	if err != nil {
		return nil, plainError(err)
	}
	f := &mountedFile{fd: fd}
	if err := unix.Fstatat(fd, "", &f.status, unix.AT_EMPTY_PATH); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if kind := f.status.Mode & unix.S_IFMT; kind != unix.S_IFDIR && kind != unix.S_IFREG {
		return nil, errors.Join(errKind, f.Close())
	}
	return f, nil
}

var errKind = errors.New("it is neither a file nor a directory")

// Close closes the directory.
func (m *mounted) Close() error {
	m.dirs.Close()
	return m.root.Close()
}

// mountedFile is an open file of a mount.
type mountedFile struct {
	fd     int
	status unix.Stat_t
}

// place returns a path in /proc for system calls that take only paths. It stays valid until Close.
func (f *mountedFile) place() string { return "/proc/self/fd/" + strconv.Itoa(f.fd) }

// Directory reports whether the file was a directory when it was opened.
func (f *mountedFile) Directory() bool { return f.status.Mode&unix.S_IFMT == unix.S_IFDIR }

// Descriptor reads the whole descriptor from the mount. It never returns nil without an error.
func (f *mountedFile) Descriptor() (*sd.Descriptor, error) {
	value := make([]byte, maxAttribute)
	n, err := unix.Getxattr(f.place(), ntacl.WholeName, value)
	if err != nil {
		return nil, fmt.Errorf("read the descriptor: %w", err)
	}
	return sd.Decode(value[:n])
}

// Write sends the whole descriptor to the mount.
func (f *mountedFile) Write(d *sd.Descriptor) error {
	if err := unix.Setxattr(f.place(), ntacl.WholeName, d.Append(nil), 0); err != nil {
		return fmt.Errorf("write the descriptor: %w", err)
	}
	return nil
}

// Close closes the open file.
func (f *mountedFile) Close() error { return unix.Close(f.fd) }

// Offline opens the files below a directory of the host. It reads and writes the extended attribute with that name
// directly, without a server and its access checks. The caller closes the Files.
func Offline(path, attribute string) (Files, error) {
	root, err := beneath.Open(path)
	if err != nil {
		return nil, err
	}
	return &offline{mounted{root, root.Dirs()}, attribute}, nil
}

// offline is the files below a directory of the host.
type offline struct {
	mounted
	attribute string
}

// Open opens a file of the host and reads its attribute. The caller closes it. Errors do not have the path.
func (o *offline) Open(path string) (File, error) {
	f := &offlineFile{files: o, path: path}
	var err error
	f.Offline, err = hostfs.OpenOfflineBelow(o.dirs, path, hostfs.Config{Attribute: o.attribute})
	if err != nil {
		return nil, plainError(err)
	}
	return f, nil
}

// offlineFile is an open file of the host.
type offlineFile struct {
	*hostfs.Offline
	files   *offline
	path    string
	written bool
}

// Descriptor returns the descriptor that was read when the file was opened. After a Write it opens the file again and
// reads the attribute.
func (f *offlineFile) Descriptor() (*sd.Descriptor, error) {
	if f.written {
		again, err := f.files.Open(f.path)
		if err != nil {
			return nil, err
		}
		d, err := again.Descriptor()
		return d, errors.Join(err, again.Close())
	}
	return f.Offline.Descriptor(), nil
}

// Write writes the attribute of the file. The error does not contain the path.
func (f *offlineFile) Write(d *sd.Descriptor) error {
	f.written = true
	return plainError(f.Offline.Write(d))
}

// Close closes the file. It always returns nil.
func (f *offlineFile) Close() error {
	f.Offline.Close()
	return nil
}

// plainError returns the cause of an error without the path, which the caller reports. It returns nil for nil. An error
// without a cause is returned unchanged. ErrLink and ErrMount stay, and a number of the host comes before a wrapped
// cause.
func plainError(err error) error {
	for _, cause := range []error{beneath.ErrLink, beneath.ErrMount} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
