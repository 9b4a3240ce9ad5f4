package dav

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// transfer serves COPY and MOVE. transfer responds with 201 for a new destination and 204 for an existing
// destination, which is replaced in one step. If a copy fails in part, the copied resources stay and the error lists
// the failures. An existing destination with Overwrite F is 412, and so is one that a program of the host creates
// during the request.
func (x *exchange) transfer() error {
	move := x.method == "MOVE"
	if move {
		if err := x.files.Mutable(x.name); err != nil {
			return err
		}
	}
	if err := x.destination(); err != nil {
		return err
	}
	from, err := x.stat() // a missing source is 404 before locks are tested (G-8)
	if err != nil {
		return err
	}
	if move {
		if err := x.files.Movable(x.name, x.to); err != nil {
			return err
		}
	}
	if err := x.makeable(from); err != nil {
		return err
	}
	leave, err := x.enter()
	if err != nil {
		return err
	}
	defer leave()
	// Another request may have replaced the source while this one waited for its names (G-38).
	if from, err = x.stat(); err != nil {
		return err
	}
	to, err := x.files.Stat(x.to)
	exists := err == nil
	if err != nil && codeOf(err) != http.StatusNotFound {
		return err
	}
	// "If the overwrite header is not included in a COPY or MOVE request, then the resource MUST treat the request as if
	// it has an overwrite header of value 'T'". "The server MUST NOT perform [...] if the destination URL is mapped" with
	// F (RFC 4918, 10.6; G-42).
	if exists && !x.overwrites() {
		return preconditionFailed()
	}
	// A file is replaced by one call, which leaves the old contents or the new (G-40).
	atOnce := exists && !from.Folder && !to.Folder
	switch {
	case exists && !atOnce:
		err = x.replaceTree(from)
	case move:
		err = x.rename(atOnce)
	case from.Folder:
		err = x.copyFolder(from)
	default:
		x.copyTree(x.name, x.to, from, false)
		err = x.outcome(x.to)
	}
	switch {
	case !exists && codeOf(err) == http.StatusMethodNotAllowed:
		// The claims of the names do not keep programs of the host away (G-38).
		return Refuse(http.StatusPreconditionFailed, "another program has just created the destination")
	case err != nil:
		return err
	case exists:
		return x.respond(http.StatusNoContent) // "the destination URL was already mapped" (RFC 4918, 9.8.5, 9.9.4)
	}
	return x.respond(http.StatusCreated)
}

// overwrites reports whether a COPY or MOVE may replace an existing destination: unless the header Overwrite is F.
func (x *exchange) overwrites() bool { return x.r.Header.Get("Overwrite") != "F" }

// destination parses the Destination header and sets x.to. destination refuses:
//   - not exactly one header, or a malformed one: 400
//   - another server: 502
//   - a name that cannot be changed: 403
//   - the source, or a folder that contains it: 403
//   - a name inside the source: 403, except for COPY of depth 0
func (x *exchange) destination() error {
	header := x.r.Header["Destination"]
	if len(header) != 1 || header[0] == "" {
		return Refuse(http.StatusBadRequest, "want one Destination header with a URL")
	}
	u, err := url.Parse(header[0])
	// A Simple-ref has no fragment (RFC 4918, 8.3; G-41).
	if err != nil || strings.Contains(header[0], "#") {
		return Refuse(http.StatusBadRequest, "the destination is not a URL, or has a fragment")
	}
	// "The destination URI is located on a different server [...] 502 (Bad Gateway)" (RFC 4918, 9.8.5, 9.9.4).
	if elsewhere(u, x.r.Host) {
		return Refuse(http.StatusBadGateway, "the destination is on another server")
	}
	to, _, err := x.files.Parse(u)
	if err != nil {
		return err
	}
	if err := x.files.Mutable(to); err != nil {
		return Refuse(http.StatusForbidden, "nothing can be created there")
	}
	x.to = to
	shallow := x.method == "COPY" && !x.infinite()
	switch {
	// "403 (Forbidden) [...] the source and destination resources are the same resource" (RFC 4918, 9.8.5, 9.9.4).
	case to == x.name, to.Under(x.name) && !shallow:
		return Refuse(http.StatusForbidden, "the destination is inside the source")
	// The DELETE of the destination would remove the source.
	case x.name.Under(to):
		return Refuse(http.StatusForbidden, "the source is inside the destination")
	}
	return nil
}

// rename moves the source to the destination. With atOnce it replaces an existing file there. After success it drops
// the locks on the source and its descendants, because locks do not move (RFC 4918, 7.6).
func (x *exchange) rename(atOnce bool) error {
	if err := x.files.Rename(x.name, x.to, atOnce); err != nil {
		return err
	}
	x.Locks.Drop(x.name, true)
	return nil
}

// copyTree copies a resource, which i describes, and with deep its descendants. copyTree records failures in x.parts
// and continues: "If an error occurs while copying an internal collection, then the server MUST NOT copy any
// resources identified by members of this collection", and "must continue the COPY" (RFC 4918, 9.8.3). Failures are
// also resources beyond the budget or after the client has left, and too large folders.
func (x *exchange) copyTree(from, to Path, i Info, deep bool) {
	if x.budget--; x.budget < 0 {
		x.fail(from, errTooMany)
		return
	}
	if x.ctx.Err() != nil {
		x.fail(from, errLeft)
		return
	}
	if !i.Folder {
		if err := x.copyFile(from, to); err != nil {
			x.fail(to, err)
		}
		return
	}
	var list []Info
	if deep {
		var more bool
		var err error
		list, more, err = x.files.List(from, mostCopied)
		defer x.files.Forget(list)
		if more {
			err = errTooMany
		}
		if err != nil {
			x.fail(to, err)
			return
		}
	}
	err := x.makeFolder(to)
	if err == nil {
		err = x.copyProperties(from, to)
	}
	if err != nil {
		x.fail(to, err)
		return
	}
	for _, m := range list {
		x.copyTree(from.Join(m.Name), to.Join(m.Name), m, true)
	}
}

