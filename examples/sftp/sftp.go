// Package sftp answers what an SFTP server asks of its store, with real files: each
// session acts as its user, whose token and the files' own descriptors decide. There is
// no access rule of its own here. The methods have the shape of the handlers of
// github.com/pkg/sftp: Fileread, Filewrite, Filecmd and Filelist.
package sftp

import (
	"io"
	"io/fs"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Session is the store of one user, who logged on as Client. Thread is its own.
type Session struct {
	System *kernel.System
	Thread *nt.Thread
	Tree   string
	Client *token.Token
}

const sharing = fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete

func backslashed(path string) string { return strings.ReplaceAll(strings.Trim(path, "/"), "/", `\`) }

// open opens a path as the user. The handle is the decision for all that follows.
func (s *Session) open(path string, desired winnt.AccessMask, how fileaccess.Disposition,
	options fileaccess.CreateOptions) (f *File, err error) {
	return f, s.System.As(s.Thread, s.Client, func() error {
		h, _, st := s.Thread.NtCreateFile(nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: uint32(how),
			CreateOptions: uint32(options), ShareAccess: uint32(sharing), ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
				ObjectName: `\??\` + s.Tree + `\` + backslashed(path)})})
		f = &File{s.Thread, h}
		return st.Err()
	})
}

// Fileread opens a file to read it; Filewrite empties or makes one.
func (s *Session) Fileread(path string) (*File, error) {
	return s.open(path, winnt.FILE_READ_DATA, fileaccess.FileOpen, fileaccess.NonDirectoryFile)
}

// Filewrite opens a file to write it from its beginning.
func (s *Session) Filewrite(path string) (*File, error) {
	return s.open(path, winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA, fileaccess.FileOverwriteIf,
		fileaccess.NonDirectoryFile)
}

// Filecmd makes a directory, removes what a path names, or renames it.
func (s *Session) Filecmd(method, path, target string) error {
	desired, how, options := winnt.DELETE, fileaccess.FileOpen, fileaccess.CreateOptions(0)
	switch method {
	case "Mkdir":
		desired, how, options = winnt.FILE_READ_ATTRIBUTES, fileaccess.FileCreate, fileaccess.DirectoryFile
	case "Remove", "Rmdir", "Rename":
	default:
		return fs.ErrInvalid
	}
	f, err := s.open(path, desired, how, options)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	class, info := nt.FileDispositionInformation, any(nt.FileDisposition{DeleteFile: true})
	if method == "Mkdir" {
		return nil
	} else if method == "Rename" {
		class, info = nt.FileRenameInformation, nt.FileRename{FileName: `\??\` + s.Tree + `\` + backslashed(target)}
	}
	return s.System.As(s.Thread, s.Client, func() error { return s.Thread.NtSetInformationFile(f.h, class, info).Err() })
}

// Filelist lists a directory.
func (s *Session) Filelist(path string) (list []nt.FileEntry, err error) {
	f, err := s.open(path, winnt.FILE_LIST_DIRECTORY, fileaccess.FileOpen, fileaccess.DirectoryFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for {
		more, st := s.Thread.NtQueryDirectoryFile(f.h, "", false)
		if list = append(list, more...); st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			return list, nil
		} else if st != ntstatus.Success {
			return nil, st.Err()
		}
	}
}

// File is an open file.
type File struct {
	th *nt.Thread
	h  winnt.Handle
}

// ReadAt implements io.ReaderAt for packets of SFTP, of a MiB at most.
func (f *File) ReadAt(b []byte, at int64) (int, error) {
	data, st := f.th.NtReadFileAt(f.h, uint32(len(b)), at)
	if st == ntstatus.EndOfFile || st == ntstatus.Success && len(data) < len(b) {
		return copy(b, data), io.EOF
	}
	return copy(b, data), st.Err()
}

// WriteAt implements io.WriterAt.
func (f *File) WriteAt(b []byte, at int64) (int, error) {
	n, st := f.th.NtWriteFileAt(f.h, b, at)
	return n, st.Err()
}

// Close implements io.Closer.
func (f *File) Close() error { return f.th.NtClose(f.h).Err() }
