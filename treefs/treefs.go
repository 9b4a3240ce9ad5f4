package treefs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// FS is a tree with the rights of one thread's client. It implements [fs.FS], [fs.StatFS] and
// [fs.ReadDirFS]. Any goroutine may use it. Do not use the zero value: [New] returns an FS.
//
// Errors are *[fs.PathError] that wrap an [ntstatus.Error]. errors.Is matches them with
// [fs.ErrPermission], [fs.ErrNotExist] and [fs.ErrExist]. A name that no file can have is [fs.ErrNotExist], or
// [fs.ErrInvalid] for a call that would create the file.
type FS struct {
	prefix string  // immutable; path before each name
	dir    *File   // immutable; the directory that names are relative to; nil: they are names in the system
	calls  *caller // immutable; shared with the file systems of its directories
}

// caller makes the calls of one thread, one at a time, for all FS and File values that share the thread.
type caller struct {
	mu sync.Mutex
	// +checklocks:mu
	th *nt.Thread // guarded by mu
	// +checklocks:mu
	last *lastWhy // guarded by mu; nil: errors have no reason
}

// New returns an FS for the files of a tree with the rights of the thread's client. tree is the name under which the
// kernel has the tree. New makes no call, so a missing tree shows at the first use. Only the FS may use the thread
// until the caller closes it. The thread must not be nil.
func New(th *nt.Thread, tree string) *FS { return newFS(tree, &caller{th: th}) }

