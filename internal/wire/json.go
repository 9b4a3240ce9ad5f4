package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"sync"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/nt"
)

// A jsonCodec encodes and decodes the values of one Go type as JSON. It is derived from the parameter types of the
// service table.
type jsonCodec struct {
	shape    any  // the type, as the description of the rows represents it
	least    int  // bytes that a value has at least in the binary form
	nullable bool // null is a value of the type
	put      func(b []byte, v reflect.Value) ([]byte, error)
	get      func(r *jsonReader, v reflect.Value) error
}

// jsonReader reads a JSON body. It bounds lists and optional values as in the binary form, where each element has
// bytes (W-36).
type jsonReader struct {
	strict.Reader
	held int // bytes that the elements read so far have at least in the binary form
}

// hold limits the memory that a JSON body can make the server allocate. Each call counts one element of least bytes
// in the binary form. An error means that the binary form of the body would exceed a frame.
func (r *jsonReader) hold(least int) error {
	if r.held += least; r.held > MaxBody {
		return r.Fail("more elements than a frame holds in the binary form")
	}
	return nil
}

var jsonCodecs struct {
	mu   sync.Mutex
	made map[reflect.Type]*jsonCodec
}

// jsonOf returns the JSON codec of a type. It panics for an unsupported type. It creates each codec once, and locks.
func jsonOf(t reflect.Type) *jsonCodec {
	binary := codecOf(t)
	jsonCodecs.mu.Lock()
	defer jsonCodecs.mu.Unlock()
	if jsonCodecs.made == nil {
		jsonCodecs.made = map[reflect.Type]*jsonCodec{}
	}
	return makeJSON(t, binary.least)
}

// makeJSON returns the JSON codec of t, from the table or newly made. least is the smallest size of a value. It
// panics for a type that has no JSON form. The caller holds jsonCodecs.mu.
func makeJSON(t reflect.Type, least int) *jsonCodec {
	if c := jsonCodecs.made[t]; c != nil {
		return c
	}
	c := jsonLeaf(t)
	if c == nil {
		c = jsonByKind(t)
	}
	c.least = least
	jsonCodecs.made[t] = c
	return c
}

// inner returns the JSON codec of a component's type, such as the element of a slice. The caller holds jsonCodecs.mu.
func inner(t reflect.Type) *jsonCodec { return makeJSON(t, codecOf(t).least) }

// jsonByKind returns the JSON codec for the kind of t. It panics for a kind that the wire does not carry, such as a
// map. Slices and arrays of bytes have a codec of their own. It panics for other arrays too.
func jsonByKind(t reflect.Type) *jsonCodec {
	switch k := t.Kind(); k {
	case reflect.Bool:
		return &jsonCodec{shape: "bool", put: func(b []byte, v reflect.Value) ([]byte, error) {
			return fmt.Append(b, v.Bool()), nil
		}, get: func(r *jsonReader, v reflect.Value) error {
			x, err := r.Boolean()
			v.SetBool(x)
			return err
		}}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Int32, reflect.Uint64, reflect.Int, reflect.Int64:
		return jsonNumber(t)
	case reflect.String:
		return &jsonCodec{shape: "string", put: func(b []byte, v reflect.Value) ([]byte, error) {
			return appendText(b, v.String()), nil
		}, get: func(r *jsonReader, v reflect.Value) error {
			s, err := r.text()
			v.SetString(s)
			return err
		}}
	case reflect.Pointer:
		return jsonPointer(t)
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return jsonBytes(t)
		}
		if k == reflect.Slice {
			return jsonList(t)
		}
	case reflect.Struct:
		return jsonStructure(t)
	case reflect.Interface:
		return jsonChoice()
	}
	panic("wire: no JSON for " + t.String())
}

// jsonPointer returns the codec of a pointer. null is nil. It panics if the element may be null itself. Reading sets
// the pointer before the element, so an error leaves a partly read element.
func jsonPointer(t reflect.Type) *jsonCodec {
	e := inner(t.Elem())
	if e.nullable {
		panic("wire: null would have two meanings in JSON for " + t.String())
	}
	return &jsonCodec{shape: map[string]any{"optional": e.shape}, nullable: true,
		put: func(b []byte, v reflect.Value) ([]byte, error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			return e.put(b, v.Elem())
		}, get: func(r *jsonReader, v reflect.Value) error {
			if r.Null() {
				return nil
			}
			if err := r.hold(e.least); err != nil {
				return err
			}
			p := reflect.New(t.Elem())
			v.Set(p)
			return e.get(r, p.Elem())
		}}
}

