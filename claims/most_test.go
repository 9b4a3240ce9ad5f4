package claims

import (
	"encoding/binary"
	"strings"
	"testing"
)

// TestMostValuesOfAnAttribute: an attribute with as many values as there may be is read and compared, with the
// value that is looked for in each place; with one more it is refused, wherever it comes from (A-110, S-32).
func TestMostValuesOfAnAttribute(t *testing.T) {
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
			if err != nil {
				t.Fatal(err)
			}
			if got := x.Eval(env); got != want {
				t.Errorf("%d values, place %d: %s is %v, want %v", n, at, text, got, want)
			}
		}
		a := with(n)
		if _, err := NewSet([]Attribute{a}); (err == nil) != (want == True) {
			t.Errorf("%d values in a set: %v", n, err)
		}
		if b, err := DecodeAttribute(a.Append(nil)); (err == nil) != (want == True) || err == nil && b.Len() != n {
			t.Errorf("%d values read: %d, %v", n, b.Len(), err)
		}
		text := `("a",TI,0` + strings.Repeat(",7", n) + ")"
		if b, _, err := ParseAttribute(text, ParseOptions{}); (err == nil) != (want == True) || err == nil && b.Len() != n {
			t.Errorf("%d values of a text: %d, %v", n, b.Len(), err)
		}
	}
}

// TestValuesThatOverlap: values that share their bytes count once each: 65,536 bytes together are read, and one
// more is refused. It is a bound of ours against small files that take much memory.
func TestValuesThatOverlap(t *testing.T) {
	for _, c := range []struct {
		values, size int // each value takes its length besides
		ok           bool
	}{{1024, 60, true}, {1025, 60, false}, {1024, 61, false}, {1, 65532, true}, {1, 65533, false}, {2, 32764, true},
		{2, 32765, false}} {
		le := binary.LittleEndian
		head := attributeHeader + 4*c.values
		b := make([]byte, head, head+8+c.size)
		le.PutUint16(b[4:], uint16(Octets))
		le.PutUint32(b[12:], uint32(c.values))
		le.PutUint32(b, uint32(head))
		for i := range c.values {
			le.PutUint32(b[attributeHeader+4*i:], uint32(head+4))
		}
		b = le.AppendUint32(append(b, 'a', 0, 0, 0), uint32(c.size))
		b = append(b, make([]byte, c.size)...)
		a, err := DecodeAttribute(b)
		if (err == nil) != c.ok || err == nil && a.Len() != c.values || err != nil && a.Len() != 0 {
			t.Errorf("%d values of %d bytes: %d, %v, want them read: %t", c.values, c.size, a.Len(), err, c.ok)
		}
	}
}

// TestParenthesesBesideOthers: what bounds the nesting counts the parentheses that are open, and none that were
// closed.
func TestParenthesesBesideOthers(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "a" + strings.Repeat(")", n) }
	for n := 1; n <= 4; n++ {
		for text, want := range map[string]bool{
			"(" + deep(maxDepth-1) + strings.Repeat(" && "+deep(maxDepth-1), n) + ")":      true,
			"(" + deep(maxDepth-1) + strings.Repeat(" || "+deep(maxDepth+1), n) + ")":      false,
			"(" + deep(1) + strings.Repeat(" || (!"+deep(maxDepth-2)+")", n) + ")":         true,
			"((Exists a) && " + deep(maxDepth-1) + strings.Repeat(" && (a == 1)", n) + ")": true,
		} {
			if _, _, err := ParseExpr(text, ParseOptions{}); (err == nil) != want {
				t.Errorf("%d beside: %.20s…: %v, want it read: %t", n, text, err, want)
			}
		}
	}
}
