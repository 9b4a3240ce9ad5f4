package gateway

import (
	"context"
	"io"
	"os"
	"sync"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Options of opens.
const (
	directoryOnly = uint32(fileaccess.DirectoryFile)
	fileOnly      = uint32(fileaccess.NonDirectoryFile)
	deleteOnClose = uint32(fileaccess.DeleteOnClose)
)

// shareAll: a client of HTTP keeps no other from a file.
const shareAll = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// request is one request of a client that is known, as far as files go.
type request struct {
	g   *Gateway        // immutable
	s   *session        // immutable
	ctx context.Context // immutable: of this request, which the value does not outlive
	at  place           // immutable

	mu sync.Mutex
	// +checklocks:mu
	first *refusal // guarded by mu: the reason that the answer names
	// +checklocks:mu
	failed []*refusal // guarded by mu: what of several was refused
	// +checklocks:mu
	broken bool // guarded by mu: what was read from ended early, and nothing is to come of it
	// +checklocks:mu
	replaced bool // guarded by mu: the upload took the place of another file's contents
}

// note keeps why something was not done; the first reason stands.
func (q *request) note(f *refusal) *refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.first == nil {
		q.first = f
	}
	return f
}

func (q *request) refusal() *refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.first
}

// breakOff says that a source ended early.
func (q *request) breakOff() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = true
}

func (q *request) isBroken() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.broken || q.ctx.Err() != nil
}

// creation returns the parameters of an open.
func (q *request) creation(at place, desired winnt.AccessMask, how, options uint32) nt.CreateFileIn {
	return nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: how, CreateOptions: options, ShareAccess: shareAll,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: at.object()})}
}

// open opens a file as the client.
func (q *request) open(at place, desired winnt.AccessMask, how, options uint32) (h winnt.Handle, st ntstatus.Status) {
	if !q.served(at) {
		return 0, ntstatus.ObjectNameNotFound
	}
	// The client opens, on a thread that acts as the client: the gateway may open nothing (G-1).
	st = q.s.as(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		h, _, st = th.NtCreateFile(q.creation(at, desired, how, options))
		return st
	})
	return h, st
}

// served reports whether the gateway serves the tree, and the name is one that a file can have.
func (q *request) served(at place) bool { return q.g.trees[at.tree] && at.possible() }

// openToRead opens a file as the client for reading, by a descriptor where one is handed
// out. The rights that a descriptor needs are asked for first, and then done without.
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

// readAs opens a file as the client for reading, with what is in it where that is little, in
// one exchange with refmond.
func (q *request) readAs(at place, room []byte) (o client.ReadAs, st ntstatus.Status) {
	if !q.served(at) {
		return o, ntstatus.ObjectNameNotFound
	}
	in := q.creation(at, winnt.FILE_READ_DATA|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	return q.s.p.readAs(q.ctx, q.s.token, in, room)
}

// facts tells about an open file.
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
		f = facts{created: b.CreationTime, written: b.LastWriteTime, size: s.EndOfFile, dir: s.Directory, id: i.IndexNumber}
		return ntstatus.Success
	})
	return f, st
}

// reader reads an open file by calls.
type reader struct {
	q  *request
	h  winnt.Handle
	at int64
}

// readAtOnce is the most that one call reads.
const readAtOnce = 256 << 10

// Read implements io.Reader.
func (r *reader) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	st := r.q.s.p.do(r.q.ctx, func(th *nt.Thread) ntstatus.Status {
		data, st := th.NtReadFileAt(r.h, uint32(min(len(b), readAtOnce)), r.at)
		n = copy(b, data)
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
