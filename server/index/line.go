package index

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// lineReader parses the lines of a log. Most are rows, whose trees, classes and hashes it interns.
// One goroutine owns it; the zero value is ready for use.
type lineReader struct {
	texts map[string]string
	lists map[string][]string
}

// maxKept limits the interned texts, and the interned lists.
const maxKept = 1 << 16

// event parses a line and returns the errors of [ParseEvent]. It has a much faster path for rows in the form that this
// package writes. Events may share memory, so the caller must not change their slices.
func (r *lineReader) event(line []byte) (*Event, error) {
	if e := r.row(line); e != nil {
		return e, nil
	}
	return ParseEvent(line)
}

// row parses a log line that holds a row, the most frequent kind of line. row accepts only the exact form that this
// package writes, without escapes. For any other line, a wrong checksum or sequence number 0 it returns nil.
func (r *lineReader) row(line []byte) *Event {
	content, sealed, err := unseal(line)
	if err != nil {
		return nil
	}
	p := plain{rest: content, ok: true}
	p.take(`{"seq":`)
	seq := p.number()
	p.take(`,"time":`)
	at := p.number()
	p.take(`,"row":{"path":`)
	row := &RowEvent{Path: string(p.text())}
	p.take(`,"tree":`)
	row.Tree = r.text(p.text())
	row.Folder = p.has(`,"folder":true`)
	if p.has(`,"classes":[`) {
		row.Classes = r.list(&p)
	}
	for _, x := range []struct {
		name string
		to   *string
	}{{`,"descriptor":`, &row.Descriptor}, {`,"error":`, &row.Error}, {`,"pass":`, &row.Pass}} {
		if p.has(x.name) {
			*x.to = r.text(p.text())
		}
	}
	p.take(`}`)
	if !sealed {
		p.take(`}`)
	}
	if !p.ok || len(p.rest) > 0 || seq == 0 {
		return nil
	}
	return &Event{Seq: seq, Time: int64(at), Row: row}
}

// text returns b as a string of the interning table, so that equal texts share memory. After maxKept texts it starts an
// empty table.
func (r *lineReader) text(b []byte) string {
	if known, ok := r.texts[string(b)]; ok {
		return known
	}
	if r.texts == nil || len(r.texts) >= maxKept {
		r.texts = map[string]string{}
	}
	text := string(b)
	r.texts[text] = text
	return text
}

// list parses the remaining elements of a JSON list of strings, at least one, and returns an interned copy. Callers
// must not change it. A malformed list sets p.ok to false, and the result is then invalid.
func (r *lineReader) list(p *plain) []string {
	key, _, closed := bytes.Cut(p.rest, []byte{']'})
	if known, ok := r.lists[string(key)]; ok && closed {
		p.rest = p.rest[len(key)+1:]
		return known
	}
	at := p.rest
	out := []string{string(p.text())}
	for p.has(`,`) {
		out = append(out, string(p.text()))
	}
	p.take(`]`)
	if !p.ok || len(at)-len(p.rest) != len(key)+1 { // do not cache: a text contains a bracket, so key is only a part
		return out
	}
	if r.lists == nil || len(r.lists) >= maxKept {
		r.lists = map[string][]string{}
	}
	r.lists[string(key)] = out
	return out
}

// plain is the rest of a log line that the fast parser of rows has not read yet. The line has no blanks and escapes. ok
// becomes false at the first mismatch.
type plain struct {
	rest []byte
	ok   bool
}

// has skips an optional piece of the line: it removes text from the start of the rest and returns true. If the rest
// starts otherwise, it returns false and changes nothing.
func (p *plain) has(text string) bool {
	rest, is := bytes.CutPrefix(p.rest, []byte(text))
	if is {
		p.rest = rest
	}
	return is
}

// take skips a required piece of the line: it removes text from the start of the rest. If the rest starts otherwise, it
// sets ok to false.
func (p *plain) take(text string) { p.ok = p.has(text) && p.ok }

// number parses a decimal number in the line, without a sign or leading zeros, and moves past it. It clears p.ok if
// there is no such number or it exceeds 63 bits.
func (p *plain) number() uint64 {
	n := 0
	for n < len(p.rest) && p.rest[n] >= '0' && p.rest[n] <= '9' {
		n++
	}
	digits := string(p.rest[:n])
	p.rest = p.rest[n:]
	v, err := strconv.ParseUint(digits, 10, 63)
	p.ok = p.ok && err == nil && (n == 1 || digits[0] != '0')
	return v
}

// text parses a quoted JSON string without escapes and moves past it. A malformed text sets p.ok to false, and the
// result is then invalid.
func (p *plain) text() []byte {
	p.take(`"`)
	b, rest, closed := bytes.Cut(p.rest, []byte{'"'})
	p.rest = rest
	p.ok = p.ok && closed && utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == '\\' })
	return b
}
