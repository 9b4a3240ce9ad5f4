package dav

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// FileSystem has the resources as one user sees them, during one request. A resource that the user may not see does
// not exist. The engine answers an error that is a [Refusal] with it, and any other error with 500. It calls the
// methods from one goroutine.
type FileSystem interface {
	// Parse returns the path that a URL names, and whether the URL ends in a slash. A URL that can name no resource is
	// an error. The resource need not exist.
	Parse(u *url.URL) (name Path, slash bool, err error)
	// Mutable returns an error if no request may create, replace, move or remove the name, such as a root.
	Mutable(name Path) error
	// Stat describes a resource. The error is a Refusal with code 404 if it does not exist.
	Stat(name Path) (Info, error)
	// List returns at most most members of a folder, sorted, and whether there are more. Which members it leaves out
	// is not defined. It returns an error if the name is not a folder or the user may not list it.
	List(name Path, most int) (members []Info, more bool, err error)
	// Mkdir creates a folder. It returns an error if the name exists or its folder does not.
	Mkdir(name Path) error
	// Remove removes a file or an empty folder. The error is [ErrNotEmpty] for a folder with members.
	Remove(name Path) error
	// Rename moves a resource. If replace is set, it replaces an existing file in one step. If not, an existing
	// destination is an error and nothing moves.
	Rename(from, to Path, replace bool) error
	// Movable returns an error if the user may not move the resource, or remove it if both names are equal. It changes
	// nothing.
	Movable(from, to Path) error
	// Makeable returns an error if the user may not add a member of that name to its folder, or the folder does not
	// exist. Whether the name is taken does not matter. It changes nothing.
	Makeable(name Path, folder bool) error
	// Lockable returns an error if the user may not lock the name.
	Lockable(name Path) error
	// Open opens a file for reading. The caller closes it.
	Open(name Path) (io.ReadCloser, error)
	// Create starts an upload to a new or an existing file. The caller closes it.
	Create(name Path, c Creation) (Upload, error)
	// Property returns a DAV: property that the engine does not compute. The value is XML, with code 200. Any other
	// code has no value.
	Property(name Path, i *Info, local string) (value string, code int)
	// Properties returns the properties that clients set, nil if none exist or the user may not read them. The caller
	// must not change the map.
	Properties(name Path) map[Name]Property
	// Patch changes such properties: all of them, or none if it returns an error. Without patches it tests the right.
	Patch(name Path, patches []Patch) error
}

// Info describes a resource.
type Info struct {
	Name              string // its last segment
	Folder            bool
	Size              int64 // of a file, in bytes
	Created, Modified time.Time
	Tag               string // the entity tag with its quotes; "" for a folder
	Type              string // the media type of a file
}

// Creation configures an upload.
type Creation struct {
	// Enter claims the name and tests the request's conditions and the locks. The file system calls it once, before
	// any client can see a part of the upload, and calls leave after all of it is visible. nil: the request has done so.
	Enter func() (leave func(), err error)
	// Replace lets the upload take a name that was given to another file, or taken away, while it was received.
	Replace bool
}

// Upload receives a file. Close without Commit discards the data.
type Upload interface {
	io.ReaderFrom
	io.Closer
	// Commit makes the received data the contents of the file. created reports that the file is new. Commit returns an
	// error if an earlier call failed.
	Commit() (i Info, created bool, err error)
}

// Refusal is an error that can write the response of a rejected request.
type Refusal interface {
	error
	// Code returns the HTTP status.
	Code() int
	// Answer writes the whole response.
	Answer(w http.ResponseWriter, r *http.Request)
}

// refusal is a Refusal with a text, or with an XML precondition code (RFC 4918, 16).
type refusal struct {
	code int
	text string
	xml  string // the elements in DAV:error, with the prefix D; "": the answer is text
}

// ErrNotEmpty is the error of [FileSystem.Remove] for a folder with members.
var ErrNotEmpty error = &refusal{code: http.StatusConflict, text: "the folder is not empty"}

// Refuse returns a Refusal with a status and a text for the client.
func Refuse(code int, text string) Refusal { return &refusal{code: code, text: text} }

// Error implements error.
func (f *refusal) Error() string { return strings.ToLower(http.StatusText(f.code)) + ": " + f.text }

// Code implements Refusal.
func (f *refusal) Code() int { return f.code }

// Answer implements Refusal.
func (f *refusal) Answer(w http.ResponseWriter, _ *http.Request) {
	kind, body := "text/plain; charset=utf-8", f.text+"\n"
	if f.xml != "" {
		kind, body = xmlType, xmlHeader+`<D:error xmlns:D="DAV:">`+f.xml+"</D:error>\n"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.code)
	_, _ = io.WriteString(w, body) // a client that left takes no answer
}
