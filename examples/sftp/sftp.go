// Package sftp implements the file store of an SFTP server with real files. Each session acts as its user. The user's
// token and the files' descriptors decide; the package has no access rules. Its methods match the handlers of
// github.com/pkg/sftp: Fileread, Filewrite, Filecmd and Filelist.
package sftp

import (
	"io"
	"io/fs"
	"os"

	"github.com/refmon/refmon/treefs"
)

// Session is the store of one user. Files comes from treefs.New with a thread of [kernel.Process.NewThreadAs], which
// the caller closes at the end of the session.
type Session struct{ Files *treefs.FS }

// Fileread opens a file for reading. Access is decided once, at the open.
func (s Session) Fileread(path string) (io.ReaderAt, error) {
	return s.Files.OpenFile(path, os.O_RDONLY)
}

// Filewrite opens a file for writing. It truncates an existing file and creates a missing one.
func (s Session) Filewrite(path string) (io.WriterAt, error) {
	return s.Files.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
}

// Filecmd creates a directory, or removes or renames a file or directory. Any other method, such as one that changes
// permissions, is fs.ErrInvalid.
func (s Session) Filecmd(method, path, target string) error {
	switch method {
	case "Mkdir":
		return s.Files.Mkdir(path)
	case "Remove", "Rmdir":
		return s.Files.Remove(path)
	case "Rename", "PosixRename":
		return s.Files.Rename(path, target, method == "PosixRename")
	}
	return fs.ErrInvalid
}

// Filelist lists a directory, or returns information about one file.
func (s Session) Filelist(method, path string) ([]fs.FileInfo, error) {
	if method != "List" {
		info, err := s.Files.Stat(path)
		return []fs.FileInfo{info}, err
	}
	d, err := s.Files.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }() // only read
	return d.Readdir(-1)
}
