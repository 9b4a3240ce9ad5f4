package message

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("the message of the directory is malformed")

// Tags of the operations that servers send (RFC 4511 4).
const (
	BindResponse      = 0x61
	SearchEntry       = 0x64
	SearchDone        = 0x65
	SearchReference   = 0x73
	ExtendedResponse  = 0x78
	sequence          = 0x30
	set               = 0x31
	boolean           = 0x01
	integer           = 0x02
	octets            = 0x04
	enumerated        = 0x0a
	controls          = 0xa0
	referral          = 0xa3
	serverCredentials = 0x87
	extendedName      = 0x8a
	extendedValue     = 0x8b
)

// options are the tags of the optional parts of results.
var options = []byte{serverCredentials, extendedName, extendedValue}

// Span is a part of a message, as the position where it begins and its length. The zero value is empty.
type Span [2]int

// of returns the bytes of the part in the message raw.
func (s Span) of(raw []byte) []byte { return raw[s[0] : s[0]+s[1]] }

// Message has the parts of a server's message. Nothing in it is verified until [Message.Rebuild] returns. The zero
// value is no message.
type Message struct {
	// Forms has the form of each length in the message: 0 for one octet, n for n octets after the first.
	Forms []byte
	ID    Span
	Op    byte

	// Name is the DN of an entry, or the DN that a result names.
	Name Span
	// Attributes are the attributes of an entry.
	Attributes []Attribute
	// Links are the URIs of a reference or of a result's referral. nil: a result has no referral.
	Links []Span

	// Code is the code of a result, and Text the result's diagnostic message.
	Code Span
	Text Span
	// Options are the last parts of a bind's or an extended operation's result.
	Options []Option
	// Controls is nil if the message has none.
	Controls []Control
}

// Attribute is one attribute of an entry.
type Attribute struct {
	Name   Span
	Values []Span
}

// Option is an optional part of a result with its tag.
type Option struct {
	Tag   byte
	Value Span
}

// Control is one control. A field that the message does not have is nil.
type Control struct {
	Type     Span
	Critical *byte
	Value    *Span
	Paging   *Paging // the contents of Value, if Type is the control of pages (RFC 2696)
}

// Paging is the value of the control of pages. Forms has the form of each length in it.
type Paging struct {
	Forms  []byte
	Size   Span
	Cookie Span
}

// MarshalAnswer encodes a message in JSON for a process that does not trust this one, which reads it with [ReadAnswer].
func (m *Message) MarshalAnswer() ([]byte, error) { return json.Marshal(m) }

// ReadAnswer reads what another process found in the message raw. A part outside of raw is an error; only
// [Message.Rebuild] checks the rest. An unknown field is an error. An error leaves no message.
func ReadAnswer(text, raw []byte) (*Message, error) {
	m := &Message{}
	if err := strict.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: the parser's answer: %w", ErrInvalid, err)
	}
	for s := range m.spans {
		// Reading a part outside of raw would panic (D-39).
		if s[0] < 0 || s[1] < 0 || s[0] > len(raw) || s[1] > len(raw)-s[0] {
			return nil, fmt.Errorf("%w: the parser's answer has a part outside of it", ErrInvalid)
		}
	}
	return m, nil
}

// Result returns the code of a result. ok is false for another message.
func (m *Message) Result(raw []byte) (code int, ok bool) { return number(m.Code.of(raw)) }

// spans calls yield with every part of a message that is a span of its bytes, until yield returns false.
func (m *Message) spans(yield func(Span) bool) {
	all := append([]Span{m.ID, m.Name, m.Code, m.Text}, m.Links...)
	for _, a := range m.Attributes {
		all = append(append(all, a.Name), a.Values...)
	}
	for _, o := range m.Options {
		all = append(all, o.Value)
	}
	for _, c := range m.Controls {
		all = append(all, c.Type)
		if c.Value != nil {
			all = append(all, *c.Value)
		}
		if c.Paging != nil {
			all = append(all, c.Paging.Size, c.Paging.Cookie)
		}
	}
	for _, s := range all {
		if !yield(s) {
			return
		}
	}
}
