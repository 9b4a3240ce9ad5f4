//go:build !linux

package objects

import (
	"errors"
	"os"

	"github.com/refmon/refmon/ntacl"
)

// below is a root whose files are read below it. This system has no such thing.
type below struct{}

// staysBelow says that a walk goes by paths here: a link that takes a directory's
// place under it is followed. No attribute can be read here either.
const staysBelow = false

func openBelow(string) (*below, error) { return nil, nil }

func (*below) tree() (t ntacl.Tree, done func()) { return osTree{}, func() {} }

// attribute fails: reading extended attributes is built for Linux only.
func attribute(_ []byte, path, name string, _ bool) ([]byte, error) {
	return nil, &os.PathError{Op: "attribute " + name, Path: path, Err: errors.ErrUnsupported}
}

func lstat(path string) (ntacl.Info, error) {
	i, err := os.Lstat(path)
	return infoOf(i, err)
}
