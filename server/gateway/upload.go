package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/winnt"
)

// upload receives a file. The data goes to a temporary file that no other client sees and that is deleted when its
// handle closes (G-14). Commit links the new file, or replaces the contents of an existing one, which keeps its
// owner, descriptor and links (G-15).
type upload struct {
	q      *request
	at     place
	how    dav.Creation
	target winnt.Handle // the existing file; 0 without one, and if temp is not 0, until settle opens it
	temp   winnt.Handle // the temporary file; 0: the client may not create one, and target collects the data
	found  bool         // the name existed when the upload began
	off    int64
	done   bool
	err    error  // the last failure of Write, ReadFrom or Commit; Commit returns it
	leave  func() // releases the claims of the upload; nil: nothing to release
}

// openToWrite are the rights to replace the contents of a file.
const openToWrite = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_READ_ATTRIBUTES

// upload starts an upload to the file at. The caller closes the result, also after a commit. The client needs the
// right to write an existing file, or to add a new one to the directory. The error is the refusal to send:
//   - the name is not served: 403
//   - how.New, but the client may write an existing file: 405, or 403 if hidden
//   - others: from refmond's status
func (q *request) upload(at place, how dav.Creation) (*upload, error) {
	u := &upload{q: q, at: at, how: how}
	h, st := q.open(at, openToWrite, winnt.FILE_OPEN, fileOnly)
	switch {
	case !q.served(at):
		return nil, q.refusedToMake(at, winnt.FILE_ADD_FILE, ntstatus.ObjectNameInvalid)
	case st == ntstatus.Success && how.New:
		q.s.release(h)
		return nil, q.refusedToMake(at, winnt.FILE_ADD_FILE, ntstatus.ObjectNameCollision)
	case st == ntstatus.Success:
		u.target, u.found = h, true
	case st != ntstatus.ObjectNameNotFound:
		return nil, q.refusedToReplace(at, st)
	}
	u.temp, st = q.createTemp(at, fileOnly|deleteOnClose)
	if st != ntstatus.Success && (u.target == 0 || st != ntstatus.AccessDenied) {
		q.s.release(u.target)
		return nil, q.refusedToMake(at, winnt.FILE_ADD_FILE, st)
	}
	if u.temp == 0 {
		if st = q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status { return q.s.p.conn.Stage(th, u.target) }); st !=
			ntstatus.Success {
			q.s.release(u.target)
			return nil, q.refusedToMake(at, winnt.FILE_ADD_FILE, st)
		}
		return u, nil
	}
	// Open the file again after all data has arrived. Until then it may be removed or renamed.
	q.s.release(u.target)
	u.target = 0
	return u, nil
}

// enter protects a commit against concurrent requests: it claims the names that the upload changes and tests the
// request's conditions, as the WebDAV engine configured. The caller calls leave once. If the request did this before,
// leave does nothing and err is nil.
func (u *upload) enter() (leave func(), err error) {
	if u.how.Enter == nil {
		return func() {}, nil
	}
	return u.how.Enter()
}

// refusedToReplace converts the status of a failed open of an existing file for writing to the refusal to send. A 403
// is about the file if the client sees the file in its folder. Otherwise it is that of a free name (G-8).
func (q *request) refusedToReplace(at place, st ntstatus.Status) *refusal {
	_, seen := q.listed(at) // in the place of the temporary file that a missing name takes (G-48)
	f := q.refusedToMake(at, winnt.FILE_WRITE_DATA, st)
	if seen && f.code == http.StatusForbidden {
		f.at, f.why = at, q.explain(at, winnt.FILE_WRITE_DATA)
	}
	return f
}

// createTemp creates a file or directory with a random name in the parent folder of at, with the rights of the client.
// It opens it for reading and writing. options is fileOnly or directoryOnly, and deleteOnClose or not. The caller
// releases the handle.
func (q *request) createTemp(at place, options uint32) (h winnt.Handle, st ntstatus.Status) {
	dir, _ := at.above()
	name := dir.below(randomName())
	st = q.s.as(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		const want = openToWrite | winnt.FILE_READ_DATA | winnt.FILE_WRITE_ATTRIBUTES | winnt.DELETE
		// The same call sets delete-on-close, so a killed gateway leaves no file (G-14).
		h, _, st = th.NtCreateFile(q.creation(name, want, winnt.FILE_CREATE, options))
		return st
	})
	return h, st
}

