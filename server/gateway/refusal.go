package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/winnt"
)

// codes maps a status to the HTTP status. A missing status is 500.
var codes = map[ntstatus.Status]int{
	ntstatus.AccessDenied: http.StatusForbidden, ntstatus.PrivilegeNotHeld: http.StatusForbidden,
	ntstatus.BadImpersonationLevel: http.StatusForbidden, ntstatus.CannotDelete: http.StatusForbidden,
	ntstatus.InvalidOwner: http.StatusForbidden, ntstatus.MediaWriteProtected: http.StatusForbidden,
	ntstatus.ObjectNameNotFound: http.StatusNotFound, ntstatus.ObjectPathNotFound: http.StatusNotFound,
	ntstatus.NoSuchFile: http.StatusNotFound, ntstatus.ObjectNameInvalid: http.StatusNotFound,
	ntstatus.DeletePending: http.StatusNotFound, ntstatus.NotADirectory: http.StatusNotFound,
	ntstatus.FileIsADirectory:      http.StatusMethodNotAllowed,
	ntstatus.ObjectNameCollision:   http.StatusMethodNotAllowed,
	ntstatus.DirectoryNotEmpty:     http.StatusConflict,
	ntstatus.FileTooLarge:          http.StatusRequestEntityTooLarge,
	ntstatus.SharingViolation:      http.StatusLocked,
	ntstatus.NotSameDevice:         http.StatusBadGateway,
	ntstatus.DiskFull:              http.StatusInsufficientStorage,
	ntstatus.InsufficientResources: http.StatusServiceUnavailable,
	ntstatus.TooManyOpenedFiles:    http.StatusServiceUnavailable,
	ntstatus.PortDisconnected:      http.StatusServiceUnavailable,
	ntstatus.Cancelled:             http.StatusServiceUnavailable,
	ntstatus.AuditFailed:           http.StatusServiceUnavailable,
}

// refusal is a rejected request. It implements dav.Refusal.
type refusal struct {
	code    int
	status  ntstatus.Status
	at      place
	lacking winnt.AccessMask // the requested rights, for 403
	why     string           // the deciding entries, for a client that may read the descriptor
}

// Error returns the text of the HTTP status in lower case, with the NT status in parentheses.
func (f *refusal) Error() string {
	return strings.ToLower(http.StatusText(f.code)) + " (" + f.status.String() + ")"
}

// Code returns the HTTP status.
func (f *refusal) Code() int { return f.code }

// Condition returns the precondition of RFC 4331, 6 for a full disk, and "" for any other status.
func (f *refusal) Condition() string {
	if f.status == ntstatus.DiskFull {
		return "<D:sufficient-disk-space/>"
	}
	return ""
}

// refusedAs returns the HTTP error for a failed call on a file; it is never nil. st is refmond's status, and desired
// the denied access. A file that the client may not list gets the 404 of a missing file (G-8).
func (q *request) refusedAs(at place, desired winnt.AccessMask, st ntstatus.Status) *refusal {
	_, refused := q.refusedUnless(at, desired, st, false)
	return refused
}

// refusedUnless returns the HTTP error for a failed call on a file, as refusedAs does. With listing, a denied file
// that the client may list is an exception: the result is the facts of its directory entry and a nil refusal. A
// status without an HTTP status is logged.
func (q *request) refusedUnless(at place, desired winnt.AccessMask, st ntstatus.Status, listing bool) (facts,
	*refusal) {
	code, known := codes[st]
	if !known {
		code = http.StatusInternalServerError
		q.g.log.Warn("answered 500 to an NT status without an HTTP status", lograte.Client, q.s.user.String(), "status",
			st.String())
	}
	f := &refusal{code: code, status: st, at: at, lacking: desired}
	if code != http.StatusForbidden && code != http.StatusNotFound {
		return facts{}, f
	}
	// A missing name takes the same calls, so that the response time reveals nothing (G-8).
	found, seen := q.listed(at)
	switch {
	case q.s.p.conn.Err() != nil:
		// Without a connection nothing is listed, and a client that takes a file for missing may delete its copy.
		return facts{}, q.disconnected(at, desired)
	case code == http.StatusForbidden && !seen:
		f.code = http.StatusNotFound
	case listing && st == ntstatus.AccessDenied:
		return found, nil
	case code == http.StatusForbidden:
		f.why = q.explain(at, desired)
	}
	return facts{}, f
}

