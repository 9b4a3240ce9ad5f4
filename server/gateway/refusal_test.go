package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestNTStatusMapsToHTTPStatus checks the HTTP response for each status.
func TestNTStatusMapsToHTTPStatus(t *testing.T) {
	for code, list := range map[int][]ntstatus.Status{
		403: {ntstatus.AccessDenied, ntstatus.PrivilegeNotHeld, ntstatus.BadImpersonationLevel, ntstatus.CannotDelete,
			ntstatus.InvalidOwner, ntstatus.MediaWriteProtected},
		404: {ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NoSuchFile, ntstatus.ObjectNameInvalid,
			ntstatus.DeletePending, ntstatus.NotADirectory},
		405: {ntstatus.FileIsADirectory, ntstatus.ObjectNameCollision}, 409: {ntstatus.DirectoryNotEmpty},
		413: {ntstatus.FileTooLarge}, 423: {ntstatus.SharingViolation}, 502: {ntstatus.NotSameDevice},
		507: {ntstatus.DiskFull},
		503: {ntstatus.InsufficientResources, ntstatus.TooManyOpenedFiles, ntstatus.PortDisconnected, ntstatus.Cancelled,
			ntstatus.AuditFailed},
	} {
		for _, st := range list {
			check.Equal(t, codes[st], code, "%v", st)
		}
	}
	w := newExactly(t, shared)
	q := w.newRequest("bob")
	at := place{"share", "none"}
	for st, want := range map[ntstatus.Status]string{
		ntstatus.InvalidParameter: inLine(500, "internal server error (STATUS_INVALID_PARAMETER)"),
		ntstatus.SharingViolation: inLine(423, "locked (STATUS_SHARING_VIOLATION)"),
		ntstatus.AuditFailed:      inLine(503, "refmond is not available now: try again later", "Retry-After: 5"),
		ntstatus.DiskFull: answered(507, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
			`<D:error xmlns:D="DAV:"><D:sufficient-disk-space/></D:error>`+"\n", "Cache-Control: no-store",
			"Content-Type: application/xml; charset=utf-8"),
		ntstatus.AccessDenied: saysAbsent, ntstatus.DeletePending: saysAbsent, ntstatus.CannotDelete: saysAbsent,
	} {
		rec := httptest.NewRecorder()
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		q.refusedAs(at, winnt.DELETE, st).Answer(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		headers := []string{}
		for name := range rec.Header() {
			if name != "X-Content-Type-Options" {
				headers = append(headers, name+": "+rec.Header().Get(name))
			}
		}
		w.diff(st.String(), answered(rec.Code, rec.Body.String(), headers...), want)
	}
	w.must(q.s.p.conn.Close())
	check.Equal(t, q.refusedToMake(at, winnt.FILE_ADD_FILE, ntstatus.AccessDenied).code, 503, "a lost connection")
	rec := httptest.NewRecorder()
	(&refusal{code: 403, status: ntstatus.MediaWriteProtected, why: "requested"}).Answer(rec,
		httptest.NewRequest(http.MethodPut, "/", nil))
	check.Equal(t, rec.Body.String(), "the file system of this tree is read-only\n", "a refusal that no right changes")
	check.Equal(t, reason(connect.NewError(connect.CodeNotFound, errors.New("why"))), "why", "the reason")
	check.Equal(t, reason(io.EOF), "EOF", "the reason")
}

// TestHiddenAndMissingFilesLookTheSame checks complete responses of rejected requests: missing, hidden, denied with
// and without a reason, and wrong hosts, origins, methods and paths (G-8 to G-11, G-16, G-17).
func TestHiddenAndMissingFilesLookTheSame(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.Names = []string{"files.test", "::1", "::ffff:192.0.2.1"} })
	w.file("hers", "x", own)
	w.file("told", "x", "O:BAG:SYD:P(D;;0x1;;;{bob})(A;;FA;;;{alice})(A;;0x20081;;;{bob})")
	w.file("lost", "x", "D:P(D;;0x1;;;{bob})(A;;0x20081;;;{bob})") // without an owner
	w.folder("deep", own)
	w.file("deep/x", "x", own)
	w.folder("box", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x2;;;{bob})(A;;0x20000;;;{carol})")
	bob := w.sids["bob"].String()
	why := "access denied\n\nrequested: FILE_READ_DATA\n\n"
	moved := func(to string) string {
		// A cache may store a 301 (RFC 9111, 4.2.2), but a file can take the directory's name.
		return answered(301, `<a href="`+to+"\">Moved Permanently</a>.\n\n", "Content-Type: text/html; charset=utf-8",
			"Location: "+to, "Cache-Control: no-store")
	}
	allow := "Allow: COPY, DELETE, GET, HEAD, LOCK, MKCOL, MOVE, OPTIONS, PROPFIND, PROPPATCH, PUT, UNLOCK"
	for _, c := range []struct{ user, method, path, want string }{
		{"bob", "GET", "/share/none", saysAbsent}, {"bob", "HEAD", "/share/none", saysAbsent},
		{"bob", "GET", "/share/deep/x", saysAbsent}, {"bob", "GET", "/share/deep/none", saysAbsent},
		{"bob", "GET", "/share/hers", saysDenied}, {"carol", "GET", "/share/hers", saysAbsent},
		{"carol", "GET", "/share/told", saysAbsent}, {"carol", "GET", "/share/", saysAbsent},
		{"carol", "GET", "/share/box/", saysAbsent}, {"bob", "GET", "/none/x", saysAbsent},
		{"bob", "GET", "/share/hers:x", badCharacter}, {"alice", "GET", "/share/hers.", inLine(400,
			"Windows does not allow this name: it ends in a dot or a space")},
		{"bob", "GET", "/share/deep", saysDenied}, {"alice", "GET", "/share/deep", moved("/share/deep/")},
		{"alice", "GET", "/share?x=y", moved("/share/")},
		{"bob", "GET", "/share/a%2fb", inLine(400,
			"this path is not a valid path of a file: it has a backslash, a NUL or an encoded slash")},
		{"alice", "POST", "/share/x", inLine(405, "this method is not supported here", allow)},
		{"alice", "get", "/share/x", inLine(405, "this method is not supported here", allow)},
		{"alice", "PUT", "/share/dir/", inLine(405, "a file's name does not end in /", allowOtherThanPut)},
		{"", "GET", "/share/x", inLine(401, "log on with a name and password, or with a Kerberos ticket",
			`Www-Authenticate: Basic realm="refmon", charset="UTF-8"`)},
		{"", "OPTIONS", "/share/x", answered(200, "",
			"Allow: OPTIONS, GET, HEAD, PROPFIND, PUT, DELETE, MKCOL, COPY, MOVE, PROPPATCH, LOCK, UNLOCK",
			"Dav: 1, 2, 3", "Ms-Author-Via: DAV")},
	} {
		w.diff(c.method+" "+c.path+" as "+c.user, w.ask(c.user, c.method, c.path, ""), c.want)
	}
	got := w.ask("bob", "GET", "/share/told", "")
	w.diff("HEAD of a denied file", w.ask("bob", "HEAD", "/share/told", ""), got)
	if !strings.HasPrefix(got, strings.TrimSuffix(inLine(403, why), "\n")) || !strings.Contains(got,
		"STATUS_ACCESS_DENIED") ||
		!strings.Contains(got, bob) {
		t.Errorf("G-9: %s, want the entry of %s", got, bob)
	}
	if lost := w.ask("bob", "GET", "/share/lost", ""); !strings.Contains(lost, why) {
		t.Errorf("G-29: %s, want the entry of %s", lost, bob)
	}
	// A client who may read an entry sees its account's name, and other clients see neither (B-67). The page of hers,
	// which bob may not read, is "access denied" above.
	check.That(t, strings.Contains(got, ";"+bob+") ") && strings.Contains(got, `bob`),
		"B-67: %s, want the name of %s next to its entry", got, bob)
	for _, c := range []struct {
		host string
		code int
	}{{"files.test", 404}, {"FILES.TEST:8443", 404}, {"[::1]:8443", 404}, {"[::1]", 404}, {"::1", 404},
		{"[0:0::1]", 404}, {"192.0.2.1", 404}, {"192.0.2.2", 421},
		{"evil.test", 421}, {"files.test.evil", 421}, {"", 421}} {
		r := w.request("bob", http.MethodGet, "/share/none", "")
		r.Host = c.host
		rec := &recorded{header: http.Header{}}
		w.g.Files().ServeHTTP(rec, r)
		check.Equal(t, rec.code, c.code, "G-17: for the host %q", c.host)
	}
}
