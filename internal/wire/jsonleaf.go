package wire

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// base64Text is padded base64 without nonzero trailing bits.
var base64Text = base64.StdEncoding.Strict()

// jsonLeaf returns the JSON codec of a type with a special text form, nil for other types. SIDs and GUIDs are text,
// descriptors and lists are those of jsonSelfRelative, and a claim is an object of its fields.
func jsonLeaf(t reflect.Type) *jsonCodec {
	switch t {
	case reflect.TypeFor[sid.SID]():
		return jsonTextOf("sid", sid.SID.String, sidOf)
	case reflect.TypeFor[winnt.GUID]():
		return jsonTextOf("guid", winnt.GUID.String, winnt.ParseGUID)
	case reflect.TypeFor[*sd.Descriptor](), reflect.TypeFor[*sd.ACL]():
		return jsonSelfRelative(t)
	case reflect.TypeFor[claims.Attribute]():
		f := inner(reflect.TypeFor[attributeFields]())
		return &jsonCodec{shape: f.shape, put: func(b []byte, v reflect.Value) ([]byte, error) {
			return f.put(b, reflect.ValueOf(fieldsOf(v.Interface().(claims.Attribute))))
		}, get: func(r *jsonReader, v reflect.Value) error {
			var a attributeFields
			err := f.get(r, reflect.ValueOf(&a).Elem())
			v.Set(reflect.ValueOf(a.attribute()))
			return err
		}}
	}
	return nil
}

// sidOf parses a SID. "" is the zero SID. It also accepts a bare authority, which is the domain of the authority's
// accounts. Any other text is an error.
func sidOf(s string) (sid.SID, error) {
	if s == "" {
		return sid.SID{}, nil
	}
	x, err := sid.ParseStrict(s)
	if err != nil {
		if child, wrong := sid.ParseStrict(s + "-0"); wrong == nil {
			return child.Prefix(), nil
		}
	}
	return x, err
}

// jsonTextOf returns the codec of a type with a text form. A text that from rejects is an error with its position.
// Another JSON value than a string is an error, too.
func jsonTextOf[T any](shape string, to func(T) string, from func(string) (T, error)) *jsonCodec {
	return &jsonCodec{shape: shape, put: func(b []byte, v reflect.Value) ([]byte, error) {
		return strict.AppendString(b, to(v.Interface().(T))), nil
	}, get: func(r *jsonReader, v reflect.Value) error {
		at := r.Pos
		s, err := r.Text()
		if err != nil {
			return err
		}
		x, err := from(s)
		if err != nil {
			return r.FailAt(at, "%v", err)
		}
		v.Set(reflect.ValueOf(x))
		return nil
	}}
}

// jsonSelfRelative returns the codec of descriptors and ACLs: base64 of the binary form. A descriptor can also be
// {"sddl": text}. null is nil; zero bytes are an error. Bytes that leaf rejects are an error.
func jsonSelfRelative(t reflect.Type) *jsonCodec {
	binary, shape := leaf(t), "acl"
	if t == reflect.TypeFor[*sd.Descriptor]() {
		shape = "sd"
	}
	return &jsonCodec{shape: shape, nullable: true, put: func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		self, err := binary.put(nil, v)
		return appendBytes(b, self[4:]), err // without the leading length
	}, get: func(r *jsonReader, v reflect.Value) error {
		at := r.Pos
		if r.Null() {
			return nil
		}
		if shape == "sd" && r.Peek() == '{' {
			return r.sddl(v)
		}
		b, err := r.bytes()
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return r.FailAt(at, "no bytes: write null")
		}
		in := &reader{b: append(number(nil, uint64(len(b)), 4), b...)}
		if binary.get(in, v); in.err != nil {
			return r.FailAt(at, "%v", in.err)
		}
		return nil
	}}
}

// sddl reads a descriptor as {"sddl": text}. An object without sddl, or with malformed SDDL, is an error. An unknown
// field is an error. It accepts strict SDDL only.
func (r *jsonReader) sddl(v reflect.Value) error {
	at, given := r.Pos, false
	err := r.Object([]string{"sddl"}, func(int) error {
		given = true
		s, err := r.Text()
		if err != nil {
			return err
		}
		d, err := sddl.ParseStrict(s)
		if err != nil {
			return r.FailAt(at, "%v", err)
		}
		v.Set(reflect.ValueOf(d))
		return nil
	})
	if err == nil && !given {
		err = r.FailAt(at, "want sddl")
	}
	return err
}

