package claims

import (
	"math/rand/v2"
	"testing"
	"unicode"

	"github.com/refmon/refmon/internal/test/check"
)

// Each run of the table is in order and outside ASCII, so that each letter is found. TestUpperTableIsComplete compares
// the letters with the Unicode data of the standard library.
func TestUpperTableIsInOrder(t *testing.T) {
	last := 0x7F
	for _, r := range upperRuns {
		check.That(t, int(r.lo) > last && r.hi >= r.lo && r.step != 0,
			"run %+v is out of order: want lo above %#x, hi at least %#x, a step above 0", r, last, r.lo)
		last = int(r.hi)
	}
	for c := range 0x10000 {
		got, want := upperUnit(uint16(c)), naiveUpper(uint16(c))
		check.RequireThat(t, got == want, "upper(U+%04X) = U+%04X, but the table has U+%04X", c, got, want)
	}
}

// later lists the letters whose pairs are newer than Unicode 5.1 (DerivedAge.txt) or lead into ASCII.
var later = [][2]uint16{{0x0131, 0x0131}, {0x017F, 0x017F}, {0x023F, 0x0240}, {0x0252, 0x0252}, {0x025C, 0x025C},
	{0x0261, 0x0261}, {0x0265, 0x0266}, {0x026A, 0x026A}, {0x026C, 0x026C}, {0x0282, 0x0282}, {0x0287, 0x0287},
	{0x029D, 0x029E}, {0x03F3, 0x03F3}, {0x0525, 0x052F}, {0x10D0, 0x10FF}, {0x13F8, 0x13FD}, {0x1C80, 0x1C88},
	{0x1D8E, 0x1D8E}, {0x2C5F, 0x2C5F}, {0x2CEC, 0x2CF3}, {0x2D27, 0x2D2D}, {0xA661, 0xA661}, {0xA699, 0xA69B},
	{0xA791, 0xA7F6}, {0xAB53, 0xABBF}}

// The table has every pair of Unicode 5.1 and no other.
func TestUpperTableIsComplete(t *testing.T) {
	if unicode.Version != "15.0.0" {
		t.Skipf("the list of later letters is for Unicode 15.0.0, the library has %s", unicode.Version)
	}
	for c := uint16(0x80); c < 0xFFFF; c++ {
		want := uint16(unicode.ToUpper(rune(c)))
		for _, r := range later {
			if r[0] <= c && c <= r[1] {
				want = c
			}
		}
		got := upperUnit(c)
		check.That(t, got == want, "upper(U+%04X) = U+%04X, want U+%04X", c, got, want)
	}
}

// Pairs of letters up to Unicode 5.1 are equal. Later pairs and pairs that lead into ASCII are not.
func TestNamesFoldOnlyOldPairs(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"department", "DEPARTMENT", true},
		{"ćàț", "ĆÀȚ", true},
		{"ß", "ẞ", false},                   // U+1E9E is of 5.1, but its mapping is one way
		{"ß", "ss", false},                  // nothing folds to two letters
		{"ﬁ", "FI", false},                  //
		{"ɐ", "Ɐ", true},                    // 5.1
		{"ɒ", "Ɒ", false},                   // 5.2
		{"ı", "I", false},                   // into ASCII
		{"ſ", "S", false},                   // into ASCII
		{"\U00010428", "\U00010400", false}, // a pair of surrogates has no case
	} {
		check.Equal(t, EqualName(c.a, c.b), c.want, "EqualName(%q, %q)", c.a, c.b)
		check.That(t, !c.want || foldHash(c.a) == foldHash(c.b), "%q and %q are equal but have different hashes", c.a, c.b)
		check.That(t, compareStrings(c.a, c.b, true) != 0,
			"compareStrings(%q, %q) with case = 0, want another value", c.a, c.b)
	}
}

// Strings, including those with lone surrogates, are ordered by their UTF-16 units.
func TestCompareStringsMatchesUTF16Order(t *testing.T) {
	r := source(t)
	alphabet := []uint16{'a', 'A', '_', 'z', 0xE0, 0xC0, 0xD7FB, 0xD800, 0xD801, 0xDC00, 0xDFFF, 0xF900, 0xFFFD, 0}
	for range 100000 {
		a, b := randomUnits(r, alphabet), randomUnits(r, alphabet)
		s, u := fromUnits(a), fromUnits(b)
		for _, sensitive := range []bool{false, true} {
			if got, want := compareStrings(s, u, sensitive), compareUnits(a, b, sensitive); sign(got) != sign(want) {
				t.Fatalf("compareStrings(%x, %x, sensitive %v) = %d, want the sign of %d", a, b, sensitive, got, want)
			}
		}
		check.RequireThat(t, foldHash(s) == foldHash(u) || !EqualName(s, u),
			"%x and %x are equal but have different hashes", a, b)
	}
}

func randomUnits(r *rand.Rand, alphabet []uint16) []uint16 {
	u := make([]uint16, r.IntN(5))
	for i := range u {
		u[i] = alphabet[r.IntN(len(alphabet))]
	}
	return u
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
