package wire_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestWireHasEveryUserModeService checks that the wire has exactly the user-mode services (W-4).
func TestWireHasEveryUserModeService(t *testing.T) {
	rows := wire.Rows()
	check.RequireThat(t, len(rows) == nt.NtTable.Len(),
		"wire has %d rows, want %d as the table", len(rows), nt.NtTable.Len())
	seen := map[uint64]string{}
	for i, r := range rows {
		name := r.Info().Name
		user := strings.HasPrefix(name, "Nt") || strings.HasPrefix(name, "Lsa")
		check.That(t, user && int(r.Service) == i && r.Info().Number == i,
			"row %d is %s with number %d, want a user-mode service with its row's number", i, name, r.Service)
		other := seen[r.Fingerprint]
		check.That(t, other == "", "%s and %s have the same fingerprint, want different ones", other, name)
		seen[r.Fingerprint] = name
	}
}

// anything has values for parameters of any type.
var anything = []any{
	nil, uint32(7), "text", sid.Everyone, winnt.LUID(9), winnt.Handle(-2), []nt.LUIDAndAttributes{{LUID: 5}}, [30]byte{1},
	nt.TokenStatistics{TokenID: 4}, []nt.TypeInformation{{}},
}

var descriptors = []*sd.Descriptor{
	nil, sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;BA)"), sddl.MustParse("D:"), sddl.MustParse("O:BA"),
}

// sids are ordinary SIDs, the zero SID, one with only an authority, and one with an authority above 32 bits.
var sids = []sid.SID{{}, sid.Everyone, sid.Administrators, authority("\x01\x00\x00\x00\x00\x00\x00\x05"),
	authority("\x01\x01\x01\x00\x00\x00\x00\x05\x07\x00\x00\x00")}

func authority(b string) sid.SID {
	s, _, err := sid.Decode([]byte(b))
	return check.Must(s, err)
}

// fill sets a value to random content.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case sid.SID:
		v.Set(reflect.ValueOf(sids[r.IntN(len(sids))]))
		return
	case *sd.Descriptor:
		v.Set(reflect.ValueOf(descriptors[r.IntN(len(descriptors))]))
		return
	case *sd.ACL:
		v.Set(reflect.ValueOf(descriptors[1].DACL()))
		return
	case *nt.Later:
		return // it never travels
	case claims.Attribute:
		v.Set(reflect.ValueOf(claims.Attribute{Name: "a", Type: claims.Int64, Ints: []int64{-1, r.Int64()}}))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 1)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64())
	case reflect.String:
		v.SetString([]string{"", "name", "\x00\xff"}[r.IntN(3)])
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Slice:
		if r.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		}
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("wire") != "-" { // such a field never travels
				fill(r, v.Field(i))
			}
		}
	case reflect.Interface:
		if x := anything[r.IntN(len(anything))]; x != nil {
			v.Set(reflect.ValueOf(x))
		}
	}
}

// same reports whether two values are equal. Descriptors and lists are compared by their bytes.
func same(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch x.Kind() {
	case reflect.Pointer:
		if x.IsNil() || y.IsNil() {
			return x.IsNil() && y.IsNil()
		}
		switch p := a.(type) {
		case *sd.Descriptor:
			return bytes.Equal(p.Binary(), b.(*sd.Descriptor).Binary())
		case *sd.ACL:
			return p.Binary() == b.(*sd.ACL).Binary()
		}
		return same(x.Elem().Interface(), y.Elem().Interface())
	case reflect.Struct:
		for i := range x.NumField() {
			if !same(x.Field(i).Interface(), y.Field(i).Interface()) {
				return false
			}
		}
		return true
	}
	return false
}

// TestRowsSurviveEncoding encodes and decodes random parameters of every row in both directions and compares the
// values (W-10).
func TestRowsSurviveEncoding(t *testing.T) {
	seed := randtest.Seed(t)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		for _, row := range wire.Rows() {
			in, out := reflect.New(row.InType()).Elem(), reflect.New(row.OutType()).Elem()
			fill(r, in)
			fill(r, out)
			b := check.Must(row.AppendIn(nil, in.Interface()))
			if got, err := row.DecodeIn(b); err != nil || !same(got, in.Interface()) {
				t.Fatalf("%s: decoding the encoded input %+v returned %+v, %v, want it unchanged",
					row.Info().Name, in, got, err)
			}
			b = check.Must(row.AppendOut(nil, out.Interface()))
			if got, err := row.DecodeOut(b); err != nil || !same(got, out.Interface()) {
				t.Fatalf("%s: decoding the encoded output %+v returned %+v, %v, want it unchanged",
					row.Info().Name, out, got, err)
			}
			// Missing and trailing bytes are errors (W-6).
			if len(b) > 0 {
				if _, err := row.DecodeOut(b[:len(b)-1]); err == nil {
					t.Fatalf("%s: a body without its last byte decodes, want an error", row.Info().Name)
				}
			}
			if _, err := row.DecodeOut(append(b, 0)); err == nil {
				t.Fatalf("%s: a body with an extra byte decodes, want an error", row.Info().Name)
			}
		}
	}
}

// FuzzDecode decodes arbitrary bytes as the parameters of any row: no panic, memory in proportion to the bytes (W-2),
// and decoded values survive encoding.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(0), []byte{})
	f.Add(uint16(3), []byte{0xff, 0xff, 0xff, 0x7f}) // a list longer than the body
	f.Fuzz(func(t *testing.T, service uint16, b []byte) {
		row := wire.Rows()[int(service)%len(wire.Rows())]
		in, err := row.DecodeIn(b)
		if err != nil {
			return
		}
		again, err := row.AppendIn(nil, in)
		check.NoError(t, err)
		if back, err := row.DecodeIn(again); err != nil || !same(back, in) {
			t.Fatalf("decoding the encoded %+v returned %+v, %v, want it unchanged", in, back, err)
		}
	})
}
