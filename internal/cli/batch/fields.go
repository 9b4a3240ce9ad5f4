package batch

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/strict"
)

var (
	errEmpty   = errors.New("the line is empty: want one JSON object")
	errTooLong = fmt.Errorf("the line is longer than %d bytes", MaxLine)
	errUTF16   = errors.New("the input is UTF-16: save it as UTF-8")
	bom        = []byte("\xef\xbb\xbf")
)

// scanLine stores the fields of a line in slots, nil if absent. The slots are in the order of l; field 0 is the id.
// If one field is wrong, the others are stored. If the line is malformed, the fields before the error are stored. An
// empty line, one longer than MaxLine and a first line in UTF-16 are errors.
func scanLine(l strict.Layout, slots [][]byte, line []byte, number int) error {
	clear(slots)
	if number == 1 {
		line = bytes.TrimPrefix(line, bom) // editors of Windows write one
		if len(line) > 1 && line[0]|line[1] == 0xff && line[0]&line[1] == 0xfe {
			return errUTF16
		}
	}
	if len(line) > MaxLine {
		_ = l.Scan(slots, line[:MaxLine]) // finds the id, for the error message
		return errTooLong
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return errEmpty
	}
	return l.Scan(slots, line)
}

// absent reports whether a field is missing or null.
func absent(v []byte) bool { return v == nil || v[0] == 'n' }

// textOf returns the decoded text of a string field. It may use buf for the result. Another type is an error with the
// name of the field.
func textOf(buf []byte, name string, v []byte) ([]byte, error) {
	t, ok := strict.Unquote(buf, v)
	if !ok {
		return nil, fmt.Errorf("%s: want a string, found %s", name, strict.Clip(v))
	}
	return t, nil
}

// boolOf returns the value of a boolean field. Any other value is an error with the name of the field.
func boolOf(name string, v []byte) (bool, error) {
	switch string(v) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s: want true or false, found %s", name, strict.Clip(v))
}

// uintOf returns the value of an integer field from 0 to most. A sign, a fraction, an exponent or a larger number is an
// error with the name of the field. An empty v is 0.
func uintOf(name string, v []byte, most uint64) (uint64, error) {
	var n uint64
	for _, c := range v {
		if c < '0' || c > '9' || n > most {
			return 0, fmt.Errorf("%s: want a whole number from 0 to %d, found %s", name, most, strict.Clip(v))
		}
		n = n*10 + uint64(c-'0')
	}
	if n > most {
		return 0, fmt.Errorf("%s: want a whole number from 0 to %d, found %s", name, most, strict.Clip(v))
	}
	return n, nil
}
