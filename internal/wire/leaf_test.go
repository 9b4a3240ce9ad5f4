package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
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
		for _, i := range sentFields(v.Type()) {
			f := v.Type().Field(i)
			if name := f.Tag.Get("param"); name != "" && name != "-" {
				f.Name = name
			}
			parts = append(parts, quoted(f.Name)+":"+plainJSON(v.Field(i)))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestEveryTypeHasDocumentedEncoding checks that a value of each type has the bytes and the JSON of docs/wire.md and
// decodes from them. No prefix of its bytes decodes, and no trailing bytes are allowed (W-6, W-10, W-36).
func TestEveryTypeHasDocumentedEncoding(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	all, half := codecOf(reflect.TypeFor[inArrays]()), jsonOf(reflect.TypeFor[everyKind]())
	for range 200 {
		var in inArrays
		anyKind(r, reflect.ValueOf(&in).Elem())
		want := encode(reflect.ValueOf(in))
		b, err := all.put([]byte("before"), reflect.ValueOf(in))
		check.RequireThat(t, err == nil && string(b) == "before"+string(want),
			"%+v is encoded as\n%x, %v, want\n%x", in, b, err, want)
		got, err := decode(all, reflect.TypeFor[inArrays](), want)
		check.RequireThat(t, err == nil && bytes.Equal(encode(reflect.ValueOf(got)), want),
			"decoding the encoded %+v returned %+v, %v, want it unchanged", in, got, err)
		for _, n := range []int{0, 1, r.IntN(len(want)), len(want) - 1} {
			if _, err := decode(all, reflect.TypeFor[inArrays](), want[:n]); !errors.Is(err, ErrValue) {
				t.Fatalf("decoding the first %d of %d bytes: %v, want %v", n, len(want), err, ErrValue)
			}
		}
		if _, err := decode(all, reflect.TypeFor[inArrays](), append(want, 0)); !errors.Is(err, ErrValue) {
			t.Fatalf("decoding with an extra byte: %v, want %v", err, ErrValue)
		}
		text := plainJSON(reflect.ValueOf(in.All))
		if b, err := half.put([]byte("before"), reflect.ValueOf(in.All)); err != nil || string(b) != "before"+text {
			t.Fatalf("encoded JSON\n%s, %v, want\n%s", b, err, text)
		}
		got, err = decodeJSON(half, reflect.TypeFor[everyKind](), []byte(text))
		check.RequireThat(t, err == nil && bytes.Equal(encode(reflect.ValueOf(got)), encode(reflect.ValueOf(in.All))),
			"decoding %s returned %+v, %v, want the encoded value", text, got, err)
	}
}

// TestListLengthIsBoundedByData checks that a list has no more elements than the remaining bytes can hold (W-2).
func TestListLengthIsBoundedByData(t *testing.T) {
	for _, c := range []struct {
		count, size, left int
		ok                bool
	}{{10, 8, 80, true}, {10, 8, 79, false}, {80, 8, 80, false}, {10, 0, 10, true}, {11, 0, 10, false},
		{math.MaxInt32, math.MaxInt32, 80, false}} {
		r := &reader{b: append(binary.LittleEndian.AppendUint32(nil, uint32(c.count)), make([]byte, c.left)...)}
		if n, isNil := r.count(c.size); (r.err == nil) != c.ok || c.ok && (n != c.count || isNil) {
			t.Errorf("count of %d elements of %d bytes with %d bytes left = %d, %v, want accepted = %t",
				c.count, c.size, c.left, n, r.err, c.ok)
		}
	}
}

// Invalid encodings are refused: flags other than 0 and 1, unknown types, texts and SIDs without a length, lists
// longer than the data (W-6).
func TestMalformedValuesAreRefused(t *testing.T) {
	const none = "\xff\xff\xff\xff"
	for name, c := range map[string]struct {
		of reflect.Type
		b  string
	}{
		"a boolean of 2": {reflect.TypeFor[bool](), "\x02"}, "a flag of 255": {reflect.TypeFor[bool](), "\xff"},
		"half a value":               {reflect.TypeFor[*uint32](), "\x02\x00\x00\x00\x00"},
		"the type after the last":    {reflect.TypeFor[any](), string([]byte{byte(len(choices)), 0, 0, 0, 0, 0, 0, 0, 0})},
		"the last number of a type":  {reflect.TypeFor[any](), "\xff"},
		"a text without a length":    {reflect.TypeFor[string](), none},
		"a truncated text":           {reflect.TypeFor[string](), "\x02\x00\x00\x00a"},
		"a SID without a length":     {reflect.TypeFor[sid.SID](), none},
		"a SID of one byte":          {reflect.TypeFor[sid.SID](), "\x01\x00\x00\x00\x01"},
		"a SID with a byte too many": {reflect.TypeFor[sid.SID](), "\x0d\x00\x00\x00" + sid.Everyone.Binary() + "x"},
		"an ACL with an extra byte":  {reflect.TypeFor[*sd.ACL](), "\x09\x00\x00\x00" + new(sd.ACL).Binary() + "x"},
		"a descriptor of 4 bytes":    {reflect.TypeFor[*sd.Descriptor](), "\x04\x00\x00\x00\x01\x00\x00\x80"},
		"a list of 2 in 7 bytes":     {reflect.TypeFor[[]uint32](), "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		"a number of 3 bytes":        {reflect.TypeFor[uint32](), "\x00\x00\x00"},
	} {
		v, err := decode(codecOf(c.of), c.of, []byte(c.b))
		check.That(t, errors.Is(err, ErrValue), "decoding %s = %v, %v, want %v", name, v, err, ErrValue)
	}
}

// The facts of a file survive encoding, and invalid ones are refused: bytes of an incomplete file, a wrong number of
// bytes, half of the facts, and invalid flags (G-30).
func TestFileContentsSurviveEncoding(t *testing.T) {
	row := rowsOfReadAs().open
	out := nt.CreateFileOut{FileHandle: 9, Information: 1}
	opened, err := row.AppendOut(nil, out)
	check.RequireThat(t, err == nil && len(opened) <= outSize,
		"encoded output has %d bytes, %v, want at most %d, nil", len(opened), err, outSize)
	facts := ContentsBody{CreationTime: -1, LastWriteTime: 1 << 62, EndOfFile: 3, FileID: ^uint64(0), Whole: true}
	half, dir := facts, ContentsBody{CreationTime: 1, LastWriteTime: 2, EndOfFile: 0, FileID: 4, Directory: true}
	half.Whole = false
	with := func(c *ContentsBody, data string) []byte {
		return append(appendContents(bytes.Clone(opened), c), data...)
	}
	for name, c := range map[string]struct {
		b    []byte
		want *ContentsBody
		data string
	}{
		"whole": {with(&facts, "abc"), &facts, "abc"}, "not whole": {with(&half, ""), &half, ""},
		"a directory": {with(&dir, ""), &dir, ""}, "too few bytes": {with(&facts, "ab"), nil, ""},
		"too many bytes": {with(&facts, "abcd"), nil, ""}, "bytes of what is not whole": {with(&half, "abc"), nil, ""},
		"no last flag":      {with(&half, "")[:len(opened)+contentsSize-1], nil, ""},
		"a flag of 2":       {append(with(&half, "")[:len(opened)+contentsSize-1], 2), nil, ""},
		"another flag of 2": {append(with(&half, "")[:len(opened)+contentsSize-2], 2, 0), nil, ""},
		"half a handle":     {opened[:4], nil, ""},
	} {
		got, b, data, err := DecodeContents(row, c.b)
		if c.want == nil {
			check.That(t, errors.Is(err, ErrValue) && data == nil,
				"%s: decoded %+v, %q, %v, want no data and %v", name, b, data, err, ErrValue)
			continue
		}
		check.That(t, err == nil && b == *c.want && string(data) == c.data && reflect.DeepEqual(got, out),
			"%s: decoded %+v, %+v, %q, %v, want %+v, %+v, %q", name, got, b, data, err, out, *c.want, c.data)
	}
	tok, most, call, err := decodeReadAs(append(AppendReadAs(nil, -2, 0x01020304), 'c'))
	check.That(t, tok == -2 && most == 0x01020304 && string(call) == "c" && err == nil,
		`decoded ReadAs = %v, %d, %q, %v, want token -2, at most 0x01020304 bytes and call "c"`, tok, most, call, err)
}
