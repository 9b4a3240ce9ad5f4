package strictyaml

import (
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/strict"
)

// The JSON of YAML data, and the lines of its values.
func TestYAMLConvertsToJSON(t *testing.T) {
	for yaml, want := range map[string]string{
		"a: 1\nb: [x, 'y', \"z\"]":    `{"a":1,"b":["x","y","z"]}`,
		"a:\nb: ~\nc: null":           `{"a":null,"b":null,"c":null}`,
		"a: true\nb: 'true'":          `{"a":true,"b":"true"}`,
		"a: '1'\nb: \"2\"\nc: |\n  3": `{"a":"1","b":"2","c":"3"}`, // text, not numbers
		"a: 0x10\nb: 010\nc: 1.5":     `{"a":"0x10","b":"010","c":1.5}`,
		"- 1\n- {x: -2}":              `[1,{"x":-2}]`,
		"---\na: |\n  text\n":         `{"a":"text"}`,
		`{"a":[1,{"b":null}]}`:        `{"a":[1,{"b":null}]}`,
		"\ufeffa: 1\r\nb: x\r\n":      `{"a":1,"b":"x"}`, // as editors of Windows write it
		"a: 1\na: 2":                  `{"a":1,"a":2}`,   // the reader of the JSON refuses it
	} {
		got, _, err := JSON([]byte(yaml))
		if err != nil || string(got) != want {
			t.Errorf("%q: %s, %v, want %s", yaml, got, err, want)
		}
	}
	text, marks, err := JSON([]byte("a: 1\n\nb:\n- x\n- 0x1\n- {}\n- []\n"))
	if err != nil {
		t.Fatal(err)
	}
	for part, line := range map[string]int{`"a"`: 1, `"b"`: 3, `"x"`: 4, `"0x1"`: 5, `{}`: 6, `[]`: 7} {
		if got := strict.LineOf(text, marks, strings.Index(string(text), part)); got != line {
			t.Errorf("%s is on line %d, want %d", part, got, line)
		}
	}
}

// deep are texts that a parser turns into much memory.
var deep = map[string]string{
	"aliases":  "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b]",
	"flow":     strings.Repeat("[", 200_000),
	"mappings": strings.Repeat("{a: ", 50_000),
	"lists":    strings.Repeat("- ", 100_000),
	"keys":     strings.Repeat("? ", 100_000),
	"names":    strings.Repeat("a: 1\n", 40_000),
	"mixed":    "a:\n" + strings.Repeat("- ", 40) + strings.Repeat("[", 40),
}

