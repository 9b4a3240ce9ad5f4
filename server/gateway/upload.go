package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// upload receives a file. Until all of it is there no other client sees it: it is in a file beside,
// which goes with its handle and so with the gateway's process, whatever happens
// (G-14). It then gets its name, or takes the place of the contents of the file that has the
// name: that file keeps its owner, descriptor and links (G-15).
type upload struct {
	described
	target winnt.Handle // the file that has the name; 0: none has
	beside winnt.Handle // 0: the client may make none, and target is written to at once
	off    int64
	done   bool
	err    error
}

// openToWrite are the rights to replace what is in a file.
const openToWrite = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_READ_ATTRIBUTES

// upload begins to receive a file.
func (q *request) upload(at place) (*upload, *refusal) {
	u := &upload{described: described{q: q, at: at}}
	h, st := q.open(at, openToWrite, winnt.FILE_OPEN, fileOnly)
	switch {
	case !q.served(at):
		return nil, q.refusedToMake(at, winnt.FILE_ADD_FILE, ntstatus.ObjectNameInvalid)
	case st == ntstatus.Success:
		u.target = h
	case st != ntstatus.ObjectNameNotFound:
		return nil, q.refusedToReplace(at, st)
	}
	// Only a client who may make no file there writes in place: what fails for another reason,
	// as where the client has left, is no reason to write to the file (G-14).
	u.beside, st = q.makeBeside(at, deleteOnClose)
	if st != ntstatus.Success && (u.target == 0 || st != ntstatus.AccessDenied) {
		q.s.p.release(u.target)
		return nil, q.refusedToMake(at, winnt.FILE_ADD_FILE, st)
	}
	if u.target != 0 {
		q.mu.Lock()
		q.replaced = true
		q.mu.Unlock()
	}
	return u, nil
}

// refusedToReplace says why what is in a file is not replaced.
func (q *request) refusedToReplace(at place, st ntstatus.Status) *refusal {
	f := q.refusedToMake(at, winnt.FILE_WRITE_DATA, st)
	if f.code == http.StatusForbidden && f.why == "" || f.code != http.StatusConflict {
		f.at = at
		f.why = ""
		if _, seen := q.listed(at); seen && f.code == http.StatusForbidden {
			f.why = q.explain(at, winnt.FILE_WRITE_DATA)
		}
	}
	return f
}

// makeBeside makes the file that an upload goes to.
func (q *request) makeBeside(at place, option uint32) (h winnt.Handle, st ntstatus.Status) {
	var random [12]byte
	_, _ = rand.Read(random[:]) // it never fails (crypto/rand)
	dir, _ := at.above()
	name := dir.below(uploadPrefix + hex.EncodeToString(random[:]))
	st = q.s.as(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		const want = openToWrite | winnt.FILE_READ_DATA | winnt.FILE_WRITE_ATTRIBUTES | winnt.DELETE
		// That it goes with its handle is said by the same call: a gateway that is killed after
		// any call leaves nothing (G-14).
		h, _, st = th.NtCreateFile(q.creation(name, want, winnt.FILE_CREATE, fileOnly|option))
		return st
	})
	return h, st
}

// into is the file that is written to at the moment.
func (u *upload) into() winnt.Handle {
	if u.beside != 0 {
		return u.beside
	}
	return u.target
}

// Write implements io.Writer.
func (u *upload) Write(b []byte) (n int, err error) {
	for n < len(b) {
		part := b[n:min(n+readAtOnce, len(b))]
		var wrote int
		st := u.q.s.p.do(u.q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
			wrote, st = th.NtWriteFileAt(u.into(), part, u.off)
			return st
		})
		if st != ntstatus.Success || wrote == 0 {
			u.q.breakOff()
			u.err = u.q.failure(u.at.href(false), u.q.refusedToMake(u.at, winnt.FILE_WRITE_DATA, st))
			return n, u.err
		}
		n += wrote
		u.off += int64(wrote)
	}
	return n, nil
}

// buffers take bodies.
var buffers = sync.Pool{New: func() any { return new([readAtOnce]byte) }}

