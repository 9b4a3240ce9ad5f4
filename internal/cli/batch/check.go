package batch

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Limits of the definitions of one batch.
const (
	MaxDefinitions = 65536
	maxDefineBytes = 64 << 20 // of all the token files defined
)

// Checks is the batch of `refmon check --batch`. The zero value answers without
// explanations.
type Checks struct {
	Explain bool // add "why" to each answer
}

// Fields of a line, in the order of checkFields.
const (
	fID = iota
	fToken
	fTokenRef
	fDefine
	fSD
	fSDHex
	fDesired
	fMapping
	fSelfSID
	fObjectTypes
	fResultList
	fResourceAttributes
	fCall
	numCheckFields
)

var checkFields = strict.Layout{"id", "token", "tokenRef", "define", "sd", "sdHex", "desired", "mapping",
	"selfSid", "objectTypes", "resultList", "resourceAttributes", "call"}

// Job returns a new job for access checks. Each job has its own definitions and caches, so tokens that one job defines
// are unknown to another.
func (c Checks) Job() *Job {
	defs := &definitions{tokens: make(map[string]*subject)}
	return &Job{
		Worker:     func() Answer { return (&checker{defs: defs, explain: c.Explain}).answer },
		Serial:     isDefine,
		SerialWord: `"define"`,
		noDACL:     &defs.noDACL,
	}
}

// isDefine reports whether a line has the field define, even if the line is malformed after it. Only lines that define
// tokens contain it.
func isDefine(line []byte) bool {
	s := strict.Scanner{Bytes: bytes.TrimPrefix(line, bom)}
	for it := s.Object(); it.Next(&s); s.Value(1) {
		if string(it.Name) == "define" {
			return true
		}
	}
	return false
}

// subject is a parsed token together with the domain of its user. It is immutable.
type subject struct {
	*token.Token
	domain sid.SID // of the user, for aliases such as DU; zero if it is in none
	size   int     // of its definition in bytes: the name and the token file
}

// parseSubject parses a token file and derives the user's domain. It returns the errors of token.Parse.
func parseSubject(file []byte) (*subject, error) {
	t, err := token.Parse(file)
	if err != nil {
		return nil, err
	}
	return &subject{Token: t, domain: accessquery.UserDomain(t), size: len(file)}, nil
}

// definitions holds the tokens that define lines have named. Only a define line writes tokens and bytes, and such a
// line runs alone; all workers read them at other times.
type definitions struct {
	tokens map[string]*subject
	bytes  int // of the definitions in tokens

	noDACL atomic.Int64 // answers with the note
}

// checker answers the questions of one worker. It reuses its buffers from line to line, and caches parsed tokens,
// descriptors and rights.
type checker struct {
	defs    *definitions
	explain bool

	slots    [numCheckFields][]byte
	tokens   cache[*subject]       // by the bytes of the token file
	sds      cache[*sd.Descriptor] // by domain, field and its bytes
	rights   cache[typedMask]      // by the bytes of the field
	key      []byte
	unquote  []byte
	binary   []byte
	types    []access.ObjectTypeEntry
	mapping  winnt.GenericMapping
	question accessquery.Query
}

// answer appends the answer to one line. A line that defines a value gets one too. It returns false if the answer is
// an error. number is that of the line. A malformed line gets an answer with its error.
func (c *checker) answer(dst, line []byte, number int) ([]byte, bool) {
	err := scanLine(checkFields, c.slots[:], line, number)
	id, start := c.slots[fID], len(dst)
	switch {
	case err != nil:
	case c.slots[fDefine] != nil:
		dst, err = c.define(dst, id)
	default:
		if err = c.ask(); err == nil {
			if dst, err = Append(dst, id, &c.question); err == nil && accessquery.LacksDACL(c.question.Request.Descriptor) {
				c.defs.noDACL.Add(1)
			}
		}
	}
	if err != nil {
		return appendError(dst[:start], id, number, err), false
	}
	return dst, true
}

// define stores the tokens of a define line and appends an answer. The answer has their names in order. A name that
// an earlier line defined gets the new token. Other fields, a repeated name, a malformed token and an exceeded limit
// are errors. After an error no token is stored.
func (c *checker) define(dst, id []byte) ([]byte, error) {
	for i, v := range c.slots {
		if v != nil && i != fID && i != fDefine {
			return dst, fmt.Errorf("a line with \"define\" has no field %q: ask in a line of its own", checkFields[i])
		}
	}
	names := make(map[string]*subject)
	order := []string{}
	count, size := len(c.defs.tokens), c.defs.bytes // after this line, without the tokens that it replaces
	s := strict.Scanner{Bytes: c.slots[fDefine]}
	for it := s.Object(); it.Next(&s); {
		quoted := s.Bytes[it.Start : it.Start+len(it.Name)+2]
		text, _ := strict.Unquote(nil, quoted)
		name := string(text)
		if names[name] != nil {
			return dst, fmt.Errorf("define: %q is defined twice", strict.Clip(text))
		}
		sub, err := parseSubject(s.Value(1))
		if err != nil {
			return dst, fmt.Errorf("define: %q: %w", strict.Clip(text), err)
		}
		sub.size += len(name)
		if old, ok := c.defs.tokens[name]; ok {
			size -= old.size
		} else {
			count++
		}
		names[name], size = sub, size+sub.size
		order = append(order, name)
	}
	if s.Err != nil {
		return dst, fmt.Errorf("define: %w", s.Err)
	}
	if size > maxDefineBytes {
		return dst, fmt.Errorf("define: more than %d MiB of token files defined", maxDefineBytes>>20)
	}
	if count > MaxDefinitions {
		return dst, fmt.Errorf("define: more than %d tokens defined", MaxDefinitions)
	}
	dst = append(appendID(dst, id), `,"defined":[`...)
	for i, name := range order {
		c.defs.tokens[name] = names[name]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, name)
	}
	c.defs.bytes = size
	return append(dst, "]}"...), nil
}
