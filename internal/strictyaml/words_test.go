package strictyaml

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/strict"
)

// Blocks and brackets may be nested up to the limit.
func TestYAMLNestingAbove64IsRejected(t *testing.T) {
	blocks := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		name string
		text func(n int) string
	}{
		{"lists in brackets", func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }},
		{"mappings in brackets", func(n int) string { return strings.Repeat("{a: ", n) + "1" + strings.Repeat("}", n) }},
		{"blocks", blocks},
		{"lists", func(n int) string { return strings.Repeat("- ", n) + "x\n" }},
		{"brackets in a block", func(n int) string { return "a: " + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) }},
		{"lists at the column of their names", func(n int) string {
			text := "a:\n"
			for i := range (n - 1) / 2 {
				text += strings.Repeat("  ", i) + "- a:\n"
			}
			return text + strings.Repeat("  ", (n-1)/2) + "- x\n"
		}},
		{"adjacent brackets", func(n int) string {
			return "- " + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "\n- {a: {}}\n- " + strings.Repeat("{a: ", n-1) +
				strings.Repeat("}", n-1) + "\n"
		}},
	} {
		if _, _, err := JSON([]byte(c.text(strict.MaxDepth))); err != nil {
			t.Errorf("%s: 64 deep: %v", c.name, err)
		}
		if _, _, err := JSON([]byte(c.text(strict.MaxDepth + 1))); err == nil ||
			!strings.Contains(err.Error(), "nested more than 64 deep") {
			t.Errorf("%s: 65 deep: %v", c.name, err)
		}
	}
	// Closed blocks do not count.
	wide := "a:\n" + strings.Repeat(" ", 99) + "b:\n" + strings.Repeat(" ", 100) + "c: 1\n"
	for _, text := range []string{strings.Repeat("- [[{a: []}]]\n", 200), blocks(strict.MaxDepth) + wide} {
		if _, _, err := JSON([]byte(text)); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// A mapping may have names up to the limit, at any position.
func TestNamesPerMappingAreLimited(t *testing.T) {
	for _, in := range []struct{ before, indent string }{{"", ""}, {"a:\n", "  "}} {
		var b strings.Builder
		b.WriteString(in.before)
		for i := range MaxNames {
			fmt.Fprintf(&b, "%sn%d: 1\n", in.indent, i)
		}
		if _, _, err := JSON([]byte(b.String())); err != nil {
			t.Errorf("%q, %d names: %v", in.before, MaxNames, err)
		}
		b.WriteString(in.indent + "more: 1\n")
		if _, _, err := JSON([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "more than 4096 names") {
			t.Errorf("%q, a name more: %v", in.before, err)
		}
	}
}
