package strict

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// Unmarshal decodes one JSON value into v with encoding/json. First it checks that each name in the text is a field of
// the Go type, in the same case and only once. It does not check the names inside json.RawMessage, any and maps. If the
// check fails, v is unchanged. Text after the value is an error.
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
	return d.Decode(v)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// shaped checks a JSON value against the type t into which it will be decoded: it returns an error for a field that t
// does not have, and for a repeated one, at every depth. It does not look into types with an UnmarshalJSON of their
// own, and does not check whether a value is of the kind of t, which the decoder does.
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
		return r.Map(func(string) error { return r.shaped(t.Elem()) })
	case c == '[' && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		return r.Array(-1, func(int) error { return r.shaped(t.Elem()) })
	}
	_, err := r.Raw()
	return err
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