// disconnected returns the 503 refusal of a call on a file after the connection to refmond was lost.
func (q *request) disconnected(at place, desired winnt.AccessMask) *refusal {
	return &refusal{code: http.StatusServiceUnavailable, status: ntstatus.PortDisconnected, at: at, lacking: desired}
}

// listed returns a file's directory entry, read with the client's rights. seen is false if the client may not list
// the directory, the file does not exist, at is the root of a tree, or the lookup fails.
func (q *request) listed(at place) (f facts, seen bool) {
	if at.path == "" {
		return f, false // a tree that the client cannot open is not listed either
	}
	dir, name := at.above()
	h, st := q.open(dir, winnt.FILE_LIST_DIRECTORY, winnt.FILE_OPEN, directoryOnly)
	if st != ntstatus.Success {
		return f, false
	}
	defer q.s.release(h)
	q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		list, st := th.NtQueryDirectoryFile(h, name, true)
		for i := range list { // a pattern also matches the name in another case, which is another file
			if list[i].FileName == name {
				f, seen = ofEntry(&list[i]), true
			}
		}
		return st
	})
	return f, seen
}

// explain returns a text for the client that names the entries which denied desired. The text is "" if no entry
// decided, a call failed, or the client has no READ_CONTROL (G-9). SIDs have names only if refmond resolves them for
// the client (B-67).
func (q *request) explain(at place, desired winnt.AccessMask) string {
	d, st := q.readDescriptor(at, 0)
	if st != ntstatus.Success {
		return ""
	}
	d = complete(d)
	name := q.namesIn(d)
	var text string
	q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
		var seen reasons
		th.Trace(&seen)
		defer th.Trace(nil)
		th.NtAccessCheck(d, q.s.token, winnt.FileObject.Mapping.Map(desired), winnt.FileObject.Mapping)
		if text = seen.text(name); text != "" {
			text = "requested: " + winnt.FileObject.Names(desired) + "\n\n" + text
		}
		return ntstatus.Success
	})
	return text
}

// writeNotFound writes the 404 response for a missing or hidden file, which always has the same bytes (G-8).
func writeNotFound(w http.ResponseWriter) { plain(w, http.StatusNotFound, "no such name") }

// Answer writes the refusal as the response. Every 404 has the same bytes. A 403 says which rights are missing if the
// client may know why: as text for GET and HEAD, as XML for other methods.
func (f *refusal) Answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case f.code == http.StatusNotFound:
		writeNotFound(w)
	case f.code == http.StatusServiceUnavailable:
		busy(w)
	case f.code == http.StatusForbidden && f.status == ntstatus.MediaWriteProtected:
		plain(w, f.code, "the file system of this tree is read-only") // names no rights: none would help
	case f.code == http.StatusForbidden && f.why != "" && r.Method != http.MethodGet && r.Method != http.MethodHead:
		f.needs(w)
	case f.code == http.StatusForbidden && f.why != "":
		plain(w, f.code, "access denied\n\n"+f.why)
	case f.code == http.StatusForbidden:
		plain(w, f.code, "access denied")
	case f.Condition() != "":
		dav.AnswerCondition(w, f.code, f.Condition())
	default:
		plain(w, f.code, f.Error())
	}
}

// needs writes a 403 response whose XML lists the missing privileges and the resource that needs them (RFC 3744,
// 7.1.1). Without known privileges the list is empty.
func (f *refusal) needs(w http.ResponseWriter) {
	var b strings.Builder
	b.WriteString(xml.Header + `<D:error xmlns:D="DAV:" xmlns:R="` + rightsSpace + `"><D:need-privileges>`)
	for _, p := range lackingPrivileges(f.lacking) {
		b.WriteString("<D:resource><D:href>")
		escape(&b, f.at.href(false))
		fmt.Fprintf(&b, "</D:href><D:privilege><%s/></D:privilege></D:resource>", p)
	}
	b.WriteString("</D:need-privileges></D:error>\n")
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(b.String()))
}
