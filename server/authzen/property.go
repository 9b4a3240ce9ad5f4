package authzen

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/claims"
)

// Limits of one property.
const (
	longestValue = 4096 // bytes of a string
	mostValues   = 100  // strings of a list
)

// kinds describes the values of each kind of property, for error messages.
var kinds = map[string]string{
	"string": fmt.Sprintf("a string of at most %d bytes", longestValue), "boolean": "true or false",
	"strings": fmt.Sprintf("a list of at most %d such strings", mostValues), "integer": "a whole number of 64 bits",
	"": "a string, a whole number, true, false or a list of strings"}

// kindOf returns the kind of property for a JSON value, by its first character:
//   - "string" and "boolean" for these, and "strings" for an array
//   - "integer" for anything else, null included; [attribute] refuses what is no integer
//   - "" for an empty raw
func kindOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == '"':
		return "string"
	case raw[0] == '[':
		return "strings"
	case raw[0] == 't' || raw[0] == 'f':
		return "boolean"
	}
	return "integer"
}

// attribute converts the JSON value of a property to a claim with this name. kind is string, integer, boolean or
// strings. A value of another kind, a string or list beyond its limit, and a repeated string are errors.
func attribute(name, kind string, raw []byte) (a claims.Attribute, err error) {
	a.Name = name
	r := reader(raw)
	switch kind {
	case "string", "strings":
		a.Type = claims.String
		read := func(int) error {
			s, err := r.Text()
			if err == nil && len(s) > longestValue {
				err = errors.New("too long")
			}
			a.Strings = append(a.Strings, s)
			return err
		}
		if kind == "string" {
			err = read(0)
		} else {
			err = r.Array(mostValues, read)
		}
	case "boolean":
		a.Type = claims.Boolean
		var set bool
		set, err = r.Boolean()
		a.Uints = []uint64{0}
		if set {
			a.Uints[0] = 1
		}
	case "integer":
		a.Type = claims.Int64
		var n int64
		n, err = strconv.ParseInt(string(raw), 10, 64)
		a.Ints = []int64{n}
	default:
		err = errors.New("unknown kind")
	}
	switch {
	case err != nil:
		return claims.Attribute{}, errors.New("want " + kinds[kind])
	case a.Duplicates():
		return claims.Attribute{}, errors.New("a value occurs twice")
	}
	return a, a.Validate()
}
