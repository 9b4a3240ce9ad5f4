package strictyaml

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/strict"
)

// TestLinesOfErrors: what is refused says on which line and why.
func TestLinesOfErrors(t *testing.T) {
	for _, c := range []struct {
		text, why string
		line      int
	}{
		{"", "want one document", 1}, {"# only a remark\n", "want one document", 1},
		{"a: 1\n\nb: &x 2\n", `an anchor (&) is not read: write the value out`, 3},
		{"a:\n- *x\n", `an alias (*) is not read: write the value out`, 2},
		{"a: 1\nb: !!str 2\n", `a tag (!!str) is not read: write the value out`, 2},
		{"a:\n  <<: {b: 1}\n", `a merge key (<<) is not read: write the value out`, 2},
		{"%YAML 1.2\n---\na: 1\n", `a directive (%) is not read: write the value out`, 1},
		{"# remark\n---\na: 1\n---\nb: 2\n", "a second document begins: want one", 4},
		{"---\n---\n", "a second document begins: want one", 2}, {"a: 1\n...\n", "", 0}, {"a: 1\n...\n# remark\n", "", 0},
		{"a: 1\n...\nb: 2\n", "a second document begins: want one", 3},
		{"a: 1\nb:\n\t- x\n", "", 3}, {"a:\n  - [1, 2\n", "", 2}, {"a: 'x\n", "", 1},
		{"a: .inf\n", "want text or a number: Infinity is not read", 1},
		{"a: 1\nb: .nan\n", "want text or a number: Nan is not read", 2},
	} {
		_, _, err := JSON([]byte(c.text))
		var e *strict.Error
		if c.line == 0 {
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		if !errors.As(err, &e) || e.Line != c.line || e.Offset != 0 || e.Problem == "" || !strings.Contains(e.Problem, c.why) ||
			strings.Contains(e.Problem, "\n") {
			t.Errorf("%q: %+v, want line %d: %s", c.text, err, c.line, c.why)
		}
	}
	_, _, err := JSON(make([]byte, MaxFile+1))
	if err == nil || err.Error() != "line 1: longer than 67108864 bytes of YAML: write it as JSON" {
		t.Errorf("a file that is too long: %v", err)
	}
}

// TestLinesOfValues: each name and each value stands on its own line, and numbers that JSON has no form for are marked.
func TestLinesOfValues(t *testing.T) {
	text, marks, err := JSON([]byte("# remark\na: x\nb: 0x1F\nc: true\nd: null\ne: 3\nf:\n  g: 0o17\n  h: [p,\n    q, 7]\n" +
		"i: {}\nj: |\n  long\nk:\n1: one\ntrue: yes\n~: none\n1.5: n\nl:\n-\n- z\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a":"x","b":"0x1F","c":true,"d":null,"e":3,"f":{"g":"0o17","h":["p","q",7]},"i":{},"j":"long","k":null,` +
		`"1":"one","true":"yes","~":"none","1.5":"n","l":[null,"z"]}`
	if string(text) != want {
		t.Fatalf("got  %s\nwant %s", text, want)
	}
	for part, line := range map[string]int{`"a"`: 2, `"x"`: 2, `"0x1F"`: 3, "true,": 4, "null,": 5, "3,": 6, `"f"`: 7,
		`"g"`: 8, `"0o17"`: 8, `"h"`: 9, `"p"`: 9, `"q"`: 10, "7]": 10, "{},": 11, `"j"`: 12, `"k"`: 14, `"1"`: 15,
		`"one"`: 15, `"true"`: 16, `"~"`: 17, `"1.5"`: 18, `"l"`: 19, `"z"`: 21} {
		if got := strict.LineOf(text, marks, strings.Index(string(text), part)); got != line {
			t.Errorf("%s stands on line %d, want %d", part, got, line)
		}
	}
	numbers := ""
	for i, m := range marks {
		if m.Number {
			numbers += string(text[m.Offset : m.Offset+6])
		}
		if i > 0 && m.Offset < marks[i-1].Offset {
			t.Errorf("mark %d goes back to %d", i, m.Offset)
		}
	}
	if numbers != `"0x1F""0o17"` {
		t.Errorf("marked as numbers: %s", numbers)
	}
}

// TestNesting: blocks and brackets may stand so deep in each other, and no deeper.
func TestNesting(t *testing.T) {
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
		{"brackets beside each other", func(n int) string {
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
	// What has ended is not counted.
	if _, _, err := JSON([]byte(strings.Repeat("- [[{a: []}]]\n", 200) + blocks(0))); err != nil {
		t.Errorf("200 lists beside each other: %v", err)
	}
}
