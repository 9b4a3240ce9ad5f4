// Package sftp answers what an SFTP server asks of its store, with real files: each
// session acts as its user, whose token and the files' own descriptors decide. There is
// no access rule of its own here. The methods have the shape of the handlers of
// github.com/pkg/sftp: Fileread, Filewrite, Filecmd and Filelist.
package sftp

import (
	"io"
	"io/fs"
	"os"

	"github.com/refmon/refmon/treefs"
)

// Session is the store of one user: its files are those of treefs.New, on a thread of
// [kernel.Process.NewThreadAs] that is closed with the session.
type Session struct{ Files *treefs.FS }

// Fileread opens a file to read it. The open is the decision for all that follows.
func (s Session) Fileread(path string) (io.ReaderAt, error) {
	return s.Files.OpenFile(path, os.O_RDONLY)
}

// Filewrite empties or makes a file.
func (s Session) Filewrite(path string) (io.WriterAt, error) {
	return s.Files.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
}

// Filecmd makes a directory, removes what a path names, or renames it. Permissions have no
// meaning here: changing them is refused.
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
