package claims

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzParseExpr checks that no text causes a panic, and that Format prints a parsed condition as a text that parses
// to the same bytes.
func FuzzParseExpr(f *testing.F) {
	for _, text := range seedTexts {
		f.Add(text)
	}
	f.Add(strings.Repeat("(", 100) + "a")
	f.Add(`(a == SID(S-1-0x1234567890ab-4294967296))`) // numbers that are too large
	f.Add("(\u00e9 == \"\xff\")")                      // a letter that is not ASCII, and malformed UTF-8
	f.Fuzz(func(t *testing.T, text string) {
		e, n, err := ParseExpr(text, ParseOptions{})
		if err != nil {
			if s, ok := err.(*SyntaxError); !ok || s.Offset < 0 || s.Offset > len(text) {
				t.Fatalf("ParseExpr(%q): %#v, want a *SyntaxError with an offset in the text", text, err)
			}
			return
		}
		check.RequireThat(t, n >= 3 && n <= len(text) && text[n-1] == ')',
			"ParseExpr(%q) used %d bytes, want a text that ends with ')'", text, n)
		if d, err := Decode(e.Encode()); err != nil || !bytes.Equal(d.Encode(), e.Encode()) {
			t.Fatalf("ParseExpr(%q): Decode of its bytes = %+v, %v", text, d, err)
		}
		printed := e.Format(aliasOf)
		check.RequireThat(t, printed != "", `ParseExpr(%q): Format = "", want a text`, text)
		checkRoundTrip(t, e, ParseOptions{}, aliasOf)
	})
}
