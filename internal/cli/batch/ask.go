package batch

import (
	"errors"
	"fmt"
	"math"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ask parses a question, the fields of one line, into c.question. The error names the wrong or missing field;
// c.question is then incomplete. The descriptor is parsed last.
func (c *checker) ask() error {
	s, err := c.subject()
	if err != nil {
		return err
	}
	q := &c.question
	*q = accessquery.Query{Explain: c.explain}
	r := &q.Request
	if err := c.mappingOf(r); err != nil {
		return err
	}
	if r.Desired, err = c.desired(r.Type); err != nil {
		return err
	}
	if err := c.options(s, q); err != nil {
		return err
	}
	r.Subject = accessquery.SubjectFor(s.Token, q.Call)
	return c.descriptor(s, q)
}

// subject returns the token that a question is about. The line has either the name of a token that an earlier line
// defined, or a token file. Both or neither, an undefined name and a malformed token are errors. Only valid tokens
// are cached.
func (c *checker) subject() (*subject, error) {
	file, ref := c.slots[fToken], c.slots[fTokenRef]
	switch {
	case absent(file) == absent(ref):
		return nil, errors.New(`want one of the fields "token" and "tokenRef"`)
	case !absent(ref):
		name, err := textOf(c.unquote, "tokenRef", ref)
		if err != nil {
			return nil, err
		}
		if s := c.defs.tokens[string(name)]; s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("tokenRef: no line before this one defines %q", strict.Clip(name))
	}
	if s, ok := c.tokens.get(file); ok {
		return s, nil
	}
	s, err := parseSubject(file)
	if err == nil {
		c.tokens.put(file, s)
	}
	return s, err
}

// desired returns the requested rights: a number, or text in the form of sddl.ParseRights. A missing field is an error.
// Numbers above 32 bits, unknown rights and names that belong to another type of object than t are errors. null counts
// as missing. t is nil for a mapping of four masks, which takes every name.
func (c *checker) desired(t *winnt.ObjectType) (winnt.AccessMask, error) {
	v := c.slots[fDesired]
	if absent(v) {
		return 0, errors.New(`want the field "desired": a number, "0x20089" or "FR|WD"`)
	}
	if v[0] != '"' {
		return maskOf("desired", v)
	}
	if r, ok := c.rights.get(v); ok && r.of == t {
		return r.mask, nil
	}
	text, _ := strict.Unquote(c.unquote, v)
	m, err := sddl.ParseRights(string(text))
	if err != nil {
		return 0, fmt.Errorf("desired: %w", err)
	}
	// Its bit means something else on an object of type t (B-91).
	if name := sddl.RightOfOtherType(string(text), t); name != "" {
		return 0, fmt.Errorf("desired: %s is a right on objects of another type than %s: choose its type with the field "+
			`"mapping"`, name, t.Name)
	}
	c.rights.put(v, typedMask{m, t})
	return m, nil
}

// typedMask is the mask of a text of rights, all of which exist on objects of the type of.
type typedMask struct {
	mask winnt.AccessMask
	of   *winnt.ObjectType
}

// maskOf parses a mask that is a number of at most 32 bits. The error has the name of the field.
func maskOf(name string, v []byte) (winnt.AccessMask, error) {
	n, err := uintOf(name, v, math.MaxUint32)
	return winnt.AccessMask(n), err
}

// mappingOf sets the generic mapping of r from the line. The field is an object type's name or four masks. If the
// field is absent or null, the mapping is that of files. Any other value is an error. Masks in r stay valid until the
// next line.
func (c *checker) mappingOf(r *access.Request) error {
	v := c.slots[fMapping]
	switch {
	case absent(v):
		r.Type = winnt.FileObject
		return nil
	case v[0] == '"':
		name, _ := strict.Unquote(c.unquote, v)
		if r.Type = winnt.ObjectTypeByName(string(name)); r.Type == nil {
			return fmt.Errorf("mapping: %q is not an object type: use one of %s, or [read,write,execute,all]",
				strict.Clip(name), accessquery.ObjectTypes)
		}
		return nil
	}
	masks := [4]*winnt.AccessMask{&c.mapping.Read, &c.mapping.Write, &c.mapping.Execute, &c.mapping.All}
	s, n := strict.Scanner{Bytes: v}, 0
	for it := s.Array(); it.Next(&s); n++ {
		m, err := c.maskValue("mapping", s.Value(1))
		if err != nil {
			return err
		}
		if n < len(masks) {
			*masks[n] = m
		}
	}
	if n != len(masks) || s.Err != nil {
		return fmt.Errorf("mapping: want the name of a type of object or four masks [read,write,execute,all], found %s",
			strict.Clip(v))
	}
	r.Mapping = &c.mapping
	return nil
}

// maskValue parses a mask that is a number or text in the form of sddl.ParseRights. The error has the name of the
// field. It does not accept a missing field.
func (c *checker) maskValue(name string, v []byte) (winnt.AccessMask, error) {
	text, ok := strict.Unquote(c.unquote, v)
	if !ok {
		return maskOf(name, v)
	}
	m, err := sddl.ParseRights(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// options sets the optional fields selfSid, resultList, call and objectTypes of q. An absent field leaves q unchanged.
// null counts as absent. The first malformed field is the error, and fields before it stay set.
func (c *checker) options(s *subject, q *accessquery.Query) error {
	r := &q.Request
	if v := c.slots[fSelfSID]; !absent(v) {
		text, err := textOf(c.unquote, "selfSid", v)
		if err != nil {
			return err
		}
		if r.Self, err = sid.Resolve(string(text), s.domain); err != nil {
			return fmt.Errorf("selfSid: %w", err)
		}
	}
	if v := c.slots[fResultList]; !absent(v) {
		var err error
		if q.ResultList, err = boolOf("resultList", v); err != nil {
			return err
		}
	}
	if v := c.slots[fCall]; !absent(v) {
		name, _ := strict.Unquote(c.unquote, v)
		var ok bool
		if q.Call, ok = accessquery.ParseCall(string(name)); !ok {
			return fmt.Errorf(`call: want "SeAccessCheck" or "NtAccessCheck", found %s`, strict.Clip(v))
		}
	}
	return c.objectTypes(r)
}

var objectTypeFields = strict.Layout{"level", "guid"}

// objectTypes sets the object type list of r from the line. Without the field r stays unchanged. The list stays valid
// until the next line. A malformed entry is an error with its index. So are more than [access.MaxObjectTypes] + 1
// entries; the access check refuses one too many.
func (c *checker) objectTypes(r *access.Request) error {
	v := c.slots[fObjectTypes]
	if absent(v) {
		return nil
	}
	c.types = c.types[:0]
	s := strict.Scanner{Bytes: v}
	for it := s.Array(); it.Next(&s); {
		e, err := c.objectType(s.Value(1))
		if err != nil {
			return fmt.Errorf("objectTypes[%d]: %w", len(c.types), err)
		}
		if len(c.types) > access.MaxObjectTypes {
			return fmt.Errorf("objectTypes: more than %d entries", access.MaxObjectTypes)
		}
		c.types = append(c.types, e)
	}
	if s.Err != nil {
		return fmt.Errorf("objectTypes: %w", s.Err)
	}
	r.ObjectTypes = c.types
	return nil
}

// objectType parses {"level":n,"guid":"…"}. Both fields are required, and a level over 65535 is an error. null counts
// as missing.
func (c *checker) objectType(v []byte) (e access.ObjectTypeEntry, err error) {
	var slots [2][]byte
	if err := objectTypeFields.Scan(slots[:], v); err != nil {
		return e, err
	}
	if slots[0] == nil || slots[1] == nil {
		return e, errors.New(`want {"level":n,"guid":"…"}`)
	}
	level, err := uintOf("level", slots[0], math.MaxUint16)
	if err != nil {
		return e, err
	}
	text, err := textOf(c.unquote, "guid", slots[1])
	if err != nil {
		return e, err
	}
	g, err := winnt.ParseGUID(string(text))
	return access.ObjectTypeEntry{Level: uint16(level), GUID: g}, err
}
