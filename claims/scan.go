package claims

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/refmon/refmon/sid"
)

// ParseOptions configures the parser. The zero value parses as Windows does.
type ParseOptions struct {
	// SID parses the SID or alias at the start of text and returns its length in
	// bytes. nil parses the S-1-… form and the aliases that need no domain.
	SID func(text string) (sid.SID, int, error)
	// Strict refuses an integer above the range of int64, which Windows reads as a
	// negative number.
	Strict bool
}

// SyntaxError reports where the text of a condition or attribute is wrong. In
// the text of a descriptor its status is STATUS_INVALID_ACL.
type SyntaxError struct {
	Offset int    // in bytes from the start of the text given
	Want   string // expected text
	Err    error  // why a SID was refused, else nil
}

// Error returns the offset and the expected text.
func (e *SyntaxError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("at byte %d: want %s: %v", e.Offset, e.Want, e.Err)
	}
	return fmt.Sprintf("at byte %d: want %s", e.Offset, e.Want)
}

// Unwrap returns Err.
func (e *SyntaxError) Unwrap() error { return e.Err }

// scanner reads the tokens that the texts of conditions and attributes share. Every error of its methods is a
// [*SyntaxError].
type scanner struct {
	text string
	pos  int
	opt  ParseOptions
}

// fail returns a [*SyntaxError] which says what the parser expected at an offset.
func (s *scanner) fail(offset int, expected string) error {
	return &SyntaxError{Offset: offset, Want: expected}
}

// peek returns the next byte without consuming it, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// space skips blanks.
func (s *scanner) space() {
	for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
		s.pos++
	}
}

// take skips blanks and then c, if it is the next byte. It reports whether it was.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.peek() != c || s.pos == len(s.text) {
		return false
	}
	s.pos++
	return true
}

// expect skips blanks and the byte c. Any other byte is an error.
func (s *scanner) expect(c byte) error {
	if !s.take(c) {
		return s.fail(s.pos, string(rune(c)))
	}
	return nil
}

// word returns the characters at the current position that may be in a local name, without consuming them; "" if
// there are none.
func (s *scanner) word() string {
	i := s.pos
	for i < len(s.text) {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		if !isLocalRune(r) {
			break
		}
		i += n
	}
	return s.text[s.pos:i]
}

// quoted parses a string in quotes. The string cannot contain a quote (S-50).
func (s *scanner) quoted() (string, error) {
	at := s.pos
	if !s.take('"') {
		return "", s.fail(s.pos, "a quoted string")
	}
	start := s.pos
	for ; s.pos < len(s.text); s.pos++ {
		if s.text[s.pos] == '"' {
			str := s.text[start:s.pos]
			if hasNUL(str) || !utf8.ValidString(str) {
				return "", s.fail(start, "a string of valid UTF-8 without NUL")
			}
			s.pos++
			return str, nil
		}
	}
	return "", s.fail(at, "a closing quote")
}

// name parses the name of an attribute and resolves its escapes (S-49). With quoted it ends at the closing quote,
// else at a character that must be escaped.
func (s *scanner) name(quoted bool) (string, error) {
	start := s.pos
	var units []uint16
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if c == '%' {
			u, err := s.escape()
			if err != nil {
				return "", err
			}
			units = append(units, u)
			continue
		}
		if quoted && c == '"' || !quoted && mustEscape(rune(c)) {
			break
		}
		r, n := utf8.DecodeRuneInString(s.text[s.pos:])
		if r == utf8.RuneError && n == 1 || r == 0 {
			return "", s.fail(s.pos, "valid UTF-8 without NUL")
		}
		units = utf16.AppendRune(units, r)
		s.pos += n
	}
	if len(units) == 0 {
		return "", s.fail(start, "a name")
	}
	return fromUnits(units), nil
}

