package gateway

import (
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// contentPolicy takes its origin from a page that a user wrote: no script of it runs, and
// none acts in the name of who looks at it (G-22).
const contentPolicy = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; " +
	"style-src 'unsafe-inline'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// get serves what is in a file, or a page of a directory.
func (q *request) get(w http.ResponseWriter, r *http.Request) {
	if q.at.tree == "" {
		q.page(w, r, q.roots(), false)
		return
	}
	h, file, st := q.openToRead(q.at)
	if st != ntstatus.Success {
		q.refusedToRead(w, r, st)
		return
	}
	defer q.s.p.releaseSoon(h)
	if file != nil {
		defer func() { _ = file.Close() }() // it was only read
		info, err := file.Stat()
		if err != nil {
			busy(w)
			return
		}
		q.content(w, r, facts{size: info.Size(), written: info.ModTime().UnixNano()/100 + epoch}, file)
		return
	}
	f, st := q.facts(h)
	if st != ntstatus.Success {
		q.refusedAs(q.at, winnt.FILE_READ_ATTRIBUTES, st).write(w, r)
		return
	}
	if f.dir {
		q.directory(w, r, h)
		return
	}
	q.content(w, r, f, &seeker{reader: reader{q: q, h: h}, size: f.size})
}

// refusedToRead answers where nothing could be opened. Who may list a directory and no more
// gets its page.
func (q *request) refusedToRead(w http.ResponseWriter, r *http.Request, st ntstatus.Status) {
	if st == ntstatus.AccessDenied {
		if h, st := q.open(q.at, winnt.FILE_LIST_DIRECTORY, winnt.FILE_OPEN, directoryOnly); st ==
			ntstatus.Success {
			defer q.s.p.release(h)
			q.directory(w, r, h)
			return
		}
	}
	q.refusedAs(q.at, winnt.FILE_READ_DATA, st).write(w, r)
}

// directory shows a directory that is open.
func (q *request) directory(w http.ResponseWriter, r *http.Request, h winnt.Handle) {
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, q.at.href(true), http.StatusMovedPermanently)
		return
	}
	list, more, refused := q.list(q.at, h, q.g.most)
	if refused != nil {
		refused.write(w, r)
		return
	}
	q.page(w, r, list, more)
}

// active are the types that a browser would run or draw with scripts: they are saved.
var active = []string{"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml",
	"application/javascript", "text/javascript", "application/pdf", "application/x-shockwave-flash"}

// content serves what is in a file, whole or in ranges.
func (q *request) content(w http.ResponseWriter, r *http.Request, f facts, from io.ReadSeeker) {
	if strings.HasSuffix(r.URL.Path, "/") {
		absent(w)
		return
	}
	name := path.Base(r.URL.Path)
	kind := contentType(name)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", f.etag())
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	for _, t := range active {
		if strings.HasPrefix(kind, t) {
			h.Set("Content-Disposition", "attachment")
		}
	}
	http.ServeContent(w, r, "", whenRounded(f.written), from)
}

func whenRounded(t int64) time.Time { return when(t).Truncate(time.Second) }

// seeker reads a file by calls, from any place.
type seeker struct {
	reader
	size int64
}

// Seek implements io.Seeker.
func (s *seeker) Seek(to int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		to += s.at
	case io.SeekEnd:
		to += s.size
	}
	if to < 0 {
		return 0, os.ErrInvalid
	}
	s.at = to
	return to, nil
}
