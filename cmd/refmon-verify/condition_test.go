package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/refmon/refmon/claims"
	testcheck "github.com/refmon/refmon/internal/test/check"
)

// TestRandomConditionsVerify checks conditional entries with random programs whose result alone decides.
// TestPythonVerifierTestsPass runs the same cases on the Python verifier.
func TestRandomConditionsVerify(t *testing.T) {
	w, outcomes := seeded(t), map[bool]int{}
	for range rounds(t) {
		s := w.conditional(t)
		outcome, err := verify(string(s.cert), string(s.descriptor), string(s.token))
		if err != nil {
			t.Fatalf("verifying a conditional decision: %v, want it accepted\nsd %x\ntoken %s",
				err, s.descriptor, s.token)
		}
		outcomes[strings.HasPrefix(outcome, success)]++
	}
	t.Logf("%d conditions decided for the asker, %d against", outcomes[true], outcomes[false])
}

// TestAttributeIsTrueIfNotEmpty checks that an attribute is true if it has a value other than zero or empty. Without
// values and with a SID or bytes it is unknown.
func TestAttributeIsTrueIfNotEmpty(t *testing.T) {
	for values, want := range map[string]int{"": 0, "s": -1, "s s": -1, "s sx": 1, "sx": 1, "x01": 0, "d": 0,
		unsigned("i", 0): -1, signed(-1): 1, unsigned("b", 1): 1, unsigned("i", 0) + " " + unsigned("i", 2): 1} {
		o := operand{kind: 'a', values: strings.Fields(values)}
		testcheck.Equal(t, o.asTruth(), want, "truth of %q", values)
	}
}

// TestBooleanComparesWithBit checks that a boolean compares with the integers 0 and 1 only.
func TestBooleanComparesWithBit(t *testing.T) {
	for n, want := range map[int64]int{0: -1, 1: 1, 2: 0} {
		l, r := operand{kind: 'a', values: []string{unsigned("b", 1)}}, operand{kind: 'l', values: []string{signed(n)}}
		testcheck.Equal(t, relate(codeEqual, &l, &r), want, "true == %d", n)
	}
}

// TestElementsCountAsTokens checks that the elements of a list count in the limit of 2,000 tokens (S-35).
func TestElementsCountAsTokens(t *testing.T) {
	q := &query{token: parseToken(`{"user":"S-1-5-18","localAttributes":[{"name":"a","type":"string","values":[""]}]}`)}
	list := "\xf8\x02\x00\x00\x00a\x00\x50\x88\x13\x00\x00" + strings.Repeat("\x10\x00\x00\x00\x00", 1000) + "\x88"
	// The condition is that the attribute a is any of 1,000 empty strings, with negations behind it. Its result is 1 for
	// true, -1 for false and 0 for malformed. With 997 negations it has 2,000 tokens.
	for nots, want := range map[int]int{996: 1, 997: -1, 998: 0} {
		code := "artx" + list + strings.Repeat("\xa2", nots)
		testcheck.Equal(t, testcheck.Err(claims.Decode([]byte(code))) == nil, want != 0, "%d negations are decoded", nots)
		testcheck.Equal(t, q.holds(code, false, ""), want, "a list of 1,000 elements and %d negations", nots)
	}
}

// TestLiteralHasNoNUL checks that a string literal with a NUL is malformed.
func TestLiteralHasNoNUL(t *testing.T) {
	for text, good := range map[string]bool{"": true, "a\x00": true, "\x00\x00": false, "a\x00\x00\x00": false} {
		func() {
			defer func() { testcheck.Equal(t, recover() == nil, good, "%q is a string", text) }()
			e := condition{string(rune(len(text))) + "\x00\x00\x00" + text}
			e.literal(codeString)
		}()
	}
}

// TestUnknownOperatorIsMalformed checks that the operators are those of MS-DTYP 2.4.4.17.
func TestUnknownOperatorIsMalformed(t *testing.T) {
	for op := codeEqual; op < codeAttribute; op++ {
		func() {
			defer func() {
				testcheck.Equal(t, recover() == nil, op < 0x94 || op >= codeAnd && op <= codeNot, "%#x is an operator", op)
			}()
			positive(byte(op))
		}()
	}
}

// TestUpperCaseEqualsClaims checks that upper case equals that of package claims, for each UTF-16 unit and each unit
// that some Unicode version folds to the same letter.
func TestUpperCaseEqualsClaims(t *testing.T) {
	same := func(a, b rune) bool { return fold(units(string(a)), false) == fold(units(string(b)), false) }
	for u := rune(0); u < 0x10000; u++ {
		others := []rune{unicode.ToUpper(u), unicode.ToLower(u), unicode.ToTitle(u)}
		for f := unicode.SimpleFold(u); f != u; f = unicode.SimpleFold(f) {
			others = append(others, f)
		}
		for _, o := range others {
			if same(u, o) != claims.EqualName(string(u), string(o)) {
				t.Errorf("%U and %U: same = %v, want the result of claims.EqualName", u, o, same(u, o))
			}
		}
	}
}
