package gateway

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/winnt"
)

// files is the file system of one request. It opens every file with the rights of the client. It implements
// dav.FileSystem. Its zero value is not usable.
type files struct{ q *request }

// placeOf converts a WebDAV path to the tree and the path in it. "/" becomes the zero place. It does not check the
// path.
func placeOf(name dav.Path) place {
	tree, path, _ := strings.Cut(strings.TrimPrefix(string(name), "/"), "/")
	return place{tree, strings.ReplaceAll(path, "/", `\`)}
}

// name converts a place to a WebDAV path, the inverse of [placeOf]. It does not escape.
func (p place) name() dav.Path {
	if p.path == "" {
		return dav.Root + dav.Path(p.tree)
	}
	return dav.Path("/" + p.tree + "/" + strings.ReplaceAll(p.path, `\`, "/"))
}

// Parse converts the path of a URL, and reports whether it ends in a slash. The file need not exist. An invalid or
// ambiguous path, and a name that Windows forbids, are a 400 refusal.
func (files) Parse(u *url.URL) (dav.Path, bool, error) {
	at, slash, err := parseFile(u)
	if err != nil {
		return "", false, err
	}
	return at.name(), slash, nil
}

// Mutable returns nil for files and directories below a tree's root. It refuses the roots with 403, because only the
// administrator changes them (F-117).
func (f files) Mutable(name dav.Path) error {
	if placeOf(name).path == "" {
		return dav.Refuse(http.StatusForbidden, "the root of a tree cannot be changed")
	}
	return nil
}

// Stat describes a file or directory that the client may open, or may list in its directory. A name that the client
// may not see is refused with 404, like a missing one.
func (f files) Stat(name dav.Path) (i dav.Info, err error) {
	got, refused := f.q.stat(placeOf(name))
	if refused != nil {
		return i, refused
	}
	return got.info(), nil
}

// List returns the entries of a directory, sorted by name, but no more than most; more reports that there are others.
// For the root it returns the visible trees in the configured order.
func (f files) List(name dav.Path, most int) (members []dav.Info, more bool, err error) {
	list, more, refused := f.q.members(placeOf(name), most)
	if refused != nil {
		return nil, false, refused
	}
	members = make([]dav.Info, len(list))
	for i := range list {
		members[i] = list[i].info()
	}
	return members, more, nil
}

// Forget returns the memory that the members count for. members must be a result of List.
func (f files) Forget(members []dav.Info) {
	var n int64
	for i := range members {
		n += bytesOfEntry(members[i].Name)
	}
	f.q.giveBack(n)
}

// Mkdir creates a directory with the rights of the client. It returns 405 if the name exists, 403 if that file is
// hidden, and 409 if the parent directory is missing or hidden.
func (f files) Mkdir(name dav.Path) error {
	at := placeOf(name)
	h, st := f.q.open(at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_CREATE, directoryOnly)
	if st != ntstatus.Success {
		return f.q.refusedToMake(at, winnt.FILE_ADD_SUBDIRECTORY, st)
	}
	f.q.s.release(h)
	return nil
}

// refusedToMake returns the HTTP error for a failed creation of at; it is never nil. st is refmond's status. A 403
// reports desired as missing on the parent directory. A hidden parent gets the 409 of a missing parent. A hidden file
// with the name gets the response of a free name that the client may not create (G-12).
func (q *request) refusedToMake(at place, desired winnt.AccessMask, st ntstatus.Status) *refusal {
	dir, _ := at.above()
	code, denied := codes[st], false
	switch st {
	case ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NotADirectory,
		ntstatus.ObjectNameCollision, ntstatus.FileIsADirectory, ntstatus.AccessDenied:
		// Each of these takes the same calls, so that the response time reveals nothing (G-48).
		_, taken := q.listed(at)
		_, seen := q.listed(dir)
		switch {
		case code == http.StatusMethodNotAllowed && taken: // a name that the client sees is in the way
		case code == http.StatusNotFound, dir.path != "" && !seen:
			code, st = http.StatusConflict, ntstatus.ObjectPathNotFound
		default:
			code, denied = http.StatusForbidden, true
		}
	case ntstatus.ObjectNameInvalid:
		code = http.StatusForbidden
	}
	if !q.served(at) {
		code = http.StatusForbidden
	}
	if code == 0 {
		code = http.StatusInternalServerError
	}
	if q.s.p.conn.Err() != nil {
		return q.disconnected(dir, desired) // the lookups may have failed
	}
	f := &refusal{code: code, status: st, at: dir, lacking: desired}
	if code == http.StatusForbidden && denied {
		f.why = q.explain(dir, desired)
	}
	return f
}

// Remove deletes a file or an empty directory, and the properties that clients set on it. It returns dav.ErrNotEmpty
// for a directory with entries. Another failure is the refusal to send.
func (f files) Remove(name dav.Path) error {
	at := placeOf(name)
	switch st := f.q.unlink(at); st {
	case ntstatus.Success:
		// A removal of a folder calls Remove for each file, so it must not look at all properties.
		f.q.g.props.drop(at, false)
		return nil
	case ntstatus.DirectoryNotEmpty:
		return dav.ErrNotEmpty
	default:
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
}

// Movable reports in advance whether a move can start: it returns nil if the client may delete the source, which it
// opens for that without a change (G-40). Before that it refuses a destination that is not served with 403, and then
// one in another tree with 502. It does not test the right to create the destination.
func (f files) Movable(from, to dav.Path) error {
	at, target := placeOf(from), placeOf(to)
	switch {
	case !f.q.served(target):
		return f.q.refusedToMake(target, winnt.FILE_ADD_FILE, ntstatus.ObjectNameInvalid)
	case at.tree != target.tree:
		return dav.Refuse(http.StatusBadGateway, "the destination is in another tree: copy it")
	}
	h, st := f.q.open(at, winnt.DELETE, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
	f.q.s.release(h)
	return nil
}

// Makeable reports in advance whether the client may add a file to the parent directory or, with folder set, a
// directory; nil means yes. A name that is not served is 403. It does not test whether the name exists. It opens the
// parent directory with the right to add. If the open fails, it creates a temporary file or directory instead, which is
// deleted when its handle closes (G-45).
func (f files) Makeable(name dav.Path, folder bool) error {
	at := placeOf(name)
	right, kind := winnt.FILE_ADD_FILE, fileOnly
	if folder {
		right, kind = winnt.FILE_ADD_SUBDIRECTORY, directoryOnly
	}
	if !f.q.served(at) { // the client may add to the folder, but not a name that no client sees (G-11)
		return f.q.refusedToMake(at, right, ntstatus.ObjectNameInvalid)
	}
	dir, _ := at.above()
	h, st := f.q.open(dir, right, winnt.FILE_OPEN, directoryOnly)
	if st != ntstatus.Success {
		// A missing directory takes the same calls as a hidden one (G-48).
		h, st = f.q.createTemp(at, kind|deleteOnClose)
	}
	if st != ntstatus.Success {
		return f.q.refusedToMake(at, right, st)
	}
	f.q.s.release(h)
	return nil
}

// Rename moves a file or directory within its tree. The properties that clients set move with it and replace those of
// the destination. If replace is set, it replaces an existing file in one step; if not, an existing destination is an
// error. After an error all properties stay.
func (f files) Rename(from, to dav.Path, replace bool) error {
	at, target := placeOf(from), placeOf(to)
	h, st := f.q.open(at, winnt.DELETE, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
	defer f.q.s.release(h)
	st = f.q.s.as(f.q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: target.object(),
			ReplaceIfExists: replace})
	})
	if st != ntstatus.Success {
		return f.q.refusedToMake(target, winnt.FILE_ADD_FILE, st)
	}
	f.q.g.props.drop(target, true)
	f.q.g.props.move(at, target)
	return nil
}

// Lockable reports whether the client may lock a name: nil for a file or folder that it may write, and for a free name
// at which it may create a file. With deep, a folder also needs the right to delete its members. It refuses the root of
// a tree with 403. A name that the client does not see, and where it may create nothing, has the error of Makeable.
func (f files) Lockable(name dav.Path, deep bool) error {
	at := placeOf(name)
	if at.path == "" {
		return dav.Refuse(http.StatusForbidden, "the root of a tree cannot be locked") // no right would help
	}
	h, st := f.q.open(at, winnt.FILE_WRITE_DATA, winnt.FILE_OPEN, 0)
	switch st {
	case ntstatus.Success:
		f.q.s.release(h)
	case ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NotADirectory, ntstatus.AccessDenied:
		// A hidden name has the response of a free one that the client may not create, and takes its calls (G-12,
		// G-48).
		_, seen := f.q.listed(at)
		if err := f.Makeable(name, false); err != nil && !seen || st == ntstatus.ObjectNameNotFound {
			return err
		}
		fallthrough
	default:
		return f.q.refusedToReplace(at, st)
	}
	if !deep {
		return nil
	}
	// A deep lock stops all other writers below the folder, so the right to add files is not enough (G-39).
	switch h, st = f.q.open(at, winnt.FILE_DELETE_CHILD, winnt.FILE_OPEN, directoryOnly); st {
	case ntstatus.Success:
		f.q.s.release(h)
	case ntstatus.NotADirectory: // the right to delete members concerns folders only
	default:
		return f.q.refusedAs(at, winnt.FILE_DELETE_CHILD, st)
	}
	return nil
}

// Open opens a file for reading with the rights of the client. The result is a *download, which the caller closes.
// Without the right it returns a refusal. A folder opens, too.
func (f files) Open(name dav.Path) (io.ReadCloser, error) {
	at := placeOf(name)
	h, file, st := f.q.openToRead(at)
	if st != ntstatus.Success {
		return nil, f.q.refusedAs(at, winnt.FILE_READ_DATA, st)
	}
	d := &download{q: f.q, h: h, file: file, from: &reader{q: f.q, h: h}}
	if file != nil {
		d.from = file
	}
	return d, nil
}

// Create starts an upload with the rights of the client. Other clients see it only after Commit. The caller closes
// it.
func (f files) Create(name dav.Path, c dav.Creation) (dav.Upload, error) {
	u, err := f.q.upload(placeOf(name), c)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// stat returns the attributes of a file or directory; the refusal is nil on success. If the client may only list the
// parent, the attributes come from the directory entry, without an id. A hidden name gets the 404 of a missing name.
// The root above the trees always exists.
func (q *request) stat(at place) (facts, *refusal) {
	if at.tree == "" && at.path == "" {
		return facts{name: "/", dir: true, written: filetime.UnixEpoch, created: filetime.UnixEpoch}, nil
	}
	_, name := at.above()
	if at.path == "" {
		name = at.tree
	}
	h, st := q.open(at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		// A missing name is also looked up in the directory, so that it takes the same calls as a
		// denied one (G-8).
		return q.refusedUnless(at, winnt.FILE_READ_ATTRIBUTES, st, true)
	}
	defer q.s.release(h)
	f, st := q.facts(h)
	if st != ntstatus.Success {
		return facts{}, q.refusedAs(at, winnt.FILE_READ_ATTRIBUTES, st)
	}
	f.name = name
	return f, nil
}

// download is a file that is open for reading. Close closes the file and its handle.
type download struct {
	q    *request
	h    winnt.Handle
	file *os.File // nil: read by calls of refmond
	from io.Reader
}

// Read reads the next bytes of the file into b. It returns io.EOF at the end of the file.
func (d *download) Read(b []byte) (int, error) { return d.from.Read(b) }

// Close closes the file and its handle at refmond. Errors are ignored: it returns nil.
func (d *download) Close() error {
	if d.file != nil {
		_ = d.file.Close()
	}
	d.q.s.release(d.h)
	return nil
}
