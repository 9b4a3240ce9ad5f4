package claims

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestLongestConditions: the longest condition of each kind is read, and one step more is
// refused; both readers draw the line at the same place (S-35).
func TestLongestConditions(t *testing.T) {
	not := func(n int) string { return strings.Repeat("!(", n) + "a" + strings.Repeat(")", n) }
	for name, c := range map[string]struct {
		text func(n int) string
		n    int // the most that 10,000 bytes or 2,000 tokens hold
	}{
		// "artx", 5 and two a character, an operator; rounded up to four
		"a name":        {func(n int) string { return "(Exists " + strings.Repeat("a", n) + ")" }, 4995},
		"a prefix name": {func(n int) string { return "(@User." + strings.Repeat("a", n) + ")" }, 4995},
		// before these, 7 for the attribute; behind them, 1 for the operator
		"a text":      {func(n int) string { return `(a == "` + strings.Repeat("x", n) + `")` }, 4991},
		"octets":      {func(n int) string { return `(a == #` + strings.Repeat("00", n) + `)` }, 9983},
		"integers":    {func(n int) string { return `(a == {1` + strings.Repeat(",1", n-1) + `})` }, 907}, // 11 each
		"empty texts": {func(n int) string { return `(a == {""` + strings.Repeat(`,""`, n-1) + `})` }, 1996},
		"SIDs": {func(n int) string { return `(Member_of {SID(WD)` + strings.Repeat(`,SID(WD)`, n-1) + `})` },
			587},
		"operands": {func(n int) string { return "(!(a)" + strings.Repeat(" || a", n-1) + ")" }, 1000},
		// 2n tokens
		"negations": {func(n int) string { return "(" + not(n) + ")" }, 1999},
		"list at last": {func(n int) string {
			return "(" + not(1500) + ` && b == {""` + strings.Repeat(`,""`, n-1) + "})"
		}, 495},
		"last integer": {func(n int) string {
			return "(" + not(n) + ` && b == 1)`
		}, 1995},
	} {
		e, _, err := ParseExpr(c.text(c.n), ParseOptions{})
		if err != nil {
			t.Errorf("S-35: %s: %d are refused: %v", name, c.n, err)
			continue
		}
		if again, err := Decode([]byte(e.raw)); err != nil || again.raw != e.raw {
			t.Errorf("S-35: %s: %d bytes of %d are not read again: %v", name, len(e.raw), c.n, err)
		}
		e, _, err = ParseExpr(c.text(c.n+1), ParseOptions{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || e != nil || !strings.Contains(err.Error(),
			"at most 10000 bytes and 2000 tokens") {
			t.Errorf("S-35: %s: %d: %v, want a refusal for its length", name, c.n+1, err)
		}
	}
}

// TestTokensOfLists: the members of a list count, too, for the reader of bytes (S-35).
func TestTokensOfLists(t *testing.T) {
	local := func(s string) []byte { return append([]byte{tokLocal, 2, 0, 0, 0}, s[0], 0) }
	code := func(members int) []byte {
		b := append([]byte(signature), local("a")...)
		b = append(b, bytes.Repeat([]byte{opNot}, 1500)...)
		b = append(b, local("b")...)
		b = append(b, tokComposite, byte(5*members), byte(5*members>>8), 0, 0)
		for range members {
			b = append(b, tokString, 0, 0, 0, 0)
		}
		b = append(b, opEqual, opAnd)
		for len(b)%4 != 0 {
			b = append(b, tokPad)
		}
		return b
	}
	if _, err := Decode(code(495)); err != nil { // 1 + 1500 + 1 + 1 + 495 + 2
		t.Errorf("S-35: 2,000 tokens: %v", err)
	}
	for _, n := range []int{496, 497, 498, 600} {
		if e, err := Decode(code(n)); !errors.Is(err, ErrExpr) || e != nil {
			t.Errorf("S-35: %d tokens: %v", 1505+n, err)
		}
	}
}

// refusal is a text that no reader takes, and where the fault is seen.
type refusal struct {
	rule, text string
	offset     int
}

// TestHalfConditions: what lacks a part, or has another there, is refused where the part
// belongs, whatever follows (S-47 to S-52).
func TestHalfConditions(t *testing.T) {
	for _, c := range []refusal{
		{"S-47", `(Exists)`, 7}, {"S-47", `(Exists Contains)`, 8}, {"S-47", `(Exists !a)`, 8},
		{"S-47", `(Contains {1})`, 1}, {"S-47", `(Any_of {1} && a)`, 1}, {"S-47", `(a && Contains {1})`, 6},
		{"S-52", `(Member_of (BA))`, 12}, {"S-52", `(Member_of (SID(XX)) && a)`, 16},
		{"S-52", `(Member_of (SID(BA) && a))`, 20}, {"S-52", `(Member_of (SID(BA)}`, 19},
		{"S-52", `(Member_of SID(BA && a)`, 18}, {"S-52", `(Member_of {SID(BA) SID(BA)})`, 20},
		{"S-52", `(Member_of {SID(BA)`, 19}, {"S-52", `(Member_of (SID(BA)`, 19}, {"S-52", `(Member_of SID(BA`, 17},
		{"S-52", `(a == {1 2})`, 9}, {"S-52", `(a == {b})`, 7}, {"S-52", `(a == {1,@User.b})`, 9},
		{"S-52", `(a == {1,})`, 9},
		{"S-52", `(a == {{}})`, 7}, {"S-52", `(a == {1)`, 8}, {"S-52", `(a == SID(BA)`, 13},
		{"S-52", `(a == SID BA)`, 6}, {"S-52", `(a == SI)`, 6},
		{"S-49", "(a == \"\xff\")", 7}, {"S-49", "(a == \"x\x00\")", 7}, {"S-49", "(@User.a\xff == 1)", 8},
		{"S-49", "(@User.a\x00 == 1)", 8}, {"S-49", "(@User.\x00)", 7}, {"S-49", `(@User.a%)`, 8},
		{"S-49", `(@User.a%002)`, 8},
		{"S-49", `(@User.a%00g0)`, 8}, {"S-49", `(@User.a%00`, 8}, {"S-49", `(@User.a%002`, 8},
		{"S-49", `(@User.a%0062)`, 8},
		{"S-50", `(a == +)`, 6}, {"S-50", `(a == -)`, 6}, {"S-50", `(a == 18446744073709551616)`, 6},
		{"S-50", `(a == -0x8000000000000001)`, 6}, {"S-50", `(a == +0x8000000000000000)`, 6},
		{"S-50", `(a == 02000000000000000000000)`, 6}, {"S-51", `(a == #0@)`, 8}, {"S-51", "(a == #0`)", 8},
		{"S-51", `(a == #0G)`, 8},
	} {
		e, _, err := ParseExpr(c.text, ParseOptions{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || e != nil || syntax.Offset != c.offset {
			t.Errorf("%s: %q: %v, want a refusal at %d", c.rule, c.text, err, c.offset)
		}
	}
}

// TestHalfAttributes: the same of attributes (S-49 to S-53).
func TestHalfAttributes(t *testing.T) {
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
	} {
		_, _, err := ParseAttribute(c.text, ParseOptions{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != c.offset {
			t.Errorf("%s: %q: %v, want a refusal at %d", c.rule, c.text, err, c.offset)
		}
	}
	for text, want := range map[string]Attribute{ // the last that each bound lets in
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
		if err != nil || n != len(text) || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: %+v, %d, %v, want %+v", text, got, n, err, want)
		}
	}
	most := `("a",TI,0` + strings.Repeat(",1", MaxValues) + ")"
	if a, _, err := ParseAttribute(most, ParseOptions{}); err != nil || a.Len() != MaxValues {
		t.Errorf("S-35: %d values: %d, %v", MaxValues, a.Len(), err)
	}
}

// TestUTF16OfAnyText: every text of UTF-16, whole or with halves of pairs, is the same
// text after it was read and written (S-37).
func TestUTF16OfAnyText(t *testing.T) {
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
				if got := appendUTF16(nil, decodeUTF16(string(raw))); !bytes.Equal(got, raw) {
					t.Fatalf("%x becomes %x", raw, got)
				}
				whole := string(utf16.Decode(units))
				if got := decodeUTF16(string(raw)); !strings.ContainsRune(whole, 0xFFFD) && got != whole {
					t.Fatalf("%x is %q, want %q", raw, got, whole)
				}
			}
		}
	}
}
