package treefs

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"path"
	"sync"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// File is an open file or directory. It implements [fs.ReadDirFile], [io.ReadWriteSeeker], [io.ReaderAt], [io.WriterAt]
// and http.File. Its errors are those of [FS], and io.EOF. Any goroutine may use it. Do not use the zero value:
// [FS.OpenFile] returns a File.
type File struct {
	fs      *FS          // immutable
	name    string       // immutable; the requested name
	h       winnt.Handle // guarded by caller.mu; 0: closed
	appends bool         // immutable; each write is at the end

	mu sync.Mutex
	// +checklocks:mu
	at int64 // guarded by mu
	// +checklocks:mu
	atEnd bool // guarded by mu; the position is the end of the file, not at: data was appended
	// +checklocks:mu
	listed []fs.FileInfo // guarded by mu: entries that were read and not returned yet
	// +checklocks:mu
	scanned bool // guarded by mu; the listing has begun
}

// call makes one call of the file's thread with the file's handle. A closed file is STATUS_INVALID_HANDLE.
func (o *File) call(op string, fn func(*nt.Thread, winnt.Handle) ntstatus.Status) error {
	return o.fs.call(op, o.name, func(th *nt.Thread) ntstatus.Status {
		if o.h == 0 {
			return ntstatus.InvalidHandle // the handle's value may be that of another client's file now
		}
		return fn(th, o.h)
	})
}

// piece is the largest number of bytes that one call reads or writes.
const piece = 1 << 20

// ReadAt reads at an offset until b is full. n has the bytes read before an error. The error is io.EOF at the end of
// the file, fs.ErrInvalid for a negative offset, and STATUS_FILE_IS_A_DIRECTORY for a directory. It does not use or
// change the position. An empty b returns 0 and nil.
func (o *File) ReadAt(b []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, failed("read", o.name, fs.ErrInvalid)
	}
	for n < len(b) {
		var got int
		var st ntstatus.Status
		err := o.call("read", func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
			got, st = th.NtReadFileInto(h, b[n:n+min(len(b)-n, piece)], at+int64(n))
			return st
		})
		if st == ntstatus.EndOfFile {
			return n, io.EOF
		} else if err != nil {
			return n, o.readError(st, err)
		}
		n += got
	}
	return n, nil
}

// readError returns the error for a read that failed with a status. A directory opens for listing, and its read is
// STATUS_INVALID_PARAMETER, which would not say why. It returns other errors unchanged.
func (o *File) readError(st ntstatus.Status, err error) error {
	if st == ntstatus.InvalidParameter {
		if s, failure := o.standard(); failure == nil && s.Directory {
			return failed("read", o.name, ntstatus.FileIsADirectory.Err())
		}
	}
	return err
}

// WriteAt writes all of b at an offset, which may be after the end. On a file opened with O_APPEND it writes at the end
// and ignores the offset. It does not change the position. n has the bytes written before an error. A negative offset
// is fs.ErrInvalid. An empty b returns 0 and nil. If the kernel takes no byte, the error is io.ErrShortWrite.
func (o *File) WriteAt(b []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, failed("write", o.name, fs.ErrInvalid)
	}
	for n < len(b) {
		wrote := 0
		to := at + int64(n)
		if o.appends {
			to = -1 // FILE_WRITE_TO_END_OF_FILE
		}
		err := o.call("write", func(th *nt.Thread, h winnt.Handle) (st ntstatus.Status) {
			wrote, st = th.NtWriteFileAt(h, b[n:min(n+piece, len(b))], to)
			return st
		})
		if n += wrote; err != nil {
			return n, err
		} else if wrote == 0 {
			return n, io.ErrShortWrite
		}
	}
	return n, nil
}

// Read reads from the position until b is full or the file ends, and advances the position. At the end of the file it
// returns io.EOF. An error after some bytes is returned with them.
func (o *File) Read(b []byte) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.placeLocked(); err != nil {
		return 0, err
	}
	n, err = o.ReadAt(b, o.at)
	o.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Write writes all of b at the position and advances it. With O_APPEND it writes at the end and leaves the position
// there. n has the bytes written before an error.
func (o *File) Write(b []byte) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err = o.WriteAt(b, o.at)
	if o.at += int64(n); o.appends && n > 0 {
		o.atEnd = true
	}
	return n, err
}

// placeLocked brings the position up to date after an append: it sets the position to the present end of the file.
// Otherwise it does nothing. After an error the position is unchanged.
//
// +checklocks:o.mu
func (o *File) placeLocked() error {
	if !o.atEnd {
		return nil
	}
	s, err := o.standard()
	if err != nil {
		return err
	}
	o.at, o.atEnd = s.EndOfFile, false
	return nil
}

// Seek sets the position of the next Read or Write and returns it. whence is one of io.SeekStart, io.SeekCurrent and
// io.SeekEnd. A negative position is an error and changes nothing. On a directory it restarts the listing. Other values
// of whence are fs.ErrInvalid. A position beyond the end is allowed.
func (o *File) Seek(offset int64, whence int) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		if err := o.placeLocked(); err != nil {
			return 0, err
		}
		offset += o.at
	case io.SeekEnd:
		s, err := o.standard()
		if err != nil {
			return 0, err
		}
		offset += s.EndOfFile
	default:
		return 0, failed("seek", o.name, fs.ErrInvalid)
	}
	if offset < 0 {
		return 0, failed("seek", o.name, fs.ErrInvalid)
	}
	o.at, o.atEnd, o.listed, o.scanned = offset, false, nil, false
	return offset, nil
}

