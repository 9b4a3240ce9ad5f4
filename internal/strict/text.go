package strict

import "unicode/utf8"

// Unquote returns the text of a scanned JSON string. Without escapes the result is a part of raw, otherwise it is built
// in buf. ok is false if raw is not a string. raw must be a valid string.
func Unquote(buf, raw []byte) (text []byte, ok bool) {
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

// unescape returns the character for a one-letter escape, and c itself for a quote, a slash or a backslash. c is not
// checked.
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

// AppendString appends text as a JSON string. Bytes that are not UTF-8 become the replacement character. Control
// characters and DEL become \u00hh; no other character is escaped but quotes and backslashes.
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

// Clip returns a text for messages: at most its first 60 bytes, with "…" if it was cut. It does not cut a character of
// UTF-8.
func Clip[Text ~string | ~[]byte](text Text) string {
	n := 60
	if len(text) <= n {
		return string(text)
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return string(text[:n]) + "…"
}
