package dirfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/strict"
)

// claims returns a user's claims as the JSON list of a token file, nil for null. A list in the input is returned
// without a check. A mapping from names to values is sorted by name, and the first value of each claim sets the type.
func (r *reader) claims() ([]byte, error) {
	switch {
	case r.Null():
		return nil, nil
	case r.Peek() == '[':
		return r.Raw()
	}
	var list []string
	err := r.Map(func(name string) error {
		claim, err := r.claim(name)
		if claim != "" {
			list = append(list, claim)
		}
		return err
	})
	slices.Sort(list)
	return []byte("[" + strings.Join(list, ",") + "]"), err
}

// claim returns a claim as JSON in the form of a token file, or "" without values. The first value sets the type, and
// later values are not checked against it. Errors are a first value other than a string, number or boolean, and a
// number that JSON cannot represent.
func (r *reader) claim(name string) (string, error) {
	at := r.Pos
	if r.Peek() == '[' {
		at++
	}
	raw, err := r.Raw()
	if err != nil {
		return "", err
	}
	values := strings.TrimSpace(string(raw))
	if values[0] != '[' {
		values = "[" + values + "]"
	}
	first := strings.TrimLeft(values[1:], " \t\r\n")
	if first == "]" {
		return "", nil
	}
	if r.oddNumber(at, r.Pos) {
		return "", r.FailAt(at, "write numbers in decimal digits, or in quotes if they are text")
	}
	typ := ""
	switch c := first[0]; {
	case c == '"':
		typ = "string"
	case c == 't' || c == 'f':
		typ = "boolean"
	case c == '-' || '0' <= c && c <= '9':
		typ = "int64"
	default:
		return "", r.FailAt(at, "want a string, a whole number, true or false, or a list of one of these")
	}
	return fmt.Sprintf(`{"name":%s,"type":%q,"values":%s}`, strict.AppendString(nil, name), typ, values), nil
}

// oddNumber reports whether YAML has a number between two offsets that JSON cannot represent, such as 0x10.
func (r *reader) oddNumber(from, to int) bool {
	i, _ := slices.BinarySearchFunc(r.marks, from, func(m strict.Mark, at int) int { return m.Offset - at })
	for ; i < len(r.marks) && r.marks[i].Offset < to; i++ {
		if r.marks[i].Number {
			return true
		}
	}
	return false
}
