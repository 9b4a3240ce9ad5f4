package queries

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/token"
)

// Limits of a question.
const (
	maxBody = 1 << 20 // bytes
	maxIDs  = 1000
)

// Subject identifies the person or token that a question is about. Exactly one field must be set.
type Subject struct {
	Caller bool            `json:"caller,omitempty"` // the person with the uid of the caller
	Who    string          `json:"who,omitempty"`    // a person, by name or SID
	Token  json.RawMessage `json:"token,omitempty"`  // a token file
}

// question is the body of each request. Each path has its own required fields.
type question struct {
	Subject
	IDs   []string   `json:"ids,omitempty"`
	Right string     `json:"right,omitempty"`
	Form  index.Form `json:"form,omitempty"`
	Limit string     `json:"limit,omitempty"` // the greatest age of a heartbeat, such as "5s"; "": that of the run
}

// answers is the body of a response to /v1/can-read.
type answers struct {
	// Current says that every source has a current heartbeat. Otherwise an answer of no may mean that it is unknown.
	Current bool           `json:"current"`
	Answers []index.Answer `json:"answers"` // in the order of the ids
}

// status is the body of a response to /v1/status.
type status struct {
	Sources []index.SourceStatus `json:"sources"`
	Counts  index.Counts         `json:"counts"`
}

// listed is the body of a response to /v1/listed.
type listed struct {
	Classes []index.Listed `json:"classes"`
}

// failure is the body of every other response.
type failure struct {
	Error string `json:"error"`
}

// needs lists the fields that questions of a path have. The zero value allows only limit.
type needs struct {
	subject bool
	most    int // greatest number of ids, of which one is required; 0: none
	right   bool
	form    bool // the question may have a form, and the right is required
}

// parse reads the body of a request. n says which fields its path has. It returns an error for malformed JSON, an
// unknown field, a missing field, and one that the path does not have.
func parse(body []byte, n needs) (*question, error) {
	q := &question{}
	if err := strict.Unmarshal(body, q); err != nil {
		return nil, err
	}
	return q, q.check(n)
}

// check validates a question against the needs n of its path. Errors are:
//
//   - a missing field, or a field that the path does not have
//   - no subject, or several, if the path needs one
//   - fewer than 1 or more than n.most IDs
//   - an unknown form
//
// The limit is not checked.
func (q *question) check(n needs) error {
	subjects := 0
	for _, set := range []bool{q.Caller, q.Who != "", q.Token != nil} {
		if set {
			subjects++
		}
	}
	switch {
	case n.subject && subjects != 1:
		return errors.New("want exactly one of who, token and caller: true")
	case !n.subject && subjects > 0:
		return errors.New("who, token and caller: this question is about nobody")
	case n.most > 0 && (len(q.IDs) == 0 || len(q.IDs) > n.most):
		return fmt.Errorf("ids: %d documents, want 1 to %d", len(q.IDs), n.most)
	case n.most == 0 && q.IDs != nil:
		return errors.New("ids: this question is not about documents")
	case !n.right && q.Right != "":
		return errors.New("right: this question is not about a right")
	case n.form && q.Right == "":
		return errors.New("right: missing; give one of the index's rights, such as read")
	case !n.form && q.Form != "":
		return errors.New("form: only filters have one")
	}
	switch q.Form {
	case index.FormList, index.FormBitmap, index.FormSIDs, index.FormNumbers:
		return nil
	case "":
		if !n.form {
			return nil
		}
	}
	return fmt.Errorf("form: %q, want list, bitmap, sids or numbers", q.Form)
}

// query returns the query for the person or token that the question names. It returns an error for a malformed token,
// and for a limit that is not a duration above zero. Without a limit it is 0, the index's own.
func (q *question) query() (index.Query, error) {
	out := index.Query{Who: q.Who, Right: q.Right}
	if q.Token != nil {
		t, err := token.Parse(q.Token)
		if err != nil {
			return out, fmt.Errorf("token: %w", err)
		}
		out.Token = t
	}
	if q.Limit == "" {
		return out, nil
	}
	var err error
	if out.Limit, err = time.ParseDuration(q.Limit); err != nil || out.Limit <= 0 {
		return out, fmt.Errorf("limit: %q, want a time above zero such as 5s", q.Limit)
	}
	return out, nil
}
