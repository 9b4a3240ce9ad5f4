package claims

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// ParseAttribute, Append, DecodeAttribute and Format agree with documented texts and bytes.
func TestAttributesMatchDocumentedBytes(t *testing.T) {
	for _, c := range []struct{ rule, text, bytes, canonical string }{
		{"C-49 S-30", `("Dept",TS,0,"Fin")`,
			"140000000300000000000000010000001e00000044006500700074000000460069006e0000000000", `("Dept",TS,0x0,"Fin")`},
		{"C-50 S-30", `("Lvl",TI,0,1,2)`,
			"1800000001000000000000000200000020000000280000004c0076006c00000001000000000000000200000000000000",
			`("Lvl",TI,0x0,1,2)`},
		{"C-53 S-51", `("a",TX,0,abc)`, "14000000100000000000000001000000180000006100000002000000" + "0abc" + "0000",
			`("a",TX,0x0,0abc)`},
		{"S-51", `("a",TX,0,"abc")`, "14000000100000000000000001000000180000006100000002000000" + "0abc" + "0000",
			`("a",TX,0x0,0abc)`},
		{"S-51", `("a",TX,0,##)`, "14000000100000000000000001000000180000006100000001000000" + "00" + "000000",
			`("a",TX,0x0,00)`},
		{"S-51", `("a",TX,0,#ab)`, "14000000100000000000000001000000180000006100000002000000" + "00ab" + "0000",
			`("a",TX,0x0,00ab)`},
		{"S-51", `("a",TX,0,"")`, "14000000100000000000000001000000180000006100000000000000", `("a",TX,0x0,"")`},
		{"S-52", `("a",TD,0,BA)`, "14000000050000000000000001000000180000006100000010000000" +
			"01020000000000052000000020020000", `("a",TD,0x0,BA)`},
		{"S-53", ` ( "a" , tb , 0x30002 , 1 , 0 )`, "180000000600000002000300020000001c0000002400000061000000" +
			"0100000000000000" + "0000000000000000", `("a",TB,0x30002,1,0)`},
		{"S-53", `("a%0020b",TU,010,18446744073709551615)`,
			"140000000200000008000000010000001c0000006100200062000000ffffffffffffffff",
			`("a%0020b",TU,0x8,18446744073709551615)`},
	} {
		a, n, err := ParseAttribute(c.text+")", ParseOptions{})
		if err != nil || n != len(c.text) {
			t.Errorf("%s: ParseAttribute(%s) used %d bytes, %v; want %d, nil", c.rule, c.text, n, err, len(c.text))
			continue
		}
		got := hex.EncodeToString(a.Append(nil))
		check.That(t, got == c.bytes, "%s: bytes of %s\n got %s\nwant %s", c.rule, c.text, got, c.bytes)
		if got := hex.EncodeToString(a.Append([]byte("before"))); got != hex.EncodeToString([]byte("before"))+c.bytes {
			t.Errorf("%s: bytes of %s appended to six bytes\n got %s\nwant %s", c.rule, c.text, got, c.bytes)
		}
		check.Equal(t, a.Format(aliasOf), c.canonical, "%s: Format of %s", c.rule, c.text)
		b, _ := hex.DecodeString(c.bytes)
		d, err := DecodeAttribute(b)
		check.That(t, err == nil && reflect.DeepEqual(d, a), "%s: DecodeAttribute = %+v, %v; want %+v", c.rule, d, err, a)
	}
}

// DecodeAttribute returns ErrAttribute for malformed structures, and for a structure that is truncated at any byte
// (S-33).
func TestDecodeAttributeRejectsMalformed(t *testing.T) {
	good := (&Attribute{Name: "ab", Type: SID, SIDs: []sid.SID{sid.Everyone}}).Append(nil)
	patch := func(at int, v ...byte) []byte {
		b := append([]byte{}, good...)
		copy(b[at:], v)
		return b
	}
	bad := map[string][]byte{
		"name past the end":    patch(0, 0xFF, 0xFF, 0xFF, 0xFF),
		"name without NUL":     patch(0, byte(len(good)-1)),
		"type":                 patch(4, 4),
		"reserved flags":       patch(8, 0, 1),
		"value count":          patch(12, 0xFF, 0xFF, 0xFF, 0xFF),
		"value past the end":   patch(16, 0xFF, 0xFF, 0xFF, 0xFF),
		"value near the end":   patch(16, byte(len(good)-2)),
		"SID":                  patch(30, 2),
		"SID length":           patch(26, 13),
		"integer past the end": (&Attribute{Name: "ab", Type: Int64, Ints: []int64{1}}).Append(nil)[:32],
		"text past the end": append((&Attribute{Name: "ab", Type: String, Strings: []string{"x"}}).Append(nil)[:16],
			0xFF, 0xFF, 0, 0, 'a', 0, 0, 0),
		"octets past the end": append((&Attribute{Name: "ab", Type: Octets, Octets: [][]byte{{1}}}).Append(nil)[:26],
			200, 0, 0, 0, 1, 0, 0, 0),
		"boolean":    (&Attribute{Name: "ab", Type: Boolean, Uints: []uint64{2}}).Append(nil),
		"name empty": (&Attribute{Type: Boolean, Uints: []uint64{1}}).Append(nil),
	}
	for n := range len(good) - 2 { // the last two bytes are padding
		check.ErrorIs(t, check.Err(DecodeAttribute(good[:n])), ErrAttribute, "DecodeAttribute of the first %d bytes", n)
	}
	for what, b := range bad {
		check.ErrorIs(t, check.Err(DecodeAttribute(b)), ErrAttribute, "DecodeAttribute, %s", what)
	}
}

