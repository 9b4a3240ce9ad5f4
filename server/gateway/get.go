package gateway

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// contentPolicy takes its origin from a page that a user wrote: no script of it runs, and
// none acts in the name of who looks at it (G-22).
const contentPolicy = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; " +
	"style-src 'unsafe-inline'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// Values of headers that every file has; nothing changes them.
var (
	revalidated = []string{"private, no-cache"}
	sandboxed   = []string{contentPolicy}
	ownOrigin   = []string{"same-origin"}
)

// small is memory for what is in small files.
var small = sync.Pool{New: func() any { return new([mostGathered + 512]byte) }}

// get serves what is in a file, or a page of a directory.
func (q *request) get(w http.ResponseWriter, r *http.Request) {
	if q.at.tree == "" {
		q.page(w, r, q.roots(), false)
		return
	}
	room := small.Get().(*[mostGathered + 512]byte)
	o, st := q.readAs(q.at, room[:])
	if st != ntstatus.PortDisconnected { // else it may still be written to
		defer small.Put(room)
	}
	if st != ntstatus.Success {
		q.refusedToRead(w, r, st)
		return
	}
	f := facts{created: o.CreationTime, written: o.LastWriteTime, size: o.EndOfFile, dir: o.Directory, id: o.FileID}
	if o.Whole {
		q.whole(w, r, f, o.Data)
		return
	}
	defer q.s.p.release(o.FileHandle)
	if f.dir {
		q.directory(w, r, o.FileHandle)
		return
	}
	q.long(w, r, f, o.FileHandle)
}

// long serves a file that is more than an answer of refmond has: by a descriptor where one
// is handed out, for which it is opened once more with the rights that this needs.
func (q *request) long(w http.ResponseWriter, r *http.Request, f facts, h winnt.Handle) {
	if again, file, st := q.openToRead(q.at); st == ntstatus.Success {
		defer q.s.p.release(again)
		if file != nil {
			defer func() { _ = file.Close() }() // it was only read
			if info, err := file.Stat(); err == nil {
				q.content(w, r, facts{size: info.Size(), written: info.ModTime().UnixNano()/100 + epoch}, file)
				return
			}
		}
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

// conditional are the headers with which a client wants less than the whole file, or nothing.
var conditional = []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}

// whole serves a file of which all has come. Its client gets it in one piece unless it asks
// for less.
func (q *request) whole(w http.ResponseWriter, r *http.Request, f facts, data []byte) {
	for _, name := range conditional {
		if len(r.Header[name]) > 0 {
			q.content(w, r, f, bytes.NewReader(data))
			return
		}
	}
	length, modified := strconv.Itoa(len(data)), when(f.written).Format(http.TimeFormat)
	if !q.describe(w, r, f, "Content-Length", length, "Last-Modified", modified) {
		return
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		atOnce(w, r, data)
	}
}

// content serves what is in a file, whole or in ranges.
func (q *request) content(w http.ResponseWriter, r *http.Request, f facts, from io.ReadSeeker) {
	if q.describe(w, r, f) {
		http.ServeContent(w, r, "", whenRounded(f.written), from)
	}
}

// describe sets the headers of a file's contents, and further ones: their names, as package
// net/http spells them, each with its value. It answers a path that is a directory's, and
// reports false.
func (q *request) describe(w http.ResponseWriter, r *http.Request, f facts, more ...string) bool {
	if strings.HasSuffix(r.URL.Path, "/") {
		absent(w)
		return false
	}
	name := path.Base(r.URL.Path)
	kind := contentType(name)
	h := w.Header()
	all := append(more, "Content-Type", kind, "Etag", f.etag())
	values := make([]string, 0, len(all)/2)
	for i := 0; i < len(all); i += 2 {
		values = append(values, all[i+1])
		h[all[i]] = values[len(values)-1 : len(values) : len(values)]
	}
	h["Cache-Control"], h["Content-Security-Policy"] = revalidated, sandboxed
	h["Cross-Origin-Resource-Policy"] = ownOrigin
	for _, t := range active {
		if strings.HasPrefix(kind, t) {
			h.Set("Content-Disposition", "attachment")
		}
	}
	return true
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
