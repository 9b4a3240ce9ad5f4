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
			t.Fatalf("%x decodes to %v", b, err)
		}
		c := a.Append(nil)
		again, err := DecodeAttribute(c)
		if err != nil || !bytes.Equal(again.Append(nil), c) || !sameAttribute(a, again) {
			t.Fatalf("%x becomes %x, then %+v, %v", b, c, again, err)
		}
		if text := a.Format(aliasOf); text != "" {
			parsed, n, err := ParseAttribute(text, ParseOptions{})
			if err != nil || n != len(text) || !sameAttribute(a, parsed) {
				t.Fatalf("%s: %+v, %v", text, parsed, err)
			}
		}
	})
}
