package claims

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzDecode checks that no bytes cause a panic. Decoded bytes encode to the same bytes and evaluate as the naive
// evaluator does. Their text parses to the same meaning.
func FuzzDecode(f *testing.F) {
	for _, text := range seedTexts {
		if e, _, err := ParseExpr(text, ParseOptions{}); err == nil {
			f.Add(e.Encode())
		}
	}
	f.Add([]byte("artx"))                                  // the empty program
	f.Add([]byte("artx\x50\x00\x00\x00\x00\x89"))          // membership in nothing
	f.Add([]byte("artx\xf8\xff\xff\xff\xff"))              // a length beyond the end
	f.Add([]byte("artx\xf9\x02\x00\x00\x00\x00\xd8"))      // a lone surrogate
	f.Add([]byte("artx\xa2\xa2"))                          // no operand to negate
	f.Add([]byte("artx\xf8\x02\x00\x00\x00a\x00\x00\x00")) // two bytes of padding
	env := evalEnv()
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Encode(), b) {
			t.Fatalf("Encode after Decode of %x = %x", b, e.Encode())
		}
		truth := e.Eval(env)
		want := naiveEval(b[len(signature):], env)
		check.RequireThat(t, truth == want, "Eval of %x = %v, the naive evaluator returns %v", b, truth, want)
		text := e.Format(aliasOf)
		if text == "" {
			return
		}
		again, n, err := ParseExpr(text, ParseOptions{})
		if err != nil {
			if len(b) > MaxExprSize-4 {
				return // b has no padding and no room for it
			}
			t.Fatalf("Format of %x = %s, which does not parse: %v", b, text, err)
		}
		if n != len(text) || again.Eval(env) != truth || again.Format(aliasOf) != text {
			t.Fatalf("Format of %x = %s, which has another meaning: %s", b, text, again.Format(aliasOf))
		}
	})
}
