package claims

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Lone surrogates occupy U+D800 to U+DFFF; as generalised UTF-8 they are the
// byte 0xED, one of 0xA0..0xBF, and a continuation byte.
const (
	surrogateMin = 0xD800
	surrogateMax = 0xDFFF
)

// nextRune returns the first code point of s and its size in bytes. Unlike utf8.DecodeRuneInString it returns lone
// surrogates as themselves. s must not be empty; a byte that is neither gives U+FFFD, size 1.
func nextRune(s string) (r rune, size int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	r, size = utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 && len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return r, size
}

// appendRune appends r to dst in UTF-8. A lone surrogate takes its three-byte form.
func appendRune(dst []byte, r rune) []byte {
	if r >= surrogateMin && r <= surrogateMax {
		return append(dst, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(dst, r)
}

// decodeUTF16 converts little-endian UTF-16 to a string. The length of b must be even. Lone surrogates stay.
func decodeUTF16(b string) string {
	dst := make([]byte, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		r := rune(b[i]) | rune(b[i+1])<<8
		if utf16.IsSurrogate(r) && i+3 < len(b) {
			if p := utf16.DecodeRune(r, rune(b[i+2])|rune(b[i+3])<<8); p != utf8.RuneError {
				r, i = p, i+2
			}
		}
		dst = appendRune(dst, r)
	}
	return string(dst)
}

// appendUTF16 appends s to dst as little-endian UTF-16, without a terminator.
func appendUTF16(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, n := nextRune(s)
		s = s[n:]
		if r >= 0x10000 {
			hi, lo := utf16.EncodeRune(r)
			dst = append(dst, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8))
			continue
		}
		dst = append(dst, byte(r), byte(r>>8))
	}
	return dst
}

// units iterates over the UTF-16 units of a string.
type units struct {
	s    string
	next uint16 // low surrogate still to come, 0 if none
}

// step returns the next UTF-16 unit; ok is false at the end.
func (u *units) step() (unit uint16, ok bool) {
	if u.next != 0 {
		unit, u.next = u.next, 0
		return unit, true
	}
	if u.s == "" {
		return 0, false
	}
	r, n := nextRune(u.s)
	u.s = u.s[n:]
	if r < 0x10000 {
		return uint16(r), true
	}
	hi, lo := utf16.EncodeRune(r)
	u.next = uint16(lo)
	return uint16(hi), true
}
