package batch

import (
	"fmt"
	"unicode/utf8"
)

// unquote returns the text of a scanned JSON string value. Without escapes it
// is a part of raw, else it is built in buf.
func unquote(buf, raw []byte) (text []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	raw = raw[1 : len(raw)-1]
	i := 0
	for i < len(raw) && raw[i] != '\\' {
		i++
	}
	if i == len(raw) {
		return raw, true
	}
	buf = append(buf[:0], raw[:i]...)
	for i < len(raw) {
		if raw[i] != '\\' {
			buf = append(buf, raw[i])
			i++
			continue
		}
		if raw[i+1] == 'u' {
			r, n := unicodeEscape(raw[i:])
			buf = utf8.AppendRune(buf, r)
			i += n
			continue
		}
		buf = append(buf, unescape(raw[i+1]))
		i += 2
	}
	return buf, true
}

// unescape is the character a one-letter escape stands for.
func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// AppendString appends text as a JSON string. Bytes that are not UTF-8 become
// the replacement character.
func AppendString(dst []byte, text string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}

// appendID starts an answer with the id of the question, null if it has none.
func appendID(dst, id []byte) []byte {
	dst = append(dst, `{"id":`...)
	if id == nil {
		return append(dst, "null"...)
	}
	return append(dst, id...)
}

// appendError answers a line that could not be understood.
func appendError(dst, id []byte, number int, err error) []byte {
	dst = append(appendID(dst, id), `,"error":`...)
	dst = AppendString(dst, fmt.Sprintf("line %d: %s", number, Shorten(err.Error())))
	return append(dst, '}')
}

// Shorten cuts the middle out of the text of an error that quotes a huge value.
func Shorten(text string) string {
	const head, tail = 600, 300
	if len(text) <= head+tail {
		return text
	}
	return text[:head] + " … " + text[len(text)-tail:]
}

// appendHex appends b as hexadecimal digits.
func appendHex(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range b {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// decodeHex reads hexadecimal digits, any case, into buf. at is the offset of
// the digit that is none, -1 if all is well.
func decodeHex(buf, text []byte) (b []byte, at int) {
	buf = buf[:0]
	for i := 0; i+1 < len(text); i += 2 {
		hi, ok := hexDigit(text[i])
		if !ok {
			return nil, i
		}
		lo, ok := hexDigit(text[i+1])
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

// clip shortens a text that an error quotes.
func clip(b []byte) string {
	const most = 40
	if len(b) <= most {
		return string(b)
	}
	n := most
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return string(b[:n]) + "…"
}
