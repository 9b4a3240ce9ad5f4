package objects

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Form is the encoding of a descriptor. The zero value means that there is no descriptor.
type Form byte

// Forms.
const (
	FormNone   Form = iota
	FormSDDL        // text
	FormHex         // hexadecimal digits of self-relative bytes
	FormBase64      // self-relative bytes in base64
	FormBinary      // self-relative bytes
)

// Object is one object of a source. Its slices are valid until the batch is written.
type Object struct {
	Path   []byte // as text
	Line   int    // of its JSON line, from 1; 0: it has none
	Quoted []byte // the path as it stood in a JSON line, quotes included; nil: quote Path
	SD     []byte // the descriptor, in its form
	Form   Form
	Type   *winnt.ObjectType // nil: the type of the run
	Err    error             // the row could not be read
	Note   Note
	Remark string // set by the run for its row; "" as read
	Entry  *Entry // more attributes of a directory entry; nil: the object is not a directory entry
	Inode  uint64 // of a regular file; 0: unknown, see tree.Options
	Search []byte // of a directory, self-relative: FILE_TRAVERSE is the host's search permission; nil: unknown
	Way    *Way   // the folders on the way to it, with tree.Options.Way; nil: no folders are tested
}

// Entry holds attributes of a directory entry besides its descriptor. The zero value has none.
type Entry struct {
	SID     sid.SID  // of an account, also of another domain, see Foreign; zero: the object is not an account
	Classes []string // from top down
	Name    string   // sAMAccountName; "": not known
	UPN     string   // userPrincipalName; "": not known
	System  string   // operatingSystem; "": not known
	Managed []byte   // the descriptor in msDS-GroupMSAMembership; nil: the object is no such account
}

// Account reports whether the entry has a SID of its own. It is false for nil.
func (e *Entry) Account() bool { return e != nil && !e.SID.IsZero() }

// Foreign reports whether the entry stands for an account of another domain, whose SID it has. It is false for nil.
func (e *Entry) Foreign() bool { return e.Is("foreignSecurityPrincipal") }

// Is reports whether the entry has a class, directly or by inheritance. It is false for nil.
func (e *Entry) Is(class string) bool {
	return e != nil && slices.ContainsFunc(e.Classes, func(c string) bool { return strings.EqualFold(c, class) })
}

// Descriptor parses the descriptor of the object. Relative SDDL aliases refer to domain, which may be zero. It
// returns ErrNoDescriptor if there is none. It ignores o.Err.
func (o *Object) Descriptor(domain sid.SID) (*sd.Descriptor, error) {
	return o.Form.parse(o.SD, domain)
}

// ErrNoDescriptor means that an object has no descriptor.
var ErrNoDescriptor = errors.New("no descriptor: give sd, sdHex or sdBase64")

// parse parses a descriptor in this form. FormNone and an unknown form return ErrNoDescriptor. Errors of the text's
// form name the field. Aliases of a domain need domain.
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
	return nil, ErrNoDescriptor
}

// ParseDescriptor parses a descriptor as a CSV cell has it: SDDL, or self-relative bytes in base64 or hexadecimal
// digits. Relative SDDL aliases refer to domain. Empty text is ErrNoDescriptor.
func ParseDescriptor(text string, domain sid.SID) (*sd.Descriptor, error) {
	return FormOf([]byte(text)).parse([]byte(text), domain)
}

// Unfold returns the value of a descriptor that was copied from LDIF, with "nTSecurityDescriptor::" or without, in one
// line. Text that is not in bytes, such as SDDL, is returned unchanged.
func Unfold(text string) string {
	value := strings.TrimSpace(text)
	if name, rest, ok := strings.Cut(value, ":"); ok && strings.EqualFold(name, "nTSecurityDescriptor") {
		value = strings.TrimPrefix(rest, ":")
	}
	value = strings.Join(strings.Fields(value), "")
	if f := FormOf([]byte(value)); f == FormHex || f == FormBase64 {
		return value
	}
	return text
}

// FormOf guesses the form of a text and does not validate it. Binary forms start with the revision 1 and a zero byte;
// other text is taken for SDDL. Empty text is FormNone. Short hexadecimal and base64 text counts as SDDL.
func FormOf(text []byte) Form {
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

// isHex reports whether b has an even number of hexadecimal digits and nothing else. It returns true for no bytes.
func isHex(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return len(b)%2 == 0
}

// isBase64 reports whether b has only characters of base64 and a length that 4 divides. It does not check the padding.
func isBase64(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '+' || c == '/' || c == '=') {
			return false
		}
	}
	return len(b)%4 == 0
}

// TypeName returns the name of an object type in an objects file. It returns "file" for nil and an unknown type.
func TypeName(t *winnt.ObjectType) string {
	for _, name := range accessquery.TypeNames {
		if winnt.ObjectTypeByName(name) == t {
			return name
		}
	}
	return "file"
}
