package claims

import (
	"strings"
	"unicode"
)

// isSpace reports whether c separates tokens of a condition: space, tab, line feed, vertical tab, form feed, carriage
// return.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// isLocalRune reports whether r may be in the name of a local attribute, which has no prefix and no escapes (S-49).
func isLocalRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	case r == ':', r == '.', r == '/', r == '_':
		return true
	}
	return r >= 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// isPlain reports whether a name after a prefix such as @User. shows r without an escape: attr-char2 of MS-DTYP
// 2.5.1.1 (S-49).
func isPlain(r rune) bool {
	return r < 0x80 && (isLocalRune(r) || r != 0 && strings.IndexByte("#$'*+-;?@[\\]^_`{}~", byte(r)) >= 0)
}

// mustEscape reports whether r can be in a name after a prefix only as %hhhh: blanks, controls and the characters of
// operators (S-49).
func mustEscape(r rune) bool {
	if r <= ' ' || r == 0x7F {
		return true
	}
	return r < 0x80 && strings.IndexByte("!&()><=|%\"", byte(r)) >= 0
}

// wordOperator returns the byte code of the operator that a word such as Any_of names, without regard to case (S-48).
// It returns 0 for any other word.
func wordOperator(word string) byte {
	if len(word) < len("Exists") || len(word) > len("Not_Device_Member_of_any") {
		return 0
	}
	for code := opContains; code <= opNotDeviceMembOfAny; code++ {
		if asciiEqualFold(word, operators[code].text) {
			return byte(code)
		}
	}
	return 0
}

// asciiEqualFold reports whether a and b are equal without regard to the case of ASCII letters.
func asciiEqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if upperUnit(uint16(a[i])) != upperUnit(uint16(b[i])) {
			return false
		}
	}
	return true
}

// isDigit reports whether c is a digit of the base (8, 10 or 16).
func isDigit(c byte, base uint64) bool { return digit(c) < base }

// digit returns the value of a hexadecimal digit, 255 for any other byte.
func digit(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10
	}
	return 255
}
