package audit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseEvent parses an audit record from the JSON line that [Event.AppendJSON] writes: the same keys in the same
// order, without blanks. If AppendJSON wrote the line, appending the event again gives the same bytes. ParseEvent
// does not compare subcategory_guid with the subcategory.
func ParseEvent(line []byte) (Event, error) {
	p := parser{rest: line}
	var e Event
	e.RecordID = p.number(`{"id":`, 64)
	e.Time = p.time(`,"time":`)
	e.ID = uint16(p.number(`,"event":`, 16))
	e.Version = uint8(p.number(`,"version":`, 8))
	switch text := p.string(`,"outcome":`); text {
	case "success":
	case "failure":
		e.Outcome = Failure
	default:
		p.fail("unknown outcome %q", text)
	}
	if name := p.string(`,"subcategory":`); name != "" {
		s, err := ParseSubcategory(name)
		if err != nil {
			p.fail("%v", err)
		}
		e.Subcategory = s
	}
	p.string(`,"subcategory_guid":`)
	e.Computer = p.value(`,"computer":`, "computer")
	p.expect(`,"data":{`)
	for p.err == nil && !p.accept(`}`) {
		if len(e.fields) > 0 {
			p.expect(`,`)
		}
		e.fields = append(e.fields, p.field())
	}
	p.expect(`,"access":[`)
	for p.err == nil && !p.accept(`]`) {
		if len(e.access) > 0 {
			p.expect(`,`)
		}
		e.access = append(e.access, p.access())
	}
	e.Chain = p.hex(`,"chain":`)
	p.expect(`}`)
	if len(p.rest) > 0 {
		p.fail("%d bytes follow", len(p.rest))
	}
	if e.ID == 4612 {
		text, _ := e.Field("AuditsDiscarded")
		e.discarded, _ = strconv.ParseUint(text, 10, 64) // on an error 0
	}
	if p.err != nil {
		return Event{}, fmt.Errorf("audit record: %w", p.err)
	}
	return e, nil
}

// parser reads the JSON line of a record from left to right. After the first error, err, it reads nothing.
type parser struct {
	rest []byte
	err  error
}

// fail stops the parser with an error. Only the first error is kept, and later calls read nothing.
func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
		p.rest = nil
	}
}

// accept skips text if the rest of the line begins with it, and reports whether it did.
func (p *parser) accept(text string) bool {
	if len(p.rest) < len(text) || string(p.rest[:len(text)]) != text {
		return false
	}
	p.rest = p.rest[len(text):]
	return true
}

// expect skips text. It fails the parser if the rest of the line does not begin with it.
func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail("want %s before %.20q", text, p.rest)
	}
}

// number parses a JSON key, which is the literal text key, and the decimal number after it. It fails the parser and
// returns 0 if there is no number or if it needs more bits.
func (p *parser) number(key string, bits int) uint64 {
	p.expect(key)
	n := 0
	for n < len(p.rest) && p.rest[n] >= '0' && p.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(string(p.rest[:n]), 10, bits)
	if err != nil {
		p.fail("%s is no number of %d bits", key, bits)
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

// time parses a JSON key and the time after it, which it returns as a FILETIME. It fails the parser for a time of
// another form.
func (p *parser) time(key string) int64 {
	t, ok := parseTime(p.string(key))
	if !ok {
		p.fail("the time is not of the form 2006-01-02T15:04:05.1234567Z")
	}
	return t
}

// string parses a JSON key, which is the literal text key, and the string after it, which it returns.
func (p *parser) string(key string) string {
	p.expect(key)
	return p.text()
}

// text parses a JSON string and returns it without escapes. It fails the parser on an escape that the writer does not
// use.
func (p *parser) text() string {
	p.expect(`"`)
	end := bytes.IndexAny(p.rest, `"\`)
	if end < 0 {
		p.fail("a string has no end")
		return ""
	}
	if p.rest[end] == '"' { // the string has no escape
		s := string(p.rest[:end])
		p.rest = p.rest[end+1:]
		return s
	}
	var b []byte
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case '"':
			p.rest = p.rest[i+1:]
			return string(b)
		case '\\':
			var n int
			if b, n = appendUnescaped(b, p.rest[i:]); n == 0 {
				p.fail("a string has an escape of another form")
				return ""
			}
			i += n - 1
		default:
			b = append(b, c)
		}
	}
	p.fail("a string has no end")
	return ""
}

// appendUnescaped appends to b the character of the JSON escape at the start of s. It returns b and the length of the
// escape, 0 for one that the writer does not use.
func appendUnescaped(b, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return b, 0
	}
	switch s[1] {
	case '"', '\\':
		return append(b, s[1]), 2
	case 'n':
		return append(b, '\n'), 2
	case 'r':
		return append(b, '\r'), 2
	case 't':
		return append(b, '\t'), 2
	case 'u':
		if len(s) >= 6 && s[2] == '0' && s[3] == '0' {
			if v, err := strconv.ParseUint(string(s[4:6]), 16, 8); err == nil && v < 0x20 {
				return append(b, byte(v)), 6
			}
		}
	}
	return b, 0
}

// value parses a JSON key and the string after it, whose text may not have been valid UTF-8. If the string has a
// replacement character and a member name_raw follows, it returns the bytes of that member instead.
func (p *parser) value(key, name string) string {
	s := p.string(key)
	if strings.ContainsRune(s, utf8.RuneError) && p.accept(`,"`+name+`_raw":`) {
		return p.hex("")
	}
	return s
}

// hex parses a JSON key and the string of hexadecimal digits after it. It returns their bytes, and fails the parser
// for other digits.
func (p *parser) hex(key string) string {
	b, err := hex.DecodeString(p.string(key))
	if err != nil {
		p.fail("%s holds no hexadecimal digits", key)
	}
	return string(b)
}
