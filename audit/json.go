package audit

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the record to dst as one JSON object without a line feed, with keys in this order
// (U-80):
//
//	{"id":…,"time":"…Z","event":4656,"version":1,"outcome":"success",
//	 "subcategory":"File System","subcategory_guid":"{…}","computer":"…",
//	 "data":{field names in their documented order},
//	 "access":[{"bit":"0x1","code":"%%4416","text":"ReadData","reason":"%%1801","ace":"D:(A;;FA;;;WD)"}],
//	 "chain":"hex"}
//
// Every key is always present. The text is UTF-8 without HTML escapes. Invalid UTF-8, such as a lone
// surrogate in its three-byte form, shows as U+FFFD. A second key with the suffix "_raw" then has the
// bytes of the value in hexadecimal. Lists are arrays (U-57).
func (e Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, e.RecordID, 10)
	dst = append(dst, `,"time":"`...)
	dst = AppendTime(dst, e.Time)
	dst = append(dst, `","event":`...)
	dst = strconv.AppendUint(dst, uint64(e.ID), 10)
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendUint(dst, uint64(e.Version), 10)
	dst = append(dst, `,"outcome":"`...)
	dst = append(dst, e.Outcome.String()...)
	dst = append(dst, `","subcategory":"`...)
	if e.Subcategory != 0 { // events of the log service do not have one
		dst = append(dst, e.Subcategory.String()...)
	}
	dst = append(dst, `","subcategory_guid":"`...)
	dst = appendGUID(dst, e.Subcategory.GUID())
	dst = append(dst, `",`...)
	dst = appendMember(dst, "computer", e.Computer)
	dst = append(dst, `,"data":{`...)
	for i := range e.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendField(dst, &e.fields[i])
	}
	dst = append(dst, `},"access":[`...)
	for i := range e.access {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendAccess(dst, &e.access[i])
	}
	dst = append(dst, `],"chain":"`...)
	dst = hex.AppendEncode(dst, []byte(e.Chain))
	return append(dst, `"}`...)
}

// MarshalJSON returns the record in the form of [Event.AppendJSON]. The error is always nil.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// appendField appends a field as a JSON member: a string, or an array for a list. If its text is not valid UTF-8, a
// member with its bytes follows (U-80).
func appendField(dst []byte, f *Field) []byte {
	if !f.IsList() {
		return appendMember(dst, f.Name, f.text)
	}
	dst = appendKey(dst, f.Name, "")
	valid := true
	dst = append(dst, '[')
	for i, s := range f.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
		valid = valid && utf8.ValidString(s)
	}
	dst = append(dst, ']')
	if valid {
		return dst
	}
	// The bytes of invalid text are under the same name with "_raw" (U-80).
	dst = appendKey(append(dst, ','), f.Name, "_raw")
	dst = append(dst, '[')
	for i, s := range f.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHex(dst, s)
	}
	return append(dst, ']')
}

// appendAccess appends a right, its reason and the deciding entry as a JSON object. An unknown reason and a missing
// entry are "".
func appendAccess(dst []byte, l *accessLine) []byte {
	dst = append(dst, `{"bit":"`...)
	dst = append(dst, l.Bit.String()...)
	dst = append(dst, `","code":"`...)
	dst = append(dst, message(l.Code)...)
	dst = append(dst, `","text":`...)
	dst = appendString(dst, l.Text)
	dst = append(dst, `,"reason":"`...)
	if l.reason != 0 {
		dst = append(dst, message(l.reason)...)
	}
	dst = append(dst, `",`...)
	dst = appendMember(dst, "ace", l.ace)
	return append(dst, '}')
}

// appendMember appends "name":"value" and, where the value is no valid UTF-8,
// "name_raw":"hex".
func appendMember(dst []byte, name, value string) []byte {
	dst = appendString(appendKey(dst, name, ""), value)
	// The bytes of invalid text are under the same name with "_raw" (U-80).
	if !utf8.ValidString(value) {
		dst = appendHex(appendKey(append(dst, ','), name, "_raw"), value)
	}
	return dst
}

// appendKey appends the quoted name, followed by suffix, and a colon. It escapes nothing.
func appendKey(dst []byte, name, suffix string) []byte {
	dst = append(dst, '"')
	dst = append(dst, name...)
	dst = append(dst, suffix...)
	return append(dst, '"', ':')
}

// appendHex appends the bytes of s as a JSON string of hexadecimal digits.
func appendHex(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = hex.AppendEncode(dst, []byte(s))
	return append(dst, '"')
}

// appendString appends a JSON string. Only what JSON demands is escaped: the
// quote, the backslash and the control characters below U+0020.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = appendASCII(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			i += invalidLen(s[i:])
			// Bytes that are no valid text show as U+FFFD (U-80).
			dst = append(dst, "\uFFFD"...)
			continue
		}
		dst = append(dst, s[i:i+n]...)
		i += n
	}
	return append(dst, '"')
}

// appendASCII appends an ASCII character as part of a JSON string, escaped if JSON demands it.
func appendASCII(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	case c < 0x20:
		const digits = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
	return append(dst, c)
}

// invalidLen returns how many bytes of s, which starts with an invalid one,
// become one U+FFFD: a lone surrogate in its three-byte form is one character.
func invalidLen(s string) int {
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 3
	}
	return 1
}

// FromUTF16 converts a name from UTF-16. It keeps a lone surrogate in its
// three-byte form, which is invalid UTF-8 but exact. The JSON form shows both the
// readable and the exact value.
func FromUTF16(units []uint16) string {
	b := make([]byte, 0, len(units)+len(units)/2)
	for i := 0; i < len(units); i++ {
		u := rune(units[i])
		if u>>10 == 0xD800>>10 && i+1 < len(units) && units[i+1]>>10 == 0xDC00>>10 {
			b = utf8.AppendRune(b, 0x10000+(u-0xD800)<<10+rune(units[i+1])-0xDC00)
			i++
			continue
		}
		if u>>11 == 0xD800>>11 {
			b = append(b, 0xED, 0x80|byte(u>>6&0x3F), 0x80|byte(u&0x3F))
			continue
		}
		b = utf8.AppendRune(b, u)
	}
	return string(b)
}
