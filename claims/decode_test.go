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

// Decode rejects malformed expressions and those beyond the limits (S-34, S-35). The error has the offset of the token.
func TestDecodeRejectsMalformedExpressions(t *testing.T) {
	for _, c := range []struct{ rule, what, tokens, where string }{
		{"S-34", "unknown code", "60", "byte 4:"},
		{"S-34", "attribute length cut", "f80200", "byte 4:"},
		{"S-34", "attribute name cut", "f80400000061", "byte 4:"},
		{"S-34", "attribute name of odd length", "f803000000610062", "byte 4:"},
		{"S-34", "attribute name of one byte", "f80100000061", "byte 4:"},
		{"S-34", "integer cut", "040100000000000000", "byte 4:"},
		{"S-34", "integer without its base", "04010000000000000002", "byte 4:"},
		{"S-34", "int8 out of range", "0180000000000000000302", "byte 4:"},
		{"S-34", "int16 out of range", "0200800000000000000302", "byte 4:"},
		{"S-34", "int32 out of range", "0300000080000000000302", "byte 4:"},
		{"S-34", "string of odd length", "1003000000610062", "byte 4:"},
		{"S-34", "string of one byte", "100100000061", "byte 4:"},
		{"S-34", "string with a NUL", "1004000000610000" + "00", "byte 4:"},
		{"S-34", "octets past the end", "18ffffffff", "byte 4:"},
		{"S-34", "SID too short", "5108000000" + "0101000000000001", "byte 4:"},
		{"S-34", "SID too long", "5110000000" + "010100000000000100000000" + "00000000", "byte 4:"},
		{"S-34", "SID of revision 2", "510c000000" + "020100000000000100000000", "byte 4:"},
		{"S-34", "composite past the end", "5010000000" + "0401", "byte 4:"},
		{"S-34", "composite cuts its member", "5008000000" + "18040000000102" + "0304", "byte 9:"},
		{"S-34", "attribute in a composite", "5007000000" + "f8020000006100", "byte 9:"},
		{"S-34", "operator in a composite", "5001000000" + "a2", "byte 9:"},
		{"S-34", "composite in a composite", "5005000000" + "5000000000", "byte 9:"},
		{"S-34", "padding in a composite", "5001000000" + "00", "byte 9:"},
		{"S-34", "four bytes of padding", "f802000000610000000000", "byte 11:"},
		{"S-34", "token after padding", "f8020000006100" + "00a2", "byte 11:"},
		{"S-34", "token in the padding", "f8020000006100" + "00a200", "byte 11:"},
		{"S-35", "2001 tokens", "f8020000006100" + strings.Repeat("a2", MaxTokens), "byte 2010:"},
		{"S-35", "2001 tokens, most of them members", "f8020000006100" + "50de260000" + strings.Repeat("1800000000", 1990) +
			"86" + strings.Repeat("a2", 8), "byte 9974:"},
		{"S-35", "10001 bytes", "18" + "08270000" + strings.Repeat("00", 9992), "10001 bytes"},
	} {
		tokens, err := hex.DecodeString(c.tokens)
		check.RequireThat(t, err == nil, "%s: %v", c.what, err)
		_, err = Decode(append([]byte(signature), tokens...))
		check.That(t, errors.Is(err, ErrExpr) && strings.Contains(err.Error(), c.where),
			"%s: Decode, %s: %v, want %v with %q", c.rule, c.what, err, ErrExpr, c.where)
	}
	members := "f8020000006100" + "50de260000" + strings.Repeat("1800000000", 1990) + "86" + strings.Repeat("a2", 7)
	tokens, _ := hex.DecodeString(members)
	_, err := Decode(append([]byte(signature), tokens...))
	check.That(t, err == nil, "S-35: Decode of 2000 tokens: %v, want no error", err)
	for _, s := range []string{"", "art", "artX", "ARTX", "artz\x00\x00\x00\x00"} {
		check.ErrorIs(t, check.Err(Decode([]byte(s))), ErrExpr, "S-34: Decode of %q", s)
	}
}

