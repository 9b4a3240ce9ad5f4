package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// TestFixedLengthBytesNeedExactBase64 checks that a field of fixed length has that many bytes in JSON, in one spelling
// of base64 (W-36).
func TestFixedLengthBytesNeedExactBase64(t *testing.T) {
	c := jsonOf(reflect.TypeFor[[5]byte]())
	for n := range 8 {
		text := `"` + base64.StdEncoding.EncodeToString([]byte("1234567")[:n]) + `"`
		got, err := decodeJSON(c, reflect.TypeFor[[5]byte](), []byte(text))
		if (err == nil) != (n == 5) || n == 5 && got != [5]byte([]byte("12345")) ||
			n != 5 && (!errors.Is(err, ErrValue) || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, want 5", n))) {
			t.Errorf("base64 of %d bytes = %v, %v, want 5 bytes or an error that says so", n, got, err)
		}
	}
	for _, text := range []string{"null", `"MTIzNDU"`, `"MTIzNDV="`, `"MTIzNDU=\n"`, `"MTIzNDU=\r"`, `"MTIz NDU="`,
		"12345", "[1,2,3,4,5]", ""} {
		if got, err := decodeJSON(c, reflect.TypeFor[[5]byte](), []byte(text)); !errors.Is(err, ErrValue) {
			t.Errorf("decoding %s = %v, %v, want %v", text, got, err, ErrValue)
		}
	}
	guid := reflect.TypeFor[winnt.GUID]()
	check.ErrorIs(t, check.Err(decodeJSON(jsonOf(guid), guid, []byte(`""`))), ErrValue, "an empty GUID")
}

// The contents of a JSON body are counted as in the binary form: at least one byte for each element of a list, plus
// the extra size of an optional value (W-36).
func TestJSONContentsAreCounted(t *testing.T) {
	type one struct{ A, B uint64 }
	for _, c := range []struct {
		of   reflect.Type
		body string
		want int
	}{
		{reflect.TypeFor[[]uint32](), "[1,2,3]", 3 * 4},
		{reflect.TypeFor[[]one](), "[{},{}]", 2 * 16},
		{reflect.TypeFor[*one](), "{}", 16},
		{reflect.TypeFor[*one](), "null", 0},
		{reflect.TypeFor[[]*one](), "[{},null]", 2*1 + 16},
		{reflect.TypeFor[[]struct{}](), "[{},{},{}]", 3},
	} {
		r := newJSONReader([]byte(c.body))
		if err := jsonOf(c.of).get(r, reflect.New(c.of).Elem()); err != nil || r.held != c.want {
			t.Errorf("%s of type %v counts %d bytes, %v, want %d", c.body, c.of, r.held, err, c.want)
		}
	}
}

// TestMalformedJSONLeafIsAnError checks that a Boolean, a claim and a descriptor in JSON have one form.
func TestMalformedJSONLeafIsAnError(t *testing.T) {
	for text, kind := range map[string]reflect.Type{"1": reflect.TypeFor[bool](),
		`{"Name":1}`: reflect.TypeFor[claims.Attribute](), `{"sddl":"O:ba"}`: reflect.TypeFor[*sd.Descriptor]()} {
		err := jsonOf(kind).get(newJSONReader([]byte(text)), reflect.New(kind).Elem())
		check.That(t, err != nil, "%s is a %v, want an error", text, kind)
	}
}

// TestOmittedJSONFieldHasDefault checks that a field omitted from a JSON call has the default of its row, or zero
// (W-36).
func TestOmittedJSONFieldHasDefault(t *testing.T) {
	described := Describe().Structs
	for _, row := range Rows() {
		v := reflect.ValueOf(check.Must(row.DecodeInJSON([]byte("{}"))))
		for i := range v.NumField() {
			f, x := v.Type().Field(i), v.Field(i)
			if list := described[choiceName(v.Type())]; i < len(list) {
				check.Equal(t, len(list[i]) == 3, !x.IsZero(), "%s: the default of %s is described",
					row.Info().Name, f.Name)
			}
			switch preset := f.Tag.Get("default"); {
			case preset == "":
				check.That(t, x.IsZero(), "%s: omitted %s = %v, want zero", row.Info().Name, f.Name, x)
			case preset == "empty":
				a := x.Interface().(nt.Captured[*nt.ObjectAttributes])
				check.That(t, a.Status == 0 && a.V != nil && reflect.ValueOf(*a.V).IsZero(),
					"%s: omitted %s = %+v, want empty attributes", row.Info().Name, f.Name, a)
			default:
				check.Equal(t, jsonText(x), preset, "%s: omitted %s", row.Info().Name, f.Name)
			}
		}
	}
}

func jsonText(v reflect.Value) string {
	b, err := jsonOf(v.Type()).put(nil, v)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(string(b), `"`)
}

// TestJSONBodySizeLimit checks that a JSON body may contain as much data as a binary frame, and not a byte more
// (W-36).
func TestJSONBodySizeLimit(t *testing.T) {
	r := newJSONReader(nil)
	check.NoError(t, r.hold(MaxBody-1))
	err := r.hold(1)
	check.That(t, err == nil, "a body as large as a frame: %v, want no error", err)
	check.That(t, r.hold(1) != nil, "hold accepts a byte beyond the limit, want an error")
}

func TestErrorNamesUnencodableField(t *testing.T) {
	type outer struct {
		First any
		Last  uint32
	}
	of := reflect.TypeFor[outer]()
	for _, put := range []func([]byte, reflect.Value) ([]byte, error){codecOf(of).put, jsonOf(of).put} {
		b, err := put(nil, reflect.ValueOf(outer{First: 1.5}))
		check.That(t, b == nil && errors.Is(err, ErrValue) && strings.HasPrefix(err.Error(), "First: "),
			"encoding = %q, %v, want nothing and %v for the field First", b, err, ErrValue)
	}
}