// jsonList returns the codec of a slice. null is nil. An empty list stays different from nil. Reading an error leaves
// the elements read so far. Each element counts against the reader's memory limit.
func jsonList(t reflect.Type) *jsonCodec {
	e := inner(t.Elem())
	return &jsonCodec{shape: map[string]any{"list": e.shape}, nullable: true,
		put: func(b []byte, v reflect.Value) (_ []byte, err error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			b = append(b, '[')
			for i := 0; i < v.Len() && err == nil; i++ {
				if i > 0 {
					b = append(b, ',')
				}
				b, err = e.put(b, v.Index(i))
			}
			return append(b, ']'), err
		}, get: func(r *jsonReader, v reflect.Value) error {
			if r.Null() {
				return nil
			}
			v.Set(reflect.MakeSlice(t, 0, 0))
			return r.Array(-1, func(i int) error {
				if err := r.hold(max(e.least, 1)); err != nil {
					return err
				}
				v.Set(reflect.Append(v, reflect.Zero(t.Elem())))
				return e.get(r, v.Index(i))
			})
		}}
}

// jsonStructure returns the codec of a structure. An omitted field has the default of its row or is zero. An unknown
// or repeated field is an error (W-36).
func jsonStructure(t reflect.Type) *jsonCodec {
	n := countSent(t)
	names, fields := make([]string, n), make([]*jsonCodec, n)
	preset := reflect.New(t).Elem()
	for i := range fields {
		f := t.Field(i)
		names[i], fields[i] = f.Name, inner(f.Type)
		if name := f.Tag.Get("param"); name != "" && name != "-" {
			names[i] = name // the documented one
		}
		presetOf(f, preset.Field(i))
	}
	shape := structureShape(t, names, fields, preset)
	return &jsonCodec{shape: shape, put: func(b []byte, v reflect.Value) (_ []byte, err error) {
		b = append(b, '{')
		for i, f := range fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(strict.AppendString(b, names[i]), ':')
			if b, err = f.put(b, v.Field(i)); err != nil {
				return nil, fmt.Errorf("%s: %w", names[i], err)
			}
		}
		return append(b, '}'), nil
	}, get: func(r *jsonReader, v reflect.Value) error {
		v.Set(preset)
		return r.Object(names, func(i int) error { return fields[i].get(r, v.Field(i)) })
	}}
}

// presetOf sets a field that the JSON omits to the default in the field's tag. A field without a default stays zero.
func presetOf(f reflect.StructField, v reflect.Value) {
	switch n, err := strconv.ParseUint(f.Tag.Get("default"), 10, 64); {
	case err == nil:
		v.SetUint(n)
	case v.CanAddr() && f.Tag.Get("default") == "empty":
		*v.Addr().Interface().(*nt.Captured[*nt.ObjectAttributes]) = nt.Cap(&nt.ObjectAttributes{})
	}
}

// jsonChoice returns the codec of a value of any type in choices. The JSON is null, or an object whose only name is
// that of the type. An unknown type, several types or none are errors. After a read error the value is unset, or has
// the first of several types.
func jsonChoice() *jsonCodec {
	names, made := make([]string, len(choices)-1), make([]*jsonCodec, len(choices)-1)
	numbers := map[reflect.Type]int{}
	for i, t := range choices[1:] {
		names[i], made[i], numbers[t] = choiceName(t), inner(t), i
	}
	return &jsonCodec{shape: "any", nullable: true, put: func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		n, ok := numbers[v.Elem().Type()]
		if !ok {
			return nil, fmt.Errorf("%w: a %s does not travel", ErrValue, v.Elem().Type())
		}
		b = append(strict.AppendString(append(b, '{'), names[n]), ':')
		b, err := made[n].put(b, v.Elem())
		return append(b, '}'), err
	}, get: func(r *jsonReader, v reflect.Value) error {
		if r.Null() {
			return nil
		}
		given := 0
		err := r.Object(names, func(i int) error {
			if given++; given > 1 {
				return r.Fail("a value has one type")
			}
			e := reflect.New(choices[i+1]).Elem()
			if err := made[i].get(r, e); err != nil {
				return err
			}
			v.Set(e)
			return nil
		})
		if err == nil && given == 0 {
			err = r.Fail("want the type of the value, such as {\"uint32\": 1}")
		}
		return err
	}}
}
