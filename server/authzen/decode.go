package authzen

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

// longestName is the longest type, id or name of a request, in bytes.
const longestName = 4096

// parts are the decoded members of a question (subject, action, resource and context), or of the defaults of a batch. A
// nil member is absent.
type parts struct {
	subject, resource *Entity
	action            *Action
	context           *Properties
}

// item is one question of a batch. bad is the error of a malformed question, nil for a valid one.
type item struct {
	question Question
	bad      error
}

// semantic says when the evaluation of a batch stops. The zero value, executeAll, evaluates all questions.
type semantic uint8

const (
	executeAll semantic = iota
	denyOnFirstDeny
	permitOnFirstPermit
)

var semantics = map[string]semantic{"execute_all": executeAll, "deny_on_first_deny": denyOnFirstDeny,
	"permit_on_first_permit": permitOnFirstPermit}

// decodeOne decodes the JSON body of a single evaluation. It leaves Caller empty and ignores unknown members. It
// returns an error if a required member is missing or has the wrong type (Z-1), or if the body is not a JSON object
// (Z-2).
func decodeOne(body []byte) (Question, error) {
	m, err := members(body, "subject", "action", "resource", "context")
	if err != nil {
		return Question{}, err
	}
	p, err := decodeParts(m)
	if err != nil {
		return Question{}, err
	}
	return p.question()
}

// decodeBatch decodes the JSON body of a batch request. items are its questions, completed with the request's defaults.
// how is its stop rule.
//
//   - A malformed question is an item with bad set.
//   - A malformed request is an error.
//   - More than most questions are an error; items has the first most of them.
//   - Without "evaluations", or with an empty array, items is nil. The caller then calls decodeOne (Z-5).
func decodeBatch(body []byte, most int) (items []item, how semantic, err error) {
	m, err := members(body, "subject", "action", "resource", "context", "evaluations", "options")
	if err != nil {
		return nil, 0, err
	}
	defaults, err := decodeParts(m[:4])
	if err != nil {
		return nil, 0, err
	}
	if how, err = decodeOptions(m[5]); err != nil {
		return nil, 0, err
	}
	if m[4] == nil {
		return nil, how, nil
	}
	r := reader(m[4])
	if r.Peek() != '[' {
		return nil, 0, errors.New("evaluations: want an array")
	}
	err = r.Array(-1, func(int) error {
		raw, err := r.Raw()
		if err == nil && len(items) == most { // Z-11
			err = fmt.Errorf("more than %d questions in one request: split them", most)
		}
		if err == nil {
			items = append(items, decodeItem(raw, defaults))
		}
		return err
	})
	return items, how, err
}

// decodeItem decodes one question of a batch. An error sets bad of the item. A member of the question replaces the
// whole default of that name, even if the member is malformed (Z-6).
func decodeItem(raw []byte, defaults parts) item {
	m, err := members(raw, "subject", "action", "resource", "context")
	if err != nil {
		return item{bad: err}
	}
	p, err := decodeParts(m)
	if err != nil {
		return item{bad: err}
	}
	if p.subject == nil {
		p.subject = defaults.subject
	}
	if p.action == nil {
		p.action = defaults.action
	}
	if p.resource == nil {
		p.resource = defaults.resource
	}
	if p.context == nil {
		p.context = defaults.context
	}
	q, err := p.question()
	return item{q, err}
}

// decodeOptions decodes the options of a batch, which say when it stops. It returns executeAll if raw is nil or does
// not say. An unknown value is an error (Z-7), and other options are ignored.
func decodeOptions(raw []byte) (semantic, error) {
	if raw == nil {
		return executeAll, nil
	}
	m, err := members(raw, "evaluations_semantic")
	if err != nil {
		return 0, fmt.Errorf("options: %w", err)
	}
	if m[0] == nil {
		return executeAll, nil
	}
	name, err := text(m[0])
	how, known := semantics[name]
	if err != nil || !known {
		return 0, errors.New(
			"options.evaluations_semantic: want execute_all, deny_on_first_deny or permit_on_first_permit")
	}
	return how, nil
}