// Format prints integers of every width, sign and base. The bytes for sign and base do not change the value (S-50).
func TestFormatPrintsEveryIntegerWidth(t *testing.T) {
	for _, c := range []struct{ token, text string }{
		{"01ffffffffffffffff0202", "-1"},
		{"02ffffffffffffffff0302", "-1"},
		{"0380ffffffffffffff0203", "-0x80"},
		{"0400000000000000800202", "-9223372036854775808"},
		{"0400000000000000800303", "0x8000000000000000"},
		{"04ffffffffffffffff0301", "01777777777777777777777"},
		{"04ffffffffffffffff0103", "0xffffffffffffffff"},
		{"0405000000000000000202", "5"},
		{"0405000000000000000103", "+0x5"},
		{"0400000000000000000203", "-0x0"},
		{"0405000000000000000709", "5"},
	} {
		tokens, err := hex.DecodeString("f8020000006100" + c.token + "80")
		check.RequireThat(t, err == nil, "%s: %v", c.token, err)
		e, err := Decode(append([]byte(signature), tokens...))
		if err != nil {
			t.Errorf("Decode with the integer %s: %v", c.token, err)
		} else if got, want := e.Format(nil), "(a == "+c.text+")"; got != want {
			t.Errorf("Format with the integer %s = %s, want %s", c.token, got, want)
		}
	}
}

// Some expressions can be evaluated but have no text (S-49, S-50).
func TestSomeExpressionsHaveNoText(t *testing.T) {
	attribute := func(code byte, name string) []byte { return appendToken([]byte(signature), code, []byte(name)) }
	for what, code := range map[string][]byte{
		"local name with a blank":   attribute(tokLocal, "a\x00 \x00"),
		"local name empty":          attribute(tokLocal, ""),
		"local name is an operator": attribute(tokLocal, "E\x00x\x00i\x00s\x00t\x00s\x00"),
		"user name empty":           attribute(tokUser, ""),
		"string with a quote":       append(appendToken(attribute(tokUser, "a\x00"), tokString, []byte("\"\x00")), opEqual),
		"string with a lone surrogate": append(appendToken(attribute(tokUser, "a\x00"), tokString, []byte("\x00\xD8")),
			opEqual),
		"SID without sub-authorities": append(appendToken(attribute(tokUser, "a\x00"), tokSID,
			[]byte("\x01\x00\x00\x00\x00\x00\x00\x05")), opEqual),
	} {
		e, err := Decode(code)
		check.That(t, err == nil && e.Format(nil) == "",
			`%s: Decode %v, Format %q; want no error and ""`, what, err, e.Format(nil))
	}
	check.Equal(t, (&Attribute{Name: "a", Type: Int64}).Format(nil), "", "Format of an attribute without values")
	two := bools("a", 2)
	check.Equal(t, two.Format(nil), "", "Format of the boolean 2")
	bare, _ := sid.New(5)
	for s, want := range map[sid.SID]string{bare: "", sid.Everyone: `("a",TD,0x0,S-1-1-0)`, {}: ""} {
		check.Equal(t, (&Attribute{Name: "a", Type: SID, SIDs: []sid.SID{s}}).Format(nil), want, "Format of SID %q", s)
	}
	surrogate, err := Decode(attribute(tokUser, "\x00\xD8"))
	check.That(t, err == nil && surrogate.Format(nil) == "(@USER.%d800)",
		"Decode of a lone surrogate in a name: %v, Format %s; want (@USER.%%d800)", err, surrogate.Format(nil))
}

// Reads reports which scopes an expression uses.
func TestReadsReportsScopes(t *testing.T) {
	e := mustParse(`(a && @Device.b == @Resource.c)`)
	for scope, want := range map[Scope]bool{Local: true, User: false, Resource: true, Device: true} {
		check.Equal(t, e.Reads(scope), want, "Reads(%d)", scope)
	}
}

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
		check.RequireThat(t, bytes.Equal(e.Encode(), b), "Encode after Decode of %x = %x", b, e.Encode())
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
		check.RequireThat(t, n == len(text) && again.Eval(env) == truth && again.Format(aliasOf) == text,
			"Format of %x = %s, which has another meaning: %s", b, text, again.Format(aliasOf))
	})
}
