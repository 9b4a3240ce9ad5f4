//go:build !linux

package objects

import (
	"errors"
	"os"

	"github.com/refmon/refmon/ntacl"
)

// attribute fails: reading extended attributes is built for Linux only.
func attribute(_ []byte, path, name string, _ bool) ([]byte, error) {
	return nil, &os.PathError{Op: "attribute " + name, Path: path, Err: errors.ErrUnsupported}
}

func lstat(path string) (ntacl.Info, error) {
	i, err := os.Lstat(path)
	return infoOf(i, err)
}

func owners(os.FileInfo) (uid, gid uint32) { return 0, 0 }
