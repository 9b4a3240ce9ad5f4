package people

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/token"
)

// parseClaims reads the claims of a user, written as the list of a token file.
func parseClaims(list []byte) (*claims.Set, error) {
	if list == nil {
		return nil, nil
	}
	t, err := token.Parse([]byte(`{"user":"S-1-0-0","userClaims":` + string(list) + `}`))
	if err != nil {
		return nil, err
	}
	return t.UserClaims(), nil
}

// claims reads the claims of a user: the list of a token file, or a mapping from names to a value or values, whose type
// is that of the first. It returns a list of a token file, ordered by name.
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

// claim writes a claim as a token file has it, "" for one without values.
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

// oddNumber reports whether YAML has a number between two offsets that JSON has no form for.
func (r *reader) oddNumber(from, to int) bool {
	i, _ := slices.BinarySearchFunc(r.marks, from, func(m strict.Mark, at int) int { return m.Offset - at })
	for ; i < len(r.marks) && r.marks[i].Offset < to; i++ {
		if r.marks[i].Number {
			return true
		}
	}
	return false
}
