package claims

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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
		check.RequireThat(t, err == nil && bytes.Equal(again.Append(nil), c) && sameAttribute(a, again),
			"DecodeAttribute(%x), after Append %x: %+v, %v; want an equal attribute", b, c, again, err)
		if text := a.Format(aliasOf); text != "" {
			parsed, n, err := ParseAttribute(text, ParseOptions{})
			check.RequireThat(t, err == nil && n == len(text) && sameAttribute(a, parsed),
				"ParseAttribute of the output of Format, %s: %+v, %v; want an equal attribute", text, parsed, err)
		}
	})
}
