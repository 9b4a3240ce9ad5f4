package strict

// Members iterates over the members of an object or the elements of a list. The caller reads one value after each
// Next. It does not hold the scanner, which would otherwise escape to the heap.
type Members struct {
	Name  []byte // of the present member, as written, without quotes
	Start int    // offset of the present member's name
	close byte
	begun bool
}

// Object starts to iterate over the members of a JSON object. The scanner must be at its opening brace, otherwise it
// records an error.
func (s *Scanner) Object() Members { return s.open('{', '}', "an object") }

// Array starts to iterate over the elements of a JSON list. The scanner must be at its opening bracket, otherwise it
// records an error.
func (s *Scanner) Array() Members { return s.open('[', ']', "a list") }

// open starts an object or list: it skips the opening bracket and returns an iterator that ends at shut. If another
// byte is next, it records an error in s.Err and does not move; what names the wanted value.
func (s *Scanner) open(open, shut byte, what string) Members {
	if s.Peek() != open {
		s.Failf(s.Pos, "want %s, found %s", what, s.found())
	} else {
		s.Pos++
	}
	return Members{close: shut}
}

// Next advances to the next value, past the name of an object's member. It returns false at the end and after an error.
// It fails at a missing comma, a missing colon and a name that is not a string. A comma before the end is not found
// here. Name keeps its escapes and refers to the scanner's bytes.
func (m *Members) Next(s *Scanner) bool {
	if s.Err != nil {
		return false
	}
	c := s.Peek()
	switch {
	case c == m.close:
		s.Pos++
		return false
	case m.begun && c != ',':
		s.Failf(s.Pos, "want ',' or '%c', found %s", m.close, s.found())
		return false
	case m.begun:
		s.Pos++
	}
	m.begun = true
	if m.close == ']' {
		return true
	}
	if s.Peek() != '"' {
		s.Failf(s.Pos, "want a field name in quotes, found %s", s.found())
		return false
	}
	m.Start = s.Pos
	if s.str(); s.Err != nil {
		return false
	}
	m.Name = s.Bytes[m.Start+1 : s.Pos-1]
	if s.Peek() != ':' {
		s.Failf(s.Pos, "want ':' after the field name, found %s", s.found())
		return false
	}
	s.Pos++
	return true
}
