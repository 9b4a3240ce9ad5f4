package authzen

import (
	"context"
	"strconv"
	"sync"

	"github.com/refmon/refmon/internal/strict"
)

// Question asks whether a subject may perform an action on a resource. The zero value names none of them, and every
// Evaluator denies it.
type Question struct {
	// Caller is the client that asks, as Config.Caller returned it.
	Caller   Caller
	Subject  Entity
	Action   Action
	Resource Entity
	Context  Properties
}

// Caller identifies the client of the API: a policy enforcement point. The zero value is nobody.
type Caller struct{ Type, ID string }

// Entity is the subject or the resource of a question. ID is unique within Type.
type Entity struct {
	Type, ID   string
	Properties Properties
}

// Action is the action of a question.
type Action struct {
	Name       string
	Properties Properties
}

// Properties are the members of a JSON object of the request. Its values are neither typed nor trusted. The zero
// value has no members.
type Properties struct {
	raw   []byte
	index *propertyIndex // index of a long raw, shared by copies; nil: lookup searches raw
}

// longestSearched is the longest object that each lookup searches, in bytes. A longer one may be the context of each
// question of a batch.
const longestSearched = 4096

// propertyIndex has the JSON texts of an object's members by name. It is safe for concurrent use.
type propertyIndex struct {
	once sync.Once
	by   map[string][]byte // immutable once built
}

// newProperties returns the members of the JSON object raw, which it does not copy. A nil raw has no members.
func newProperties(raw []byte) Properties {
	p := Properties{raw: raw}
	if len(raw) > longestSearched {
		p.index = &propertyIndex{}
	}
	return p
}

// lookup returns the JSON text of a member, without copying it. Names are case-sensitive. ok is false if the member
// does not exist. It returns the first of several.
func (p Properties) lookup(name string) (raw []byte, ok bool) {
	if p.index == nil {
		p.each(func(text, value []byte) bool {
			if string(text) != name {
				return true
			}
			raw = value
			return false
		})
		return raw, raw != nil
	}
	p.index.once.Do(func() {
		p.index.by = map[string][]byte{}
		p.each(func(text, value []byte) bool {
			if _, again := p.index.by[string(text)]; !again {
				p.index.by[string(text)] = value
			}
			return true
		})
	})
	raw = p.index.by[name]
	return raw, raw != nil
}

// each calls yield with the name and the JSON text of each member, nil for a malformed one, until yield returns false.
func (p Properties) each(yield func(text, value []byte) bool) {
	if p.raw == nil {
		return
	}
	s := strict.Scanner{Bytes: p.raw}
	for it := s.Object(); it.Next(&s); {
		quoted := s.Bytes[it.Start : it.Start+len(it.Name)+2]
		value := s.Value(1)
		if text, good := strict.Unquote(nil, quoted); good && !yield(text, value) {
			return
		}
	}
}

// Answer is the answer to one question. The zero value denies without a reason.
type Answer struct {
	Decision bool
	// ReasonAdmin says why access was denied, for the caller. ReasonUser is the part that the subject may know. The
	// handler omits an empty reason, and both if Decision is true.
	ReasonAdmin, ReasonUser string
}

// Evaluator decides questions. It must be safe for concurrent use. An *Error becomes the HTTP status of a single
// question. In a batch it denies its question, and the other questions are still evaluated. Any other error is logged
// and counts as status 500; the client does not see its text. The handler ignores the Answer that comes with an
// error.
type Evaluator interface {
	Evaluate(ctx context.Context, q *Question) (Answer, error)
}

// Error is the reason why a question was not decided. The client sees its message.
type Error struct {
	Status  int // HTTP status
	Message string
}

// Error returns the status and the message, as "403: text".
func (e *Error) Error() string { return strconv.Itoa(e.Status) + ": " + e.Message }
