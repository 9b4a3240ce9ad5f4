package claims

import (
	"bytes"
	"testing"
)

// FuzzDecodeAttribute checks that no bytes cause a panic, and that a decoded attribute is equal after Append and
// Decode, and after Format and Parse.
func FuzzDecodeAttribute(f *testing.F) {
	for _, text := range seedAttributes {
		if a, _, err := ParseAttribute(text, ParseOptions{}); err == nil {
			f.Add(a.Append(nil))
		}
	}
	f.Add(make([]byte, attributeHeader))           // no name
	f.Add(bytes.Repeat([]byte{0x10, 0, 0, 0}, 20)) // overlapping values
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAttribute(b)
		if err != nil {
			return
		}
		if err := a.Validate(); err != nil {
			t.Fatalf("DecodeAttribute(%x) returns an invalid attribute: %v", b, err)
		}
		c := a.Append(nil)
		again, err := DecodeAttribute(c)
		if err != nil || !bytes.Equal(again.Append(nil), c) || !sameAttribute(a, again) {
			t.Fatalf("DecodeAttribute(%x), after Append %x: %+v, %v; want an equal attribute", b, c, again, err)
		}
		if text := a.Format(aliasOf); text != "" {
			parsed, n, err := ParseAttribute(text, ParseOptions{})
			if err != nil || n != len(text) || !sameAttribute(a, parsed) {
				t.Fatalf("ParseAttribute of the output of Format, %s: %+v, %v; want an equal attribute", text, parsed,
					err)
			}
		}
	})
}
