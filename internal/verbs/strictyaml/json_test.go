package strictyaml

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/strict"
)

// TestJSON: what data looks like as JSON, and on which lines its values stand.
func TestJSON(t *testing.T) {
	for yaml, want := range map[string]string{
		"a: 1\nb: [x, 'y', \"z\"]": `{"a":1,"b":["x","y","z"]}`,
		"a:\nb: ~\nc: null":        `{"a":null,"b":null,"c":null}`,
		"a: true\nb: 'true'":       `{"a":true,"b":"true"}`,
		"a: 0x10\nb: 010\nc: 1.5":  `{"a":"0x10","b":"010","c":1.5}`,
		"- 1\n- {x: -2}":           `[1,{"x":-2}]`,
		"---\na: |\n  text\n":      `{"a":"text"}`,
		`{"a":[1,{"b":null}]}`:     `{"a":[1,{"b":null}]}`,
		"a: 1\na: 2":               `{"a":1,"a":2}`, // the reader of the JSON refuses it
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
			t.Errorf("%s stands on line %d, want %d", part, got, line)
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

// TestRefused: what must not reach the parser costs little.
func TestRefused(t *testing.T) {
	for name, text := range deep {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := JSON([]byte(text))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1024*uint64(len(text))+1<<20 {
			t.Errorf("%s: %d bytes of memory for %d of text", name, n, len(text))
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

// FuzzJSON: no panic, bounded memory, and what comes out is JSON.
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
			t.Errorf("%q is no JSON", out)
		}
		if len(marks) == 0 || marks[0].Line < 1 || len(out) > 16*len(text)+64 {
			t.Errorf("%d bytes and %d marks of %d", len(out), len(marks), len(text))
		}
	})
}
