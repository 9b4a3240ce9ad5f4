package objects

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
)

// attribute appends an extended attribute of a file, not of what a link points
// to unless follow is true; nil if there is none, also where the file system has
// no attributes.
func attribute(dst []byte, path, name string, follow bool) ([]byte, error) {
	get := unix.Lgetxattr
	if follow {
		get = unix.Getxattr
	}
	if cap(dst)-len(dst) < 1024 {
		dst = append(make([]byte, 0, len(dst)+4096), dst...)
	}
	for {
		n, err := get(path, name, dst[len(dst):cap(dst)])
		switch {
		case err == nil:
			return dst[:len(dst)+n], nil
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && cap(dst) < ntacl.MaxSize:
			dst = append(make([]byte, 0, 8*cap(dst)), dst...)
		case errors.Is(err, unix.EINTR):
		default:
			return nil, &os.PathError{Op: "attribute " + name, Path: path, Err: err}
		}
	}
}

// lstat tells about a file with as little as needed.
func lstat(path string) (ntacl.Info, error) {
	var s unix.Stat_t
	err := unix.Lstat(path, &s)
	for errors.Is(err, unix.EINTR) {
		err = unix.Lstat(path, &s)
	}
	if err != nil {
		return ntacl.Info{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	kind := s.Mode & unix.S_IFMT
	return ntacl.Info{Directory: kind == unix.S_IFDIR, Other: kind != unix.S_IFDIR && kind != unix.S_IFREG,
		Mode: s.Mode & 0o7777, UID: s.Uid, GID: s.Gid}, nil
}

func owners(i os.FileInfo) (uid, gid uint32) {
	if s, ok := i.Sys().(*syscall.Stat_t); ok {
		return s.Uid, s.Gid
	}
	return 0, 0
}
