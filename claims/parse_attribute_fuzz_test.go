package claims

import "testing"

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
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if n > len(text) || text[n-1] != ')' {
			t.Fatalf("%q: took %d bytes, want n at most %d, text[n-1] = %v", text, n, len(text), ')')
		}
		printed := a.Format(aliasOf)
		again, _, err := ParseAttribute(printed, ParseOptions{})
		if err != nil || !sameAttribute(a, again) || again.Format(aliasOf) != printed {
			t.Fatalf("%q prints %q: %+v, %v", text, printed, again, err)
		}
	})
}
