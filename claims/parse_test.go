package claims

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// ParseExpr compiles conditions to the documented bytes, and Format prints the documented text. The table omits the
// signature and the padding.
func TestConditionsCompileToDocumentedBytes(t *testing.T) {
	const ba, wd = "01020000000000052000000020020000", "010100000000000100000000"
	for _, c := range []struct{ rule, text, tokens, canonical string }{
		{"C-37 C-38", `(@User.Title=="PM")`, "f90a0000005400690074006c006500100400000050004d0080", `(@USER.Title == "PM")`},
		{"C-39", `(@Device.legs >= 1)`, "fb080000006c00650067007300040100000000000000030285", `(@DEVICE.legs >= 1)`},
		{"C-40 S-52", `(Member_of SID(BA))`, "5110000000" + ba + "89", `(Member_of SID(BA))`},
		{"S-52", "(Member_of SID( \tBA ))", "5110000000" + ba + "89", `(Member_of SID(BA))`},
		{"S-52", `(Member_of (SID(BA)))`, "5110000000" + ba + "89", `(Member_of SID(BA))`},
		{"C-41", `(Member_of_Any{SID(BA),SID(WD)})`, "5026000000" + "5110000000" + ba + "510c000000" + wd + "8b",
			`(Member_of_any {SID(BA), SID(WD)})`},
		{"C-42 S-50", `(@Resource.c == -1)`, "fa02000000630004ffffffffffffffff020280", `(@RESOURCE.c == -1)`},
		{"C-43 S-51", `(o==##1#2#3##)`, "f8020000006f00" + "1804000000" + "01020300" + "80", `(o == #01020300)`},
		{"C-43 S-51", `(o==#1#2#3##)`, "f8020000006f00" + "1804000000" + "01020300" + "80", `(o == #01020300)`},
		{"C-44 S-47", `(@USER.A || @Device.B && @USER.C)`, "f9020000004100fb020000004200f9020000004300a0a1",
			`((@USER.A) || ((@DEVICE.B) && (@USER.C)))`},
		{"S-47", `(a||b||c)`, "f8020000006100f8020000006200a1f8020000006300a1", `(((a) || (b)) || (c))`},
		{"S-47", "(\t!(a)\r&&\vb\n)", "f8020000006100a2f8020000006200a0", `((!(a)) && (b))`},
		{"S-47", `(!(a)&&b)`, "f8020000006100a2f8020000006200a0", `((!(a)) && (b))`},
		{"S-47", `(!(a) == 1)`, "f802000000610004010000000000000003028" + "0a2", `(!(a == 1))`},
		{"S-48", `(@resource.A any_OF @dEVICE.b)`, "fa020000004100fb02000000620088", `(@RESOURCE.A Any_of @DEVICE.b)`},
		{"S-48", `(EXISTS a && not_exists @User.b)`, "f802000000610087f90200000062008da0",
			`((Exists a) && (Not_Exists @USER.b))`},
		{"S-49", `(@User.a%0020%d1d6-#;})`, "f90e0000006100200" + "0d6d12d0023003b007d00", `(@USER.a%0020%d1d6-#;})`},
		{"S-49", "(@User.#$'*+-;?@[\\]^_`{}~)", "f9240000002300240027002a002b002d003b003f004" +
			"0005b005c005d005e005f0060007b007d007e00", "(@USER.#$'*+-;?@[\\]^_`{}~)"},
		{"S-49", `(@User.Ć)`, "f9020000000601", `(@USER.%0106)`},
		{"S-49", `(Ć٣)`, "f80400000006016306", `(Ć٣)`},
		{"S-49", `(0:./_Z)`, "f80c00000030003a002e002f005f005a00", `(0:./_Z)`},
		{"S-50", `(a == 0xffffffffffffffff)`, "f802000000610004ffffffffffffffff030380", `(a == 0xffffffffffffffff)`},
		{"S-50", `(a == -00)`, "f8020000006100040000000000000000020180", `(a == -00)`},
		{"S-50", `(a == +017)`, "f8020000006100040f00000000000000010180", `(a == +017)`},
		{"S-50", `(a == "")`, "f8020000006100100000000080", `(a == "")`},
		{"S-51", `(a == #)`, "f8020000006100180000000080", `(a == #)`},
		{"S-52", `(a == {})`, "f8020000006100500000000080", `(a == {})`},
		{"S-36", `(a Contains @USER.b == @device.c)`, "f8020000006100f902000000620086fb02000000630080",
			`((a Contains @USER.b) == @DEVICE.c)`},
	} {
		e, n, err := ParseExpr(c.text+" rest", ParseOptions{})
		if err != nil || n != len(c.text) {
			t.Errorf("%s: ParseExpr(%s) used %d bytes, %v; want %d, nil", c.rule, c.text, n, err, len(c.text))
			continue
		}
		tokens, err := hex.DecodeString(c.tokens)
		check.RequireThat(t, err == nil, "%s: %v", c.rule, err)
		want := append([]byte(signature), tokens...)
		want = append(want, make([]byte, -len(want)&3)...)
		got := e.Encode()
		check.That(t, string(got) == string(want), "%s: bytes of %s\n got %x\nwant %x", c.rule, c.text, got, want)
		check.Equal(t, e.Format(aliasOf), c.canonical, "%s: Format of %s", c.rule, c.text)
		checkRoundTrip(t, e, ParseOptions{}, aliasOf)
	}
}

