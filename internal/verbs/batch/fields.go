package batch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	errEmpty   = errors.New("the line is empty: want one JSON object")
	errTooLong = fmt.Errorf("the line is longer than %d bytes", MaxLine)
	errUTF16   = errors.New("the input is UTF-16: save it as UTF-8")
	bom        = []byte("\xef\xbb\xbf")
)

// layout is the field names of one kind of object. The id of a line is always
// field 0.
type layout []string

// index finds a name, -1 if it is none of these. Names are compared as they
// stand in the line: one written with escapes is unknown.
func (l layout) index(name []byte) int {
	for i, n := range l {
		if string(name) == n {
			return i
		}
	}
	return -1
}

// scanLine reads the object of a line into slots, one for each name of l; an
// absent field is nil. After an error the slots hold what was read before it
// and, where only a field was wrong, everything else.
func (l layout) scanLine(slots [][]byte, line []byte, number int) error {
	clear(slots)
	if number == 1 {
		line = bytes.TrimPrefix(line, bom) // editors of Windows write one
		if len(line) > 1 && line[0]|line[1] == 0xff && line[0]&line[1] == 0xfe {
			return errUTF16
		}
	}
	if len(line) > MaxLine {
		_ = l.scan(slots, line[:MaxLine]) // for the id
		return errTooLong
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return errEmpty
	}
	return l.scan(slots, line)
}

// scan is scanLine for an object that is not a line, such as one of a list.
func (l layout) scan(slots [][]byte, object []byte) error {
	s := scanner{b: object}
	var wrong error
	for it := s.object(); it.next(&s); {
		i := l.index(it.name)
		v := s.value(1)
		switch {
		case s.err != nil:
		case i < 0 && wrong == nil:
			wrong = l.unknown(it.name, it.start)
		case i < 0:
		case slots[i] != nil && wrong == nil:
			wrong = fmt.Errorf("byte %d: field %q is there twice", it.start, it.name)
		case slots[i] == nil:
			slots[i] = v
		}
	}
	if s.end(); s.err != nil {
		return s.err
	}
	return wrong
}

// unknown names a field that is none of l, what it may have been, and the rest.
func (l layout) unknown(name []byte, at int) error {
	names := slices.Clone(l)
	slices.Sort(names)
	for _, n := range names {
		if strings.EqualFold(n, string(name)) {
			return fmt.Errorf("byte %d: unknown field %q: write it %q", at, clip(name), n)
		}
	}
	return fmt.Errorf("byte %d: unknown field %q: known are %s", at, clip(name), strings.Join(names, ", "))
}

// absent reports whether a field was left out or is null.
func absent(v []byte) bool { return v == nil || v[0] == 'n' }

// textOf returns the text of a field that must be a string.
func textOf(buf []byte, name string, v []byte) ([]byte, error) {
	t, ok := unquote(buf, v)
	if !ok {
		return nil, fmt.Errorf("%s: want a string, found %s", name, clip(v))
	}
	return t, nil
}

// boolOf returns the value of a field that must be true or false.
func boolOf(name string, v []byte) (bool, error) {
	switch string(v) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s: want true or false, found %s", name, clip(v))
}

// uintOf returns the value of a field that must be an integer from 0 to most.
func uintOf(name string, v []byte, most uint64) (uint64, error) {
	var n uint64
	for _, c := range v {
		if c < '0' || c > '9' || n > most {
			return 0, fmt.Errorf("%s: want a whole number from 0 to %d, found %s", name, most, clip(v))
		}
		n = n*10 + uint64(c-'0')
	}
	if n > most {
		return 0, fmt.Errorf("%s: want a whole number from 0 to %d, found %s", name, most, clip(v))
	}
	return n, nil
}
