// Package store is the file store of an SFTP server with real files, for github.com/pkg/sftp. Each session acts as its
// user. The user's token and the files' descriptors decide; the package has no access rules.
//
//	files := treefs.New(thread, "share") // a thread of kernel.Process.NewThreadAs
//	err := sftp.NewRequestServer(channel, store.Handlers(files)).Serve()
//
// It is a module of its own, because it needs github.com/pkg/sftp, which refmon does not.
package store

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/pkg/sftp"

	"github.com/refmon/refmon/treefs"
)

// Handlers returns the handlers of one session. files acts as the session's user, and must not be nil. The caller
// closes its thread at the end of the session.
func Handlers(files *treefs.FS) sftp.Handlers {
	s := session{files}
	return sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s}
}

// session is the store of one user.
type session struct{ files *treefs.FS }

// known returns an error whose code the client receives: no such file, or permission denied. Package sftp does not
// recognise those of treefs. It returns other errors unchanged.
func known(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sftp.ErrSSHFxNoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return sftp.ErrSSHFxPermissionDenied
	}
	return err
}

// Fileread opens a file for reading. Access is decided once, at the open.
func (s session) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	return s.OpenFile(r)
}

// Filewrite opens a file for writing. It creates or truncates the file only if the client asks for that.
func (s session) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	return s.OpenFile(r)
}

// OpenFile opens a file for reading, writing or both. Opens for appending are sftp.ErrSSHFxOpUnsupported: package sftp
// makes the writes of one file concurrently, so their order would be lost. Clients can write at the end instead.
func (s session) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) {
	p, flag := r.Pflags(), os.O_RDONLY
	if p.Append {
		return nil, sftp.ErrSSHFxOpUnsupported
	}
	for _, f := range []struct {
		asked bool
		flag  int
	}{
		{p.Write && p.Read, os.O_RDWR}, {p.Write && !p.Read, os.O_WRONLY},
		{p.Creat, os.O_CREATE}, {p.Excl, os.O_EXCL}, {p.Trunc, os.O_TRUNC},
	} {
		if f.asked {
			flag |= f.flag
		}
	}
	f, err := s.files.OpenFile(r.Filepath, flag)
	return f, known(err)
}

// Filecmd creates a directory, or removes or renames a file or directory. Other methods, such as those that change
// permissions, are sftp.ErrSSHFxOpUnsupported.
func (s session) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Mkdir":
		return known(s.files.Mkdir(r.Filepath))
	case "Remove", "Rmdir":
		info, err := s.files.Stat(r.Filepath)
		switch {
		case err != nil:
			return known(err)
		case info.IsDir() != (r.Method == "Rmdir"):
			return sftp.ErrSSHFxFailure // one removes files only, the other directories only
		}
		return known(s.files.Remove(r.Filepath))
	case "Rename":
		return known(s.files.Rename(r.Filepath, r.Target, false))
	}
	return sftp.ErrSSHFxOpUnsupported
}

// PosixRename renames a file, and replaces a file that has the new name.
func (s session) PosixRename(r *sftp.Request) error {
	return known(s.files.Rename(r.Filepath, r.Target, true))
}

// Filelist lists a directory, or returns information about one file. Other methods, such as reading a link, are
// sftp.ErrSSHFxOpUnsupported.
func (s session) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	switch r.Method {
	case "List":
		d, err := s.files.OpenFile(r.Filepath, os.O_RDONLY)
		if err != nil {
			return nil, known(err)
		}
		defer func() { _ = d.Close() }() // only read
		entries, err := d.Readdir(-1)
		return list(entries), known(err)
	case "Stat":
		info, err := s.files.Stat(r.Filepath)
		return list{info}, known(err)
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

// list is the response to a listing.
type list []fs.FileInfo

// ListAt copies entries from an offset on. It returns io.EOF with the last ones.
func (l list) ListAt(to []fs.FileInfo, from int64) (n int, err error) {
	if from < int64(len(l)) {
		n = copy(to, l[from:])
	}
	if n < len(to) {
		err = io.EOF
	}
	return n, err
}
