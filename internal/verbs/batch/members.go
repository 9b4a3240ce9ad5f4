package batch

// members walks the members of an object or the elements of an array. The
// caller reads one value after each next. It does not hold the scanner, which
// would then have to live on the heap.
type members struct {
	name  []byte // of the present member, as written, without quotes
	start int    // offset of the present member's name
	close byte
	begun bool
}

// object starts at an opening brace.
func (s *scanner) object() members { return s.open('{', '}', "an object") }

// array starts at an opening bracket.
func (s *scanner) array() members { return s.open('[', ']', "a list") }

func (s *scanner) open(open, shut byte, what string) members {
	if s.peek() != open {
		s.failf(s.i, "want %s, found %s", what, s.found())
	} else {
		s.i++
	}
	return members{close: shut}
}

// next moves to the next member or element and, in an object, past its name.
// It is false at the end and on an error.
func (m *members) next(s *scanner) bool {
	if s.err != nil {
		return false
	}
	c := s.peek()
	switch {
	case c == m.close:
		s.i++
		return false
	case m.begun && c != ',':
		s.failf(s.i, "want ',' or '%c', found %s", m.close, s.found())
		return false
	case m.begun:
		s.i++
	}
	m.begun = true
	if m.close == ']' {
		return true
	}
	if s.peek() != '"' {
		s.failf(s.i, "want a field name in quotes, found %s", s.found())
		return false
	}
	m.start = s.i
	if s.str(); s.err != nil {
		return false
	}
	m.name = s.b[m.start+1 : s.i-1]
	if s.peek() != ':' {
		s.failf(s.i, "want ':' after the field name, found %s", s.found())
		return false
	}
	s.i++
	return true
}
