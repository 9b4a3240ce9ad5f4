package claims

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/test/check"
)

// Every UTF-16 text, including lone surrogates, is the same after decoding and encoding (S-37).
func TestUTF16RoundTripsAnyText(t *testing.T) {
	parts := [][]uint16{{'a'}, {0x7F}, {0x80}, {0x7FF}, {0x800}, {0xD7FF}, {0xE000}, {0xFFFD}, {0xFFFF}, {0xD800},
		{0xDBFF}, {0xDC00}, {0xDFFF}, {0xD800, 0xDC00}, {0xDBFF, 0xDFFF}}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				units := append(append(append([]uint16{}, a...), b...), c...)
				var raw []byte
				for _, u := range units {
					raw = append(raw, byte(u), byte(u>>8))
				}
				got := appendUTF16(nil, decodeUTF16(string(raw)))
				check.RequireThat(t, bytes.Equal(got, raw), "appendUTF16 after decodeUTF16 of %x = %x", raw, got)
				whole := string(utf16.Decode(units))
				if got := decodeUTF16(string(raw)); !strings.ContainsRune(whole, 0xFFFD) && got != whole {
					t.Fatalf("decodeUTF16 of %x = %q, want %q", raw, got, whole)
				}
			}
		}
	}
	// Each byte that begins no character, nor a lone surrogate, is U+FFFD.
	for text, want := range map[string]string{"\xEDA\x80": "\xFD\xFFA\x00\xFD\xFF", "\xED\xA0A": "\xFD\xFF\xFD\xFFA\x00",
		"\xEC\xA0\xED": "\xFD\xFF\xFD\xFF\xFD\xFF", "\xED\xA0": "\xFD\xFF\xFD\xFF"} {
		check.Equal(t, string(appendUTF16(nil, text)), want, "appendUTF16 of %x", text)
	}
}