// JSON rejects forbidden and too deep input before it allocates much memory.
func TestForbiddenInputIsRejectedCheaply(t *testing.T) {
	for name, text := range deep {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := JSON([]byte(text))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1024*uint64(len(text))+1<<20 {
			t.Errorf("%s: %d bytes of memory for %d of text, want at most %d", name, n, len(text),
				1024*uint64(len(text))+1<<20)
		}
	}
	for text, want := range map[string]string{
		"a: &x 1\nb: *x":   "line 1: an anchor",
		"a: 1\nb:\n  *x ":  "line 3: an alias",
		"a: !!int 1":       "line 1: a tag",
		"<<: {a: 1}":       "line 1: a merge key",
		"%YAML 1.2\n---\n": "line 1: a directive",
		"a: 1\n---\nb: 1":  "line 2: a second document",
		"a: 1\n...\nb: 1":  "line 3: a second document",
		"a: [1":            "line 1: ",
		"":                 "want one document",
	} {
		if _, _, err := JSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzJSON checks that no input causes a panic, that memory is bounded, and that the result is JSON.
func FuzzJSON(f *testing.F) {
	for _, text := range deep {
		f.Add([]byte(text[:min(len(text), 400)]))
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? [a]\n: b"))
	f.Add([]byte("{}"))
	f.Add([]byte("a: |\n  b\n c: >-\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		out, marks, err := JSON(text)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Errorf("%q is not JSON", out)
		}
		if len(marks) == 0 || marks[0].Line < 1 || len(out) > 16*len(text)+64 {
			t.Errorf("%d bytes and %d marks of %d", len(out), len(marks), len(text))
		}
	})
}

// TestYAMLNumbersInOtherSpellingAreMarked checks that each name and each element has its line, and that a number whose
// JSON spelling differs is marked.
func TestYAMLNumbersInOtherSpellingAreMarked(t *testing.T) {
	const file = "a: 1\n\nb:\n  - x\n  - 0x1\n  - {}\n  - []\n  - true\n  - ~\n  - 2.5\ntrue : yes\n7 : 'no'\nc:\n" +
		"  d: |\n    text\n"
	const want = `{"a":1,"b":["x","0x1",{},[],true,null,2.5],"true":"yes","7":"no","c":{"d":"text"}}`
	text, marks, err := JSON([]byte(file))
	if err != nil || string(text) != want {
		t.Fatalf("%s, %v, want %s", text, err, want)
	}
	at := func(part string, line int, number bool) strict.Mark {
		return strict.Mark{Offset: strings.Index(want, part), Line: line, Number: number}
	}
	list := []strict.Mark{at(`{"a"`, 1, false), at(`"a"`, 1, false), at(`1,`, 1, false), at(`"b"`, 3, false),
		at(`["x"`, 4, false), at(`"x"`, 4, false), at(`"0x1"`, 5, true), at(`{}`, 6, false), at(`[]`, 7, false),
		at(`true,null`, 8, false), at(`null`, 9, false), at(`2.5`, 10, false), at(`"true"`, 11, false),
		at(`"yes"`, 11, false), at(`"7"`, 12, false), at(`"no"`, 12, false), at(`"c"`, 13, false), at(`{"d"`, 14, false),
		at(`"d"`, 14, false), at(`"text"`, 14, false)}
	if !slices.Equal(marks, list) {
		t.Errorf("got  %+v\nwant %+v", marks, list)
	}
	for i := range len(want) { // of a byte between two marks the line is that of the one before
		line := 1
		for _, m := range list {
			if m.Offset <= i {
				line = m.Line
			}
		}
		if got := strict.LineOf(text, marks, i); got != line {
			t.Errorf("byte %d, %q, is on line %d, want %d", i, want[i:], got, line)
		}
	}
}

// TestYAMLSyntaxErrorWrapsParserError checks that the parser's error is the cause of ours, which has its line.
func TestYAMLSyntaxErrorWrapsParserError(t *testing.T) {
	_, _, err := JSON([]byte("a: 1\nb: [1, 2\nc: 3\n"))
	var e *strict.Error
	if !errors.As(err, &e) || e.Line < 2 || e.Err == nil || errors.Unwrap(err) == nil {
		t.Errorf("%+v", err)
	}
}

// An error has its line and the reason.
func TestYAMLErrorsNameTheirLine(t *testing.T) {
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
		if !errors.As(err, &e) || e.Line != c.line || e.Offset != 0 || e.Problem == "" || !strings.Contains(e.Problem,
			c.why) ||
			strings.Contains(e.Problem, "\n") {
			t.Errorf("%q: %+v, want line %d: %s", c.text, err, c.line, c.why)
		}
	}
	_, _, err := JSON(make([]byte, MaxFile+1))
	if err == nil || err.Error() != "line 1: longer than 67108864 bytes of YAML: write it as JSON" {
		t.Errorf("a file that is too long: %v, want an error that names the limit", err)
	}
}

// Each name and each value has its line, and numbers that JSON cannot represent are marked.
func TestYAMLValuesKeepTheirLine(t *testing.T) {
	text, marks, err := JSON([]byte("# remark\na: x\nb: 0x1F\nc: true\nd: null\ne: 3\nf:\n  g: 0o17\n  h: [p,\n    q, " +
		"7]\n" +
		"i: {}\nj: |\n  long\nk:\n1: one\ntrue: yes\n~: none\n1.5: n\nl:\n-\n- z\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a":"x","b":"0x1F","c":true,"d":null,"e":3,"f":{"g":"0o17","h":["p","q",7]},"i":{},"j":"long","k":` +
		`null,` +
		`"1":"one","true":"yes","~":"none","1.5":"n","l":[null,"z"]}`
	if string(text) != want {
		t.Fatalf("got  %s\nwant %s", text, want)
	}
	for part, line := range map[string]int{`"a"`: 2, `"x"`: 2, `"0x1F"`: 3, "true,": 4, "null,": 5, "3,": 6, `"f"`: 7,
		`"g"`: 8, `"0o17"`: 8, `"h"`: 9, `"p"`: 9, `"q"`: 10, "7]": 10, "{},": 11, `"j"`: 12, `"k"`: 14, `"1"`: 15,
		`"one"`: 15, `"true"`: 16, `"~"`: 17, `"1.5"`: 18, `"l"`: 19, `"z"`: 21} {
		if got := strict.LineOf(text, marks, strings.Index(string(text), part)); got != line {
			t.Errorf("%s is on line %d, want %d", part, got, line)
		}
	}
	numbers := ""
	for i, m := range marks {
		if m.Number {
			numbers += string(text[m.Offset : m.Offset+6])
		}
		if i > 0 && m.Offset < marks[i-1].Offset {
			t.Errorf("mark %d has the smaller offset %d, want ascending offsets", i, m.Offset)
		}
	}
	if numbers != `"0x1F""0o17"` {
		t.Errorf(`marked as numbers: %s, want "0x1F""0o17"`, numbers)
	}
}
