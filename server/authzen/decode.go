package authzen

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

// longestName is the longest type, id or name of a request, in bytes.
const longestName = 4096

// parts are the members of a question, or of the defaults of a batch. A nil member is absent.
type parts struct {
	subject, resource *Entity
	action            *Action
	context           *Properties
}

// item is one question of a batch. bad is why it cannot be asked, nil if it can.
type item struct {
	question Question
	bad      error
}

// semantic is the order in which a batch ends. The zero value is executeAll.
type semantic uint8

const (
	executeAll semantic = iota
	denyOnFirstDeny
	permitOnFirstPermit
)

var semantics = map[string]semantic{"execute_all": executeAll, "deny_on_first_deny": denyOnFirstDeny,
	"permit_on_first_permit": permitOnFirstPermit}

// decodeOne decodes the body of an evaluation. An error means that the body is no JSON object (Z-2), or that a
// member is missing or has the wrong type (Z-1).
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

// decodeBatch decodes the body of evaluations. It returns nil items if the body has no evaluations, so that it is
// decoded by decodeOne (Z-5). An error means that the body as a whole is wrong; a wrong question is an item with bad.
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

// decodeItem decodes one question of a batch. A member of the question replaces the default as a whole, even if it is
// wrong (Z-6).
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

// decodeOptions returns the semantic of a batch, executeAll if raw is nil or names none. An unknown semantic is an
// error (Z-7).
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

// question returns the question that p asks. A missing required member is an error (Z-1).
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

// decodeParts decodes subject, action, resource and context. A nil member is absent.
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

// reader returns a reader of JSON text.
func reader(raw []byte) *strict.Reader { return &strict.Reader{Scanner: strict.Scanner{Bytes: raw}} }

// members returns the JSON texts of the named members of an object, nil for an absent one. It ignores members with
// other names (Z-3), after it has checked their syntax. A name that occurs twice is an error (Z-2).
func members(raw []byte, names ...string) ([][]byte, error) {
	found := make([][]byte, len(names))
	r := reader(raw)
	if r.Peek() != '{' {
		return nil, errors.New("want an object")
	}
	err := r.Map(func(key string) error {
		value, err := r.Raw()
		for i, name := range names {
			if key == name { // case counts: "Subject" is an unknown member
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

// properties returns the members of an optional object. nil has none.
func properties(raw []byte) (Properties, error) {
	if raw != nil && raw[0] != '{' {
		return Properties{}, errors.New("want an object")
	}
	return Properties{raw}, nil
}

// text decodes a string. nil is the error of a missing member.
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
