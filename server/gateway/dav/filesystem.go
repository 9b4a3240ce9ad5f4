package dav

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// FileSystem has the resources as one user sees them, during one request. A resource that the user may not see counts
// as missing. If a method returns a [Refusal], the engine answers with it; any other error is answered with 500. The
// engine calls the methods from one goroutine.
type FileSystem interface {
	// Parse returns the path that a URL names, and whether the URL ends in a slash. It returns an error for a URL
	// that can name no resource. The resource need not exist.
	Parse(u *url.URL) (name Path, slash bool, err error)
	// Mutable returns nil if requests may change the name at all. It returns an error for a name that no request may
	// create, replace, move or remove, such as a root. It does not check the rights of the user.
	Mutable(name Path) error
	// Stat describes a resource. For a missing one the error is a Refusal with code 404.
	Stat(name Path) (Info, error)
	// List returns the members of a folder, sorted by name, but no more than most. more reports that it left out
	// others, which may be any of them. It returns an error if the name is not a folder or the user may not list it.
	// The caller passes members to Forget after their last use, also after an error.
	List(name Path, most int) (members []Info, more bool, err error)
	// Forget ends the use of members that List returned, so that their memory no longer counts. Forget does nothing
	// for nil.
	Forget(members []Info)
	// Mkdir creates an empty folder. It returns an error if the name exists or its parent folder does not.
	Mkdir(name Path) error
	// Remove removes a file or an empty folder. A folder with members stays, and the error is [ErrNotEmpty].
	Remove(name Path) error
	// Rename moves a resource with its descendants. If replace is set, it replaces an existing file at to in one
	// step. If not, an existing destination is an error, and nothing moves.
	Rename(from, to Path, replace bool) error
	// Replace renames from to to, which exists, in one step. The old resource gets a hidden name, which Replace
	// returns; no client can use it. At least one of both is a folder. After an error nothing has changed.
	Replace(from, to Path) (old Path, err error)
	// Hidden returns a free name in the parent folder of a resource. No client can use it.
	Hidden(name Path) Path
	// Stage creates an empty folder under a name that Hidden returned, and keeps it open. The caller closes it.
	Stage(name Path) (Stage, error)
	// Detach lets the request continue after its client has left.
	Detach()
	// Removable returns nil if the user may remove the resource, or the folder once it is empty. It changes nothing.
	Removable(name Path) error
	// Movable returns nil if the user may move the resource from one name to the other. If both names are equal, it
	// tests whether the user may remove the resource. It changes nothing.
	Movable(from, to Path) error
	// Makeable returns nil if the user may create a file of this name or, with folder set, a folder. It returns an
	// error if the parent folder is missing or the user may not add to it. It does not matter whether the name
	// exists. It changes nothing.
	Makeable(name Path, folder bool) error
	// Lockable returns nil if the user may lock the name, whether or not it exists, and with deep all descendants of a
	// folder. It changes nothing.
	Lockable(name Path, deep bool) error
	// Open opens a file for reading from its start. The caller closes it.
	Open(name Path) (io.ReadCloser, error)
	// Create starts an upload to a new or an existing file. Clients see no change before Commit. The caller closes
	// the upload, also after Commit.
	Create(name Path, c Creation) (Upload, error)
	// Property returns the value of a DAV: property that the engine does not compute. local is its local name and i
	// is the result of Stat or List for the resource. With code 200 the value is XML. With any other code, such as
	// 404 for an unknown property, the value is ignored.
	Property(name Path, i *Info, local string) (value string, code int)
	// PropertyNames returns the local names of the DAV: properties that a resource has beyond those that the engine
	// computes. The user may not be allowed to read their values.
	PropertyNames(name Path) []string
	// Properties returns the properties that clients set on a resource. It returns nil if none exist or the user may
	// not read them. The caller must not change the map.
	Properties(name Path) map[Name]Property
	// Patch applies the patches in order to the properties that clients set. It applies all of them or, if it returns
	// an error, none. With no patches it only tests whether the user may change properties.
	Patch(name Path, patches []Patch) error
}

// Info describes a resource.
type Info struct {
	Name              string // the last segment of the resource's path
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
	// New makes Create or Commit fail if a file has the name. That file stays as it is.
	New bool
}

// Upload receives the contents of a file. ReadFrom appends all data of a reader. Close without Commit discards the
// data.
type Upload interface {
	io.ReaderFrom
	io.Closer
	// Commit makes the received data the contents of the file, and describes the file. created reports that it is
	// new. Commit returns an error if an earlier call failed.
	Commit() (i Info, created bool, err error)
}

// Stage is an open folder with a hidden name.
type Stage interface {
	// Rename gives the folder with its descendants a free name, whatever rights the folder itself grants the user. An
	// existing name is an error, and nothing moves.
	Rename(to Path) error
	// Close releases the folder, which keeps its name.
	Close()
}

// Refusal is an error that rejects a request and can write the response.
type Refusal interface {
	error
	// Code returns the HTTP status.
	Code() int
	// Condition returns the XML of the precondition that failed, with the prefix D for DAV: (RFC 4918, 16). "": there is
	// none.
	Condition() string
	// Answer writes the whole response: headers, status and body. Call it at most once, and only if no status was
	// written.
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

// Refuse returns a Refusal that answers with an HTTP status and one line of plain text, which the client sees.
func Refuse(code int, text string) Refusal { return &refusal{code: code, text: text} }

// Error returns the text of the HTTP status in lower case, a colon and the reason.
func (f *refusal) Error() string { return strings.ToLower(http.StatusText(f.code)) + ": " + f.text }

// Code returns the HTTP status.
func (f *refusal) Code() int { return f.code }

// Condition returns the precondition code as XML, or "".
func (f *refusal) Condition() string { return f.xml }

// Answer writes the response: the precondition code as a DAV:error document if the refusal has one, else the text.
func (f *refusal) Answer(w http.ResponseWriter, _ *http.Request) {
	if f.xml != "" {
		AnswerCondition(w, f.code, f.xml)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.code)
	_, _ = io.WriteString(w, f.text+"\n") // an error means that the client has disconnected
}
