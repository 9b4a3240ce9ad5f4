package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// codes has what a client of HTTP is told; a status that is not here is 500.
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
	ntstatus.SharingViolation:      http.StatusLocked,
	ntstatus.NotSameDevice:         http.StatusBadGateway,
	ntstatus.DiskFull:              http.StatusInsufficientStorage,
	ntstatus.InsufficientResources: http.StatusServiceUnavailable,
	ntstatus.TooManyOpenedFiles:    http.StatusServiceUnavailable,
	ntstatus.PortDisconnected:      http.StatusServiceUnavailable,
	ntstatus.Cancelled:             http.StatusServiceUnavailable,
	ntstatus.AuditFailed:           http.StatusServiceUnavailable,
}

// refusal is why a request is not done.
type refusal struct {
	code    int
	status  ntstatus.Status
	at      place
	lacking winnt.AccessMask // what was asked for; for 403
	why     string           // to who may read the descriptor: the entries that decided
}

// refusedAs turns a status about a place into what its client is told. What is hidden from
// the client is as what is not there: the same answer (G-8).
func (q *request) refusedAs(at place, desired winnt.AccessMask, st ntstatus.Status) *refusal {
	code, known := codes[st]
	if !known {
		code = http.StatusInternalServerError
		q.g.log.Warn("a status without a place in the table", "status", st.String())
	}
	f := &refusal{code: code, status: st, at: at, lacking: desired}
	if code != http.StatusForbidden && code != http.StatusNotFound {
		return f
	}
	// A name that is not there costs the same question: time tells nothing either (G-8).
	if _, seen := q.listed(at); code == http.StatusForbidden && !seen {
		f.code = http.StatusNotFound
		return f
	}
	if f.code == http.StatusForbidden {
		f.why = q.explain(at, desired)
	}
	return f
}

// listed returns what a listing of the directory tells its client of the name.
func (q *request) listed(at place) (f facts, seen bool) {
	if at.path == "" {
		return f, false // the list of trees has those that can be opened
	}
	dir, name := at.above()
	h, st := q.open(dir, winnt.FILE_LIST_DIRECTORY, winnt.FILE_OPEN, directoryOnly)
	if st != ntstatus.Success {
		return f, false
	}
	defer q.s.p.release(h)
	q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		list, st := th.NtQueryDirectoryFile(h, name, true)
		if seen = st == ntstatus.Success && len(list) > 0; seen {
			f = ofEntry(&list[0])
		}
		return st
	})
	return f, seen
}

// explain says why a right is lacking, to a client who may read the descriptor (G-9).
func (q *request) explain(at place, desired winnt.AccessMask) string {
	h, st := q.open(at, winnt.READ_CONTROL, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return ""
	}
	defer q.s.p.release(h)
	var text string
	q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
		d, st := th.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.GROUP_SECURITY_INFORMATION|
			winnt.DACL_SECURITY_INFORMATION|winnt.LABEL_SECURITY_INFORMATION)
		if st != ntstatus.Success {
			return st
		}
		var seen reasons
		th.Trace(&seen)
		defer th.Trace(nil)
		th.NtAccessCheck(d, q.s.token, winnt.FileObject.Mapping.Map(desired), winnt.FileObject.Mapping)
		if text = seen.text(); text != "" {
			text = winnt.FileObject.Names(desired) + " is asked for\n\n" + text
		}
		return ntstatus.Success
	})
	return text
}

// absent answers that there is nothing of that name: always the same bytes (G-8).
func absent(w http.ResponseWriter) { plain(w, http.StatusNotFound, "there is nothing of that name") }

// write answers a request with its refusal.
func (f *refusal) write(w http.ResponseWriter, r *http.Request) {
	switch {
	case f.code == http.StatusNotFound:
		absent(w)
	case f.code == http.StatusServiceUnavailable:
		busy(w)
	case f.code == http.StatusForbidden && f.why != "" && r.Method != http.MethodGet && r.Method != http.MethodHead:
		f.needs(w)
	case f.code == http.StatusForbidden && f.why != "":
		plain(w, f.code, "access denied\n\n"+f.why)
	case f.code == http.StatusForbidden:
		plain(w, f.code, "access denied")
	default:
		plain(w, f.code, strings.ToLower(http.StatusText(f.code))+" ("+f.status.String()+")")
	}
}

// needs answers with the privileges that are lacking, each with the resource that it is of (RFC 3744, 7.1.1).
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
