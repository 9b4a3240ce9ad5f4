package strictyaml

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/strict"
)

// TestMarksInFull: each name and each entry has its line, and a number that JSON writes otherwise is marked as one.
func TestMarksInFull(t *testing.T) {
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
			t.Errorf("byte %d, %q, stands on line %d, want %d", i, want[i:], got, line)
		}
	}
}

// TestCauseOfSyntaxErrors: an error of the parser is the cause of ours, which has its line.
func TestCauseOfSyntaxErrors(t *testing.T) {
	_, _, err := JSON([]byte("a: 1\nb: [1, 2\nc: 3\n"))
	var e *strict.Error
	if !errors.As(err, &e) || e.Line < 2 || e.Err == nil || errors.Unwrap(err) == nil {
		t.Errorf("%+v", err)
	}
}
