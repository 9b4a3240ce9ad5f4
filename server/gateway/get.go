package gateway

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// contentPolicy gives a page that a user wrote a sandboxed origin. Its scripts do not run and it cannot act as the
// viewer (G-22).
const contentPolicy = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; " +
	"style-src 'unsafe-inline'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// Header values of every file. They are immutable.
var (
	revalidated = []string{"private, no-cache"}
	sandboxed   = []string{contentPolicy}
	ownOrigin   = []string{"same-origin"}
)

// smallBuffers is the pool of buffers for small files.
var smallBuffers = sync.Pool{New: func() any { return new([mostGathered + 512]byte) }}

// get serves GET and HEAD of q.at: a file's contents, or the page of a directory or of the trees. If the client may
// not read q.at, get writes the refusal.
func (q *request) get(w http.ResponseWriter, r *http.Request) {
	if q.at.tree == "" {
		q.page(w, r, q.roots(), false)
		return
	}
	room := smallBuffers.Get().(*[mostGathered + 512]byte)
	o, st := q.readAs(q.at, room[:])
	if st != ntstatus.PortDisconnected { // after a disconnect the buffer may still be written to
		defer smallBuffers.Put(room)
	}
	if st != ntstatus.Success {
		q.refusedToRead(w, r, st)
		return
	}
	f := facts{created: o.CreationTime, written: o.LastWriteTime, size: o.EndOfFile, dir: o.Directory, id: o.FileID}
	if o.Whole {
		q.serveSmall(w, r, f, o.Data)
		return
	}
	defer q.s.release(o.FileHandle)
	if f.dir {
		q.directory(w, r, o.FileHandle)
		return
	}
	q.serveLarge(w, r, f, o.FileHandle)
}

// serveLarge serves a file that is too large for one reply of refmond. It reads through a file descriptor if refmond
// passes one. Otherwise it reads by calls on h, which the caller releases.
func (q *request) serveLarge(w http.ResponseWriter, r *http.Request, f facts, h winnt.Handle) {
	if again, file, st := q.openToRead(q.at); st == ntstatus.Success {
		defer q.s.release(again)
		if file != nil {
			defer func() { _ = file.Close() }() // closing a file that was only read loses no data
			if info, err := file.Stat(); err == nil {
				q.content(w, r, facts{size: info.Size(), written: filetime.Of(info.ModTime())},
					&passedFile{file: file, q: q, h: again, checked: time.Now()})
				return
			}
		}
	}
	q.content(w, r, f, &seeker{reader: reader{q: q, h: h}, size: f.size})
}

// refusedToRead answers a request whose open failed with the status st. If q.at is a directory that the client may
// list, it writes the directory's page, else the refusal.
func (q *request) refusedToRead(w http.ResponseWriter, r *http.Request, st ntstatus.Status) {
	// A missing name is opened as often as a denied one, so that both take the same calls (G-48).
	if code := codes[st]; code == http.StatusForbidden || code == http.StatusNotFound {
		if h, st := q.open(q.at, winnt.FILE_LIST_DIRECTORY, winnt.FILE_OPEN, directoryOnly); st ==
			ntstatus.Success {
			defer q.s.release(h)
			q.directory(w, r, h)
			return
		}
	}
	q.refuse(w, r, q.refusedAs(q.at, winnt.FILE_READ_DATA, st))
}

// directory writes the page of the open directory h, which the caller releases. It redirects a URL without a final
// slash. If it cannot list the directory, it writes the refusal.
func (q *request) directory(w http.ResponseWriter, r *http.Request, h winnt.Handle) {
	if !strings.HasSuffix(r.URL.Path, "/") {
		// A browser would keep a 301 after a file took the name of the directory (RFC 9110, 15.4.2).
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, q.at.href(true), http.StatusMovedPermanently)
		return
	}
	list, more, refused := q.list(q.at, h, q.g.dav.MostListed)
	if refused != nil {
		refused.Answer(w, r)
		return
	}
	q.page(w, r, list, more)
}

// active lists the media types whose scripts a browser would run, apart from those that end in "+xml".
var active = []string{"text/html", "text/xml", "application/xml", "application/javascript", "text/javascript",
	"application/pdf", "application/x-shockwave-flash"}

// isActive reports whether a browser would run scripts in a file of this media type. Such files are sent as
// attachments.
func isActive(kind string) bool {
	essence, _, _ := strings.Cut(kind, ";")
	// In any XML a browser runs the elements of XHTML and SVG, also in a feed (MIME Sniffing, XML MIME type; G-22).
	return strings.HasSuffix(essence, "+xml") ||
		slices.ContainsFunc(active, func(t string) bool { return strings.HasPrefix(kind, t) })
}