// question returns the question with these members and an empty Caller. context is optional. Any other missing member
// is an error (Z-1).
func (p parts) question() (Question, error) {
	switch {
	case p.subject == nil:
		return Question{}, errors.New("subject is missing")
	case p.action == nil:
		return Question{}, errors.New("action is missing")
	case p.resource == nil:
		return Question{}, errors.New("resource is missing")
	}
	q := Question{Subject: *p.subject, Action: *p.action, Resource: *p.resource}
	if p.context != nil {
		q.Context = *p.context
	}
	return q, nil
}

// decodeParts decodes the JSON texts of subject, action, resource and context, in this order. A nil text leaves the
// member of p nil. The error names the first malformed member, and p then has those before it.
func decodeParts(m [][]byte) (p parts, err error) {
	if m[0] != nil {
		if p.subject, err = decodeEntity(m[0], "subject"); err != nil {
			return p, err
		}
	}
	if m[1] != nil {
		if p.action, err = decodeAction(m[1]); err != nil {
			return p, err
		}
	}
	if m[2] != nil {
		if p.resource, err = decodeEntity(m[2], "resource"); err != nil {
			return p, err
		}
	}
	if m[3] != nil {
		context, err := properties(m[3])
		if err != nil {
			return p, fmt.Errorf("context: %w", err)
		}
		p.context = &context
	}
	return p, nil
}

// decodeEntity decodes a subject or resource. what names it in error messages. type and id are required, properties are
// optional. Other members are ignored. The error begins with what.
func decodeEntity(raw []byte, what string) (*Entity, error) {
	m, err := members(raw, "type", "id", "properties")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var e Entity
	if e.Type, err = text(m[0]); err != nil {
		return nil, fmt.Errorf("%s.type: %w", what, err)
	}
	if e.ID, err = text(m[1]); err != nil {
		return nil, fmt.Errorf("%s.id: %w", what, err)
	}
	if e.Properties, err = properties(m[2]); err != nil {
		return nil, fmt.Errorf("%s.properties: %w", what, err)
	}
	return &e, nil
}

// decodeAction decodes an action. name is required, properties are optional. A malformed one is an error that names it,
// and other members are ignored.
func decodeAction(raw []byte) (*Action, error) {
	m, err := members(raw, "name", "properties")
	if err != nil {
		return nil, fmt.Errorf("action: %w", err)
	}
	var a Action
	if a.Name, err = text(m[0]); err != nil {
		return nil, fmt.Errorf("action.name: %w", err)
	}
	if a.Properties, err = properties(m[1]); err != nil {
		return nil, fmt.Errorf("action.properties: %w", err)
	}
	return &a, nil
}

// reader returns a strict JSON reader at the start of raw. It does not copy raw.
func reader(raw []byte) *strict.Reader { return &strict.Reader{Scanner: strict.Scanner{Bytes: raw}} }

// members returns the JSON texts of an object's members, in the order of names. An absent member is nil. Names are
// case-sensitive. Other members are ignored after a syntax check (Z-3). Anything but an object, a repeated name, a
// syntax error, and text after the object are errors (Z-2).
func members(raw []byte, names ...string) ([][]byte, error) {
	found := make([][]byte, len(names))
	r := reader(raw)
	if r.Peek() != '{' {
		return nil, errors.New("want an object")
	}
	err := r.Map(func(key string) error {
		value, err := r.Raw()
		for i, name := range names {
			if key == name { // case matters: "Subject" is an unknown member
				found[i] = value
			}
		}
		return err
	})
	if err == nil {
		err = r.Done()
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// properties wraps the JSON text of an optional object without copying it. nil becomes the zero value. Any other JSON
// type is an error.
func properties(raw []byte) (Properties, error) {
	if raw != nil && raw[0] != '{' {
		return Properties{}, errors.New("want an object")
	}
	return newProperties(raw), nil
}

// text decodes a JSON string, which may be empty. It returns an error for nil, which stands for a missing member, for
// another JSON type, and for more than longestName bytes.
func text(raw []byte) (string, error) {
	if raw == nil {
		return "", errors.New("is missing")
	}
	b, ok := strict.Unquote(nil, raw)
	switch {
	case !ok:
		return "", errors.New("want a string")
	case len(b) > longestName:
		return "", fmt.Errorf("longer than %d bytes", longestName)
	}
	return string(b), nil
}
