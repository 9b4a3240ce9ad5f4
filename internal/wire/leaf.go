package wire

import (
	"reflect"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// leaf returns the codec of a type with its own binary form: SIDs, descriptors, ACLs and claims. It returns nil for
// other types. A nil descriptor or ACL is written without bytes. Decoding rejects malformed bytes, and for SIDs and
// ACLs also trailing ones.
func leaf(t reflect.Type) *codec {
	switch t {
	case reflect.TypeFor[sid.SID]():
		return bytesOf("SID", func(s sid.SID) []byte { return []byte(s.Binary()) }, func(b []byte) (sid.SID, bool) {
			s, n, err := sid.Decode(b)
			return s.Clone(), err == nil && n == len(b)
		})
	case reflect.TypeFor[*sd.Descriptor]():
		return bytesOf("SECURITY_DESCRIPTOR", func(d *sd.Descriptor) []byte {
			if d == nil {
				return nil
			}
			return d.AppendOriginal(nil)
		}, func(b []byte) (*sd.Descriptor, bool) {
			d, err := sd.Decode(b)
			return d, err == nil
		})
	case reflect.TypeFor[*sd.ACL]():
		return bytesOf("ACL", func(l *sd.ACL) []byte {
			if l == nil {
				return nil
			}
			return []byte(l.Binary())
		}, func(b []byte) (*sd.ACL, bool) {
			l, n, err := sd.DecodeACL(b)
			return l, err == nil && n == len(b)
		})
	case reflect.TypeFor[claims.Attribute]():
		return attribute()
	}
	return nil
}

// bytesOf returns the codec of a type with a binary form: a length and the bytes. Zero bytes are the zero value.
// Bytes that from rejects, and a missing length, are errors.
func bytesOf[T any](form string, to func(T) []byte, from func([]byte) (T, bool)) *codec {
	return &codec{form, 4, func(b []byte, v reflect.Value) ([]byte, error) {
		bytes := to(v.Interface().(T))
		return append(number(b, uint64(len(bytes)), 4), bytes...), nil
	}, func(r *reader, v reflect.Value) {
		n, isNil := r.count(1)
		if b := r.take(n); n > 0 && r.err == nil {
			value, ok := from(b)
			if !ok {
				r.fail("%d bytes are not a valid %s", n, form)
				return
			}
			v.Set(reflect.ValueOf(value))
		} else if isNil {
			r.fail("a %s without a length", form)
		}
	}}
}

// attributeFields are the encoded fields of a claim. The receiver rebuilds its index.
type attributeFields struct {
	Name    string
	Type    claims.Type
	Flags   uint32
	Ints    []int64
	Uints   []uint64
	Strings []string
	SIDs    []sid.SID
	Octets  [][]byte
}

// fieldsOf converts a claim to the fields that are sent, in the order of the wire. It shares the slices.
func fieldsOf(a claims.Attribute) attributeFields {
	return attributeFields{a.Name, a.Type, a.Flags, a.Ints, a.Uints, a.Strings, a.SIDs, a.Octets}
}

// attribute returns the claim with these fields. It shares the slices.
func (a *attributeFields) attribute() claims.Attribute {
	return claims.Attribute{Name: a.Name, Type: a.Type, Flags: a.Flags, Ints: a.Ints, Uints: a.Uints,
		Strings: a.Strings, SIDs: a.SIDs, Octets: a.Octets}
}

// attribute returns the codec of claims, which have the form of attributeFields.
func attribute() *codec {
	f := codecLocked(reflect.TypeFor[attributeFields]())
	return &codec{f.form, f.least, func(b []byte, v reflect.Value) ([]byte, error) {
		return f.put(b, reflect.ValueOf(fieldsOf(v.Interface().(claims.Attribute))))
	}, func(r *reader, v reflect.Value) {
		var a attributeFields
		f.get(r, reflect.ValueOf(&a).Elem())
		v.Set(reflect.ValueOf(a.attribute()))
	}}
}