// escape parses %hhhh, one UTF-16 unit of a name. Characters that are valid unescaped must not be escaped (S-49).
func (s *scanner) escape() (uint16, error) {
	at := s.pos
	var v uint64
	for i := 1; i <= 4; i++ {
		if at+i >= len(s.text) || !isDigit(s.text[at+i], 16) {
			return 0, s.fail(at, "% and four hexadecimal digits")
		}
		v = v<<4 | digit(s.text[at+i])
	}
	if isPlain(rune(v)) {
		return 0, s.fail(at, fmt.Sprintf("%c, which must not be escaped", rune(v)))
	}
	s.pos += 5
	return uint16(v), nil
}

// fromUnits converts UTF-16 units to a string. It keeps lone surrogates.
func fromUnits(units []uint16) string {
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u), byte(u>>8))
	}
	return decodeUTF16(string(b))
}

// number is a parsed integer with the sign and base that it had in the text.
type number struct {
	magnitude  uint64
	sign, base uint8
}

// number parses an integer of at most 64 bits: an optional sign and decimal, 0octal or 0xhex digits (S-50).
func (s *scanner) number() (number, error) {
	at := s.pos
	n := number{sign: signNone, base: baseDecimal}
	switch s.peek() {
	case '+':
		n.sign = signPlus
		s.pos++
	case '-':
		n.sign = signMinus
		s.pos++
	}
	radix := uint64(10)
	if rest := s.text[s.pos:]; len(rest) >= 2 && rest[0] == '0' {
		switch {
		case rest[1]|0x20 == 'x':
			n.base, radix = baseHex, 16
			s.pos += 2
		case isDigit(rest[1], 10):
			n.base, radix = baseOctal, 8
			s.pos++
		}
	}
	start := s.pos
	for ; s.pos < len(s.text) && isDigit(s.text[s.pos], radix); s.pos++ {
		d := digit(s.text[s.pos])
		if n.magnitude > (1<<64-1-d)/radix {
			return n, s.fail(at, "an integer of 64 bits")
		}
		n.magnitude = n.magnitude*radix + d
	}
	if s.pos == start {
		return n, s.fail(at, "an integer")
	}
	return n, nil
}

// int64 parses an integer in the range of int64. An unsigned octal or hexadecimal number may use all 64 bits (S-50).
func (s *scanner) int64() (int64, number, error) {
	at := s.pos
	n, err := s.number()
	if err != nil {
		return 0, n, err
	}
	switch {
	case n.magnitude < 1<<63:
		if n.sign == signMinus {
			return -int64(n.magnitude), n, nil
		}
		return int64(n.magnitude), n, nil
	case n.sign == signMinus && n.magnitude == 1<<63:
		return -1 << 63, n, nil
	case n.sign == signNone && n.base != baseDecimal && !s.opt.Strict:
		return int64(n.magnitude), n, nil
	}
	return 0, n, s.fail(at, "an integer in the range of int64")
}

// hex parses hexadecimal digits, with '#' for 0, and returns their number. An odd number of digits gets a leading 0
// (S-51).
func (s *scanner) hex() (b []byte, digits int) {
	start := s.pos
	for s.pos < len(s.text) && (s.text[s.pos] == '#' || isDigit(s.text[s.pos], 16)) {
		s.pos++
	}
	run := s.text[start:s.pos]
	b = make([]byte, 0, len(run)/2+1)
	half := len(run)%2 != 0 // as if a 0 had come first
	var v byte
	for i := 0; i < len(run); i++ {
		var d byte
		if run[i] != '#' {
			d = byte(digit(run[i]))
		}
		if v = v<<4 | d; half {
			b = append(b, v)
			v = 0
		}
		half = !half
	}
	return b, len(run)
}

// sid parses a SID or alias with the function of the options (S-52).
func (s *scanner) sid() (sid.SID, error) {
	read := s.opt.SID
	if read == nil {
		read = func(text string) (sid.SID, int, error) { return sid.Scan(text, sid.SID{}) }
	}
	v, n, err := read(s.text[s.pos:])
	if err != nil || n <= 0 || n > len(s.text)-s.pos || v.IsZero() {
		return sid.SID{}, &SyntaxError{Offset: s.pos, Want: "a SID", Err: err}
	}
	s.pos += n
	return v, nil
}
