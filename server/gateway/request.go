package gateway

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Options of an open.
const (
	directoryOnly = uint32(fileaccess.DirectoryFile)
	fileOnly      = uint32(fileaccess.NonDirectoryFile)
	deleteOnClose = uint32(fileaccess.DeleteOnClose)
)

// shareAll shares a file with every other open.
const shareAll = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// request is one request of an authenticated client. It must not outlive its ctx.
type request struct {
	g     *Gateway        // immutable
	s     *session        // immutable
	begun time.Time       // immutable: time of arrival; zero: refusals are not delayed
	ctx   context.Context // ends with this request; owned by its goroutine
	at    place           // immutable: for GET, HEAD and the console
	// hidden are folders with hidden names that the request itself uses, while it replaces another folder (G-42). They
	// are owned by the goroutine of the request.
	hidden []place
	// held is the memory that it takes, nil if it took none. It is owned by the goroutine of the request.
	held *held
	// detached means that the request goes on without its client, to complete a change. It is owned by its goroutine.
	detached bool
}

// newRequest returns the request of the logged-on client s, which arrives now and ends with ctx.
func (g *Gateway) newRequest(ctx context.Context, s *session) *request {
	return &request{g: g, s: s, begun: time.Now(), ctx: forUser(ctx, s)}
}

// creation returns the parameters for opening or creating the file at with these rights, shared with all other openers.
// how is the disposition, such as winnt.FILE_OPEN.
func (q *request) creation(at place, desired winnt.AccessMask, how, options uint32) nt.CreateFileIn {
	return nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: how, CreateOptions: options, ShareAccess: shareAll,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: at.object()})}
}

// open opens or creates a file with the rights of the client. how is the disposition, such as winnt.FILE_OPEN. The
// caller releases the handle, which is 0 on failure. It returns ObjectNameNotFound for a name that is not served.
func (q *request) open(at place, desired winnt.AccessMask, how, options uint32) (h winnt.Handle, st ntstatus.Status) {
	if !q.served(at) {
		return 0, ntstatus.ObjectNameNotFound
	}
	// The client's token authorizes the open, because the gateway has no rights of its own (G-1).
	st = q.s.as(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		h, _, st = th.NtCreateFile(q.creation(at, desired, how, options))
		return st
	})
	return h, st
}

// served reports whether the request may use a path: the gateway serves the tree, and the name is allowed or one of the
// request's own hidden names. The file need not exist.
func (q *request) served(at place) bool {
	for _, h := range q.hidden {
		if at.under(h) {
			at.path = strings.TrimPrefix(at.path[len(h.path):], `\`)
		}
	}
	return q.g.trees[at.tree] && at.possible()
}

// openToRead opens a file for reading with the client's rights; the caller releases h. f is the file's descriptor,
// which the caller closes, or nil if refmond passes none. f needs GENERIC_READ; h needs only the rights to read data
// and attributes. A name that is not served is ObjectNameNotFound.
func (q *request) openToRead(at place) (h winnt.Handle, f *os.File, st ntstatus.Status) {
	if !q.served(at) {
		return 0, nil, ntstatus.ObjectNameNotFound
	}
	o, st := q.s.p.openAs(q.ctx, q.s.token, q.creation(at, winnt.GENERIC_READ, winnt.FILE_OPEN, 0))
	h, f = o.FileHandle, o.File
	if st == ntstatus.AccessDenied {
		h, st = q.open(at, winnt.FILE_READ_DATA|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	}
	return h, f, st
}

// readAs opens and reads a file with the client's rights, in one round trip. A file of at most mostAtOnce bytes
// arrives whole, without a handle, and may share memory with room. The caller releases a larger file's handle. A name
// that is not served is ObjectNameNotFound. After PortDisconnected do not reuse room.
func (q *request) readAs(at place, room []byte) (o client.ReadAs, st ntstatus.Status) {
	if !q.served(at) {
		return o, ntstatus.ObjectNameNotFound
	}
	in := q.creation(at, winnt.FILE_READ_DATA|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	return q.s.p.readAs(q.ctx, q.s.token, in, room)
}

// facts returns the facts of the open file h, without its name. The handle needs FILE_READ_ATTRIBUTES. On failure the
// facts are zero. The first failing query gives the status.
func (q *request) facts(h winnt.Handle) (f facts, st ntstatus.Status) {
	st = q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
		basic, st := th.NtQueryInformationFile(h, nt.FileBasicInformation)
		if st != ntstatus.Success {
			return st
		}
		standard, st := th.NtQueryInformationFile(h, nt.FileStandardInformation)
		if st != ntstatus.Success {
			return st
		}
		internal, st := th.NtQueryInformationFile(h, nt.FileInternalInformation)
		if st != ntstatus.Success {
			return st
		}
		b, _ := basic.(nt.FileBasic)
		s, _ := standard.(nt.FileStandard)
		i, _ := internal.(nt.FileInternal)
		f = facts{created: b.CreationTime, written: b.LastWriteTime, size: s.EndOfFile, dir: s.Directory, id: i.IndexNumber,
			readOnly: b.FileAttributes&fileaccess.AttributeReadOnly != 0}
		return ntstatus.Success
	})
	return f, st
}

// reader reads an open file by calls of refmond, from offset at.
type reader struct {
	q  *request
	h  winnt.Handle
	at int64
}

// readAtOnce is the most bytes of one read or write call.
const readAtOnce = 256 << 10

// Read reads from the current offset and advances it. It returns at most readAtOnce bytes, and io.EOF at the end of
// the file. An empty b returns 0 and nil, even at the end. Another failure is the error of its status.
func (r *reader) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	st := r.q.s.p.do(r.q.ctx, func(th *nt.Thread) ntstatus.Status {
		var st ntstatus.Status
		n, st = th.NtReadFileInto(r.h, b[:min(len(b), readAtOnce)], r.at)
		return st
	})
	r.at += int64(n)
	switch {
	case st == ntstatus.EndOfFile || st == ntstatus.Success && n == 0:
		return 0, io.EOF
	case st != ntstatus.Success:
		return n, st.Err()
	}
	return n, nil
}
