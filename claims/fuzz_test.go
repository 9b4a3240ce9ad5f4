package claims

import (
	"bytes"
	"strings"
	"testing"
)

// seedTexts are conditions with something odd about each.
var seedTexts = []string{
	`(a)`, `(0>+0)`, `(!(!(a)))`, `(a Contains @USER.b == @device.c)`,
	`(@User.a%0020%d801%dc00 == "\")`,
	`(Member_of {SID(BA), 3} || Not_Device_Member_of_Any (SID(S-1-5-0x20)))`,
	`(x == {##1#2, "", -0x8000000000000000, 00})`,
	`(Exists a && (b) <= @Resource.c)`, `(@User.A || @Device.B && @USER.C)`, `((((`,
}

// FuzzDecode checks that bytes never panic, decode to what encodes to them,
// evaluate as the naive evaluator does, and print text that parses back to the
// same meaning.
func FuzzDecode(f *testing.F) {
	for _, text := range seedTexts {
		if e, _, err := ParseExpr(text, ParseOptions{}); err == nil {
			f.Add(e.Encode())
		}
	}
	f.Add([]byte("artx"))                                  // the empty program
	f.Add([]byte("artx\x50\x00\x00\x00\x00\x89"))          // membership in nothing
	f.Add([]byte("artx\xf8\xff\xff\xff\xff"))              // a length past the end
	f.Add([]byte("artx\xf9\x02\x00\x00\x00\x00\xd8"))      // a lone surrogate
	f.Add([]byte("artx\xa2\xa2"))                          // nothing to negate
	f.Add([]byte("artx\xf8\x02\x00\x00\x00a\x00\x00\x00")) // two bytes of padding
	env := evalEnv()
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Encode(), b) {
			t.Fatalf("%x encodes to %x", b, e.Encode())
		}
		truth := e.Eval(env)
		if want := naiveEval(b[len(signature):], env); truth != want {
			t.Fatalf("%x: %v, want %v", b, truth, want)
		}
		text := e.Format(aliasOf)
		if text == "" {
			return
		}
		again, n, err := ParseExpr(text, ParseOptions{})
		if err != nil {
			if len(b) > MaxExprSize-4 {
				return // b had no padding, and has no room for it
			}
			t.Fatalf("%x prints %s: %v", b, text, err)
		}
		if n != len(text) || again.Eval(env) != truth || again.Format(aliasOf) != text {
			t.Fatalf("%x prints %s, which means something else: %s", b, text, again.Format(aliasOf))
		}
	})
}

// FuzzParseExpr checks that text never panics and that what parses prints a
// text of the same bytes, the same again.
func FuzzParseExpr(f *testing.F) {
	for _, text := range seedTexts {
		f.Add(text)
	}
	f.Add(strings.Repeat("(", 100) + "a")
	f.Add(`(a == SID(S-1-0x1234567890ab-4294967296))`) // numbers saturate
	f.Add("(\u00e9 == \"\xff\")")                      // a letter, and no UTF-8
	f.Fuzz(func(t *testing.T, text string) {
		e, n, err := ParseExpr(text, ParseOptions{})
		if err != nil {
			if s, ok := err.(*SyntaxError); !ok || s.Offset < 0 || s.Offset > len(text) {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if n < 3 || n > len(text) || text[n-1] != ')' {
			t.Fatalf("%q: took %d bytes", text, n)
		}
		if d, err := Decode(e.Encode()); err != nil || !bytes.Equal(d.Encode(), e.Encode()) {
			t.Fatalf("%q: decodes to %+v, %v", text, d, err)
		}
		if printed := e.Format(aliasOf); printed == "" {
			t.Fatalf("%q does not print", text)
		}
		checkRoundTrip(t, e, ParseOptions{}, aliasOf)
	})
}

// FuzzDecodeAttribute checks that bytes never panic, and that what decodes
// encodes to bytes of the same attribute, and prints likewise.
func FuzzDecodeAttribute(f *testing.F) {
	for _, text := range seedAttributes {
		if a, _, err := ParseAttribute(text, ParseOptions{}); err == nil {
			f.Add(a.Append(nil))
		}
	}
	f.Add(make([]byte, attributeHeader))           // no name
	f.Add(bytes.Repeat([]byte{0x10, 0, 0, 0}, 20)) // everything overlaps
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

// seedAttributes are attribute texts with something odd about each.
var seedAttributes = []string{
	`("a",TI,0,1,-2,0x3)`, `("a",TU,0xe,18446744073709551615)`, `("%0020",TS,2,"a","A")`,
	`("a",TD,0,BA,S-1-5-0x20)`, `("a",TB,0,1,0)`, `("a",TX,0,abc,##,"")`, `("a",TX,0,)`,
}

// FuzzParseAttribute checks that text never panics and that what parses
// prints a text of the same attribute, the same again.
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
			t.Fatalf("%q: took %d bytes", text, n)
		}
		printed := a.Format(aliasOf)
		again, _, err := ParseAttribute(printed, ParseOptions{})
		if err != nil || !sameAttribute(a, again) || again.Format(aliasOf) != printed {
			t.Fatalf("%q prints %q: %+v, %v", text, printed, again, err)
		}
	})
}

// sameAttribute compares everything but the order.
func sameAttribute(a, b Attribute) bool {
	return bytes.Equal(a.Append(nil), b.Append(nil))
}
