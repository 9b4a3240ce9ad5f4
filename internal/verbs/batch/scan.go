package batch

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects of a line may be nested.
const MaxDepth = 32

// scanner reads JSON as RFC 8259 defines it, and no more: it takes spans out
// of the line and copies nothing. It exists because encoding/json matches names
// in any case, keeps the last of two equal names, replaces bytes that are not
// UTF-8, gives up the id of a line whose end is broken, and takes ten times as
// long (BenchmarkScan). The zero value with b set is ready; the first error
// stays.
type scanner struct {
	b   []byte
	i   int // offset of the next byte
	err error
}

// failf records the first error, with its offset.
func (s *scanner) failf(at int, format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("byte %d: %s", at, fmt.Sprintf(format, args...))
	}
}

// space skips white space.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// peek is the next byte after white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// found names the next byte for an error.
func (s *scanner) found() string {
	if s.i >= len(s.b) {
		return "the end of the line"
	}
	r, n := utf8.DecodeRune(s.b[s.i:])
	if r == utf8.RuneError && n <= 1 {
		return fmt.Sprintf("byte 0x%02x", s.b[s.i])
	}
	return strconv.QuoteRune(r)
}

// end reports whether nothing but white space follows.
func (s *scanner) end() {
	s.space()
	if s.i < len(s.b) {
		s.failf(s.i, "%s after the end of the value", s.found())
	}
}

// value reads one value of any kind and returns its bytes.
func (s *scanner) value(depth int) []byte {
	c := s.peek()
	start := s.i
	switch {
	case s.err != nil:
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			s.failf(s.i, "nested more than %d deep", MaxDepth)
			break
		}
		s.composite(c, depth)
	case c == '"':
		s.str()
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.failf(s.i, "want a value, found %s", s.found())
	}
	if s.err != nil {
		return nil
	}
	return s.b[start:s.i]
}

// composite reads the members of an object or array, at its opening bracket.
func (s *scanner) composite(open byte, depth int) {
	if open == '[' {
		for it := s.array(); it.next(s); {
			s.value(depth + 1)
		}
		return
	}
	for it := s.object(); it.next(s); {
		s.value(depth + 1)
	}
}

// str reads a string, at its quote.
func (s *scanner) str() {
	start := s.i
	for i := start + 1; i < len(s.b); {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return
		case c == '\\':
			n := escapeLen(s.b[i:])
			if n == 0 {
				s.failf(i, "wrong escape in a string")
				return
			}
			i += n
		case c < ' ':
			s.failf(i, "control character 0x%02x in a string: write it as an escape", c)
			return
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(s.b[i:])
			if r == utf8.RuneError && n == 1 {
				s.failf(i, "byte 0x%02x is not UTF-8", c)
				return
			}
			i += n
		}
	}
	s.failf(start, "string without an end")
}

// escapeLen is the length of the escape at the start of b, 0 if it is wrong. A
// surrogate pair is one escape; half of one is wrong.
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

// unicodeEscape reads \uhhhh, or two of them that make one character.
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

// hex4 reads \uhhhh as a code unit.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// hexDigit is the value of one hexadecimal digit, any case.
func hexDigit(c byte) (byte, bool) {
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

// number reads a number.
func (s *scanner) number() {
	start := s.i
	if s.at('-') {
		s.i++
	}
	if s.at('0') {
		s.i++
	} else if !s.digits() {
		s.failf(start, "wrong number")
		return
	}
	if s.at('.') {
		s.i++
		if !s.digits() {
			s.failf(start, "wrong number")
			return
		}
	}
	if s.at('e') || s.at('E') {
		s.i++
		if s.at('+') || s.at('-') {
			s.i++
		}
		if !s.digits() {
			s.failf(start, "wrong number")
		}
	}
}

// at reports whether the next byte is c.
func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

// digits skips decimal digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// word reads true, false or null.
func (s *scanner) word(w string) {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		s.failf(s.i, "want a value, found %s", s.found())
		return
	}
	s.i += len(w)
}