// randomName returns a new name for a hidden temporary file or folder, of 96 random bits.
func randomName() string {
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return uploadPrefix + hex.EncodeToString(random[:])
}

// into returns the handle that receives the data: the temporary file or, without one, the existing file.
func (u *upload) into() winnt.Handle {
	if u.temp != 0 {
		return u.temp
	}
	return u.target
}

// Write appends b to the data of the upload, which clients do not see before Commit. An error is the refusal to send,
// and Commit then returns it, too.
func (u *upload) Write(b []byte) (n int, err error) {
	for n < len(b) {
		part := b[n:min(n+readAtOnce, len(b))]
		var wrote int
		st := u.q.s.p.do(u.q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
			wrote, st = th.NtWriteFileAt(u.into(), part, u.off)
			return st
		})
		if st == ntstatus.Success && wrote == 0 {
			st = ntstatus.IODeviceError // otherwise the loop would not end
		}
		if st != ntstatus.Success {
			u.err = u.q.refusedToMake(u.at, winnt.FILE_WRITE_DATA, st)
			return n, u.err
		}
		n += wrote
		u.off += int64(wrote)
	}
	return n, nil
}

// buffers is the pool of buffers for request bodies.
var buffers = sync.Pool{New: func() any { return new([readAtOnce]byte) }}

// ReadFrom appends all data of src to the upload and returns the number of bytes. It returns nil at io.EOF. Any other
// error of src, such as io.ErrUnexpectedEOF after a disconnect, is returned, and Commit then returns it, too. After a
// failed Write it returns the bytes written so far and the error.
func (u *upload) ReadFrom(src io.Reader) (total int64, err error) {
	b := buffers.Get().(*[readAtOnce]byte)
	defer buffers.Put(b)
	for {
		n, err := fill(src, b[:])
		ended := err == io.EOF //nolint:errorlint // an io.Reader returns io.EOF unwrapped
		if err != nil && !ended {
			// A truncated body is an error: io.ErrUnexpectedEOF means that the client disconnected (G-14).
			u.err = err
			return total, err
		}
		if n > 0 {
			wrote, werr := u.Write(b[:n])
			total += int64(wrote)
			if werr != nil {
				return total, werr
			}
		}
		if ended {
			return total, nil
		}
	}
}

// fill reads a full buffer from src, however small its reads are: until b is full or src returns an error, which it
// returns, also io.EOF. n is the number of bytes in b.
func fill(src io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = src.Read(b[n:])
		n += more
	}
	return n, err
}

// commit makes the upload visible under its name. commit claims the names until Close and tests the request's
// conditions again (G-38). commit returns the error of an earlier Write. A second call changes nothing and returns
// the result of the first. If another program creates or removes the name after the test, the error is 412, unless
// the upload may replace a file.
func (u *upload) commit() error {
	if u.done || u.err != nil {
		return u.err
	}
	u.done = true
	if u.err = u.q.ctx.Err(); u.err != nil {
		return u.err
	}
	if u.leave == nil {
		if u.leave, u.err = u.enter(); u.err != nil {
			u.leave = nil
			return u.err
		}
	}
	st := u.settle()
	switch {
	case st == ntstatus.Success:
	case u.how.Enter != nil && !u.how.Replace && (st == ntstatus.ObjectNameCollision || st == ntstatus.ObjectNameNotFound):
		// A program on the host created or removed the name after the conditions were tested
		// (G-38).
		u.err = dav.Refuse(http.StatusPreconditionFailed, "the file was changed or replaced")
	default:
		u.err = u.q.refusedToMake(u.at, winnt.FILE_ADD_FILE, st)
	}
	return u.err
}

// settle makes the uploaded data the contents of the file that has the name now. That may be another file than at the
// start, or none. If the name was taken or removed meanwhile and the upload must not replace, settle returns
// ObjectNameCollision or ObjectNameNotFound. Any other status is that of the open or the replacement.
func (u *upload) settle() ntstatus.Status {
	if u.temp == 0 {
		return u.settleStaged()
	}
	if !u.found {
		st := u.name()
		if st != ntstatus.ObjectNameCollision || !u.how.Replace {
			return st
		}
	}
	h, st := u.q.open(u.at, openToWrite, winnt.FILE_OPEN, fileOnly)
	switch st {
	case ntstatus.Success:
		u.target = h
		return u.replace(u.temp)
	case ntstatus.ObjectNameNotFound:
		if u.how.Replace {
			return u.name()
		}
	}
	return st
}

