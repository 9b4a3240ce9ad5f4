//go:build !linux

package bulk

import (
	"errors"
	"fmt"
	"os"
)

// attribute fails: reading extended attributes is built for Linux only.
func attribute(path, name string) ([]byte, error) {
	return nil, fmt.Errorf("%s: attribute %s: %w", path, name, errors.ErrUnsupported)
}

func owners(os.FileInfo) (uid, gid uint32) { return 0, 0 }
