package wire

import (
	"errors"
	"reflect"
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// TestMalformedValues: bytes that no value of a type has are refused: flags that are neither 0 nor 1, types that there
// are not, texts and SIDs without a length, lists that are longer than what is there (W-6).
func TestMalformedValues(t *testing.T) {
	const none = "\xff\xff\xff\xff"
	for name, c := range map[string]struct {
		of reflect.Type
		b  string
	}{
		"a flag of 2": {reflect.TypeFor[bool](), "\x02"}, "a flag of 255": {reflect.TypeFor[bool](), "\xff"},
		"half a value":               {reflect.TypeFor[*uint32](), "\x02\x00\x00\x00\x00"},
		"the type behind the last":   {reflect.TypeFor[any](), string([]byte{byte(len(choices)), 0, 0, 0, 0, 0, 0, 0, 0})},
		"the last number of a type":  {reflect.TypeFor[any](), "\xff"},
		"a text without a length":    {reflect.TypeFor[string](), none},
		"a text that is cut":         {reflect.TypeFor[string](), "\x02\x00\x00\x00a"},
		"a SID without a length":     {reflect.TypeFor[sid.SID](), none},
		"a SID of one byte":          {reflect.TypeFor[sid.SID](), "\x01\x00\x00\x00\x01"},
		"a SID with a byte too many": {reflect.TypeFor[sid.SID](), "\x0d\x00\x00\x00" + sid.Everyone.Binary() + "x"},
		"a descriptor of 4 bytes":    {reflect.TypeFor[*sd.Descriptor](), "\x04\x00\x00\x00\x01\x00\x00\x80"},
		"a list of 2 in 7 bytes":     {reflect.TypeFor[[]uint32](), "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		"a number of 3 bytes":        {reflect.TypeFor[uint32](), "\x00\x00\x00"},
	} {
		if v, err := decode(codecOf(c.of), c.of, []byte(c.b)); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}
