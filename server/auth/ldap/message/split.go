package message

import (
	"fmt"
	"slices"
)

// pagingType is the control of pages (RFC 2696).
const pagingType = "1.2.840.113556.1.4.319"

// Split splits a message. It accepts the operations that the constants name, with lengths of up to four octets, and
// wraps [ErrInvalid] for anything else. The parts of the result are places in raw. Bytes after the message are
// ErrInvalid.
func Split(raw []byte) (*Message, error) {
	s := &splitter{raw: raw}
	m := &Message{}
	end := s.open(len(raw), sequence)
	m.ID = s.number(end, integer)
	m.Op = s.peek(end)
	in := s.open(end, m.Op)
	switch m.Op {
	case SearchEntry:
		s.entry(m, in)
	case SearchReference:
		m.Links = s.list(in)
	case BindResponse, SearchDone, ExtendedResponse:
		s.result(m, in)
	default:
		s.fail("the operation %#x", m.Op)
	}
	s.close(in)
	if s.at < end {
		s.controls(m, end)
	}
	s.close(end)
	s.close(len(raw))
	if m.Forms = s.forms; s.err != nil {
		return nil, s.err
	}
	return m, nil
}

// splitter parses BER: it reads the elements of a message one after another. After an error it stays at the end, and
// every method returns zero values.
type splitter struct {
	raw   []byte
	at    int
	forms []byte
	err   error
}

// fail stores an error with the position, unless there is one already, and moves to the end of the input.
func (s *splitter) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: byte %d: %s", ErrInvalid, s.at, fmt.Sprintf(format, args...))
	}
	s.at = len(s.raw)
}

// peek returns the tag of the next element, 0 at the end of the enclosing one.
func (s *splitter) peek(end int) byte {
	if s.at >= end {
		return 0
	}
	return s.raw[s.at]
}

// open enters the next element, which must have the tag, and returns the end of its contents. end is the end of the
// enclosing element. Another tag, an indefinite or too large length, and contents past end make s fail and return the
// current position.
func (s *splitter) open(end int, tag byte) int {
	if got := s.peek(end); got != tag || end-s.at < 2 {
		s.fail("tag %#x, want %#x", got, tag)
		return s.at
	}
	form, length := byte(0), int(s.raw[s.at+1])
	s.at += 2
	if length >= 0x80 {
		form, length = byte(length&0x7f), 0
		if form == 0 || form > 4 || int(form) > end-s.at {
			s.fail("a length of %d octets", form)
			return s.at
		}
		for range form {
			length = length<<8 | int(s.raw[s.at])
			s.at++
		}
	}
	if length > end-s.at {
		s.fail("%d bytes, want at most %d", length, end-s.at)
		return s.at
	}
	s.forms = append(s.forms, form)
	return s.at + length
}

// close leaves an element: it fails unless all its contents, which end at end, were read.
func (s *splitter) close(end int) {
	if s.err == nil && s.at != end {
		s.fail("%d further bytes", end-s.at)
	}
}

// span reads an element without inner elements and returns the position of its contents. Another tag or a length beyond
// end makes s fail.
func (s *splitter) span(end int, tag byte) Span {
	in := s.open(end, tag)
	at := s.at
	s.at = in
	return Span{at, in - at}
}

// number reads an integer of at most four bytes that is not negative. Another integer makes s fail.
func (s *splitter) number(end int, tag byte) Span {
	n := s.span(end, tag)
	if _, ok := number(n.of(s.raw)); !ok {
		s.fail("an integer of %d bytes", n[1])
	}
	return n
}

// number returns the value of an integer. ok is false unless it has one to four bytes and is not negative.
func number(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 4 || b[0] >= 0x80 {
		return 0, false
	}
	for _, x := range b {
		n = n<<8 | int(x)
	}
	return n, true
}

// list reads strings up to the end of the enclosing element. The result is not nil.
func (s *splitter) list(end int) []Span {
	all := []Span{}
	for s.at < end {
		all = append(all, s.span(end, octets))
	}
	return all
}

// entry parses a search result up to end into m: a name, then attributes with their values. Malformed bytes make s
// fail.
func (s *splitter) entry(m *Message, end int) {
	m.Name = s.span(end, octets)
	all := s.open(end, sequence)
	for s.at < all {
		one := s.open(all, sequence)
		a := Attribute{Name: s.span(one, octets)}
		values := s.open(one, set)
		a.Values = s.list(values)
		s.close(one)
		m.Attributes = append(m.Attributes, a)
	}
}

// result parses an LDAPResult up to end into m. An unknown tag makes s fail. A result without referral has nil Links.
func (s *splitter) result(m *Message, end int) {
	m.Code = s.number(end, enumerated)
	m.Name = s.span(end, octets)
	m.Text = s.span(end, octets)
	if s.peek(end) == referral {
		m.Links = s.list(s.open(end, referral))
	}
	for s.at < end {
		tag := s.peek(end)
		if !slices.Contains(options, tag) {
			s.fail("tag %#x in a result", tag)
			return
		}
		m.Options = append(m.Options, Option{Tag: tag, Value: s.span(end, tag)})
	}
}

// controls parses the controls of a message up to end. It also parses the value of a paging control. An empty list
// differs from nil. A boolean of another length than 1 makes s fail.
func (s *splitter) controls(m *Message, end int) {
	all := s.open(end, controls)
	m.Controls = []Control{}
	for s.at < all {
		one := s.open(all, sequence)
		c := Control{Type: s.span(one, octets)}
		if s.peek(one) == boolean {
			if b := s.span(one, boolean).of(s.raw); len(b) == 1 {
				c.Critical = &b[0]
			} else {
				s.fail("a boolean of %d bytes", len(b))
			}
		}
		if s.peek(one) == octets {
			v := s.span(one, octets)
			c.Value = &v
			if string(c.Type.of(s.raw)) == pagingType {
				c.Paging = s.paging(v)
			}
		}
		s.close(one)
		m.Controls = append(m.Controls, c)
	}
}

// paging splits the value of the control of pages. If the value is malformed or has further bytes, s fails at its
// end. The result is never nil.
func (s *splitter) paging(v Span) *Paging {
	in := &splitter{raw: s.raw[:v[0]+v[1]], at: v[0], err: s.err}
	end := in.open(v[0]+v[1], sequence)
	p := &Paging{Size: in.number(end, integer), Cookie: in.span(end, octets)}
	in.close(end)
	in.close(v[0] + v[1])
	if in.err != nil {
		s.err = in.err
		s.at = len(s.raw)
	}
	p.Forms = in.forms
	return p
}