// mostReads is how often a COPY reads a file from its start because other requests change it.
const mostReads = 4

// copyFile copies a file with its dead properties and, unless Overwrite is F, replaces an existing file at to. The copy
// appears only when all data has arrived. If another request changes the source while copyFile reads it, copyFile
// starts again. After mostReads reads, or if the source is not free before the request's patience ends, the error is a
// 503 refusal and nothing is copied. If only the properties fail, the copy stays, with an error. A file that may not be
// opened or created is a refusal.
func (x *exchange) copyFile(from, to Path) error {
	for range mostReads {
		if done, err := x.tryCopyFile(from, to); err != nil {
			return err
		} else if done {
			return x.copyProperties(from, to)
		}
	}
	return errBusy
}

// tryCopyFile copies the contents of a file. If another request changes the source before all is read, tryCopyFile
// stops reading, copies nothing and returns false without an error.
func (x *exchange) tryCopyFile(from, to Path) (done bool, err error) {
	start := time.Now()
	r := x.claims.beginRead(x.ctx, x.patience, from)
	x.patience -= time.Since(start)
	if r == nil {
		return false, errBusy
	}
	defer r.end()
	src, err := x.files.Open(from)
	if err != nil {
		return false, err
	}
	defer func() { _ = src.Close() }() // closing a file that was only read loses no data
	dst, err := x.files.Create(to, Creation{Replace: x.overwrites(), New: !x.overwrites()})
	if err != nil {
		return false, err
	}
	defer func() { _ = dst.Close() }()
	switch _, err := dst.ReadFrom(source{src, r}); {
	case errors.Is(err, errInterrupted):
		return false, nil
	case err != nil:
		return false, err
	}
	if to == x.to { // this file is the whole copy
		if err := x.recheck(); err != nil {
			return false, err
		}
	}
	// The bytes are of one version, the one that recheck has seen, only if no request has changed the source (G-38).
	if r.interrupted() {
		return false, nil
	}
	_, _, err = dst.Commit()
	return err == nil, err
}

// source reads a file for a COPY. Once the read is interrupted, it returns errInterrupted.
type source struct {
	io.Reader
	*read
}

func (s source) Read(b []byte) (int, error) {
	if s.interrupted() {
		return 0, errInterrupted
	}
	return s.Reader.Read(b)
}

var errInterrupted = errors.New("another request changes the file")

// copyProperties copies the dead properties, those that clients set, from one resource to another, and replaces those
// of to (RFC 4918, 9.8.2). It does nothing if neither has any.
func (x *exchange) copyProperties(from, to Path) error {
	var patches []Patch
	for name := range x.files.Properties(to) {
		patches = append(patches, Patch{Remove: true, Property: Property{Name: name}})
	}
	for _, p := range x.files.Properties(from) {
		patches = append(patches, Patch{Property: p})
	}
	if patches == nil {
		return nil
	}
	return x.files.Patch(to, patches)
}

// put serves PUT: it stores the body as the file's contents and responds with the ETag. The status is 201 for a new
// file, else 204. The file changes only when the whole body has arrived. A missing folder and a failed condition are
// refused before that. Other refusals:
//   - a URL that ends in a slash: 405
//   - Content-Range: 400
//   - a body larger than LargestUpload: 413
func (x *exchange) put() error {
	switch {
	case x.slash:
		return errSlash
	// "An origin server SHOULD respond with a 400 (Bad Request) status code if it receives Content-Range on a PUT" (RFC
	// 9110, 14.5).
	case x.r.Header.Get("Content-Range") != "":
		return Refuse(http.StatusBadRequest, "Content-Range is not supported: upload the whole file")
	case x.r.ContentLength > x.LargestUpload:
		return errTooLong
	}
	if err := x.files.Mutable(x.name); err != nil {
		return err
	}
	// Test conditions after all other checks and before the body is read (RFC 9110, 13.2.1). A body
	// may take hours while other requests continue, so the upload tests them again before it takes
	// effect (G-38).
	u, err := x.files.Create(x.name, Creation{Enter: x.enter, Replace: !x.conditions.some()})
	if err != nil {
		return err
	}
	defer func() { _ = u.Close() }() // discards the data if it was not committed
	if err := x.check(); err != nil {
		return err
	}
	if _, err := u.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, x.LargestUpload)); err != nil {
		return bodyRefusal(err)
	}
	i, created, err := u.Commit()
	if err != nil {
		return err
	}
	x.w.Header().Set("ETag", i.Tag)
	if created {
		return x.respond(http.StatusCreated)
	}
	return x.respond(http.StatusNoContent)
}

// errSlash refuses to create a file at a URL that ends in a slash.
var errSlash = Refuse(http.StatusMethodNotAllowed, "a file's name does not end in /")

// errTooLong refuses an upload that is too large.
var errTooLong = Refuse(http.StatusRequestEntityTooLarge, "the file is larger than the gateway accepts")

// bodyless reports whether the request has no body. It reads the start of a body of unknown length, which body still
// returns. It returns false for a body that cannot be read.
func (x *exchange) bodyless() bool {
	if x.r.ContentLength >= 0 {
		return x.r.ContentLength == 0
	}
	if x.buffered == nil {
		x.buffered = bufio.NewReader(x.r.Body)
	}
	_, err := x.buffered.Peek(1)
	return errors.Is(err, io.EOF)
}
