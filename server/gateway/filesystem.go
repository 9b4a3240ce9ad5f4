package gateway

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// files is the file system that one request sees: every open is made as its client. It
// implements webdav.FileSystem.
type files struct{ q *request }

// placeOf returns the place of a name that package webdav made of one that was read.
func placeOf(name string) place {
	tree, path, _ := strings.Cut(strings.Trim(name, "/"), "/")
	return place{tree, strings.ReplaceAll(path, "/", `\`)}
}

// failure notes a refusal and returns it in the words of package webdav.
func (q *request) failure(name string, f *refusal) error {
	q.note(f)
	known := map[int]error{http.StatusNotFound: fs.ErrNotExist, http.StatusForbidden: fs.ErrPermission,
		http.StatusMethodNotAllowed: fs.ErrExist, http.StatusConflict: fs.ErrNotExist}
	err := known[f.code]
	if err == nil {
		err = f.status.Err()
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// Mkdir implements webdav.FileSystem.
func (f files) Mkdir(_ context.Context, name string, _ os.FileMode) error {
	at := placeOf(name)
	h, st := f.q.open(at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_CREATE, directoryOnly)
	if st != ntstatus.Success {
		return f.q.failure(name, f.q.refusedToMake(at, winnt.FILE_ADD_SUBDIRECTORY, st))
	}
	f.q.s.p.release(h)
	return nil
}

// refusedToMake turns the status of a creation into what its client is told. A hidden
// directory is as one that is missing, and a hidden file in the way as a refusal (G-12).
func (q *request) refusedToMake(at place, desired winnt.AccessMask, st ntstatus.Status) *refusal {
	dir, _ := at.above()
	code := codes[st]
	switch st {
	case ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NotADirectory:
		code, st = http.StatusConflict, ntstatus.ObjectPathNotFound
	case ntstatus.ObjectNameInvalid:
		code = http.StatusForbidden
	case ntstatus.ObjectNameCollision, ntstatus.FileIsADirectory:
		if _, seen := q.listed(at); !seen {
			code = http.StatusForbidden
		}
	case ntstatus.AccessDenied:
		if _, seen := q.listed(dir); dir.path != "" && !seen {
			code, st = http.StatusConflict, ntstatus.ObjectPathNotFound
		}
	}
	if !q.g.trees[at.tree] || !at.possible() {
		code = http.StatusForbidden
	}
	if code == 0 {
		code = http.StatusInternalServerError
	}
	f := &refusal{code: code, status: st, at: dir, lacking: desired}
	if code == http.StatusForbidden && st == ntstatus.AccessDenied {
		f.why = q.explain(dir, desired)
	}
	return f
}

// OpenFile implements webdav.FileSystem. What package webdav opens is read, uploaded to,
// or described by properties.
func (f files) OpenFile(_ context.Context, name string, flag int, _ os.FileMode) (webdav.File, error) {
	at := placeOf(name)
	switch {
	case flag&os.O_CREATE != 0:
		u, refused := f.q.upload(at)
		if refused != nil {
			return nil, f.q.failure(name, refused)
		}
		return u, nil
	case flag&os.O_RDWR != 0:
		return described{q: f.q, at: at}, nil
	}
	h, file, st := f.q.openToRead(at)
	if st != ntstatus.Success {
		return nil, f.q.failure(name, f.q.refusedAs(at, winnt.FILE_READ_DATA, st))
	}
	d := &download{described: described{q: f.q, at: at}, h: h, file: file}
	if file == nil {
		d.from = &reader{q: f.q, h: h}
	} else {
		d.from = file
	}
	return d, nil
}

// Rename implements webdav.FileSystem.
func (f files) Rename(_ context.Context, from, to string) error {
	at, target := placeOf(from), placeOf(to)
	if !f.q.served(target) {
		return f.q.failure(to, &refusal{code: http.StatusForbidden, status: ntstatus.ObjectNameInvalid, at: target})
	}
	h, st := f.q.open(at, winnt.DELETE, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return f.q.failure(from, f.q.refusedAs(at, winnt.DELETE, st))
	}
	defer f.q.s.p.release(h)
	st = f.q.s.as(f.q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: target.object()})
	})
	if st != ntstatus.Success {
		return f.q.failure(to, f.q.refusedToMake(target, winnt.FILE_ADD_FILE, st))
	}
	f.q.g.props.move(at, target)
	return nil
}

// Stat implements webdav.FileSystem.
func (f files) Stat(_ context.Context, name string) (os.FileInfo, error) {
	at := placeOf(name)
	got, refused := f.q.stat(at)
	if refused != nil {
		if refused.code == http.StatusNotFound {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist} // many ask to see that it is free
		}
		return nil, f.q.failure(name, refused)
	}
	return got, nil
}

// stat tells about a place what its client may know. Who lists the directory knows of a
// file what the listing tells.
func (q *request) stat(at place) (facts, *refusal) {
	if at.tree == "" && at.path == "" {
		return facts{name: "/", dir: true, written: epoch, created: epoch}, nil
	}
	_, name := at.above()
	if at.path == "" {
		name = at.tree
	}
	h, st := q.open(at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st == ntstatus.AccessDenied {
		if f, seen := q.listed(at); seen {
			return f, nil
		}
	}
	if st != ntstatus.Success {
		return facts{}, q.refusedAs(at, winnt.FILE_READ_ATTRIBUTES, st)
	}
	defer q.s.p.release(h)
	f, st := q.facts(h)
	if st != ntstatus.Success {
		return facts{}, q.refusedAs(at, winnt.FILE_READ_ATTRIBUTES, st)
	}
	f.name = name
	return f, nil
}

// described is a file whose properties are asked or changed.
type described struct {
	q  *request
	at place
}

// download is a file or directory that is open for reading.
type download struct {
	described
	h    winnt.Handle
	file *os.File // nil: it is read by calls
	from io.Reader
}

// Read implements io.Reader. A source that fails breaks off what is made of it.
func (d *download) Read(b []byte) (int, error) {
	n, err := d.from.Read(b)
	if err != nil && err != io.EOF {
		d.q.breakOff()
	}
	return n, err
}

// Seek implements io.Seeker; package webdav does not need it here.
func (*download) Seek(int64, int) (int64, error) { return 0, fs.ErrInvalid }

// Write implements io.Writer.
func (*download) Write([]byte) (int, error) { return 0, fs.ErrPermission }

// Close implements io.Closer.
func (d *download) Close() error {
	if d.file != nil {
		_ = d.file.Close()
	}
	d.q.s.p.release(d.h)
	return nil
}

// Readdir implements http.File.
func (d *download) Readdir(int) ([]fs.FileInfo, error) {
	list, _, refused := d.q.list(d.at, d.h, mostCopied)
	if refused != nil {
		d.q.breakOff()
		return nil, d.q.failure(d.at.href(true), refused)
	}
	infos := make([]fs.FileInfo, len(list))
	for i := range list {
		infos[i] = list[i]
	}
	return infos, nil
}

// Stat implements http.File.
func (d *download) Stat() (fs.FileInfo, error) {
	f, st := d.q.facts(d.h)
	if st != ntstatus.Success {
		return nil, d.q.failure(d.at.href(false), d.q.refusedAs(d.at, winnt.FILE_READ_ATTRIBUTES, st))
	}
	_, f.name = d.at.above()
	return f, nil
}

// The methods of webdav.File that a file of which only properties are asked does not have.
func (described) Read([]byte) (int, error)           { return 0, fs.ErrInvalid }
func (described) Seek(int64, int) (int64, error)     { return 0, fs.ErrInvalid }
func (described) Write([]byte) (int, error)          { return 0, fs.ErrInvalid }
func (described) Readdir(int) ([]fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (d described) Stat() (fs.FileInfo, error)       { return files{d.q}.Stat(d.q.ctx, d.at.href(false)) }
func (described) Close() error                       { return nil }