// settleStaged replaces the contents of the existing file by the data that its handle collected. It returns
// ObjectNameCollision if another file has the name now. Another failure leaves the file unchanged. It returns the
// status of an open that is refused.
func (u *upload) settleStaged() ntstatus.Status {
	h, st := u.q.open(u.at, openToWrite, winnt.FILE_OPEN, fileOnly)
	if st != ntstatus.Success {
		return st
	}
	defer u.q.s.release(h)
	now, st := u.q.facts(h)
	if st != ntstatus.Success {
		return st
	}
	was, st := u.q.facts(u.target)
	if st != ntstatus.Success {
		return st
	}
	if now.id != was.id {
		return ntstatus.ObjectNameCollision
	}
	return u.replace(u.target)
}

// name flushes the temporary file and gives it its final name, with the client's rights. name returns
// ObjectNameCollision if the name exists. If the client may not open the directory, a second file gets the data and
// the name, and becomes u.temp; after a failure that file is deleted.
func (u *upload) name() ntstatus.Status {
	// After a power failure the name is missing, or has the whole file (G-50).
	st := u.store(func(th *nt.Thread) ntstatus.Status { return th.NtFlushBuffersFile(u.temp) })
	if st != ntstatus.Success {
		return st
	}
	st = u.giveName(u.temp, nt.FileLinkInformation)
	if st != ntstatus.AccessDenied {
		return st
	}
	// A link requires opening the directory (F-59), which a client that may only add files cannot
	// do. Rename a second file instead.
	h, st := u.q.createTemp(u.at, fileOnly)
	if st != ntstatus.Success {
		return st
	}
	defer func() { u.q.s.release(h) }() // h may be the former temporary file
	st = u.store(func(th *nt.Thread) ntstatus.Status { return u.q.s.p.conn.Refill(th, h, u.temp) })
	if st == ntstatus.Success {
		st = u.giveName(h, nt.FileRenameInformation)
	}
	if st != ntstatus.Success {
		u.q.s.p.do(context.WithoutCancel(u.q.ctx), func(th *nt.Thread) ntstatus.Status {
			return th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true})
		})
		return st
	}
	u.temp, h = h, u.temp // the copy has another write time, and Commit describes the file with the name
	return st
}

// giveName gives the file of the handle h its final name, with the rights of the client. class is FileLinkInformation
// for a hard link or FileRenameInformation for a rename. An existing name is an error.
func (u *upload) giveName(h winnt.Handle, class nt.FileInfoClass) ntstatus.Status {
	return u.q.s.as(u.q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationFile(h, class, nt.FileRename{FileName: u.at.object()})
	})
}

// replace replaces the contents of the existing file by the data of the handle from, in one call. If the gateway or
// refmond is killed, the file has the old contents or the new (G-33).
func (u *upload) replace(from winnt.Handle) ntstatus.Status {
	return u.store(func(th *nt.Thread) ntstatus.Status { return u.q.s.p.conn.Refill(th, u.target, from) })
}

// store runs f, which writes the whole upload to the disk, when it is the user's turn, and returns its status.
func (u *upload) store(f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	return u.q.s.p.store(u.q.ctx, u.q.s.user.String(), f)
}

// Commit makes the data the contents of the file and returns its description. created reports that the file is new.
// It returns the error of an earlier Write or ReadFrom. An error is the refusal to send; the file may have changed if
// only its description cannot be read.
func (u *upload) Commit() (i dav.Info, created bool, err error) {
	if err := u.commit(); err != nil {
		return i, false, err
	}
	h := u.into()
	if u.target != 0 {
		h = u.target
	}
	f, st := u.q.facts(h)
	if st != ntstatus.Success {
		return i, false, u.q.refusedAs(u.at, winnt.FILE_READ_ATTRIBUTES, st)
	}
	_, f.name = u.at.above()
	return f.info(), u.target == 0, nil
}

// Close releases the handles and claims of the upload, and discards the data if it was not committed. It always
// returns nil. A second call does nothing.
func (u *upload) Close() error {
	u.q.s.release(u.temp)
	u.q.s.release(u.target)
	u.temp, u.target = 0, 0
	if u.leave != nil {
		u.leave()
		u.leave = nil
	}
	return nil
}
