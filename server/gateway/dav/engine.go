package dav

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Engine serves WebDAV (RFC 4918, classes 1, 2 and 3). It holds the state that requests share: locks and claimed
// names. It is safe for concurrent use, but its fields may be set only before the first request. Its zero value is
// not usable.
type Engine struct {
	// Locks has the locks of all users. Immutable.
	Locks *LockTable
	// Namespaces declares prefixes for the properties of the file systems, as ` xmlns:R="urn:r"`. Immutable.
	Namespaces string
	// MostListed is the most members of a folder that PROPFIND returns. A larger folder is answered with 507.
	// Immutable.
	MostListed int
	// LargestUpload is the largest body of a PUT, in bytes. A larger one is answered with 413. Immutable.
	LargestUpload int64

	now    func() time.Time // immutable
	claims *claims          // immutable
}

// New returns an engine without locks that reads the time from now, which must not be nil. Its limits are 20,000
// listed members and uploads of 16 GiB; set its fields to change them.
func New(now func() time.Time) *Engine {
	return &Engine{Locks: newLockTable(now), MostListed: 20_000, LargestUpload: 16 << 30, now: now, claims: newClaims()}
}

// Methods are the methods that [Engine.Serve] serves.
var Methods = []string{"PROPFIND", http.MethodPut, http.MethodDelete, "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK",
	"UNLOCK"}

// Options writes the response to OPTIONS: status 200 with the WebDAV classes and the methods, the same for every
// name.
func Options(w http.ResponseWriter) {
	h := w.Header()
	// A server of class 2 has locks; one of class 3 follows RFC 4918 and not RFC 2518 (RFC 4918, 18).
	h.Set("DAV", "1, 2, 3")
	h.Set("MS-Author-Via", "DAV")
	h.Set("Allow", methodsExcept(""))
	w.WriteHeader(http.StatusOK)
}

// methodsExcept returns the value of an Allow header with all methods but refused.
func methodsExcept(refused string) string {
	list := append([]string{http.MethodOptions, http.MethodGet, http.MethodHead}, Methods...)
	return strings.Join(slices.DeleteFunc(list, func(m string) bool { return m == refused }), ", ")
}

// exchange is one WebDAV request that is being served: its names, conditions and recorded failures. The goroutine that
// serves it owns it.
type exchange struct {
	*Engine
	ctx    context.Context
	w      http.ResponseWriter
	r      *http.Request
	files  FileSystem
	name   Path
	slash  bool // the URL ends in a slash
	method string
	// to is the destination of COPY and MOVE.
	to         Path
	conditions conditions
	pass       passport
	// parts are the failures of single resources, at most mostParts.
	parts []part
	// broken: a resource failed with a code of 500 or above.
	broken bool
	// hidden is a folder with a hidden name. Responses call it shown. "": there is none.
	hidden, shown Path
	// stage is the hidden folder of a copy, which its copy closes. nil: there is none.
	stage Stage
	// buffered reads a body of unknown length. nil: bodyless has not read any of it.
	buffered *bufio.Reader
	// budget is the number of resources that the request may still copy or remove.
	budget int
	// patience is how much longer the request may wait for the claims of others. It waits no more at 0 or below.
	patience time.Duration
}

// Serve answers one WebDAV request of user. files must be the file system as that user sees it. Serve returns nil
// after it wrote a response. Otherwise it wrote no status and no body, and the caller calls Answer of the Refusal. A
// method that is not in [Methods] is refused with 405. With each 405 Serve has set the header Allow. Serve may wait up
// to 30 seconds for other requests that change the same names.
func (e *Engine) Serve(w http.ResponseWriter, r *http.Request, user string, files FileSystem) Refusal {
	x := &exchange{Engine: e, ctx: r.Context(), w: w, r: r, files: files, method: r.Method, budget: mostCopied,
		patience: claimPatience}
	err := x.serve(user)
	if err == nil {
		return nil
	}
	if codeOf(err) == http.StatusMethodNotAllowed {
		// "The origin server MUST generate an Allow header field in a 405 response" (RFC 9110, 15.5.6).
		w.Header().Set("Allow", methodsExcept(x.method))
	}
	return refusalOf(err)
}