// newFS returns an FS for a tree that makes its calls through calls.
func newFS(tree string, calls *caller) *FS { return &FS{prefix: `\??\` + tree + `\`, calls: calls} }

// FS returns the files below an open directory. Its names are relative to the directory's handle, so that they cannot
// name a file outside of it, wherever the directory is moved. It uses the same thread, and works until o is closed.
func (o *File) FS() *FS { return &FS{dir: o, calls: o.fs.calls} }

// root returns the handle that names are relative to, 0 without one. Once its directory is closed, the status is
// STATUS_INVALID_HANDLE. caller.mu is held.
func (f *FS) root() (winnt.Handle, ntstatus.Status) {
	switch {
	case f.dir == nil:
		return 0, ntstatus.Success
	case f.dir.h == 0:
		return 0, ntstatus.InvalidHandle
	}
	return f.dir.h, ntstatus.Success
}

// call makes one call of the thread, while no other goroutine does, and wraps its status in a *fs.PathError. A status
// of success gives nil.
func (f *FS) call(op, name string, fn func(*nt.Thread) ntstatus.Status) error {
	c := f.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	return failed(op, name, c.last.explained(fn(c.th).Err()))
}

// failed wraps an error in a *fs.PathError. It returns nil for nil.
func failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// object converts a path of package fs to the NT name of the file, absolute or relative to f.dir.
func (f *FS) object(name string) string {
	return f.prefix + strings.ReplaceAll(strings.Trim(path.Clean("/"+name), "/"), "/", `\`)
}

// sharing allows every other open of a file, because Go programs do not use share modes.
const sharing = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// open opens or creates a name with the desired rights. op is the operation in errors. A name that no file can have is
// fs.ErrInvalid if the disposition how can create a file, else fs.ErrNotExist. Other errors are those of the call.
func (f *FS) open(op, name string, desired winnt.AccessMask, how fileaccess.Disposition,
	options fileaccess.CreateOptions) (*File, error) {
	o := &File{fs: f, name: name}
	err := f.call(op, name, func(th *nt.Thread) ntstatus.Status {
		if strings.Contains(name, `\`) {
			return ntstatus.ObjectNameInvalid // to the kernel it would be a path
		}
		root, st := f.root()
		if st != ntstatus.Success {
			return st
		}
		o.h, _, st = th.NtCreateFile(nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: uint32(how),
			CreateOptions: uint32(options), ShareAccess: sharing,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{RootDirectory: root, ObjectName: f.object(name)})})
		return st
	})
	switch makes := how != fileaccess.FileOpen && how != fileaccess.FileOverwrite; {
	case err == nil:
		return o, nil
	case !errors.Is(err, ntstatus.ObjectNameInvalid.Err()):
		return nil, err
	case makes:
		return nil, failed(op, name, fs.ErrInvalid)
	}
	// Nothing has a name that no file can have (F-190).
	return nil, failed(op, name, fs.ErrNotExist)
}

// Open opens a file for reading, or a directory for listing. "." is the root. A name that [fs.ValidPath] refuses is
// fs.ErrInvalid. The caller must close the file.
func (f *FS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, failed("open", name, fs.ErrInvalid)
	}
	o, err := f.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// OpenFile opens a file with flags of package os: O_RDONLY, O_WRONLY or O_RDWR, with O_APPEND, O_CREATE, O_EXCL and
// O_TRUNC. It ignores other flags. An open that only appends needs no right to overwrite. An open only for writing
// needs no right to read data or attributes. Only O_RDONLY opens a directory. The caller must close the file.
func (f *FS) OpenFile(name string, flag int) (*File, error) {
	desired, how, options := wanted(flag)
	o, err := f.open("open", name, desired, how, options)
	if err != nil {
		return nil, err
	}
	o.appends = flag&os.O_APPEND != 0
	return o, nil
}

// wanted converts open flags of package os to the access rights, disposition and options of NtCreateFile. It ignores
// O_EXCL without O_CREATE. O_TRUNC without O_CREATE requires an existing file. With O_CREATE and O_EXCL it has no
// effect.
func wanted(flag int) (desired winnt.AccessMask, how fileaccess.Disposition, options fileaccess.CreateOptions) {
	writes := winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	// What only appends needs no right to overwrite (F-190).
	if flag&os.O_APPEND != 0 {
		writes = winnt.FILE_APPEND_DATA
	}
	reads := winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES
	switch flag & (os.O_WRONLY | os.O_RDWR) {
	case os.O_RDONLY:
		desired = reads // for a directory the right to list
	case os.O_WRONLY:
		desired, options = writes, fileaccess.NonDirectoryFile
	default:
		desired, options = reads|writes, fileaccess.NonDirectoryFile
	}
	switch flag & (os.O_CREATE | os.O_EXCL | os.O_TRUNC) {
	case os.O_CREATE | os.O_EXCL, os.O_CREATE | os.O_EXCL | os.O_TRUNC:
		how = fileaccess.FileCreate
	case os.O_CREATE | os.O_TRUNC:
		how = fileaccess.FileOverwriteIf
	case os.O_CREATE:
		how = fileaccess.FileOpenIf
	case os.O_TRUNC, os.O_TRUNC | os.O_EXCL:
		how = fileaccess.FileOverwrite
	default:
		how = fileaccess.FileOpen
	}
	return desired, how, options
}

// Stat returns information about a file, which it opens and closes. It needs the right to read the attributes of the
// file, or to list its directory.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	o, err := f.open("stat", name, winnt.FILE_READ_ATTRIBUTES, fileaccess.FileOpen, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Close() }() // nothing was written
	return o.Stat()
}

// ReadDir returns all entries of a directory, sorted by name, without "." and "..". After an error it returns those
// read before it. An empty directory gives an empty list. A file that is no directory is an error.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	o, err := f.open("open", name, winnt.FILE_LIST_DIRECTORY, fileaccess.FileOpen, fileaccess.DirectoryFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Close() }() // only read
	list, err := o.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}

// Mkdir creates a directory, which inherits its access from the parent. The parent must exist. An existing name is
// fs.ErrExist.
func (f *FS) Mkdir(name string) error {
	o, err := f.open("mkdir", name, winnt.FILE_READ_ATTRIBUTES, fileaccess.FileCreate, fileaccess.DirectoryFile)
	if err != nil {
		return err
	}
	return o.Close()
}

// Remove removes a file or an empty directory. Its name disappears when the last open handle is closed. A missing name
// is fs.ErrNotExist.
func (f *FS) Remove(name string) error {
	o, err := f.open("remove", name, winnt.DELETE, fileaccess.FileOpen, 0)
	if err != nil {
		return err
	}
	return o.closed(o.set("remove", nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}))
}

// RemoveAll removes a name and all its descendants, the leaves first, until a removal is refused. It returns no error
// if the name does not exist. A descendant that another program removes first is no error.
func (f *FS) RemoveAll(name string) error {
	err := f.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if !errors.Is(err, ntstatus.DirectoryNotEmpty.Err()) {
		return err
	}
	list, err := f.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := f.RemoveAll(path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	if err = f.Remove(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Rename gives a file or directory another name in the tree, also in another directory. If the name exists, it fails
// with fs.ErrExist. With replace it replaces an existing file that is not open. A new name with a backslash is
// fs.ErrInvalid.
func (f *FS) Rename(from, to string, replace bool) error {
	if strings.Contains(to, `\`) {
		return failed("rename", to, fs.ErrInvalid)
	}
	o, err := f.open("rename", from, winnt.DELETE, fileaccess.FileOpen, 0)
	if err != nil {
		return err
	}
	return o.closed(o.call("rename", func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
		root, st := f.root()
		if st != ntstatus.Success {
			return st
		}
		return th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{ReplaceIfExists: replace,
			RootDirectory: root, FileName: f.object(to)})
	}))
}
