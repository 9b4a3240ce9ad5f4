package beneath

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is a directory below which files can be read, but not outside it, whatever the paths and links. It is immutable.
type Root struct {
	dir     *os.File // closed by Close, or by the collector
	device  uint64
	openat2 bool // the system has it
	xattrat bool // the system has getxattrat
}

// Open opens the directory path as a root. It follows a link, because the caller named the path. The error is an
// [fs.PathError]. The caller closes the root.
func Open(path string) (*Root, error) {
	dir, err := os.OpenFile(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	r := &Root{dir: dir}
	if r.device, err = Device(r.fd(), ""); err != nil {
		return nil, errors.Join(&fs.PathError{Op: "stat", Path: path, Err: err}, dir.Close())
	}
	if fd, err := r.openBeneath(r.fd(), "."); err == nil {
		r.openat2 = true
		_ = unix.Close(fd)
	}
	r.xattrat = hasXattrAt(r.fd())
	return r, nil
}

// Close closes the directory; a second call returns an error. The garbage collector closes a Root that nobody closed.
func (r *Root) Close() error { return r.dir.Close() }

// fd returns the directory's descriptor. It is valid until Close.
func (r *Root) fd() int { return int(r.dir.Fd()) }

// Device returns the device number of the file system of a path below the directory at, or of at itself if path is "".
// It follows links. It sends no request to the server of a FUSE mount, which may be dead or refuse the caller, unless
// the system has no statx.
func Device(at int, path string) (uint64, error) {
	flags := 0
	if path == "" {
		flags = unix.AT_EMPTY_PATH
	}
	var x unix.Statx_t
	if unix.Statx(at, path, flags|unix.AT_STATX_DONT_SYNC, 0, &x) == nil {
		return unix.Mkdev(x.Dev_major, x.Dev_minor), nil
	}
	s, err := statAt(at, path, flags)
	return uint64(s.Dev), err //nolint:unconvert // some machines have a narrower one
}

// openBeneath opens the directory name below the directory at, with openat2. It returns ELOOP for a link and EXDEV for
// a mount on the way. It repeats an interrupted call.
func (*Root) openBeneath(at int, name string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	for {
		// On EAGAIN a concurrent rename kept the kernel from proving that the path stays below the root.
		fd, err := unix.Openat2(at, name, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}

// openStep opens one directory name below the directory at on a kernel without openat2. It returns ELOOP for a link and
// EXDEV for a directory on another device. It repeats an interrupted call. The descriptor is closed after an error.
func (r *Root) openStep(at int, name string) (int, error) {
	fd, err := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		if s, lost := statAt(at, name, unix.AT_SYMLINK_NOFOLLOW); lost == nil && s.Mode&unix.S_IFMT == unix.S_IFLNK {
			err = unix.ELOOP // for a link, an open with O_PATH and O_DIRECTORY fails with ENOTDIR
		}
		return -1, err
	}
	s, err := statAt(fd, "", unix.AT_EMPTY_PATH)
	if err == nil && uint64(s.Dev) != r.device { //nolint:unconvert // some machines have a narrower one
		err = unix.EXDEV
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// step opens a directory one level down, by a single name in the directory at, with openat2 if the system has it.
func (r *Root) step(at int, name string) (int, error) {
	if r.openat2 {
		return r.openBeneath(at, name)
	}
	return r.openStep(at, name)
}

// Dirs keeps open the directories below a root on the way to the last file. It belongs to one goroutine. The zero
// value is not usable; see [Root.Dirs].
type Dirs struct {
	root *Root
	open []dir // each below the one before; never the root
}

// dir is an open directory and its name, a single component.
type dir struct {
	name string
	fd   int
}

// maxOpen limits the open directories. A directory at a deeper level is opened again whenever the directory changes.
const maxOpen = 64

// Dirs returns a cache of open directories below r, empty at first. The caller closes it.
func (r *Root) Dirs() *Dirs { return &Dirs{root: r} }

// Close closes all directories in the cache. Dirs remains usable and opens them again.
func (d *Dirs) Close() {
	for _, o := range d.open {
		_ = unix.Close(o.fd) // an O_PATH descriptor has nothing to flush
	}
	d.open = d.open[:0]
}

var errNotBelow = errors.New("the path does not name what lies below the root")

// at opens the directory that contains the file of a path below the root. base is the last component. An empty path
// is "." in the root. The caller must close fd if own is true; the cache owns fd if own is false. A component ".."
// and an empty component before a slash are errNotBelow. After an error the caller closes nothing.
func (d *Dirs) at(path string) (fd int, base string, own bool, err error) {
	fd, depth := d.root.fd(), 0
	rest := path
	for {
		name, after, more := strings.Cut(rest, "/")
		if name == ".." || name == "" && more {
			if own {
				_ = unix.Close(fd)
			}
			return -1, "", false, errNotBelow
		}
		if !more {
			return fd, cmp.Or(name, "."), own, nil
		}
		rest = after
		if depth < len(d.open) && d.open[depth].name == name {
			fd = d.open[depth].fd
			depth++
			continue
		}
		d.shut(depth)
		next, err := d.root.step(fd, name)
		if own {
			_ = unix.Close(fd)
		}
		if err != nil {
			return -1, "", false, meaning(err)
		}
		if own = depth >= maxOpen; !own {
			d.open = append(d.open, dir{strings.Clone(name), next})
		}
		fd = next
		depth++
	}
}

// shut closes the cached directories from a depth on, because the next path does not lead through them. It does nothing
// if fewer are open.
func (d *Dirs) shut(depth int) {
	if depth >= len(d.open) {
		return
	}
	for _, o := range d.open[depth:] {
		_ = unix.Close(o.fd)
	}
	d.open = d.open[:depth]
}

// Stat returns information about a file below the root, given a path with slashes. It does not follow a link. A failure
// is a *fs.PathError.
func (d *Dirs) Stat(path string) (unix.Stat_t, error) {
	fd, base, own, err := d.at(path)
	if err != nil {
		return unix.Stat_t{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if own {
		defer func() { _ = unix.Close(fd) }()
	}
	s, err := statAt(fd, base, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		err = &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return s, err
}

// OpenPath opens a file below the root with O_PATH, by a path with slashes; "" is the root. It opens a link at the end
// of the path itself, and follows none. The caller closes the descriptor. A file that is itself a mount is
// [ErrMount].
func (d *Dirs) OpenPath(path string) (int, error) {
	at, base, own, err := d.at(path)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if own {
		defer func() { _ = unix.Close(at) }()
	}
	fd, err := d.root.openPath(at, base)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: meaning(err)}
	}
	return fd, nil
}

// openPath opens one component of any type with O_PATH, and a link itself. It returns EXDEV for a mount. The caller
// closes the descriptor. It repeats interrupted calls. Without openat2 it compares the devices.
func (r *Root) openPath(at int, name string) (fd int, err error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV}
	for {
		if r.openat2 {
			fd, err = unix.Openat2(at, name, &how)
		} else {
			fd, err = unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	if err != nil || r.openat2 {
		return fd, err
	}
	s, err := statAt(fd, "", unix.AT_EMPTY_PATH)
	if err == nil && uint64(s.Dev) != r.device { //nolint:unconvert // some machines have a narrower one
		err = unix.EXDEV
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// List returns the children of a directory below the root, sorted by name. "" is the root itself. An error may come
// with the entries read before it. A mount is not entered.
func (d *Dirs) List(path string) ([]fs.DirEntry, error) {
	fd, base, own, err := d.at(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if own {
		defer func() { _ = unix.Close(fd) }()
	}
	place := fd
	if base != "." {
		if place, err = d.root.step(fd, base); err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: meaning(err)}
		}
		defer func() { _ = unix.Close(place) }()
	}
	list, err := readDir(place, path)
	return list, err
}

// readDir returns the entries of an open directory, sorted by name. With an error it also returns those that it could
// read.
func readDir(place int, path string) ([]fs.DirEntry, error) {
	fd, err := unix.Openat(place, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Openat(place, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer func() { _ = f.Close() }() // only read
	list, err := f.ReadDir(-1)
	sortByName(list)
	return list, err
}

// meaning converts an error of the system to this package's: ErrLink for ELOOP and ErrMount for EXDEV. It returns every
// other error, and nil, unchanged.
func meaning(err error) error {
	switch {
	case errors.Is(err, unix.ELOOP):
		return ErrLink
	case errors.Is(err, unix.EXDEV):
		return ErrMount
	}
	return err
}

// statAt returns the status of name in the directory fd, as fstatat does. It repeats an interrupted call.
func statAt(fd int, name string, flags int) (s unix.Stat_t, err error) {
	for {
		if err = unix.Fstatat(fd, name, &s, flags); !errors.Is(err, unix.EINTR) {
			return s, err
		}
	}
}

// procPath returns a path for an entry of an open directory, for calls that accept only paths.
func procPath(fd int, name string) string { return "/proc/self/fd/" + strconv.Itoa(fd) + "/" + name }
