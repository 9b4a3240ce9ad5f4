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

// lstat returns the kind and mode of a file or link. Its owner is uid 0 and gid 0.
func lstat(path string) (ntacl.Info, error) {
	i, err := os.Lstat(path)
	return infoOf(i, err)
}

// inodeOf returns 0: inode numbers are not used on this system.
func inodeOf(ntacl.Tree, string) uint64 { return 0 }
