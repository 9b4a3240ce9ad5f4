package batch

import (
	"errors"
	"fmt"
	"math"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ask makes c.question of the fields of a line.
func (c *checker) ask() error {
	s, err := c.subject()
	if err != nil {
		return err
	}
	q := &c.question
	*q = Question{Explain: c.explain}
	r := &q.Request
	if r.Desired, err = c.desired(); err != nil {
		return err
	}
	if err := c.mappingOf(r); err != nil {
		return err
	}
	if err := c.options(s, q); err != nil {
		return err
	}
	r.Subject = SubjectFor(s.Token, q.Call)
	return c.descriptor(s, q)
}

// subject finds the token of a line.
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
		return nil, fmt.Errorf("tokenRef: no line before this one defines %q", clip(name))
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

// desired reads the rights asked for: a number, or text as sddl.ParseRights
// takes it.
func (c *checker) desired() (winnt.AccessMask, error) {
	v := c.slots[fDesired]
	if absent(v) {
		return 0, errors.New(`want the field "desired": a number, "0x20089" or "FR|WD"`)
	}
	if v[0] != '"' {
		return maskOf("desired", v)
	}
	if m, ok := c.rights.get(v); ok {
		return m, nil
	}
	text, _ := unquote(c.unquote, v)
	m, err := sddl.ParseRights(string(text))
	if err != nil {
		return 0, fmt.Errorf("desired: %w", err)
	}
	c.rights.put(v, m)
	return m, nil
}

// maskOf reads a mask given as a number.
func maskOf(name string, v []byte) (winnt.AccessMask, error) {
	n, err := uintOf(name, v, math.MaxUint32)
	return winnt.AccessMask(n), err
}

// mappingOf reads what generic rights stand for: the name of a type of object,
// or four masks.
func (c *checker) mappingOf(r *access.Request) error {
	v := c.slots[fMapping]
	switch {
	case absent(v):
		r.Type = winnt.FileObject
		return nil
	case v[0] == '"':
		name, _ := unquote(c.unquote, v)
		if r.Type = winnt.ObjectTypeByName(string(name)); r.Type == nil {
			return fmt.Errorf("mapping: %q is no type of object: use one of %s, or [read,write,execute,all]", clip(name), ObjectTypes)
		}
		return nil
	}
	masks := [4]*winnt.AccessMask{&c.mapping.Read, &c.mapping.Write, &c.mapping.Execute, &c.mapping.All}
	s, n := scanner{b: v}, 0
	for it := s.array(); it.next(&s); n++ {
		m, err := c.maskValue("mapping", s.value(1))
		if err != nil {
			return err
		}
		if n < len(masks) {
			*masks[n] = m
		}
	}
	if n != len(masks) || s.err != nil {
		return fmt.Errorf("mapping: want the name of a type of object or four masks [read,write,execute,all], found %s", clip(v))
	}
	r.Mapping = &c.mapping
	return nil
}

// maskValue reads a mask given as a number or as text.
func (c *checker) maskValue(name string, v []byte) (winnt.AccessMask, error) {
	text, ok := unquote(c.unquote, v)
	if !ok {
		return maskOf(name, v)
	}
	m, err := sddl.ParseRights(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// options reads the fields that few questions have.
func (c *checker) options(s *subject, q *Question) error {
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
		name, _ := unquote(c.unquote, v)
		var ok bool
		if q.Call, ok = ParseCall(string(name)); !ok {
			return fmt.Errorf(`call: want "SeAccessCheck" or "NtAccessCheck", found %s`, clip(v))
		}
	}
	return c.objectTypes(r)
}

var objectTypeFields = layout{"level", "guid"}

// objectTypes reads the list of object types.
func (c *checker) objectTypes(r *access.Request) error {
	v := c.slots[fObjectTypes]
	if absent(v) {
		return nil
	}
	c.types = c.types[:0]
	s := scanner{b: v}
	for it := s.array(); it.next(&s); {
		e, err := c.objectType(s.value(1))
		if err != nil {
			return fmt.Errorf("objectTypes[%d]: %w", len(c.types), err)
		}
		if len(c.types) > access.MaxObjectTypes {
			return fmt.Errorf("objectTypes: more than %d entries", access.MaxObjectTypes)
		}
		c.types = append(c.types, e)
	}
	if s.err != nil {
		return fmt.Errorf("objectTypes: %w", s.err)
	}
	r.ObjectTypes = c.types
	return nil
}

func (c *checker) objectType(v []byte) (e access.ObjectTypeEntry, err error) {
	var slots [2][]byte
	if err := objectTypeFields.scan(slots[:], v); err != nil {
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

// descriptor reads the security descriptor of a line into q.
func (c *checker) descriptor(s *subject, q *Question) error {
	text, hex := c.slots[fSD], c.slots[fSDHex]
	name, v := "sd", text
	switch {
	case text == nil && hex == nil:
		return errors.New(`want one of the fields "sd" and "sdHex"`)
	case absent(text) && absent(hex):
		return nil // "sd":null asks about no descriptor at all
	case !absent(text) && !absent(hex):
		return errors.New(`want one of the fields "sd" and "sdHex", not both`)
	case !absent(hex):
		name, v = "sdHex", hex
	}
	c.key = append(c.key[:0], name[len(name)-1])
	if name == "sd" { // only text has aliases
		c.key = append(c.key, s.domain.Binary()...)
	}
	c.key = append(c.key, v...)
	d, ok := c.sds.get(c.key)
	if !ok {
		var err error
		if d, err = c.parseDescriptor(name, v, s.domain); err != nil {
			return c.refuseDescriptor(q, name, err)
		}
		c.sds.put(c.key, d)
	}
	q.Request.Descriptor = d
	return c.resourceAttributes(q)
}

func (c *checker) parseDescriptor(name string, v []byte, domain sid.SID) (*sd.Descriptor, error) {
	text, err := textOf(c.unquote, name, v)
	if err != nil {
		return nil, err
	}
	if name == "sd" {
		return sddl.Parse(string(text), sddl.Options{Domain: domain})
	}
	var at int
	if c.binary, at = decodeHex(c.binary, text); at >= 0 {
		return nil, fmt.Errorf("wrong hexadecimal digit or an odd number of them at %d", at)
	}
	return sd.Decode(c.binary)
}

// refuseDescriptor says what is wrong with a descriptor: as an error of the
// line, or as the status of an NtAccessCheck, which captures bytes itself.
func (c *checker) refuseDescriptor(q *Question, name string, err error) error {
	var bad *sd.DecodeError
	if q.Call == NtAccessCheck && name == "sdHex" && errors.As(err, &bad) {
		q.Capture = bad.Status
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
