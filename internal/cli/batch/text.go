package batch

import (
	"fmt"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/strict"
)

// AppendString appends text to dst as a quoted JSON string. Invalid UTF-8 becomes the replacement character.
func AppendString(dst []byte, text string) []byte { return strict.AppendString(dst, text) }

// appendID appends the start of an answer, {"id": and the question's id, to dst. A nil id becomes null.
func appendID(dst, id []byte) []byte {
	dst = append(dst, `{"id":`...)
	if id == nil {
		return append(dst, "null"...)
	}
	return append(dst, id...)
}

// appendError appends the answer to a malformed line: its id, its number and the shortened error.
func appendError(dst, id []byte, number int, err error) []byte {
	dst = append(appendID(dst, id), `,"error":`...)
	dst = AppendString(dst, fmt.Sprintf("line %d: %s", number, Shorten(err.Error())))
	return append(dst, '}')
}

// Shorten replaces the middle of an error text longer than 900 bytes by an ellipsis. It keeps the first 600 and the
// last 300 bytes, less the bytes of a UTF-8 character that a cut would split.
func Shorten(text string) string {
	const head, tail = 600, 300
	if len(text) <= head+tail {
		return text
	}
	end, begin := head, len(text)-tail
	// Invalid UTF-8 has no start byte to find, so the search ends after the longest character.
	for i := range utf8.UTFMax {
		if utf8.RuneStart(text[head-i]) {
			end = head - i
			break
		}
	}
	for i := range utf8.UTFMax {
		if utf8.RuneStart(text[len(text)-tail+i]) {
			begin = len(text) - tail + i
			break
		}
	}
	return text[:end] + " … " + text[begin:]
}

// appendHex appends b as hexadecimal digits.
func appendHex(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range b {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// decodeHex decodes hexadecimal digits of either case into buf, which may move. at is -1, or the offset of the first
// wrong digit or of the last of an odd number of digits; b is then nil.
func decodeHex(buf, text []byte) (b []byte, at int) {
	buf = buf[:0]
	for i := 0; i+1 < len(text); i += 2 {
		hi, ok := strict.HexDigit(text[i])
		if !ok {
			return nil, i
		}
		lo, ok := strict.HexDigit(text[i+1])
		if !ok {
			return nil, i + 1
		}
		buf = append(buf, hi<<4|lo)
	}
	if len(text)%2 != 0 {
		return nil, len(text) - 1
	}
	return buf, -1
}