// Duplicates reports lists with a value twice, and NewSet rejects them (S-32).
func TestDuplicatesAreRejected(t *testing.T) {
	long := make([]int64, 100)
	for i := range long {
		long[i] = int64(i)
	}
	sensitive := strs("s", "a", "A")
	sensitive.Flags = FlagCaseSensitive
	for _, c := range []struct {
		a    Attribute
		want bool
	}{
		{ints("i", 1, 2, 3), false},
		{ints("i", 1, 2, 1), true},
		{strs("s", "a", "A"), true},
		{sensitive, false},
		{Attribute{Name: "m", Type: String, Strings: []string{"a", "A"}, Flags: FlagMandatory}, true},
		{strs("s", "a", "B", "A"), true},       // apart in the order of their characters
		{strs("s", "b", "a", "C", "B"), true},  // the same
		{strs("s", "a", "B", "c", "D"), false}, // no two
		{bools("b", 0, 1), false},
		{bools("b", 0, 1, 0), true},
		{ints("i", long...), false},
		{ints("i", append(long[:99:99], 5)...), true},
	} {
		check.Equal(t, c.a.Duplicates(), c.want, "Duplicates of %+v", c.a)
		indexed := c.a.clone()
		indexed.setOrder()
		check.Equal(t, indexed.Duplicates(), c.want, "Duplicates of the sorted %+v", c.a)
		_, err := NewSet([]Attribute{c.a})
		check.That(t, (err != nil) == c.want, "NewSet of %+v: %v, want an error: %t", c.a, err, c.want)
	}
}

// Lookup ignores case. Of two claims with one name it returns the later one (S-32, A-110).
func TestSetLookupIgnoresCase(t *testing.T) {
	values := []int64{1}
	s := mustSet(ints("Größe", values...), ints("b", 2), ints("GRÖßE", 3))
	values[0] = 9
	if a, ok := s.Lookup("größe"); !ok || a.Ints[0] != 3 {
		t.Errorf(`Lookup("größe") = %+v, %v; want the value 3, true`, a, ok)
	}
	mine := []Attribute{{Name: "u", Type: Uint64, Uints: []uint64{1}}, strs("s", "a"),
		{Name: "d", Type: SID, SIDs: []sid.SID{sid.Everyone}}, {Name: "o", Type: Octets, Octets: [][]byte{{1}}}}
	copied := mustSet(mine...)
	mine[0].Uints[0], mine[1].Strings[0], mine[2].SIDs[0], mine[3].Octets[0][0] = 2, "b", sid.Users, 2
	for i, a := range copied.All() {
		want := []string{`("u",TU,0x0,1)`, `("s",TS,0x0,"a")`, `("d",TD,0x0,S-1-1-0)`, `("o",TX,0x0,01)`}[i]
		check.Equal(t, a.Format(nil), want, "attribute of a set, after the caller's one changed")
	}
	_, ok := s.Lookup("GRÖSSE")
	check.That(t, !ok, `Lookup("GRÖSSE") found GRÖßE, want ß not folded to ss`)
	next := 1
	for i, a := range s.All() {
		check.Equal(t, a.Ints[0], int64(i+1), "attribute %d of the set", i)
		if next++; next == 3 {
			break
		}
	}
	check.Equal(t, next, 3, "number of the attribute after which the loop ended")
	var empty *Set
	if _, ok := empty.Lookup("b"); ok || empty.Len() != 0 || s.Len() != 3 {
		t.Errorf("nil set: Lookup found a claim or Len = %d; set of 3: Len = %d", empty.Len(), s.Len())
	}
	for _, bad := range []Attribute{{}, {Name: "x", Type: 7}, ints(""), bools("b", 2), strs("s", "a\x00"),
		{Name: "d", Type: SID, SIDs: []sid.SID{{}}}, {Name: "f", Type: Int64, Flags: 0x100},
		ints("n", make([]int64, MaxValues+1)...)} {
		check.ErrorIs(t, check.Err(NewSet([]Attribute{bad})), ErrAttribute, "NewSet of %.40v", bad)
	}
}

// An attribute with the maximal number of values can be decoded, parsed and compared with a value at any position.
// One more value is rejected everywhere, and makes a condition unknown (A-110, S-32, S-33).
func TestLongestAttributeIsUsable(t *testing.T) {
	with := func(n int) Attribute {
		a := Attribute{Name: "a", Type: Int64}
		for i := range n {
			a.Ints = append(a.Ints, int64(2*i))
		}
		return a
	}
	for n, want := range map[int]Truth{MaxValues - 1: True, MaxValues: True, MaxValues + 1: Unknown} {
		for at, text := range map[int]string{0: "(a Contains 0)", 1: "(a Contains 2)", n - 1: "(a Contains {4,8})"} {
			a := with(n)
			a.setOrder()
			env := &fixedEnv{attributes: [4]map[string]Attribute{Local: {"a": a}}}
			x, _, err := ParseExpr(text, ParseOptions{})
			check.NoError(t, err)
			check.Equal(t, x.Eval(env), want, "%d values, position %d: %s", n, at, text)
		}
		a := with(n)
		_, err := NewSet([]Attribute{a})
		check.That(t, (err == nil) == (want == True), "NewSet of %d values: %v, want success: %t", n, err, want == True)
		if b, err := DecodeAttribute(a.Append(nil)); (err == nil) != (want == True) || err == nil && b.Len() != n {
			t.Errorf("DecodeAttribute of %d values: %d values, %v; want success: %t", n, b.Len(), err, want == True)
		}
		text := `("a",TI,0` + strings.Repeat(",7", n) + ")"
		if b, _, err := ParseAttribute(text, ParseOptions{}); (err == nil) != (want == True) || err == nil && b.Len() != n {
			t.Errorf("ParseAttribute of %d values: %d values, %v; want success: %t", n, b.Len(), err, want == True)
		}
	}
}
