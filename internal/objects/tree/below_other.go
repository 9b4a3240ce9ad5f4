//go:build !linux

package tree

import (
	"errors"
	"os"

	"github.com/refmon/refmon/ntacl"
)

// below is unused: this system cannot keep a walk below its root.
type below struct{}

// staysBelow is false: a walk uses paths, so it follows a link that replaces one of its directories. Attributes
// cannot be read either.
const staysBelow = false

// openBelow returns nil: a walk on this system uses paths.
func openBelow(string) (*below, error) { return nil, nil }

// hold does nothing.
func (*below) hold() {}

// release does nothing.
func (*below) release() {}

// tree returns the file system by paths. No caller exists on this system.
func (*below) tree() (t ntacl.Tree, done func()) { return osTree{}, func() {} }

// attribute fails: reading extended attributes is built for Linux only.
func attribute(_ []byte, path, name string, _ bool) ([]byte, error) {
	return nil, &os.PathError{Op: "attribute " + name, Path: path, Err: errors.ErrUnsupported}
}

// stat returns the kind and mode of a file. For a link these are its own, or with follow those of its target. The owner
// is uid 0 and gid 0.
func stat(path string, follow bool) (ntacl.Info, error) {
	get := os.Lstat
	if follow {
		get = os.Stat
	}
	i, err := get(path)
	return infoOf(i, err)
}

// infoOf converts the result of os.Stat. It returns err unchanged. The owner is not set. Links, devices and the like
// are Other.
func infoOf(i os.FileInfo, err error) (ntacl.Info, error) {
	if err != nil {
		return ntacl.Info{}, err
	}
	out := ntacl.Info{Directory: i.IsDir(), Mode: uint32(i.Mode().Perm())}
	for bit, mode := range map[os.FileMode]uint32{os.ModeSetuid: 0o4000, os.ModeSetgid: 0o2000, os.ModeSticky: 0o1000} {
		if i.Mode()&bit != 0 {
			out.Mode |= mode
		}
	}
	out.Other = !i.IsDir() && !i.Mode().IsRegular()
	return out, nil
}

// inodeOf returns 0: inode numbers are not used on this system.
func inodeOf(ntacl.Tree, string) uint64 { return 0 }
