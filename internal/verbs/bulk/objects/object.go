package objects

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Form says how a descriptor was given. The zero value says that none was.
type Form byte

// Forms.
const (
	FormNone   Form = iota
	FormSDDL        // text
	FormHex         // hexadecimal digits of self-relative bytes
	FormBase64      // the same in base64
	FormBinary      // self-relative bytes
)

// Object is one object as a source gives it. Its slices are valid until the
// batch is written.
type Object struct {
	Path   []byte // as text
	Quoted []byte // the path as it stood in a JSON line, quotes included; nil: quote Path
	SD     []byte // the descriptor, in its form
	Form   Form
	Type   *winnt.ObjectType // nil: the type of the run
	Err    error             // the row could not be read
	Note   Note
	Remark string // of the run that decides it, for its row; "" as it is read
	Entry  *Entry // what a directory tells about it besides; nil: nothing
}

// Entry holds what a directory tells about an object besides its descriptor. The
// zero value tells nothing.
type Entry struct {
	SID     sid.SID  // of an account; zero: the object is no account
	Classes []string // from top down
	Managed []byte   // the descriptor in msDS-GroupMSAMembership; nil: the object is no such account
}

// Account reports whether an object tells a SID of its own.
func (e *Entry) Account() bool { return e != nil && !e.SID.IsZero() }

// Is reports whether an object is of a class or of one derived from it.
func (e *Entry) Is(class string) bool {
	return e != nil && slices.ContainsFunc(e.Classes, func(c string) bool { return strings.EqualFold(c, class) })
}

// Descriptor parses the descriptor of an object.
func (o *Object) Descriptor(domain sid.SID) (*sd.Descriptor, error) {
	return o.Form.parse(o.SD, domain)
}

var errNoDescriptor = errors.New("there is no descriptor: give sd, sdHex or sdBase64")

// parse reads a descriptor in its form.
func (f Form) parse(b []byte, domain sid.SID) (*sd.Descriptor, error) {
	switch f {
	case FormSDDL:
		return sddl.Parse(string(b), sddl.Options{Domain: domain, Extended: true})
	case FormHex:
		raw, err := hex.DecodeString(string(b))
		if err != nil {
			return nil, fmt.Errorf("sdHex: %w", err)
		}
		return sd.Decode(raw)
	case FormBase64:
		raw, err := base64.StdEncoding.DecodeString(string(b))
		if err != nil {
			return nil, fmt.Errorf("sdBase64: %w", err)
		}
		return sd.Decode(raw)
	case FormBinary:
		return sd.Decode(b)
	}
	return nil, errNoDescriptor
}

// ParseDescriptor reads a descriptor as the rows of CSV files hold one: SDDL,
// or self-relative bytes in base64 or hexadecimal digits.
func ParseDescriptor(text string, domain sid.SID) (*sd.Descriptor, error) {
	return formOf([]byte(text)).parse([]byte(text), domain)
}

// formOf guesses the form of a text: the binary form starts with revision 1,
// a zero byte and the control word.
func formOf(text []byte) Form {
	switch {
	case len(text) == 0:
		return FormNone
	case len(text) >= 40 && (text[0] == '0' && text[1] == '1') && isHex(text):
		return FormHex
	case len(text) >= 28 && text[0] == 'A' && text[1] == 'Q' && isBase64(text):
		return FormBase64
	}
	return FormSDDL
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return len(b)%2 == 0
}

func isBase64(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '+' || c == '/' || c == '=') {
			return false
		}
	}
	return len(b)%4 == 0
}

// TypeName returns the name of a type of object in the objects file.
func TypeName(t *winnt.ObjectType) string {
	for _, name := range [...]string{"file", "directory", "key", "token", "process", "thread", "job", "objectDirectory",
		"symbolicLink", "event", "port", "directoryService", "mutant", "semaphore", "timer", "section",
		"desktop", "windowStation"} {
		if winnt.ObjectTypeByName(name) == t {
			return name
		}
	}
	return "file"
}
