package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// everyKind has a field of each type of docs/wire.md, alone and within others.
type everyKind struct {
	Flag   bool
	U8     uint8
	U16    uint16
	U32    winnt.AccessMask
	U64    winnt.LUID
	I32    int32
	I      int
	I64    int64
	Text   string
	Bytes  []byte
	Fixed  [5]byte
	GUID   winnt.GUID
	List   []pairOfKinds
	Lists  [][]uint16
	Option *pairOfKinds
	Texts  []string
	Who    sid.SID
	SD     *sd.Descriptor
	ACL    *sd.ACL
	Claim  claims.Attribute
	Any    any
	Other  uint32    `param:"Documented"`
	Later  *nt.Later // it never travels
}

type pairOfKinds struct {
	A uint16
	B *int32
}

// inArrays has values that JSON cannot represent, and everyKind with them.
type inArrays struct {
	Words [3]uint16
	Pairs [2]pairOfKinds
	All   everyKind
}

// ofAnyType has values of a parameter of any type, each with its number and name.
var ofAnyType = []struct {
	v      any
	number byte
	name   string
}{
	{true, 1, "bool"}, {uint32(7), 2, "uint32"}, {uint64(1 << 63), 3, "uint64"}, {int64(-1), 4, "int64"},
	{"t", 5, "string"},
	{sid.Everyone, 6, "SID"}, {winnt.LUID(9), 9, "LUID"}, {winnt.Handle(-2), 10, "Handle"},
	{[]nt.LUIDAndAttributes{{LUID: 5, Attributes: 2}}, 16, "[]LUIDAndAttributes"}, {[]byte{1, 2}, 28, "[]uint8"},
	{[30]byte{1, 29: 3}, 29, "[30]uint8"}, {nt.FileEndOfFile{EndOfFile: -5}, 44, "FileEndOfFile"},
}

// sentFields lists the fields of a structure that are sent. The others refer to memory of the program.
func sentFields(t reflect.Type) (fields []int) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Type != reflect.TypeFor[*nt.Later]() && f.Tag.Get("wire") != "-" {
			fields = append(fields, i)
		}
	}
	return fields
}

// sids are the zero SID, ordinary ones, one with only an authority, and one with an authority above 32 bits.
var sids = []sid.SID{{}, sid.Everyone, sid.MustParse("S-1-5-21-1-2-4294967295-500"),
	sidOfBytes("\x01\x00\x00\x00\x00\x00\x00\x05"), sidOfBytes("\x01\x01\x01\x00\x00\x00\x00\x05\x07\x00\x00\x00")}

func sidOfBytes(b string) sid.SID {
	s, _, err := sid.Decode([]byte(b))
	return check.Must(s, err)
}

// anyKind draws a random value of a type. Rare types are as frequent as others.
func anyKind(r *rand.Rand, v reflect.Value) {
	numbers := []uint64{0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<63 - 1, 1 << 63,
		^uint64(0), r.Uint64()}
	switch x := v.Addr().Interface().(type) {
	case *sid.SID:
		*x = sids[r.IntN(len(sids))]
		return
	case **sd.Descriptor:
		*x = []*sd.Descriptor{nil, sddl.MustParse("O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;FA;;;BA)"),
			sddl.MustParse("D:")}[r.IntN(3)]
		return
	case **sd.ACL:
		*x = []*sd.ACL{nil, sddl.MustParse("D:(A;;FR;;;WD)(D;;FW;;;BA)").DACL()}[r.IntN(2)]
		return
	case *claims.Attribute:
		*x = claims.Attribute{Name: "a", Type: claims.Int64, Flags: r.Uint32(), Ints: []int64{-1, r.Int64()},
			Uints: []uint64{r.Uint64()}, Strings: []string{"s", ""}, SIDs: []sid.SID{sid.Users}, Octets: [][]byte{{1}, nil}}
		return
	case *any:
		if *x = nil; r.IntN(5) > 0 {
			*x = ofAnyType[r.IntN(len(ofAnyType))].v
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := numbers[r.IntN(len(numbers))]
		v.SetUint(n & (1<<(8*v.Type().Size()) - 1))
	case reflect.Int, reflect.Int32, reflect.Int64:
		shift := 64 - 8*v.Type().Size()
		v.SetInt(int64(numbers[r.IntN(len(numbers))]) << shift >> shift)
	case reflect.String:
		v.SetString([]string{"", "name", "a \"b\" \\c", "\x00\xff", "ä€😀"}[r.IntN(5)])
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			anyKind(r, v.Elem())
		}
	case reflect.Slice:
		if r.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			anyKind(r, v.Index(i))
		}
	case reflect.Struct:
		for _, i := range sentFields(v.Type()) {
			anyKind(r, v.Field(i))
		}
	}
}

// claimOf lists the encoded fields of a claim.
func claimOf(a claims.Attribute) reflect.Value {
	return reflect.ValueOf(struct {
		Name    string
		Type    claims.Type
		Flags   uint32
		Ints    []int64
		Uints   []uint64
		Strings []string
		SIDs    []sid.SID
		Octets  [][]byte
	}{a.Name, a.Type, a.Flags, a.Ints, a.Uints, a.Strings, a.SIDs, a.Octets})
}

// encode returns the bytes of a value as the table of docs/wire.md has them.
func encode(v reflect.Value) []byte {
	le := binary.LittleEndian
	counted := func(n int, b []byte) []byte { return append(le.AppendUint32(nil, uint32(n)), b...) }
	if v.Kind() == reflect.Interface {
		for _, c := range ofAnyType {
			if !v.IsNil() && reflect.DeepEqual(c.v, v.Interface()) {
				return append([]byte{c.number}, encode(v.Elem())...)
			}
		}
		return []byte{0}
	}
	switch x := v.Interface().(type) {
	case sid.SID:
		return counted(len(x.Binary()), []byte(x.Binary()))
	case *sd.Descriptor:
		if x == nil {
			return counted(0, nil)
		}
		return counted(len(x.Binary()), x.Binary())
	case *sd.ACL:
		if x == nil {
			return counted(0, nil)
		}
		return counted(len(x.Binary()), []byte(x.Binary()))
	case claims.Attribute:
		return encode(claimOf(x))
	}
	switch v.Kind() {
	case reflect.Bool:
		return map[bool][]byte{false: {0}, true: {1}}[v.Bool()]
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return le.AppendUint64(nil, v.Uint())[:v.Type().Size()]
	case reflect.Int, reflect.Int32, reflect.Int64:
		return le.AppendUint64(nil, uint64(v.Int()))[:v.Type().Size()]
	case reflect.String:
		return counted(v.Len(), []byte(v.String()))
	case reflect.Pointer:
		if v.IsNil() {
			return []byte{0}
		}
		return append([]byte{1}, encode(v.Elem())...)
	}
	var b []byte
	switch v.Kind() {
	case reflect.Slice:
		if v.IsNil() {
			return []byte{0xff, 0xff, 0xff, 0xff}
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			b = append(b, encode(v.Index(i))...)
		}
		if v.Kind() == reflect.Slice {
			return counted(v.Len(), b)
		}
	case reflect.Struct:
		for _, i := range sentFields(v.Type()) {
			b = append(b, encode(v.Field(i))...)
		}
	}
	return b
}
