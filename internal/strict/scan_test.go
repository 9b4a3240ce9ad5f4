package strict

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// valid reports whether the scanner accepts text as one value.
func valid(text string) bool {
	s := Scanner{Bytes: []byte(text)}
	s.Value(0)
	s.End()
	return s.Err == nil
}

var scannerSeeds = []string{
	`{}`, `[]`, `0`, `-0`, `01`, `1.`, `.5`, `1e`, `1e+9`, `-`, `+1`, `""`, `"\u00e9"`, `"\ud800"`, `"\ud83d\ude00"`,
	`"\udc00"`,
	`{"a":1,}`, `[1,]`, `[,1]`, `{"a" 1}`, `{a:1}`, `tru`, `true1`, `nul`, ` [ 1 , { "b" : [ ] } ] `,
	`"` + "\x00" + `"`,
	"\"\xff\"",
	strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), `{"a":1}x`, "\t\r\n1", "\v1", "\f1", "1\f",
	"\u00a01", "\u20281", "\ufeff1", `"\x"`, `"`, `"\`,
	`"\u12`, `[1 2]`, `{"a":1 "b":2}`,
}

// TestScannerIsStricterThanEncodingJSON compares the scanner with encoding/json, which is less strict in three ways
// only: invalid UTF-8, lone surrogates, and depth.
func TestScannerIsStricterThanEncodingJSON(t *testing.T) {
	for _, text := range scannerSeeds {
		compareScanner(t, text)
	}
}

func compareScanner(t *testing.T, text string) {
	t.Helper()
	ours, theirs := valid(text), json.Valid([]byte(text))
	check.That(t, !ours || theirs, "%q: taken, encoding/json refuses it", text)
	// Only encoding/json accepts these.
	lax := strings.ToValidUTF8(text, "") != text || strings.Contains(strings.ToLower(text), `\ud`) ||
		strings.Count(text, "[")+strings.Count(text, "{") > MaxDepth
	check.That(t, !theirs || ours || lax, "%q: refused, encoding/json takes it", text)
}

func FuzzScanner(f *testing.F) {
	for _, s := range scannerSeeds {
		f.Add(s)
	}
	f.Fuzz(compareScanner)
}

func TestUnquoteAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range []string{`""`, `"plain"`, `"\"\\\/\b\f\n\r\t"`, `"aé\u00e9\u4e2d\ud83d\ude00z"`,
		`"\u0000"`} {
		var want string
		check.NoError(t, json.Unmarshal([]byte(text), &want))
		if got, ok := Unquote(nil, []byte(text)); !ok || string(got) != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		var back string
		if err := json.Unmarshal(AppendString(nil, want), &back); err != nil || back != want {
			t.Errorf("%s: written as %s: %q, %v, want %q, nil", text, AppendString(nil, want), back, err, want)
		}
	}
	if _, ok := Unquote(nil, []byte("12")); ok {
		t.Error("a number was taken for a string")
	}
}

// The test decodes every pair of \u escapes from a list of code units. A surrogate pair is one character, a lone
// surrogate is rejected, and encoding/json returns the same text for accepted pairs.
func TestLoneSurrogateEscapeIsRejected(t *testing.T) {
	units := []string{"0000", "0041", "d7ff", "D7FF", "d800", "D800", "dbff", "DBFF", "dc00", "DC00", "dfff", "DFFF",
		"e000", "E000", "ffff", "fFfF", "09af", "09AF"}
	half := func(u string, low byte) bool { // of a pair: high ones begin with d8 to db, low ones with dc to df
		return (u[0]|0x20) == 'd' && u[1] >= '8' && ((u[1]|0x20) >= 'c') == (low == 1)
	}
	for _, a := range units {
		for _, b := range append(units, "") {
			text := `"\u` + a
			if b != "" {
				text += `\u` + b
			}
			text += `"`
			wholeA, wholeB := !half(a, 0) && !half(a, 1), b == "" || !half(b, 0) && !half(b, 1)
			want := wholeA && wholeB || half(a, 0) && b != "" && half(b, 1)
			if got := valid(text); got != want {
				t.Errorf("%s: taken %t, want %t", text, got, want)
				continue
			}
			var theirs string
			if !want {
				continue
			}
			check.NoError(t, json.Unmarshal([]byte(text), &theirs))
			if got, ok := Unquote(nil, []byte(text)); !ok || string(got) != theirs {
				t.Errorf("%s: %q, want %q", text, got, theirs)
			}
		}
	}
	for _, wrong := range []string{`\u004`, `\u00/1`, `\u00:1`, `\u00@1`, `\u00G1`, "\\u00`1", `\u00g1`, `\U0041`,
		`\u`, `\ud800x`,
		`\ud800\n`, `\ud800\x0000`, `\ud800 \udc00`, `\ud800\udc0`, `\a`, `\'`, `\0`, `\`} {
		check.That(t, !valid(`"`+wrong+`"`), "%s is taken", wrong)
	}
}

// TestHexDigitAcceptsOnlyHexDigits checks the digits and their neighbours in ASCII.
func TestHexDigitAcceptsOnlyHexDigits(t *testing.T) {
	const digits = "0123456789abcdef"
	for c := range 256 {
		at := strings.IndexByte(digits, byte(c))
		if c >= 'A' && c <= 'F' {
			at = c - 'A' + 10
		}
		if v, ok := HexDigit(byte(c)); ok != (at >= 0) || ok && int(v) != at {
			t.Errorf("%q: %d, %t", byte(c), v, ok)
		}
	}
}

// TestTruncatedEscapeIsRejected checks that an escape cut off by the end of the input is rejected, at whatever byte.
func TestTruncatedEscapeIsRejected(t *testing.T) {
	for text, want := range map[string]rune{`\u0041`: 'A', `\ud834\udd1e`: 0x1D11E} {
		for n := range len(text) {
			if r, size := unicodeEscape([]byte(text[:n])); r != 0 || size != 0 {
				t.Errorf("%s: %U, %d bytes, want %U, 0", text[:n], r, size, 0)
			}
		}
		if r, size := unicodeEscape([]byte(text)); r != want || size != len(text) {
			t.Errorf("%s: %U, %d bytes, want %U", text, r, size, want)
		}
	}
}