// refusal is a text that ParseExpr or ParseAttribute rejects, with the offset of the mistake.
type refusal struct {
	rule, text string
	offset     int
}

// ParseExpr rejects texts that are not conditions, with the offset of the mistake, whatever follows.
func TestParseExprReportsOffset(t *testing.T) {
	for _, c := range []refusal{
		{"C-45 S-47", `(! Member_of{SID(BA)})`, 3},
		{"S-47", `(!@User.a)`, 2},
		{"S-47", `(a Contains{1})`, 11},
		{"S-47", `((a)Any_of {1})`, 4},
		{"C-46 S-36", `(a == a)`, 6},
		{"C-47 S-36", `(@User.Title == !(@User.Title))`, 16},
		{"S-36", `("x" == "x")`, 1},
		{"S-36", `(a && 1 == 1 == 1)`, 13},
		{"S-36", `(a == @User.b Contains 1)`, 14},
		{"S-36", `(a == (1))`, 6},
		{"S-36", `(a Contains 1 Contains 2)`, 14},
		{"S-36", `(a Contains 1 == 1 == 1)`, 19},
		{"S-52", `(a == SID (BA))`, 6},
		{"S-36", `(Exists Member_of)`, 8},
		{"S-52", `(Member_of ())`, 12},
		{"C-48 S-50", `(@Device.bb == 0x10000000000000000)`, 15},
		{"S-50", `(a == 9223372036854775808)`, 6},
		{"S-50", `(a == -9223372036854775809)`, 6},
		{"S-50", `(a == 08)`, 6},
		{"S-50", `(a == 0x)`, 6},
		{"S-50", `(a == 1/)`, 7}, // the neighbours of the digits in ASCII are not digits
		{"S-50", `(a == 1:)`, 7},
		{"S-50", "(a == 0x1`)", 9},
		{"S-50", `(a == 0x1g)`, 9},
		{"S-50", `(a == 0x1@)`, 9},
		{"S-50", `(a == 0x1G)`, 9},
		{"S-50", `(a == /1)`, 6},
		{"S-50", `(a == #0/)`, 8},
		{"S-50", `(a == #0g)`, 8},
		{"S-50", `(a == "b)`, 6},
		{"S-49", `(@User. == 1)`, 7},
		{"S-49", `(@User.%0041)`, 7},
		{"S-49", `(@User.%41)`, 7},
		{"S-49", `(a-b == 1)`, 2},
		{"S-49", `(@Foo.b == 1)`, 1},
		{"S-48", `(@User.`, 7}, // the text ends where the name should begin
		{"S-48", `(a == @Device.`, 14},
		{"S-48", `(@Resource.`, 11},
		{"S-48", `(@User`, 1},
		{"S-52", `(Member_of{,})`, 11},
		{"S-52", `(Member_of{SID(AA),})`, 19},
		{"S-52", `(Member_of{{SID(AA)}})`, 11},
		{"S-52", `(Member_of a)`, 11},
		{"S-52", `(a == SID())`, 10},
		{"S-52", `(a == SID(XX))`, 10},
		{"S-47", `()`, 1},
		{"S-47", `(a`, 2},
		{"S-47", `(a == )`, 6},
		{"S-47", `(a &&)`, 5},
		{"S-47", `a == 1`, 0},
		{"S-47", ``, 0},
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
		{"S-49", "(@User.a\x00 == 1)", 8}, {"S-49", "(@User.a\x7f == 1)", 8},
		{"S-49", "(@User.a\x1f == 1)", 8}, {"S-49", "(@User.\x00)", 7}, {"S-49", `(@User.a%)`, 8},
		{"S-49", `(@User.a"b == 1)`, 8},
		{"S-49", `(@User.a%002)`, 8},
		{"S-49", `(@User.a%00g0)`, 8}, {"S-49", `(@User.a%00`, 8}, {"S-49", `(@User.a%002`, 8},
		{"S-49", `(@User.a%0062)`, 8},
		{"S-50", `(a == +)`, 6}, {"S-50", `(a == -)`, 6}, {"S-50", `(a == 18446744073709551616)`, 6},
		{"S-50", `(a == -0x8000000000000001)`, 6}, {"S-50", `(a == +0x8000000000000000)`, 6},
		{"S-50", `(a == 02000000000000000000000)`, 6}, {"S-51", `(a == #0@)`, 8}, {"S-51", "(a == #0`)", 8},
		{"S-51", `(a == #0G)`, 8},
		{"S-47", `(a Not_Contains{1})`, 15}, {"S-47", `(a Member_of SID(BA))`, 3}, {"S-49", `(a—)`, 2},
		{"S-35", "(" + strings.Repeat("(", maxDepth) + "a", maxDepth + 1},
		{"S-35", `(a == "` + strings.Repeat("x", MaxExprSize/2) + `")`, 7 + MaxExprSize/2 + 1},
		{"S-35", `(a == #` + strings.Repeat("00", MaxExprSize) + `)`, 7 + 2*MaxExprSize},
		{"S-35", "(" + strings.Repeat("a || ", MaxTokens/2) + "a)", 5*(MaxTokens/2) + 3}, // 1001 operands, 1000 operators
		{"S-35", "(" + strings.Repeat("a == 1 || ", 700) + "a)", 499*10 + 7},             // 20 bytes each; "artx"
	} {
		e, _, err := ParseExpr(c.text, ParseOptions{})
		var syntax *SyntaxError
		check.That(t, errors.As(err, &syntax) && e == nil && syntax.Offset == c.offset,
			"%s: ParseExpr(%.60q): %v, want an error at offset %d", c.rule, c.text, err, c.offset)
	}
	_, _, err := ParseExpr(`(a && 1 == 1 Contains 1)`, ParseOptions{})
	check.That(t, err != nil && strings.HasSuffix(err.Error(), "only an attribute can stand before Contains"),
		"a set operator after a relation: %v, want an error that says what can stand there", err)
	if _, _, err := ParseExpr(`(a == 0xffffffffffffffff)`, ParseOptions{Strict: true}); err == nil {
		t.Error("S-50: ParseExpr of 0xffffffffffffffff with Strict: no error, want one")
	}
	if _, _, err := ParseExpr(`(@Device.bb == 0x7fffffffffffffff)`, ParseOptions{Strict: true}); err != nil {
		t.Errorf("C-48: ParseExpr of 0x7fffffffffffffff with Strict: %v, want no error", err)
	}
}