// ReadFrom implements io.ReaderFrom: a call of refmond takes more than a read of a
// connection brings.
func (u *upload) ReadFrom(src io.Reader) (total int64, err error) {
	b := buffers.Get().(*[readAtOnce]byte)
	defer buffers.Put(b)
	for {
		n, err := fill(src, b[:])
		if n > 0 {
			wrote, werr := u.Write(b[:n])
			total += int64(wrote)
			if werr != nil {
				return total, werr
			}
		}
		switch {
		case err == nil:
		case err == io.EOF: //nolint:errorlint // a reader's end comes as it is
			return total, nil
		default:
			// A body that ends early is no end: io.ErrUnexpectedEOF is a client that left (G-14).
			u.q.breakOff()
			return total, err
		}
	}
}

// fill reads until a buffer is full; the error is the reader's own.
func fill(src io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = src.Read(b[n:])
		n += more
	}
	return n, err
}

// commit gives the upload its name, once, if all of it came.
func (u *upload) commit() error {
	if u.done || u.err != nil {
		return u.err
	}
	u.done = true
	if u.q.isBroken() {
		u.err = fs.ErrClosed
		return u.err
	}
	st := ntstatus.Success
	switch {
	case u.target == 0:
		st = u.name()
	case u.beside != 0:
		st = u.replace()
	}
	if st == ntstatus.Success && u.beside == 0 {
		st = u.q.s.p.do(u.q.ctx, func(th *nt.Thread) ntstatus.Status {
			return th.NtSetInformationFile(u.target, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: u.off})
		})
	}
	if st != ntstatus.Success {
		u.err = u.q.failure(u.at.href(false), u.q.refusedToMake(u.at, winnt.FILE_ADD_FILE, st))
	}
	return u.err
}

// name gives the upload its name, as the client; the other one goes with the handle.
func (u *upload) name() ntstatus.Status {
	st := u.called(u.beside, nt.FileLinkInformation)
	if st != ntstatus.AccessDenied {
		return st
	}
	// A link takes an open of the directory (F-59), which not all who may add a file are
	// granted: theirs is a second file, which is renamed.
	h, st := u.q.makeBeside(u.at, 0)
	if st != ntstatus.Success {
		return st
	}
	defer u.q.s.p.release(h)
	st = u.q.s.p.do(u.q.ctx, func(th *nt.Thread) ntstatus.Status { return u.q.s.p.conn.Refill(th, h, u.beside) })
	if st == ntstatus.Success {
		st = u.called(h, nt.FileRenameInformation)
	}
	if st != ntstatus.Success {
		u.q.s.p.do(context.WithoutCancel(u.q.ctx), func(th *nt.Thread) ntstatus.Status {
			return th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true})
		})
	}
	return st
}

// called gives a file the name of the upload, as the client.
func (u *upload) called(h winnt.Handle, class nt.FileInfoClass) ntstatus.Status {
	return u.q.s.as(u.q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationFile(h, class, nt.FileRename{FileName: u.at.object()})
	})
}

// replace puts the upload in the place of the contents of the file that has the name. It is
// one call, and whole before it begins: a gateway that is killed leaves the old contents or the
// new (G-33).
func (u *upload) replace() ntstatus.Status {
	return u.q.s.p.do(u.q.ctx, func(th *nt.Thread) ntstatus.Status {
		return u.q.s.p.conn.Refill(th, u.target, u.beside)
	})
}

// Stat implements http.File: package webdav asks once all was received.
func (u *upload) Stat() (fs.FileInfo, error) {
	if err := u.commit(); err != nil {
		return nil, err
	}
	h := u.into()
	if u.target != 0 {
		h = u.target
	}
	f, st := u.q.facts(h)
	if st != ntstatus.Success {
		return nil, st.Err()
	}
	_, f.name = u.at.above()
	return f, nil
}

// Close implements io.Closer.
func (u *upload) Close() error {
	err := u.commit()
	u.q.s.p.release(u.beside)
	u.q.s.p.release(u.target)
	u.beside, u.target = 0, 0
	return err
}
