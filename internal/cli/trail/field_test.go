package trail

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// A text with any escaped character matches its plain form at any position.
func TestEscapedTextMatchesItsPlainForm(t *testing.T) {
	var texts []string
	for r := rune(0); r < 0x300; r++ {
		texts = append(texts, string(r), "a"+string(r), string(r)+"b", string(r)+string(r))
	}
	texts = append(texts, `"`, `\`, `\"`, `"\`, `\u0041`, "中", "\U0001F600", `a","b`, `","X":"`)
	for _, text := range texts {
		line := requested(t, audit.Object{Type: "File", Name: text}, audit.Failure, 2)
		raw := rawText(line.AppendJSON(nil), `"ObjectName":"`)
		got := string(plain(raw, nil))
		check.That(t, got == text, "%q is read as %q from %s, want %q", text, got, raw, text)
	}
	check.Equal(t, string(plain([]byte(`\b\f\n\r\t\/`), nil)), "\b\f\n\r\t/", "short escapes of other programs")
	check.Equal(t, string(rawText([]byte(`{"A":"b","data":{"A":"c"}}`), `"A":"`)), "b", "text of a key that comes again")
	check.That(t, rawText([]byte(`{"A":"b"}`), `"B":"`) == nil, "rawText found the text of a missing key, want nil")
}

// A pattern compares characters in any case, and ? matches one character, of whatever length in UTF-8.
func TestPatternComparesCharacters(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*j?rg", "/srv/J\u00f6rg", true}, {"*j??rg", "J\u00f6rg", false}, {"j\u00d6rg", "J\u00f6rg", true},
		{"*\u00f6*", "\u00c4\u00d6\u00dc", true}, {"*\u00f6", "\u00c4\u00d6\u00dc", false},
		{"?\u4e2d", "\U0001f600\u4e2d", true},
		{"s", "\u017f", false}, {"k", "\u212a", false}, {"\u03c3", "\u03a3", true}, {"?", "", false}, {"*", "", true},
		{"*??x1", "\u20acx1", false},
	} {
		check.Equal(t, glob(small(c.pattern), []byte(c.text)), c.want, "%q matches %q", c.pattern, c.text)
	}
}

// A match considers the values of the named field only, at any position in the record.
func TestMatchUsesNamedFieldOnly(t *testing.T) {
	key := func(k string) []byte { return []byte(`"` + k + `":`) }
	for record, c := range map[string]struct {
		key  string
		want string // the values that it has
	}{
		`{"A":"x"}`: {"A", "x"}, `{"A":["x","y"]}`: {"A", "x y"}, `{"A":["x"],"B":"y"}`: {"A", "x"},
		`{"A":"x","B":"y"}`: {"A", "x"}, `{"A":"x","y":"z"}`: {"A", "x"}, `{"A":["x","y"],"z":"x"}`: {"A", "x y"},
		`{"B":"y","A":"x"}`: {"A", "x"}, `{"B":"y"}`: {"A", ""}, `{"A":5}`: {"A", ""}, `{"A":[]}`: {"A", ""},
		`{"A":[`: {"A", ""}, `{"A":`: {"A", ""}, `{"A":"`: {"A", ""}, `{"A":["x",5]}`: {"A", "x"},
		`{"A":["x",`: {"A", "x"}, `{"A":["x","\`: {"A", "x"}, `{"A":"x",`: {"A", "x"}, `{"A":"x"`: {"A", "x"},
	} {
		for _, v := range []string{"x", "y", "z"} {
			want := strings.Contains(c.want, v)
			check.Equal(t, matchField([]byte(record), key(c.key), v), want, "%s has %s=%s", record, c.key, v)
		}
	}
}

// The fast search finds a text wherever a search in lower case does, at each position and in each case.
func TestFastSearchAgreesWithTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	const letters = "abzAZBmM09 @[`{éÉ"
	pick := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return b
	}
	found := 0
	for range 20000 {
		text := pick(3 + rng.IntN(3))
		body := pick(rng.IntN(12))
		if rng.IntN(2) == 0 { // it is there, somewhere, in another case
			at := rng.IntN(len(body) + 1)
			cased := bytes.Clone(text)
			for i := range cased {
				if rng.IntN(2) == 0 && cased[i] >= 'a' && cased[i] <= 'z' {
					cased[i] -= 'a' - 'A'
				}
			}
			body = append(body[:at:at], append(cased, body[at:]...)...)
		}
		small := func(b []byte) []byte {
			return bytes.Map(func(r rune) rune {
				if r >= 'A' && r <= 'Z' {
					r += 'a' - 'A'
				}
				return r
			}, b)
		}
		pattern := string(small(bytes.ToValidUTF8(text, []byte("a"))))
		for _, n := range needlesOf(pattern) {
			want := bytes.Contains(small(bytes.ToValidUTF8(body, []byte("?"))), []byte(n.text))
			check.Require(t, n.in(bytes.ToValidUTF8(body, []byte("?"))), want, "%q in %q", n.text, body)
			if want {
				found++
			}
		}
	}
	check.That(t, found >= 1000, "found %d times only, want at least 1000", found)
	for c := range 256 {
		want := byte(c)
		if c < 0x80 {
			want = strings.ToLower(fmt.Sprintf("%c", c))[0]
		}
		check.Equal(t, lower(byte(c)), want, "%q in small letters", byte(c))
	}
}
