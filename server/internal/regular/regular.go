//go:build unix

// Package regular reads regular files of bounded size, such as the files that a configuration names. A named pipe, a
// device or a huge file in their place is an error, because a read of it could block a reload for ever.
//
//	pem, err := regular.Read("/etc/refmon/ca.pem", regular.MaxCertificates)
//
// The functions may be used by several goroutines.
package regular

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// MaxCertificates is the size limit of a file of CA certificates, in bytes.
const MaxCertificates = 16 << 20

// Read returns the contents of a regular file of at most most bytes, and follows symbolic links. Another kind of file
// and a larger file are errors. The checks get the open file's information before the first byte is read, and their
// errors are returned as they are.
func Read(name string, most int64, checks ...func(fs.FileInfo) error) ([]byte, error) {
	// Without O_NONBLOCK the open of a named pipe would wait for a writer.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	for _, check := range checks {
		if err := check(info); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if info.Size() <= most {
		b.Grow(int(info.Size()) + bytes.MinRead) // no copies while the buffer grows
		_, err = b.ReadFrom(io.LimitReader(f, most+1))
	}
	if err == nil && max(info.Size(), int64(b.Len())) > most {
		err = fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