// serve performs a WebDAV request and writes its response. An error is the refusal to send; then no response was
// written. The URL is checked first. A malformed condition, Depth or Overwrite is 400, and then an unknown method
// 405. PROPFIND ignores conditions and checks its own headers.
func (x *exchange) serve(user string) error {
	x.pass.user = user
	name, slash, err := x.files.Parse(x.r.URL)
	if err != nil {
		return err
	}
	x.name, x.slash = name, slash
	if x.method == "PROPFIND" {
		return x.propfind()
	}
	if x.conditions, err = parseConditions(x.r.Header); err != nil {
		// The intent of a malformed condition is unknown (G-37).
		return Refuse(http.StatusBadRequest, err.Error())
	}
	x.pass = passport{user, x.conditions.lists.submitted()}
	if err := x.readable(); err != nil {
		return err
	}
	switch x.method {
	case http.MethodPut:
		return x.put()
	case http.MethodDelete:
		return x.remove()
	case "MKCOL":
		return x.mkcol()
	case "COPY", "MOVE":
		return x.transfer()
	case "PROPPATCH":
		return x.proppatch()
	case "LOCK":
		return x.lock()
	case "UNLOCK":
		return x.unlock()
	}
	return Refuse(http.StatusMethodNotAllowed, "this method is not supported here")
}

// depths are the Depth values that these methods accept. DELETE of a file accepts every value, and so do the methods
// that are missing here.
var depths = map[string][]string{http.MethodDelete: {"infinity"}, "MOVE": {"infinity"}, "COPY": {"0", "infinity"},
	"LOCK": {"0", "infinity"}}

// readable validates the Depth and Overwrite headers: it returns nil, or a 400 refusal for an undefined value (G-41).
// readable ignores Depth on DELETE of a file, on a lock refresh, and for methods that do not define Depth.
func (x *exchange) readable() error {
	depth, overwrite := x.r.Header["Depth"], x.r.Header["Overwrite"]
	known := depths[x.method]
	value := strings.ToLower(strings.Join(depth, " "))
	// "A client MUST NOT submit a Depth header with a DELETE on a collection with any value but infinity" (RFC 4918,
	// 9.6.1). The same holds for MOVE (9.9.2). COPY and LOCK also accept 0 (9.8.3, 9.10.3). A refresh ignores the
	// header (9.10.2).
	if known != nil && len(depth) > 0 && !slices.Contains(known, value) && !x.refreshes() {
		i, err := x.stat()
		switch {
		case codeOf(err) >= http.StatusInternalServerError:
			return err
		case x.method != http.MethodDelete || err != nil || i.Folder:
			return Refuse(http.StatusBadRequest, "for this method the header Depth must be "+strings.Join(known, " or "))
		}
	}
	if x.method != "COPY" && x.method != "MOVE" || len(overwrite) == 0 {
		return nil
	}
	// The header is "T" or "F" (RFC 4918, 10.6).
	if len(overwrite) != 1 || overwrite[0] != "T" && overwrite[0] != "F" {
		return Refuse(http.StatusBadRequest, "Overwrite is T or F")
	}
	return nil
}

// stat describes the resource of the request. A file counts as missing if the URL ends in a slash, because such a URL
// is that of a folder (G-10).
func (x *exchange) stat() (Info, error) {
	i, err := x.files.Stat(x.name)
	if err == nil && x.slash && !i.Folder {
		return Info{}, Refuse(http.StatusNotFound, "no such name")
	}
	return i, err
}

// infinite reports whether the request covers all descendants. It returns false only for the header "Depth: 0".
func (x *exchange) infinite() bool { return x.r.Header.Get("Depth") != "0" }

// refusalOf returns the Refusal in the chain of err, which must not be nil. Any other error becomes a 500 that does
// not reveal its text.
func refusalOf(err error) Refusal {
	var f Refusal
	if errors.As(err, &f) {
		return f
	}
	return Refuse(http.StatusInternalServerError, "the request failed")
}

// codeOf returns the HTTP status of an error: 0 for nil, 500 for an error that is not a Refusal.
func codeOf(err error) int {
	if err == nil {
		return 0
	}
	return refusalOf(err).Code()
}

// respond writes a status without a body. It always returns nil.
func (x *exchange) respond(code int) error {
	x.w.WriteHeader(code)
	return nil
}
