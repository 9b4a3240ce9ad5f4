package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// plainJSON returns the JSON of a value as the table of shapes of docs/wire.md has it.
func plainJSON(v reflect.Value) string {
	quoted := func(s string) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(s) // a text always has JSON
		return strings.TrimSpace(b.String())
	}
	base := func(b []byte) string { return `"` + base64.StdEncoding.EncodeToString(b) + `"` }
	if v.Kind() == reflect.Interface {
		for _, c := range ofAnyType {
			if !v.IsNil() && reflect.DeepEqual(c.v, v.Interface()) {
				return "{" + quoted(c.name) + ":" + plainJSON(v.Elem()) + "}"
			}
		}
		return "null"
	}
	switch x := v.Interface().(type) {
	case sid.SID:
		return quoted(x.String())
	case winnt.GUID:
		return quoted(x.String())
	case *sd.Descriptor:
		if x == nil {
			return "null"
		}
		return base(x.Binary())
	case *sd.ACL:
		if x == nil {
			return "null"
		}
		return base([]byte(x.Binary()))
	case claims.Attribute:
		return plainJSON(claimOf(x))
	}
	switch v.Kind() {
	case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Int32:
		return fmt.Sprintf("%v", reflect.ValueOf(v.Interface()).Convert(map[bool]reflect.Type{
			true: reflect.TypeFor[bool](), false: reflect.TypeFor[int64]()}[v.Kind() == reflect.Bool]))
	case reflect.Uint64:
		return fmt.Sprintf(`"%d"`, v.Uint())
	case reflect.Int, reflect.Int64:
		return fmt.Sprintf(`"%d"`, v.Int())
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return `{"bytes":` + base([]byte(v.String())) + "}"
		}
		return quoted(v.String())
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return plainJSON(v.Elem())
	}
	var parts []string
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return "null"
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			var b []byte
			for i := range v.Len() {
				b = append(b, byte(v.Index(i).Uint()))
			}
			return base(b)
		}
		for i := range v.Len() {
			parts = append(parts, plainJSON(v.Index(i)))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if name := f.Tag.Get("param"); name != "" {
				f.Name = name
			}
			if f.Type != reflect.TypeFor[*nt.Later]() {
				parts = append(parts, quoted(f.Name)+":"+plainJSON(v.Field(i)))
			}
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestEveryKindTravels: a value of each type has the bytes and the JSON of docs/wire.md and comes back from them; no
// beginning of its bytes decodes, and nothing may follow (W-6, W-10, W-36).
func TestEveryKindTravels(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	all, half := codecOf(reflect.TypeFor[inArrays]()), jsonOf(reflect.TypeFor[everyKind]())
	for range 200 {
		var in inArrays
		anyKind(r, reflect.ValueOf(&in).Elem())
		want := plain(reflect.ValueOf(in))
		b, err := all.put([]byte("before"), reflect.ValueOf(in))
		if err != nil || string(b) != "before"+string(want) {
			t.Fatalf("%+v has the bytes\n%x, %v, want\n%x", in, b, err, want)
		}
		got, err := decode(all, reflect.TypeFor[inArrays](), want)
		if again := plain(reflect.ValueOf(got)); err != nil || !bytes.Equal(again, want) {
			t.Fatalf("%+v came back as %+v, %v", in, got, err)
		}
		for _, n := range []int{0, 1, r.IntN(len(want)), len(want) - 1} {
			if _, err := decode(all, reflect.TypeFor[inArrays](), want[:n]); !errors.Is(err, ErrValue) {
				t.Fatalf("the first %d of %d bytes: %v", n, len(want), err)
			}
		}
		if _, err := decode(all, reflect.TypeFor[inArrays](), append(want, 0)); !errors.Is(err, ErrValue) {
			t.Fatalf("a byte too many: %v", err)
		}
		text := plainJSON(reflect.ValueOf(in.All))
		if b, err := half.put([]byte("before"), reflect.ValueOf(in.All)); err != nil || string(b) != "before"+text {
			t.Fatalf("JSON\n%s, %v, want\n%s", b, err, text)
		}
		got, err = decodeJSON(half, reflect.TypeFor[everyKind](), []byte(text))
		if back := plain(reflect.ValueOf(got)); err != nil || !bytes.Equal(back, plain(reflect.ValueOf(in.All))) {
			t.Fatalf("%s came back as %+v, %v", text, got, err)
		}
	}
}
