package authzen

import (
	"context"
	"strconv"

	"github.com/refmon/refmon/internal/strict"
)

// Question is one access question. The zero value names nobody and nothing, and every Evaluator denies it.
type Question struct {
	// Caller is who asks, as Config.Caller returned it.
	Caller   Caller
	Subject  Entity
	Action   Action
	Resource Entity
	Context  Properties
}

// Caller identifies the client of the API: a policy enforcement point. The zero value is nobody.
type Caller struct{ Type, ID string }

// Entity is the subject or the resource of a question.
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

// lookup returns the JSON text of a member. The name must be equal byte for byte. ok is false if there is none.
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
	// ReasonAdmin says why access was denied, for the caller. ReasonUser says what the subject may know of it. An empty
	// reason is not sent, and neither is a reason of a decision that allows.
	ReasonAdmin, ReasonUser string
}

// Evaluator answers questions. It must be safe for concurrent use.
//
// An *Error ends a single question with its HTTP status; in a batch its question is denied with that error. Any other
// error counts as status 500, and the client does not see its text. With an error the answer is not used.
type Evaluator interface {
	Evaluate(ctx context.Context, q *Question) (Answer, error)
}

// Error is a question that was not decided.
type Error struct {
	Status  int // of HTTP
	Message string
}

// Error returns the status and the message.
func (e *Error) Error() string { return strconv.Itoa(e.Status) + ": " + e.Message }
