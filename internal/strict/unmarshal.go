package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Unmarshal decodes one JSON value into v with encoding/json. First it checks that each name in the text is a field of
// the Go type, in the same case and only once. It does not check the names inside json.RawMessage, any and maps, except
// that a number as a name has no leading zeros. If the check fails, v is unchanged. Text after the value is an error. A
// value of another kind than its field's is an *Error with the field.
func Unmarshal(b []byte, v any) error {
	r := Reader{Scanner: Scanner{Bytes: b}}
	err := r.shaped(reflect.TypeOf(v))
	if err == nil {
		err = r.Done()
	}
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err = d.Decode(v); err != nil {
		// encoding/json names Go's types, and neither the element nor the line. Find the value that it means.
		r = Reader{Scanner: Scanner{Bytes: b}, kinds: true}
		if wrong := r.shaped(reflect.TypeOf(v)); wrong != nil {
			return wrong
		}
	}
	return err
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// shaped checks a JSON value against the type t into which it will be decoded: it returns an error for a field that t
// does not have, and for a repeated one, at every depth. It does not look into types with an UnmarshalJSON of their
// own. With r.kinds it also returns an error for a value that is not of the kind of t. Else the decoder checks that.
func (r *Reader) shaped(t reflect.Type) error {
	for t.Kind() == reflect.Pointer && !t.Implements(unmarshaler) {
		t = t.Elem()
	}
	if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		_, err := r.Raw()
		return err
	}
	switch c := r.Peek(); {
	case c == '{' && t.Kind() == reflect.Struct:
		names, types := fieldsOf(t, nil, nil)
		return r.Object(names, func(i int) error { return r.shaped(types[i]) })
	case c == '{' && t.Kind() == reflect.Map:
		return r.Map(func(key string) error {
			n, err := strconv.ParseInt(key, 10, 64)
			switch {
			case !wholeNumber(t.Key()):
			case err != nil && r.kinds:
				return r.Fail("want a whole number in decimal digits as the name")
			case err == nil && strconv.FormatInt(n, 10) != key:
				return r.Fail("want the number without leading zeros") // else two names could be one key
			}
			return r.shaped(t.Elem())
		})
	case c == '[' && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		return r.Array(-1, func(int) error { return r.shaped(t.Elem()) })
	}
	at := r.Pos
	raw, err := r.Raw()
	if err == nil && r.kinds && json.Unmarshal(raw, reflect.New(t).Interface()) != nil {
		return r.FailAt(at, "want %s, found %s", kindOf(t), Clip(bytes.TrimSpace(raw)))
	}
	return err
}

// wholeNumber reports whether t is a type of integers.
func wholeNumber(t reflect.Type) bool { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr }

// kindOf returns the kind of values of t, in the words of JSON.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a string in base64"
		}
		return "an array"
	}
	if wholeNumber(t) {
		return fmt.Sprintf("a whole number in decimal digits, of at most %d bits", t.Bits())
	}
	return "another value"
}

// fieldsOf appends the JSON names and the types of the fields of a struct, those of embedded structs included.
// Unexported fields and those tagged "-" are left out.
func fieldsOf(t reflect.Type, names []string, types []reflect.Type) ([]string, []reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			names, types = fieldsOf(f.Type, names, types)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		names, types = append(names, name), append(types, f.Type)
	}
	return names, types
}