// ParseExpr and Decode accept the longest condition of each kind and reject the next longer one, with the same limits
// (S-35).
func TestParseAndDecodeShareLimits(t *testing.T) {
	not := func(n int) string { return strings.Repeat("!(", n) + "a" + strings.Repeat(")", n) }
	for name, c := range map[string]struct {
		text func(n int) string
		n    int // the most that 10,000 bytes or 2,000 tokens can hold
	}{
		// "artx", 5 bytes and 2 for each character, an operator, rounded up to a multiple of 4
		"a name":        {func(n int) string { return "(Exists " + strings.Repeat("a", n) + ")" }, 4995},
		"a prefix name": {func(n int) string { return "(@User." + strings.Repeat("a", n) + ")" }, 4995},
		// before these 7 bytes for the attribute, after them 1 for the operator
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
		"last integer": {func(n int) string { return "(" + not(n) + ` && b == 1)` }, 1995},
	} {
		e, _, err := ParseExpr(c.text(c.n), ParseOptions{})
		if err != nil {
			t.Errorf("S-35: ParseExpr, %s, %d: %v, want no error", name, c.n, err)
			continue
		}
		if again, err := Decode([]byte(e.raw)); err != nil || again.raw != e.raw {
			t.Errorf("S-35: Decode, %s, %d bytes of %d: %v, want the same condition", name, len(e.raw), c.n, err)
		}
		e, _, err = ParseExpr(c.text(c.n+1), ParseOptions{})
		var syntax *SyntaxError
		check.That(t,
			errors.As(err, &syntax) && e == nil && strings.Contains(err.Error(), "at most 10000 bytes and 2000 tokens"),
			"S-35: ParseExpr, %s, %d: %v, want an error that names the limits", name, c.n+1, err)
	}
}