// jsonNumber returns the codec of an integer. Up to 32 bits it is a JSON number. 64 bits are a string, which no parser
// rounds (W-36). Reading rejects every other spelling, such as a leading zero or "+", and numbers out of range.
func jsonNumber(t reflect.Type) *jsonCodec {
	size, signed := int(t.Size())*8, t.Kind() == reflect.Int || t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64
	letter := "u"
	if signed {
		letter = "i"
	}
	put := func(b []byte, v reflect.Value) []byte {
		if signed {
			return strconv.AppendInt(b, v.Int(), 10)
		}
		return strconv.AppendUint(b, v.Uint(), 10)
	}
	set := func(v reflect.Value, s string) error {
		if signed {
			n, err := strconv.ParseInt(s, 10, size)
			v.SetInt(n)
			return err
		}
		n, err := strconv.ParseUint(s, 10, size)
		v.SetUint(n)
		return err
	}
	shape := letter + strconv.Itoa(size)
	return &jsonCodec{shape: shape, put: func(b []byte, v reflect.Value) ([]byte, error) {
		if size == 64 {
			return append(put(append(b, '"'), v), '"'), nil
		}
		return put(b, v), nil
	}, get: func(r *jsonReader, v reflect.Value) error {
		at, read := r.Pos, r.Number
		if size == 64 {
			read = r.Text
		}
		s, err := read()
		if err != nil {
			return err
		}
		// One number has one text: no sign that says nothing, no leading zero.
		if err := set(v, s); err != nil || string(put(nil, v)) != s {
			return r.FailAt(at, "%q is no %s", strict.Clip(s), shape)
		}
		return nil
	}}
}

// jsonBytes returns the codec of bytes: base64, and null for nil. null is invalid for an array, and so is any length
// but its own. A wrong length still copies what fits.
func jsonBytes(t reflect.Type) *jsonCodec {
	if t.Kind() == reflect.Array {
		return &jsonCodec{shape: map[string]any{"bytes": t.Len()}, put: func(b []byte, v reflect.Value) ([]byte, error) {
			all := make([]byte, t.Len())
			reflect.Copy(reflect.ValueOf(all), v)
			return appendBytes(b, all), nil
		}, get: func(r *jsonReader, v reflect.Value) error {
			at := r.Pos
			b, err := r.bytes()
			if err == nil && len(b) != t.Len() {
				err = r.FailAt(at, "%d bytes, want %d", len(b), t.Len())
			}
			reflect.Copy(v, reflect.ValueOf(b))
			return err
		}}
	}
	return &jsonCodec{shape: "bytes", nullable: true, put: func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return appendBytes(b, v.Bytes()), nil
	}, get: func(r *jsonReader, v reflect.Value) error {
		if r.Null() {
			return nil
		}
		b, err := r.bytes()
		v.SetBytes(b)
		return err
	}}
}

// appendBytes appends bytes as a JSON string of base64.
func appendBytes(b, bytes []byte) []byte {
	return append(base64Text.AppendEncode(append(b, '"'), bytes), '"')
}

// bytes reads bytes from a JSON string of base64. Line breaks in the base64 are an error.
func (r *jsonReader) bytes() ([]byte, error) {
	at := r.Pos
	s, err := r.Text()
	if err != nil {
		return nil, err
	}
	b, err := base64Text.DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") { // which the decoder skips
		return nil, r.FailAt(at, "bytes that are not base64")
	}
	return b, nil
}

// appendText appends a string. Invalid UTF-8 becomes {"bytes": base64} (W-36).
func appendText(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return strict.AppendString(b, s)
	}
	return append(appendBytes(append(b, `{"bytes":`...), []byte(s)), '}')
}

// text reads a string in the form of appendText. Valid UTF-8 as bytes is an error, so that each text has one form. An
// object without bytes is an error as well.
func (r *jsonReader) text() (s string, err error) {
	if r.Peek() != '{' {
		return r.Text()
	}
	at := r.Pos
	err = r.Object([]string{"bytes"}, func(int) error {
		b, err := r.bytes()
		s = string(b)
		return err
	})
	if err == nil && utf8.ValidString(s) { // an object without bytes gives "", which is valid
		err = r.FailAt(at, "a text as bytes is one that is not UTF-8")
	}
	return s, err
}

// choiceName returns the name of a type in choices: the Go name without its package, or a documented name. A list
// keeps its brackets.
func choiceName(t reflect.Type) string {
	if t == reflect.TypeFor[*sd.Descriptor]() {
		return "SecurityDescriptor"
	}
	name, list := t.String(), ""
	if i := strings.LastIndexByte(name, ']'); i >= 0 {
		name, list = name[i+1:], name[:i+1]
	}
	return list + name[strings.LastIndexByte(name, '.')+1:]
}

// structureShape returns how the description of the protocol represents a structure: its fields in order with nonzero
// defaults, or that it is a captured parameter. It panics for a default that does not encode.
func structureShape(t reflect.Type, names []string, fields []*jsonCodec, preset reflect.Value) any {
	if len(names) == 2 && names[0] == "V" && names[1] == "Status" {
		return map[string]any{"captured": fields[0].shape}
	}
	all := make([][]any, len(names))
	for i := range names {
		all[i] = []any{names[i], fields[i].shape}
		if v := preset.Field(i); !v.IsZero() {
			b, err := fields[i].put(nil, v)
			if err != nil {
				panic(err)
			}
			all[i] = append(all[i], json.RawMessage(b))
		}
	}
	return map[string]any{"struct": choiceName(t), "fields": all}
}
