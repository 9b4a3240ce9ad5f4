package claims

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzParseAttribute checks that no text causes a panic, and that Format prints a parsed attribute as a text that
// parses to an equal attribute.
func FuzzParseAttribute(f *testing.F) {
	for _, text := range seedAttributes {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, n, err := ParseAttribute(text, ParseOptions{})
		if err != nil {
			if s, ok := err.(*SyntaxError); !ok || s.Offset < 0 || s.Offset > len(text) {
				t.Fatalf("ParseAttribute(%q): %#v, want a *SyntaxError with an offset in the text", text, err)
			}
			return
		}
		check.RequireThat(t, n <= len(text) && text[n-1] == ')',
			"ParseAttribute(%q) used %d bytes, want a text that ends with ')'", text, n)
		printed := a.Format(aliasOf)
		again, _, err := ParseAttribute(printed, ParseOptions{})
		check.RequireThat(t, err == nil && sameAttribute(a, again) && again.Format(aliasOf) == printed,
			"Format of %q = %q, which parses to %+v, %v; want an equal attribute and text", text, printed, again, err)
	})
}