// SIDs and aliases are read by the function of the options. A function that returns no SID, no length or one beyond the
// text makes the condition wrong (S-52).
func TestOptionReadsSIDs(t *testing.T) {
	admins := sid.MustParse("S-1-5-21-1-2-3-512")
	const text = `(Member_of SID(DA))`
	for _, c := range []struct {
		s    sid.SID
		n    int
		err  error
		want string
	}{{admins, 2, nil, ""}, {admins, 0, nil, "at byte 15: want a SID"}, {admins, -1, nil, "at byte 15: want a SID"},
		{admins, 5, nil, "at byte 15: want a SID"}, {sid.SID{}, 2, nil, "at byte 15: want a SID"},
		{admins, 2, errors.New("no domain"), "at byte 15: want a SID: no domain"}} {
		e, _, err := ParseExpr(text, ParseOptions{SID: func(string) (sid.SID, int, error) { return c.s, c.n, c.err }})
		if c.want != "" {
			check.That(t, err != nil && err.Error() == c.want, "%v of %d bytes, %v: %v, want %s", c.s, c.n, c.err, err, c.want)
			continue
		}
		check.That(t, err == nil && e.Eval(&testEnv{members: map[sid.SID]bool{admins: true}}) == True,
			"%s with a domain: %v, want a condition about %v", text, err, admins)
	}
}

// The limit of nesting counts the parentheses that are open, not those that were closed before.
func TestNestingCountsOpenParentheses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "a" + strings.Repeat(")", n) }
	for n := 1; n <= 4; n++ {
		for text, want := range map[string]bool{
			"(" + deep(maxDepth-1) + strings.Repeat(" && "+deep(maxDepth-1), n) + ")":      true,
			"(" + deep(maxDepth-1) + strings.Repeat(" || "+deep(maxDepth+1), n) + ")":      false,
			"(" + deep(1) + strings.Repeat(" || (!"+deep(maxDepth-2)+")", n) + ")":         true,
			"((Exists a) && " + deep(maxDepth-1) + strings.Repeat(" && (a == 1)", n) + ")": true,
		} {
			_, _, err := ParseExpr(text, ParseOptions{})
			check.That(t, (err == nil) == want, "%d operands: ParseExpr(%.20s…): %v, want success: %t", n, text, err, want)
		}
	}
}

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
