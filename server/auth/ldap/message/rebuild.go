package message

import (
	"bytes"
	"fmt"
	"slices"
)

// Rebuild checks that the parts are those of the message raw, and returns the message in its shortest form: without
// controls but that of pages, and without referrals. It returns nil and no error for a reference. Parts that are not
// all of raw, at their places, are an error that wraps [ErrInvalid] (D-39).
func (m *Message) Rebuild(raw []byte) ([]byte, error) {
	as := &encoder{raw: raw, forms: m.Forms, given: true}
	for _, c := range m.Controls {
		if c.Paging != nil && (c.Value == nil || string(c.Type.of(raw)) != pagingType ||
			!bytes.Equal(c.Paging.encode(raw, true), c.Value.of(raw))) {
			return nil, fmt.Errorf("%w: the parser's answer has another page", ErrInvalid)
		}
	}
	if got := as.message(m); as.bad || len(as.forms) > 0 || !bytes.Equal(got, raw) {
		return nil, fmt.Errorf("%w: the parser's answer is not what it says", ErrInvalid)
	}
	if m.Op == SearchReference {
		return nil, nil
	}
	short := *m
	short.Controls = slices.DeleteFunc(slices.Clone(m.Controls), func(c Control) bool { return c.Paging == nil })
	if len(short.Controls) == 0 {
		short.Controls = nil
	}
	if m.Op != SearchEntry {
		short.Links = nil
	}
	clean := &encoder{raw: raw}
	return clean.message(&short), nil
}

// encoder encodes a message again from its parts, which are places in raw. It uses the forms of lengths in their order
// if they are given, and else the shortest.
type encoder struct {
	raw   []byte
	forms []byte
	given bool
	bad   bool // a form is missing, or has no room for its length
}

// element appends an element with the tag, its length and the contents from body. If e.given is true, the length has
// its original form, else the shortest. A length that does not fit its form sets e.bad. If no form is left, element
// sets e.bad and does not call body.
func (e *encoder) element(b []byte, tag byte, body func(b []byte) []byte) []byte {
	form := byte(0)
	if e.given {
		if len(e.forms) == 0 {
			e.bad = true
			return b
		}
		form, e.forms = e.forms[0], e.forms[1:]
	}
	start := len(b)
	b = body(b)
	n := len(b) - start
	if !e.given {
		for left := n; left > 0 && n >= 0x80; left >>= 8 {
			form++
		}
	}
	if form == 0 && n >= 0x80 || form > 4 || form > 0 && n>>(8*form) > 0 {
		e.bad = true
		return b
	}
	head := []byte{tag, byte(n)}
	if form > 0 {
		head[1] = 0x80 | form
		for i := int(form) - 1; i >= 0; i-- {
			head = append(head, byte(n>>(8*i)))
		}
	}
	return slices.Insert(b, start, head...)
}

// bytes appends an element that has no inner elements, with this tag and value.
func (e *encoder) bytes(b []byte, tag byte, value []byte) []byte {
	return e.element(b, tag, func(b []byte) []byte { return append(b, value...) })
}

// number appends the integer at s of the original: as it is if forms are given, and else in its shortest form. One that
// is negative, empty or longer than four bytes sets e.bad and appends nothing.
func (e *encoder) number(b []byte, tag byte, s Span) []byte {
	value := s.of(e.raw)
	if _, ok := number(value); !ok {
		e.bad = true
		return b
	}
	for !e.given && len(value) > 1 && value[0] == 0 && value[1] < 0x80 {
		value = value[1:]
	}
	return e.bytes(b, tag, value)
}

// list appends each span as an OCTET STRING.
func (e *encoder) list(b []byte, all []Span) []byte {
	for _, s := range all {
		b = e.bytes(b, octets, s.of(e.raw))
	}
	return b
}

// message returns the message in DER. An operation that this package does not encode sets e.bad. The bytes are then not
// usable. Nil controls are omitted, and an empty list is written.
func (e *encoder) message(m *Message) []byte {
	return e.element(nil, sequence, func(b []byte) []byte {
		b = e.number(b, integer, m.ID)
		b = e.element(b, m.Op, func(b []byte) []byte {
			switch m.Op {
			case SearchEntry:
				return e.entry(b, m)
			case SearchReference:
				return e.list(b, m.Links)
			case BindResponse, SearchDone, ExtendedResponse:
				return e.result(b, m)
			}
			e.bad = true
			return b
		})
		if m.Controls == nil {
			return b
		}
		return e.element(b, controls, func(b []byte) []byte {
			for _, c := range m.Controls {
				b = e.control(b, &c)
			}
			return b
		})
	})
}

// entry appends the name and attributes of a search result, none if m has none.
func (e *encoder) entry(b []byte, m *Message) []byte {
	b = e.bytes(b, octets, m.Name.of(e.raw))
	return e.element(b, sequence, func(b []byte) []byte {
		for _, a := range m.Attributes {
			b = e.element(b, sequence, func(b []byte) []byte {
				b = e.bytes(b, octets, a.Name.of(e.raw))
				return e.element(b, set, func(b []byte) []byte { return e.list(b, a.Values) })
			})
		}
		return b
	})
}

// result appends an LDAPResult. An option with an unknown tag sets e.bad (D-39).
func (e *encoder) result(b []byte, m *Message) []byte {
	b = e.number(b, enumerated, m.Code)
	b = e.bytes(b, octets, m.Name.of(e.raw))
	b = e.bytes(b, octets, m.Text.of(e.raw))
	if m.Links != nil {
		b = e.element(b, referral, func(b []byte) []byte { return e.list(b, m.Links) })
	}
	for _, o := range m.Options {
		// Another tag could begin parts that the library reads further (D-39).
		if !slices.Contains(options, o.Tag) {
			e.bad = true
		}
		b = e.bytes(b, o.Tag, o.Value.of(e.raw))
	}
	return b
}

// control appends a control. It encodes the value of a paging control again unless e.given is set.
func (e *encoder) control(b []byte, c *Control) []byte {
	return e.element(b, sequence, func(b []byte) []byte {
		b = e.bytes(b, octets, c.Type.of(e.raw))
		if c.Critical != nil {
			b = e.bytes(b, boolean, []byte{*c.Critical})
		}
		switch {
		case c.Paging != nil && !e.given:
			b = e.bytes(b, octets, c.Paging.encode(e.raw, false))
		case c.Value != nil:
			b = e.bytes(b, octets, c.Value.of(e.raw))
		}
		return b
	})
}

// encode returns the value of the control, in the given form or the shortest. It returns nil if the form is impossible.
func (p *Paging) encode(raw []byte, given bool) []byte {
	e := &encoder{raw: raw, forms: p.Forms, given: given}
	b := e.element(nil, sequence, func(b []byte) []byte {
		b = e.number(b, integer, p.Size)
		return e.bytes(b, octets, p.Cookie.of(raw))
	})
	if e.bad || given && len(e.forms) > 0 {
		return nil
	}
	return b
}
