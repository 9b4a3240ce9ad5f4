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

// FS is a tree as the client of one thread sees it. It implements [fs.FS], [fs.StatFS] and
// [fs.ReadDirFS]. Any goroutine may use it. The zero value is not usable: [New] makes one.
//
// Errors are *[fs.PathError] around an [ntstatus.Error]: errors.Is finds [fs.ErrPermission],
// [fs.ErrNotExist] and [fs.ErrExist] in them; a name that no file can have is [fs.ErrInvalid].
type FS struct {
	tree string // immutable; its name in the system

	mu sync.Mutex
	// +checklocks:mu
	th *nt.Thread // guarded by mu
}

// New returns the files of a tree as the thread's client sees them. The thread is the FS's
// to use until the caller closes it.
func New(th *nt.Thread, tree string) *FS { return &FS{tree: tree, th: th} }

// call makes one call of the thread.
func (f *FS) call(op, name string, fn func(*nt.Thread) ntstatus.Status) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return failed(op, name, fn(f.th).Err())
}

// failed names what an error is about; nil stays nil.
func failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// object returns the name of a file in the system.
func (f *FS) object(name string) string {
	return `\??\` + f.tree + `\` + strings.ReplaceAll(strings.Trim(path.Clean("/"+name), "/"), "/", `\`)
}

// sharing lets every other open of a file be: programs of Go know no share modes.
const sharing = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// open opens a name.
func (f *FS) open(op, name string, desired winnt.AccessMask, how fileaccess.Disposition,
	options fileaccess.CreateOptions) (*File, error) {
	o := &File{fs: f, name: name}
	err := f.call(op, name, func(th *nt.Thread) (st ntstatus.Status) {
		if strings.Contains(name, `\`) {
			return ntstatus.ObjectNameInvalid // to the kernel it would be a path
		}
		o.h, _, st = th.NtCreateFile(nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: uint32(how),
			CreateOptions: uint32(options), ShareAccess: sharing,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: f.object(name)})})
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

// Open implements fs.FS: a file for reading, or a directory for listing.
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

// OpenFile opens a file with flags of package os: O_RDONLY, O_WRONLY or O_RDWR, with
// O_APPEND, O_CREATE, O_EXCL and O_TRUNC. A file that only appends needs no right to
// overwrite, and one for writing alone none to read, its attributes neither.
func (f *FS) OpenFile(name string, flag int) (*File, error) {
	desired, how, options := wanted(flag)
	o, err := f.open("open", name, desired, how, options)
	if err != nil {
		return nil, err
	}
	o.appends = flag&os.O_APPEND != 0
	return o, nil
}

// wanted returns what the flags of an open ask for.
func wanted(flag int) (desired winnt.AccessMask, how fileaccess.Disposition, options fileaccess.CreateOptions) {
	writes := winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	// What only appends needs no right to overwrite (F-190).
	if flag&os.O_APPEND != 0 {
		writes = winnt.FILE_APPEND_DATA
	}
	reads := winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES
	switch flag & (os.O_WRONLY | os.O_RDWR) {
	case os.O_RDONLY:
		desired = reads // of a directory: listing
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

// Stat implements fs.StatFS. It needs the right to read the attributes of the file, or to
// list its directory.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	o, err := f.open("stat", name, winnt.FILE_READ_ATTRIBUTES, fileaccess.FileOpen, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Close() }() // nothing was written
	return o.Stat()
}

// ReadDir implements fs.ReadDirFS: the entries in the order of their names.
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

// Mkdir makes a directory. What it grants is inherited.
func (f *FS) Mkdir(name string) error {
	o, err := f.open("mkdir", name, winnt.FILE_READ_ATTRIBUTES, fileaccess.FileCreate, fileaccess.DirectoryFile)
	if err != nil {
		return err
	}
	return o.Close()
}

// Remove removes a file or an empty directory: its name goes with the last open of it.
func (f *FS) Remove(name string) error {
	o, err := f.open("remove", name, winnt.DELETE, fileaccess.FileOpen, 0)
	if err != nil {
		return err
	}
	return o.closed(o.set("remove", nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}))
}

// RemoveAll removes a name with all that is below it, from the leaves on, until something is
// refused. That nothing has the name is no error.
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

// Rename gives a file or directory another name in the tree. replace agrees to replace a
// file that has it, if that is not open.
func (f *FS) Rename(from, to string, replace bool) error {
	if strings.Contains(to, `\`) {
		return failed("rename", to, fs.ErrInvalid)
	}
	o, err := f.open("rename", from, winnt.DELETE, fileaccess.FileOpen, 0)
	if err != nil {
		return err
	}
	return o.closed(o.set("rename", nt.FileRenameInformation, nt.FileRename{ReplaceIfExists: replace,
		FileName: f.object(to)}))
}