// Truncate sets the size in bytes. A longer file ends with zeros. The position stays. A handle that may not write
// returns an error.
func (o *File) Truncate(size int64) error {
	return o.set("truncate", nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: size})
}

// Sync blocks until the data of the file is on disk. It returns the error of the disk, or that of a closed file.
func (o *File) Sync() error {
	return o.call("sync", func(th *nt.Thread, h winnt.Handle) ntstatus.Status { return th.NtFlushBuffersFile(h) })
}

// Close closes the handle. Every later call of the File returns STATUS_INVALID_HANDLE, a second Close too, and so does
// each open of an FS that [File.FS] returned.
func (o *File) Close() error {
	return o.call("close", func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
		o.h = 0
		return th.NtClose(h)
	})
}

// closed closes a file when an operation on it is over. It returns err, or the error of the close if err is nil. It
// closes the file in both cases.
func (o *File) closed(err error) error {
	if closing := o.Close(); err == nil {
		err = closing
	}
	return err
}

// set changes one property of the file: it calls NtSetInformationFile with an information class and its value. op is
// the operation in errors.
func (o *File) set(op string, class nt.FileInfoClass, information any) error {
	return o.call(op, func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
		return th.NtSetInformationFile(h, class, information)
	})
}

// query returns the value of an information class of an open file. T must be the type of that class. After an error
// it returns the zero value.
func query[T any](o *File, class nt.FileInfoClass) (t T, err error) {
	err = o.call("stat", func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
		out, st := th.NtQueryInformationFile(h, class)
		if st == ntstatus.Success {
			t = out.(T)
		}
		return st
	})
	return t, err
}

// standard queries the file's size, link count and kind, FileStandardInformation.
func (o *File) standard() (nt.FileStandard, error) {
	return query[nt.FileStandard](o, nt.FileStandardInformation)
}

// Stat returns name, size, times and kind of the file. It needs a handle that may read attributes, as all handles
// opened for reading may. Sys of the result is an [nt.FileBasic].
func (o *File) Stat() (fs.FileInfo, error) {
	basic, err := query[nt.FileBasic](o, nt.FileBasicInformation)
	if err != nil {
		return nil, err
	}
	s, err := o.standard()
	if err != nil {
		return nil, err
	}
	return info{path.Base(path.Clean(o.name)), basic, s.EndOfFile, s.Directory}, nil
}

// ReadDir returns the next entries of a directory, in the order of the file system. With n > 0 it returns at most n,
// and io.EOF at the end. With n <= 0 it returns all the rest, and no error at the end. After another error it also
// returns the entries read before.
func (o *File) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := o.Readdir(n)
	entries := make([]fs.DirEntry, len(list))
	for i, e := range list {
		entries[i] = fs.FileInfoToDirEntry(e)
	}
	return entries, err
}

// Readdir returns entries like [File.ReadDir], as FileInfo, for http.File. Both continue the same listing. With n <=
// 0 it returns all the rest, and no io.EOF at the end. After an error it also returns the entries before it.
func (o *File) Readdir(n int) ([]fs.FileInfo, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	most := n
	if n <= 0 {
		most = math.MaxInt
	}
	var err error
	for done := false; len(o.listed) < most && !done && err == nil; {
		var more []fs.FileInfo
		more, done, err = o.scanLocked()
		o.listed = append(o.listed, more...)
	}
	returned := o.listed[:min(most, len(o.listed))]
	o.listed = o.listed[len(returned):]
	if err == nil && n > 0 && len(returned) == 0 {
		err = io.EOF
	}
	return returned, err
}

// scanLocked reads the next entries of a directory, without "." and "..". done reports the end of the listing. The
// first call starts the listing. An empty directory is its end, not an error. An error is returned with done false.
//
// +checklocks:o.mu
func (o *File) scanLocked() (list []fs.FileInfo, done bool, err error) {
	var entries []nt.FileEntry
	var st ntstatus.Status
	restart := !o.scanned
	err = o.call("readdir", func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
		entries, st = th.NtQueryDirectoryFile(h, "", restart)
		return st
	})
	if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
		return nil, true, nil
	} else if err != nil {
		return nil, false, err
	}
	o.scanned = true
	for _, e := range entries {
		if e.FileName != "." && e.FileName != ".." {
			dir := e.FileAttributes&fileaccess.AttributeDirectory != 0
			list = append(list, info{e.FileName, e.FileBasic, e.EndOfFile, dir})
		}
	}
	return list, false, nil
}

// info is the fs.FileInfo of a tree's file. Sys returns the [nt.FileBasic].
type info struct {
	name  string
	basic nt.FileBasic
	size  int64
	dir   bool
}

// Name returns the last element of the file's name.
func (i info) Name() string { return i.name }

// Size returns the size in bytes when the information was read.
func (i info) Size() int64 { return i.size }

// IsDir reports whether the file is a directory.
func (i info) IsDir() bool { return i.dir }

// Sys returns the file's times and attributes as an [nt.FileBasic].
func (i info) Sys() any { return i.basic }

// Mode returns the kind of the file and fixed permission bits, 0755 for a directory and else 0644. The bits decide
// nothing.
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// ModTime returns the time of the last write when the information was read, to 100 ns.
func (i info) ModTime() time.Time {
	return filetime.Time(i.basic.LastWriteTime)
}
