package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/webdav"
)

// Bounds of bodies.
const largestXML = 1 << 20 // bytes

// fileRows are the endpoints of the trees.
func fileRows(g *Gateway) []row {
	on := func(f func(*request, http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request, *session) {
		return func(w http.ResponseWriter, r *http.Request, s *session) { g.onFile(w, r, s, f) }
	}
	return []row{
		// Explorer asks the root before it logs on, and gives up where it must.
		{http.MethodOptions, "", anybody, false, func(w http.ResponseWriter, _ *http.Request, _ *session) { options(w) }},
		{http.MethodGet, "", known, false, on((*request).get)},
		{http.MethodHead, "", known, false, on((*request).get)},
		{"PROPFIND", "", known, true, on((*request).propfind)},
		{http.MethodPut, "", known, true, on((*request).put)},
		{http.MethodDelete, "", known, true, on((*request).change)},
		{"MKCOL", "", known, true, on((*request).change)},
		{"COPY", "", known, true, on((*request).change)},
		{"MOVE", "", known, true, on((*request).change)},
		{"PROPPATCH", "", known, true, on((*request).withXML)},
		{"LOCK", "", known, true, on((*request).lock)},
		{"UNLOCK", "", known, true, on((*request).change)},
	}
}

// options says what is served: the same for every name, whether it is there or not.
func options(w http.ResponseWriter) {
	h := w.Header()
	h.Set("DAV", "1, 2")
	h.Set("MS-Author-Via", "DAV")
	h.Set("Allow", "OPTIONS, GET, HEAD, PROPFIND, PUT, DELETE, MKCOL, COPY, MOVE, PROPPATCH, LOCK, UNLOCK")
	w.WriteHeader(http.StatusOK)
}

// onFile reads the path of a request and serves it.
func (g *Gateway) onFile(w http.ResponseWriter, r *http.Request, s *session,
	serve func(*request, http.ResponseWriter, *http.Request)) {
	at, dir, ok := parsePlace(r.URL)
	if !ok {
		plain(w, http.StatusBadRequest, "this path is not one that a file can have")
		return
	}
	if r.Method == http.MethodPut && dir {
		plain(w, http.StatusMethodNotAllowed, "a file's name does not end in /")
		return
	}
	q := &request{g: g, s: s, ctx: r.Context(), at: at}
	serve(q, w, r)
}

// serveDAV lets package webdav serve a request, by the file system of its client.
func (q *request) serveDAV(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w, q: q, r: r}
	h := webdav.Handler{FileSystem: files{q}, LockSystem: q.g.locks.of(q.s.user)}
	h.ServeHTTP(a, r)
}

// change serves the methods of which paths and headers are checked.
func (q *request) change(w http.ResponseWriter, r *http.Request) {
	if q.at.path == "" && r.Method != "UNLOCK" && r.Method != "COPY" {
		// The trees are the administrator's to make, name and remove (F-117).
		plain(w, http.StatusForbidden, "this is the root of a tree")
		return
	}
	if r.Method == "COPY" || r.Method == "MOVE" {
		if !q.destination(w, r) {
			return
		}
	}
	if r.Method == http.MethodDelete || r.Method == "MOVE" || r.Method == "COPY" {
		// What is hidden is absent before locks are looked at (G-8).
		if _, refused := q.stat(q.at); refused != nil && refused.code == http.StatusNotFound {
			absent(w)
			return
		}
	}
	q.serveDAV(w, r)
}

// destination checks where something is to go, and writes it as this server understands it.
func (q *request) destination(w http.ResponseWriter, r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Destination"))
	if err != nil || r.Header.Get("Destination") == "" {
		plain(w, http.StatusBadRequest, "the destination is not a URL")
		return false
	}
	if elsewhere(u, r.Host) {
		plain(w, http.StatusBadGateway, "the destination is on another server")
		return false
	}
	to, _, ok := parsePlace(u)
	switch {
	case !ok:
		plain(w, http.StatusBadRequest, "this destination is not one that a file can have")
	case to.path == "" || !q.served(to):
		plain(w, http.StatusForbidden, "nothing can be made there")
	case r.Method == "MOVE" && to.tree != q.at.tree:
		plain(w, http.StatusBadGateway, "the destination is in another tree: copy it")
	case to == q.at || strings.HasPrefix(to.path+`\`, q.at.path+`\`) && to.tree == q.at.tree:
		plain(w, http.StatusForbidden, "the destination is in what is to be copied")
	default:
		r.Header.Set("Destination", (&url.URL{Path: to.href(false)}).Path)
		if p, err := url.PathUnescape(to.href(false)); err == nil {
			r.Header.Set("Destination", (&url.URL{Path: p}).EscapedPath())
		}
		return true
	}
	return false
}

// elsewhere reports whether a destination is on another server. A proxy may speak another
// scheme to its clients.
func elsewhere(u *url.URL, host string) bool {
	switch {
	case u.User != nil:
		return true
	case u.Host == "":
		return u.Scheme != ""
	}
	return !strings.EqualFold(u.Host, host) || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != ""
}

// withXML serves a method whose body is XML.
func (q *request) withXML(w http.ResponseWriter, r *http.Request) {
	body, ok := readXML(w, r)
	if !ok {
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if q.at.path == "" && q.at.tree == "" {
		plain(w, http.StatusForbidden, "this is above the trees")
		return
	}
	q.serveDAV(w, r)
}

// put receives a file.
func (q *request) put(w http.ResponseWriter, r *http.Request) {
	if q.at.path == "" {
		plain(w, http.StatusForbidden, "this is the root of a tree")
		return
	}
	if r.Header.Get("Content-Range") != "" {
		plain(w, http.StatusBadRequest, "a part of a file cannot be uploaded")
		return
	}
	if r.ContentLength > q.g.cfg.LargestUpload {
		plain(w, http.StatusRequestEntityTooLarge, "the file is too long")
		return
	}
	if !q.matches(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, q.g.cfg.LargestUpload)
	q.serveDAV(w, r)
}

// matches tests the conditions of an upload (RFC 9110, 13).
func (q *request) matches(w http.ResponseWriter, r *http.Request) bool {
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	if match == "" && none == "" {
		return true
	}
	f, refused := q.stat(q.at)
	if refused != nil && refused.code != http.StatusNotFound {
		refused.write(w, r)
		return false
	}
	here := refused == nil
	named := func(list string) bool {
		for tag := range strings.SplitSeq(list, ",") {
			if tag = strings.TrimSpace(tag); here && (tag == "*" || tag == f.etag()) {
				return true
			}
		}
		return false
	}
	if match != "" && !named(match) || none != "" && named(none) {
		plain(w, http.StatusPreconditionFailed, "the file is another by now")
		return false
	}
	return true
}

// longestLock is how long a lock is kept without being asked for again, in seconds: one of
// a client that is gone keeps others out no longer.
const longestLock = 3600

// lock makes or refreshes a lock.
func (q *request) lock(w http.ResponseWriter, r *http.Request) {
	wanted := uint64(longestLock)
	for part := range strings.SplitSeq(r.Header.Get("Timeout"), ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "Second-"); ok {
			if n, err := strconv.ParseUint(text, 10, 32); err == nil {
				wanted = min(n, longestLock)
			}
			break
		}
	}
	r.Header.Set("Timeout", "Second-"+strconv.FormatUint(wanted, 10))
	if refused := q.mayLock(); refused != nil {
		refused.write(w, r)
		return
	}
	q.withXML(w, r)
}
