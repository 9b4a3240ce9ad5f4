package strict

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is the deepest allowed nesting of lists and objects.
const MaxDepth = 64

// A Scanner reads JSON strictly as RFC 8259 defines it. It returns spans of its bytes and copies nothing.
// encoding/json does not suffice: it ignores the case of names, keeps the last of two equal names, replaces invalid
// UTF-8, loses the id of a line with a broken end, and takes ten times as long (BenchmarkScan). The zero value with
// Bytes set is ready. After an error, which Err keeps, all methods do nothing.
type Scanner struct {
	Bytes []byte
	Pos   int // offset of the next byte
	Err   error
}

// Failf records an error at an offset in s.Err, unless there is one already. The scanner does not move.
func (s *Scanner) Failf(at int, format string, args ...any) {
	if s.Err == nil {
		s.Err = &Error{Offset: at, Problem: fmt.Sprintf(format, args...)}
	}
}

// space skips white space. Only space, tab, CR and LF are white space.
func (s *Scanner) space() {
	for s.Pos < len(s.Bytes) {
		switch s.Bytes[s.Pos] {
		case ' ', '\t', '\r', '\n':
			s.Pos++
		default:
			return
		}
	}
}

// Peek moves past white space and returns the next byte without moving past it, 0 at the end.
func (s *Scanner) Peek() byte {
	s.space()
	if s.Pos < len(s.Bytes) {
		return s.Bytes[s.Pos]
	}
	return 0
}

// found names what comes next for an error message: a quoted character, a byte that is not UTF-8, or "the end".
func (s *Scanner) found() string {
	if s.Pos >= len(s.Bytes) {
		return "the end"
	}
	r, n := utf8.DecodeRune(s.Bytes[s.Pos:])
	if r == utf8.RuneError && n <= 1 {
		return fmt.Sprintf("byte 0x%02x", s.Bytes[s.Pos])
	}
	return strconv.QuoteRune(r)
}

// End records an error in s.Err if anything but white space follows.
func (s *Scanner) End() {
	s.space()
	if s.Pos < len(s.Bytes) {
		s.Failf(s.Pos, "%s after the end of the value", s.found())
	}
}

// Value reads one value of any kind and returns its bytes. depth is the number of enclosing lists and objects. After
// an error it returns nil, and s.Err has the error. It does not check the names in inner objects.
func (s *Scanner) Value(depth int) []byte {
	c := s.Peek()
	start := s.Pos
	switch {
	case s.Err != nil:
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			s.Failf(s.Pos, "nested more than %d deep", MaxDepth)
			break
		}
		s.composite(c, depth)
	case c == '"':
		s.str()
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	case c == 't':
		s.want("true")
	case c == 'f':
		s.want("false")
	case c == 'n':
		s.want("null")
	default:
		s.Failf(s.Pos, "want a value, found %s", s.found())
	}
	if s.Err != nil {
		return nil
	}
	return s.Bytes[start:s.Pos]
}

// composite moves past an object or array, at whose opening bracket open the scanner is. depth is the number of
// enclosing ones. Malformed JSON sets s.Err.
func (s *Scanner) composite(open byte, depth int) {
	if open == '[' {
		for it := s.Array(); it.Next(s); {
			s.Value(depth + 1)
		}
		return
	}
	for it := s.Object(); it.Next(s); {
		s.Value(depth + 1)
	}
}

// str moves past a string, at whose quote the scanner is. A control character, a wrong escape, invalid UTF-8 or a
// missing end sets s.Err. After an error Pos stays at the quote.
func (s *Scanner) str() {
	start := s.Pos
	for i := start + 1; i < len(s.Bytes); {
		switch c := s.Bytes[i]; {
		case c == '"':
			s.Pos = i + 1
			return
		case c == '\\':
			n := escapeLen(s.Bytes[i:])
			if n == 0 {
				s.Failf(i, "wrong escape in a string")
				return
			}
			i += n
		case c < ' ':
			s.Failf(i, "control character 0x%02x in a string: write it as an escape", c)
			return
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(s.Bytes[i:])
			if r == utf8.RuneError && n == 1 {
				s.Failf(i, "byte 0x%02x is not UTF-8", c)
				return
			}
			i += n
		}
	}
	s.Failf(start, "string without an end")
}

// escapeLen returns the length of the escape at the start of b, 0 if it is invalid. A surrogate pair counts as one
// escape; a single surrogate is invalid.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		_, n := unicodeEscape(b)
		return n
	}
	return 0
}

// unicodeEscape decodes \uhhhh, or two of them that form a surrogate pair, and returns the character with the number
// of bytes. It returns 0, 0 for a malformed escape and a lone surrogate.
func unicodeEscape(b []byte) (r rune, n int) {
	hi, ok := hex4(b)
	switch {
	case !ok || 0xDC00 <= hi && hi < 0xE000:
		return 0, 0
	case hi < 0xD800 || hi >= 0xE000:
		return hi, 6
	}
	lo, ok := hex4(b[6:])
	if !ok || lo < 0xDC00 || lo >= 0xE000 {
		return 0, 0
	}
	return 0x10000 + (hi-0xD800)<<10 + (lo - 0xDC00), 12
}

// hex4 decodes the escape \uhhhh at the start of b to a code unit. It returns false if b does not start with one.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		d, ok := HexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// HexDigit returns the value of a hexadecimal digit in either case. It returns false for other bytes.
func HexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// number moves past a number, without white space around it. A malformed number sets s.Err. A leading zero ends the
// number after it.
func (s *Scanner) number() {
	start := s.Pos
	if s.at('-') {
		s.Pos++
	}
	if s.at('0') {
		s.Pos++
	} else if !s.digits() {
		s.Failf(start, "wrong number")
		return
	}
	if s.at('.') {
		s.Pos++
		if !s.digits() {
			s.Failf(start, "wrong number")
			return
		}
	}
	if s.at('e') || s.at('E') {
		s.Pos++
		if s.at('+') || s.at('-') {
			s.Pos++
		}
		if !s.digits() {
			s.Failf(start, "wrong number")
		}
	}
}

// at reports whether the next byte is c.
func (s *Scanner) at(c byte) bool { return s.Pos < len(s.Bytes) && s.Bytes[s.Pos] == c }

// digits skips decimal digits and reports whether there was one.
func (s *Scanner) digits() bool {
	start := s.Pos
	for s.Pos < len(s.Bytes) && '0' <= s.Bytes[s.Pos] && s.Bytes[s.Pos] <= '9' {
		s.Pos++
	}
	return s.Pos > start
}

// want moves past the literal w: true, false or null. Another text sets s.Err.
func (s *Scanner) want(w string) {
	if len(s.Bytes)-s.Pos < len(w) || string(s.Bytes[s.Pos:s.Pos+len(w)]) != w {
		s.Failf(s.Pos, "want a value, found %s", s.found())
		return
	}
	s.Pos += len(w)
}
