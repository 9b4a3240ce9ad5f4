package claims

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// DecodeAttribute counts values that share bytes once each. It accepts 65,536 bytes of values and rejects one more.
// This limit of ours prevents small input from taking much memory (S-30).
func TestOverlappingValuesCountOnceEach(t *testing.T) {
	for _, c := range []struct {
		values, size int // each value also has its length
		ok           bool
	}{{1024, 60, true}, {1025, 60, false}, {1024, 61, false}, {1, 65532, true}, {1, 65533, false}, {2, 32764, true},
		{2, 32765, false}} {
		le := binary.LittleEndian
		head := attributeHeader + 4*c.values
		b := make([]byte, head, head+8+c.size)
		le.PutUint16(b[4:], uint16(Octets))
		le.PutUint32(b[12:], uint32(c.values))
		le.PutUint32(b, uint32(head))
		for i := range c.values {
			le.PutUint32(b[attributeHeader+4*i:], uint32(head+4))
		}
		b = le.AppendUint32(append(b, 'a', 0, 0, 0), uint32(c.size))
		b = append(b, make([]byte, c.size)...)
		a, err := DecodeAttribute(b)
		if (err == nil) != c.ok || err == nil && a.Len() != c.values || err != nil && a.Len() != 0 {
			t.Errorf("DecodeAttribute of %d values of %d bytes: %d values, %v; want success: %t", c.values, c.size,
				a.Len(), err, c.ok)
		}
	}
}

// Only a whole unit of 0 ends a name or a string, not a unit with a byte of 0 (MS-DTYP 2.4.10.1).
func TestUnitWithZeroByteEndsNoString(t *testing.T) {
	for _, text := range []string{"\u0100", "a\u0100", "\u0100b", "a\u4e00a"} {
		a := strs(text, text, "x")
		got, err := DecodeAttribute(a.Append(nil))
		check.That(t, err == nil && sameAttribute(a, got), "%q: %+v, %v, want %+v", text, got, err, a)
	}
}

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
		check.Require(t, a.Validate(), nil, "DecodeAttribute(%x) returns an invalid attribute", b)
		c := a.Append(nil)
		again, err := DecodeAttribute(c)
		check.RequireThat(t, err == nil && bytes.Equal(again.Append(nil), c) && sameAttribute(a, again),
			"DecodeAttribute(%x), after Append %x: %+v, %v; want an equal attribute", b, c, again, err)
		clear(c)
		check.RequireThat(t, sameAttribute(a, again), "DecodeAttribute keeps a part of its input")
		if text := a.Format(aliasOf); text != "" {
			parsed, n, err := ParseAttribute(text, ParseOptions{})
			check.RequireThat(t, err == nil && n == len(text) && sameAttribute(a, parsed),
				"ParseAttribute of the output of Format, %s: %+v, %v; want an equal attribute", text, parsed, err)
		}
	})
}
