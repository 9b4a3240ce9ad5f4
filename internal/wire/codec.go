package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/refmon/refmon/nt"
)

// ErrValue is wrapped by every error about a malformed body.
var ErrValue = errors.New("malformed value")

// codec encodes and decodes the values of one Go type in the binary form. It is derived from the parameter types of the
// service table and is immutable.
type codec struct {
	form  string // the type in words, from which fingerprints are computed
	least int    // bytes that a value has at least
	put   func(b []byte, v reflect.Value) ([]byte, error)
	get   func(r *reader, v reflect.Value) // sets r.err
}

// nothing is the encoded length of a nil slice.
const nothing = ^uint32(0)

// reader decodes values from the bytes of a body. It keeps the first error, and later reads return zero values.
type reader struct {
	b   []byte
	err error
}

// fail makes decoding fail with an error that wraps ErrValue. The first error stays: a later one is dropped.
func (r *reader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrValue}, a...)...)
	}
}

// take returns the next n bytes, nil after an error. The result refers to the body. Too few bytes set the error. n
// must not be negative.
func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b) {
		r.fail("%d bytes are missing", n-len(r.b))
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// number reads a little-endian number of size bytes, 0 after an error. It returns 0 for any other size. It moves past
// the bytes.
func (r *reader) number(size int) uint64 {
	b := r.take(size)
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	return 0 // an error has been noted
}

// flag reads one byte that must be 0 or 1. It returns false after an error.
func (r *reader) flag() bool {
	n := r.number(1)
	if n > 1 {
		r.fail("a flag of %d, want 0 or 1", n)
	}
	return n == 1
}

// count reads the length of a list whose elements have at least size bytes. A length beyond the remaining bytes is
// an error, before memory is allocated (W-2). isNil is true for a nil list and for that error. After an earlier
// error the results are 0 and false.
func (r *reader) count(size int) (n int, isNil bool) {
	c := uint32(r.number(4))
	if c == nothing {
		return 0, true
	}
	if r.err == nil && int64(c)*int64(max(size, 1)) > int64(len(r.b)) {
		r.fail("a list of %d elements in %d bytes", c, len(r.b))
		return 0, true
	}
	return int(c), false
}

var codecs struct {
	mu   sync.Mutex
	made map[reflect.Type]*codec
}

// codecOf returns the codec of a type, which it creates once. It panics for an unsupported type, which any test of the
// row detects. It is safe for concurrent use.
func codecOf(t reflect.Type) *codec {
	codecs.mu.Lock()
	defer codecs.mu.Unlock()
	if codecs.made == nil {
		codecs.made = map[reflect.Type]*codec{}
	}
	return codecLocked(t)
}

// codecLocked returns what codecOf returns. The caller holds codecs.mu.
func codecLocked(t reflect.Type) *codec {
	if c := codecs.made[t]; c != nil {
		return c
	}
	c := leaf(t)
	if c == nil {
		c = byKind(t)
	}
	codecs.made[t] = c
	return c
}

// byKind returns a new codec for the kind of a type. It panics for an unsupported kind. int and int64 take 8 bytes,
// strings a 32-bit length and their bytes. A nil count for a string is a read failure.
func byKind(t reflect.Type) *codec {
	switch k := t.Kind(); k {
	case reflect.Bool:
		return &codec{"bool", 1, func(b []byte, v reflect.Value) ([]byte, error) {
			if v.Bool() {
				return append(b, 1), nil
			}
			return append(b, 0), nil
		}, func(r *reader, v reflect.Value) { v.SetBool(r.flag()) }}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		size := int(t.Size())
		return &codec{k.String(), size, func(b []byte, v reflect.Value) ([]byte, error) {
			return number(b, v.Uint(), size), nil
		}, func(r *reader, v reflect.Value) { v.SetUint(r.number(size)) }}
	case reflect.Int, reflect.Int32, reflect.Int64: // an int travels as an int64
		size := 8
		if k == reflect.Int32 {
			size = 4
		}
		return &codec{fmt.Sprintf("int%d", 8*size), size, func(b []byte, v reflect.Value) ([]byte, error) {
			return number(b, uint64(v.Int()), size), nil
		}, func(r *reader, v reflect.Value) {
			shift := 64 - 8*size
			v.SetInt(int64(r.number(size)) << shift >> shift)
		}}
	case reflect.String:
		return &codec{"string", 4, func(b []byte, v reflect.Value) ([]byte, error) {
			return append(number(b, uint64(v.Len()), 4), v.String()...), nil
		}, func(r *reader, v reflect.Value) {
			n, isNil := r.count(1)
			if isNil {
				r.fail("a string without a length")
			}
			v.SetString(string(r.take(n)))
		}}
	case reflect.Pointer:
		return pointer(t)
	case reflect.Slice:
		return slice(t)
	case reflect.Array:
		return array(t)
	case reflect.Struct:
		return structure(t)
	case reflect.Interface:
		return choice(t)
	}
	panic("wire: no codec for " + t.String())
}

// number appends the little-endian form of n in size bytes: 1, 2, 4, or 8 for any other size. Higher bits of n are
// lost.
func number(b []byte, n uint64, size int) []byte {
	switch size {
	case 1:
		return append(b, byte(n))
	case 2:
		return binary.LittleEndian.AppendUint16(b, uint16(n))
	case 4:
		return binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return binary.LittleEndian.AppendUint64(b, n)
}

// pointer returns the codec of a pointer type. It encodes a byte 0 for nil, or 1 and the value. A flag other than 0 and
// 1 is an error of the reader.
func pointer(t reflect.Type) *codec {
	e := codecLocked(t.Elem())
	return &codec{"*" + e.form, 1, func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, 0), nil
		}
		return e.put(append(b, 1), v.Elem())
	}, func(r *reader, v reflect.Value) {
		if r.flag() {
			p := reflect.New(t.Elem())
			e.get(r, p.Elem())
			v.Set(p)
		}
	}}
}