// conditional lists the headers that request a range or set a condition.
var conditional = []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}

// serveSmall serves a small file whose whole contents are in data. It supports ranges and conditional headers. HEAD
// gets only the headers. A URL that ends in a slash is 404.
func (q *request) serveSmall(w http.ResponseWriter, r *http.Request, f facts, data []byte) {
	for _, name := range conditional {
		if len(r.Header[name]) > 0 {
			q.content(w, r, f, bytes.NewReader(data))
			return
		}
	}
	length, modified := strconv.Itoa(len(data)), filetime.Time(f.written).Format(http.TimeFormat)
	if !q.describe(w, r, f, "Content-Length", length, "Last-Modified", modified) {
		return
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		atOnce(w, r, data)
	}
}

// byteRanges matches a Range header that http.ServeContent answers as RFC 9110 says.
var byteRanges = regexp.MustCompile(`^bytes=[ \t,]*` + byteRange + `([ \t]*,[ \t]*(` + byteRange + `)?)*$`)

// byteRange matches a first position with an optional last one, or a suffix of at least one byte. It excludes a suffix
// of 0 bytes, which http.ServeContent answers with 206 and an invalid Content-Range.
const byteRange = `([0-9]{1,18}-[0-9]{0,18}|-0*[1-9][0-9]{0,17})`

// mostRanges is the most ranges of one request, empty ones included.
const mostRanges = 200

// content serves a file from a reader, with support for ranges and conditional headers. It ignores a Range header of
// another method than GET, of another unit than bytes, of an empty file, with more than mostRanges ranges, and one that
// it does not understand (RFC 9110, 14.2).
func (q *request) content(w http.ResponseWriter, r *http.Request, f facts, from io.ReadSeeker) {
	for _, name := range conditional {
		// http.ServeContent reads only the first line of a header, but all lines are one value (RFC 9110, 5.3).
		if lines := r.Header[name]; len(lines) > 1 {
			r.Header.Set(name, strings.Join(lines, ", "))
		}
	}
	// Each small range costs a read and a header, so a short request could cause thousands (RFC 9110, 17.15; G-20). A
	// Content-Range cannot express the suffix of an empty file, "bytes 0--1/0" in http.ServeContent.
	wanted := r.Header.Get("Range")
	if r.Method != http.MethodGet || f.size == 0 || strings.Count(wanted, ",") >= mostRanges ||
		!byteRanges.MatchString(wanted) {
		r.Header.Del("Range")
	}
	if q.describe(w, r, f) {
		http.ServeContent(w, r, "", whenRounded(f.written), from)
	}
}

// describe sets the response headers of a file, such as its ETag, and those in more, which alternates canonical names
// and values. It returns true and writes nothing. If the URL ends in a slash, it writes a 404 response and returns
// false.
func (q *request) describe(w http.ResponseWriter, r *http.Request, f facts, more ...string) bool {
	if strings.HasSuffix(r.URL.Path, "/") {
		writeNotFound(w)
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
	if isActive(kind) {
		h.Set("Content-Disposition", "attachment")
	}
	return true
}

// whenRounded converts 100 ns units since 1601 to UTC and cuts off the fraction of a second.
func whenRounded(t int64) time.Time { return filetime.Time(t).Truncate(time.Second) }

// askAgain is the interval at which passedFile asks refmond whether the open was revoked.
const askAgain = time.Second

// passedFile reads a file through a descriptor that refmond passed. A revocation does not reach the descriptor, so Read
// asks refmond once a second whether the open was revoked (G-54).
type passedFile struct {
	file    *os.File // the caller closes it
	q       *request
	h       winnt.Handle // the handle of the open for which refmond passed file
	checked time.Time    // when refmond last checked the open
}

// Read reads from the current offset. It returns the error of its status after the open was revoked.
func (f *passedFile) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(f.checked) >= askAgain {
		st := f.q.s.p.do(f.q.ctx, func(th *nt.Thread) ntstatus.Status {
			_, st := th.NtQueryInformationFile(f.h, nt.FileAccessInformation)
			return st
		})
		if st == ntstatus.AccessDenied {
			return 0, st.Err()
		}
		f.checked = now // also if refmond did not respond: it may be restarting, and the file stays open
	}
	return f.file.Read(b)
}

// Seek sets the offset of the next Read.
func (f *passedFile) Seek(to int64, whence int) (int64, error) { return f.file.Seek(to, whence) }

// seeker reads an open file by calls of refmond, from any offset.
type seeker struct {
	reader
	size int64
}

// Seek sets the offset of the next Read and returns it. It returns os.ErrInvalid for a negative offset and then changes
// nothing. An offset past the end is valid. An unknown whence counts as io.SeekStart. It reads nothing.
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
