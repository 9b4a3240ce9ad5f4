package authzen

import (
	"context"
	"strconv"

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
type Properties struct{ raw []byte }

// lookup returns the JSON text of a member, without copying it. Names are case-sensitive. ok is false if the member
// does not exist. It returns the first of several.
func (p Properties) lookup(name string) (raw []byte, ok bool) {
	if p.raw == nil {
		return nil, false
	}
	s := strict.Scanner{Bytes: p.raw}
	for it := s.Object(); it.Next(&s); {
		quoted := s.Bytes[it.Start : it.Start+len(it.Name)+2]
		value := s.Value(1)
		if text, good := strict.Unquote(nil, quoted); good && string(text) == name {
			return value, value != nil
		}
	}
	return nil, false
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
	Status  int // of HTTP
	Message string
}

// Error returns the status and the message, as "403: text".
func (e *Error) Error() string { return strconv.Itoa(e.Status) + ": " + e.Message }