// run returns the codec of a byte slice: its length and the bytes. form is the type's name in fingerprints. A decoded
// slice refers to the frame and is not a copy. It keeps nil and an empty slice apart.
func run(form string) *codec {
	return &codec{form, 4, func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return number(b, uint64(nothing), 4), nil
		}
		return append(number(b, uint64(v.Len()), 4), v.Bytes()...), nil
	}, func(r *reader, v reflect.Value) {
		if n, isNil := r.count(1); !isNil {
			v.SetBytes(r.take(n))
		}
	}}
}

// slice returns the codec of a slice. nil and an empty slice stay different. Bytes travel as one run. A count that the
// frame cannot hold is a read failure.
func slice(t reflect.Type) *codec {
	e := codecLocked(t.Elem())
	if t.Elem().Kind() == reflect.Uint8 {
		// A list of bytes travels in one piece (W-82).
		return run("[]" + e.form)
	}
	return &codec{"[]" + e.form, 4, func(b []byte, v reflect.Value) (_ []byte, err error) {
		if v.IsNil() {
			return number(b, uint64(nothing), 4), nil
		}
		b = number(b, uint64(v.Len()), 4)
		for i := 0; i < v.Len() && err == nil; i++ {
			b, err = e.put(b, v.Index(i))
		}
		return b, err
	}, func(r *reader, v reflect.Value) {
		n, isNil := r.count(e.least)
		if isNil {
			return
		}
		s := reflect.MakeSlice(t, n, n)
		for i := 0; i < n && r.err == nil; i++ {
			e.get(r, s.Index(i))
		}
		v.Set(s)
	}}
}

// array returns the codec of an array type: its elements without a length.
func array(t reflect.Type) *codec {
	e, n := codecLocked(t.Elem()), t.Len()
	return &codec{fmt.Sprintf("[%d]%s", n, e.form), n * e.least, func(b []byte, v reflect.Value) (_ []byte, err error) {
		for i := 0; i < n && err == nil; i++ {
			b, err = e.put(b, v.Index(i))
		}
		return b, err
	}, func(r *reader, v reflect.Value) {
		for i := 0; i < n && r.err == nil; i++ {
			e.get(r, v.Index(i))
		}
	}}
}

// countSent returns how many of a structure's fields are sent. Trailing fields of type *[nt.Later], or with the tag
// wire:"-", are not, because they refer to memory of the program.
func countSent(t reflect.Type) int {
	n := t.NumField()
	for n > 0 && (t.Field(n-1).Type == reflect.TypeFor[*nt.Later]() || t.Field(n-1).Tag.Get("wire") == "-") {
		n--
	}
	return n
}

// structure returns the codec of a structure: its fields in order. It panics for a field that is not exported.
func structure(t reflect.Type) *codec {
	fields := make([]*codec, countSent(t))
	c := &codec{}
	var form strings.Builder
	form.WriteString("{")
	for i := range fields {
		f := t.Field(i)
		if !f.IsExported() {
			panic(fmt.Sprintf("wire: %s has a field %s that is not exported, and no codec of its own", t, f.Name))
		}
		fields[i] = codecLocked(f.Type)
		c.least += fields[i].least
		form.WriteString(f.Name + " " + fields[i].form + ";")
	}
	c.form = form.String() + "}"
	c.put = func(b []byte, v reflect.Value) (_ []byte, err error) {
		for i, f := range fields {
			if b, err = f.put(b, v.Field(i)); err != nil {
				return nil, fmt.Errorf("%s: %w", t.Field(i).Name, err)
			}
		}
		return b, nil
	}
	c.get = func(r *reader, v reflect.Value) {
		for i, f := range fields {
			f.get(r, v.Field(i))
		}
	}
	return c
}
