package claims

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// An incomplete or wrong attribute is an error at the position of the mistake (S-49 to S-53).
func TestIncompleteAttributesAreRejected(t *testing.T) {
	for _, c := range []refusal{
		{"S-53", `"a",TI,0,1)`, 0}, {"S-53", ``, 0}, {"S-53", `(`, 1}, {"S-53", `("a"`, 4},
		{"S-53", `("a"TI,0,1)`, 4},
		{"S-53", `("a",`, 5}, {"S-53", `("a",T`, 5}, {"S-53", `("a",TI 0,1)`, 8}, {"S-53", `("a",TI`, 7},
		{"S-53", `("a",TI,`, 8},
		{"S-53", `("a",TI,x,1)`, 8}, {"S-53", `("a",TI,,1)`, 8}, {"S-53", `("a",TI,+1,1)`, 8},
		{"S-53", `("a",TI,4294967296,1)`, 8},
		{"S-53", `("a",TI,0x8000,1)`, 8}, {"S-53", `("a",TI,0x100,1)`, 8}, {"S-53", `("a",TI,0,1,)`, 12},
		{"S-53", `("a",TI,0,1,`, 12},
		{"S-53", `("a",TI,0,1x)`, 11}, {"S-53", `("a",TI,0,x)`, 10}, {"S-53", `("a",TU,0,x)`, 10},
		{"S-53", `("a",TB,0,x)`, 10},
		{"S-53", `("a",TS,0,"x)`, 10}, {"S-53", `("a",TS,0,1)`, 10}, {"S-53", `("a",TX,0,x)`, 10},
		{"S-53", `("a",TX,0,"`, 11},
		{"S-52", `("a",TD,0,XX)`, 10}, {"S-52", `("a",TD,0,)`, 10}, {"S-49", `("a%0000",TI,0,1)`, 8},
		{"S-49", "(\"a\x00\",TI,0,1)", 3},
		{"S-49", `("a%00",TI,0,1)`, 3}, {"S-49", "(\"a\xff\",TI,0,1)", 3},
		{"S-50", `("a",TU,0,18446744073709551616)`, 10},
		{"S-50", `("a",TI,0,-9223372036854775809)`, 10}, {"S-50", `("a",TB,0,-1)`, 10},
		{"S-50", `("a",TI,0,9223372036854775808)`, 10}, {"S-50", `("a",TS,0,x)`, 10},
		{"C-52", `("a",TB,0,2)`, 10}, {"S-31", `("a",TS,0)`, 9}, {"S-31", `("a",TX,0,)`, 10},
		{"S-53", `("a",TI,0x100000000,1)`, 8}, {"S-53", `("a",TI,-1,1)`, 8}, {"S-53", `("a",TZ,0,1)`, 5},
		{"S-53", `(a,TI,0,1)`, 1}, {"S-53", `("",TI,0,1)`, 2}, {"S-53", `("a,TI,0,1)`, 11},
		{"S-53", `("a",TI,0,1`, 11}, {"S-53", `("a",TI,0 1)`, 10}, {"S-53", `("a",TU,0,-1)`, 10},
		{"S-51", `("a",TX,0,"ab)`, 13}, {"S-52", `("a",TD,0,SID(BA))`, 12}, // SI is an alias
		{"S-35", `("a",TI,0` + strings.Repeat(",1", MaxValues+1) + `)`, 10 + 2*MaxValues},
	} {
		_, _, err := ParseAttribute(c.text, ParseOptions{})
		var syntax *SyntaxError
		check.That(t, errors.As(err, &syntax) && syntax.Offset == c.offset,
			"%s: ParseAttribute(%.60q): %v, want an error at offset %d", c.rule, c.text, err, c.offset)
	}
	for text, want := range map[string]Attribute{ // the last values within each bound
		`("a",TI,0xffff00ff,-9223372036854775808)`: {Flags: 0xFFFF00FF, Type: Int64, Ints: []int64{-1 << 63}},
		`("a",TI,0,9223372036854775807)`:           {Type: Int64, Ints: []int64{1<<63 - 1}},
		`("a",TU,0,18446744073709551615)`:          {Type: Uint64, Uints: []uint64{1<<64 - 1}},
		`("a",TU,0,-0)`:                            {Type: Uint64, Uints: []uint64{0}},
		`("a",TB,0,1,0)`:                           {Type: Boolean, Uints: []uint64{1, 0}},
		`("a",TX,0,09afAF)`:                        {Type: Octets, Octets: [][]byte{{0x09, 0xAF, 0xAF}}},
	} {
		want.Name = "a"
		got, n, err := ParseAttribute(text, ParseOptions{})
		want.setOrder()
		check.That(t, err == nil && n == len(text) && fmt.Sprintf("%+v", got) == fmt.Sprintf("%+v", want),
			"ParseAttribute(%s) = %+v, used %d bytes, %v; want %+v", text, got, n, err, want)
	}
}

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
