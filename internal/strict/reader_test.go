package strict

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Each method accepts its kind of value, and reports anything else with the position and the expected kind.
func TestReaderRejectsOtherKinds(t *testing.T) {
	number := func(size int) func(*Reader) (any, error) {
		return func(r *Reader) (any, error) { return r.Unsigned(size) }
	}
	list := func(r *Reader) (any, error) {
		sum := ""
		err := r.Array(2, func(i int) error {
			s, err := r.Text()
			sum += fmt.Sprint(i, s)
			return err
		})
		return sum, err
	}
	object := func(r *Reader) (any, error) {
		sum := ""
		err := r.Object([]string{"a", "bC"}, func(i int) error {
			s, err := r.Text()
			sum += fmt.Sprint(i, s)
			return err
		})
		return sum, err
	}
	keys := func(r *Reader) (any, error) {
		sum := ""
		err := r.Map(func(key string) error {
			s, err := r.Text()
			sum += key + "=" + s + ";"
			return err
		})
		return sum, err
	}
	text := func(r *Reader) (any, error) { return r.Text() }
	scalar := func(r *Reader) (any, error) { return r.Scalar() }
	whole := func(r *Reader) (any, error) { return r.Number() }
	boolean := func(r *Reader) (any, error) { return r.Boolean() }
	raw := func(r *Reader) (any, error) { b, err := r.Raw(); return string(b), err }
	null := func(r *Reader) (any, error) { return r.Null(), nil }
	deep := strings.Repeat(`{"a":`, MaxDepth)
	for _, c := range []struct {
		read func(*Reader) (any, error)
		text string
		want any // the value, or the error
		bad  bool
	}{
		{text, ` "a\u0062"`, "ab", false}, {text, `7`, "byte 0: want a string", true},
		{text, `"a`, "byte 0: string without an end", true},
		{scalar, `"x"`, "x", false}, {scalar, `12.5`, "12.5", false}, {scalar, `true`, "true", false},
		{scalar, `null`, "byte 0: want text", true}, {scalar, `[]`, "byte 0: want text", true},
		{scalar, `{}`, "byte 0: want text", true}, {scalar, `-`, "byte 0: wrong number", true},
		{scalar, `~`, "byte 0: ", true},
		{whole, `-12`, "-12", false}, {whole, `0`, "0", false}, {whole, `9`, "9", false},
		{whole, `"1"`, "byte 0: want a number", true}, {whole, `+1`, "byte 0: want a number", true},
		{whole, `1.0`, "byte 0: want a whole number without exponent", true},
		{whole, `1e1`, "byte 0: want a whole number without exponent", true},
		{whole, `1E1`, "byte 0: want a whole number without exponent", true}, {whole, `-x`, "byte 0: wrong number", true},
		{number(8), `255`, uint64(255), false}, {number(8), `"0xff"`, uint64(255), false},
		{number(8), `"0XFF"`, uint64(255), false},
		{number(8), `"017"`, `byte 0: "017": want a number`, true},
		{number(8), `"0b1"`, `byte 0: "0b1": want a number`, true},
		{number(8), `"1_0"`, `byte 0: "1_0": want a number`, true}, {number(8), `"0"`, uint64(0), false},
		{number(64), `18446744073709551615`, uint64(1<<64 - 1), false},
		{number(8), `256`, `byte 0: "256": want a number of at most 8 bits, such as 999 or "0x3e7"`, true},
		{number(8), `"0x100"`, `byte 0: "0x100": want a number of at most 8 bits`, true},
		{number(8), `-1`, `byte 0: "-1": want`, true}, {number(8), ` "x"`, `byte 1: "x": want`, true},
		{number(8), `true`, "byte 0: want a number", true}, {number(8), `"`, "byte 0: string without an end", true},
		{boolean, `true`, true, false}, {boolean, `false`, false, false},
		{boolean, `1`, "byte 0: want true or false", true},
		{null, ` null`, true, false}, {null, `nul`, false, false},
		{list, `[]`, "", false}, {list, `["a","b"]`, "0a1b", false},
		{list, `["a","b","c"]`, "byte 9: want at most 2 entries", true}, {list, `{}`, "byte 0: want an array", true},
		{list, `["a",7]`, "byte 5: [1]: want a string", true}, {list, `["a" "b"]`, "byte 5: ", true},
		{object, `{"bC":"x","a":"y"}`, "1x0y", false}, {object, `{}`, "", false},
		{object, `[]`, "byte 0: want an object", true},
		{object, `{"a":"x","a":"y"}`, "byte 9: a: given twice", true},
		{object, `{"A":"x"}`, "byte 1: A: unknown field, write it a", true},
		{object, `{"bc":"x"}`, "byte 1: bc: unknown field, write it bC", true},
		{object, `{"c":"x"}`, "byte 1: c: unknown field, want one of a, bC", true},
		{object, `{"a":7}`, "byte 5: a: want a string", true},
		{keys, `{"x":"1","\u0079":"2"}`, "x=1;y=2;", false},
		{keys, `{"x":"1","\u0078":"2"}`, "byte 9: x: given twice", true},
		{keys, `[]`, "byte 0: want an object", true}, {keys, `{"x":1}`, "byte 5: x: want a string", true},
		{raw, ` {"a":[1,{"b":null}],"c":"d"}`, `{"a":[1,{"b":null}],"c":"d"}`, false}, {raw, `[1, 2]`, `[1, 2]`, false},
		{raw, `7`, "7", false}, {raw, `[{"a":1,"a":2}]`, "byte 8: [0].a: given twice", true},
		{raw, deep + "1" + strings.Repeat("}", MaxDepth), deep + "1" + strings.Repeat("}", MaxDepth), false},
		{raw, deep + `{"a":1}` + strings.Repeat("}", MaxDepth), "nested more than 64 deep", true},
		{raw, strings.Repeat("[", MaxDepth+1), "nested more than 64 deep", true},
		{raw, `[[1],[[2]],[[[3]]]]`, `[[1],[[2]],[[[3]]]]`, false},
	} {
		r := &Reader{Scanner: Scanner{Bytes: []byte(c.text)}}
		got, err := c.read(r)
		if c.bad {
			check.That(t, err != nil && strings.Contains(err.Error(), c.want.(string)),
				"%.40s: %v, %v, want %s", c.text, got, err, c.want)
		} else if err != nil || got != c.want {
			t.Errorf("%.40s: %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

// Finished lists and objects no longer count towards the depth.
func TestFinishedValuesDoNotCountTowardsDepth(t *testing.T) {
	r := &Reader{Scanner: Scanner{Bytes: []byte(strings.Repeat(`[{"a":{}}]`, 2*MaxDepth))}}
	for range 2 * MaxDepth {
		check.NoError(t, check.Err(r.Raw()))
		if err := r.Object([]string{"a"}, nil); err == nil && r.Pos < len(r.Bytes) {
			t.Fatal("an object was read where none is")
		}
	}
	if err := r.Done(); err != nil {
		t.Error(err)
	}
	for text, read := range map[string]func(*Reader) error{
		`{"a":1}`: func(r *Reader) error { return r.Object([]string{"a"}, func(int) error { return check.Err(r.Raw()) }) },
		`{"b":1}`: func(r *Reader) error { return r.Map(func(string) error { return check.Err(r.Raw()) }) },
		`[1]`:     func(r *Reader) error { return r.Array(-1, func(int) error { return check.Err(r.Raw()) }) },
	} {
		r := &Reader{Scanner: Scanner{Bytes: []byte(strings.Repeat(text, MaxDepth+1))}}
		for range MaxDepth + 1 {
			check.NoError(t, read(r))
		}
		check.NoError(t, r.Done())
	}
	r = &Reader{Scanner: Scanner{Bytes: []byte(` 7 8`)}}
	check.NoError(t, check.Err(r.Raw()))
	if err := r.Done(); err == nil || err.Error() != "byte 3: something follows the object" {
		t.Errorf("%v", err)
	}
}

// An error quotes at most 60 bytes and never half of a character.
func TestClipQuotesAtMost60Bytes(t *testing.T) {
	for text, want := range map[string]string{
		"": "", strings.Repeat("x", 60): strings.Repeat("x", 60), strings.Repeat("x", 61): strings.Repeat("x", 60) + "…",
		strings.Repeat("x", 58) + "€": strings.Repeat("x", 58) + "…", strings.Repeat("x", 57) + "€y": strings.Repeat("x",
			57) + "€…", strings.Repeat("x", 59) + "€": strings.Repeat("x", 59) + "…",
		strings.Repeat("\x80", 61): "…", // continuation bytes only
	} {
		check.Equal(t, Clip([]byte(text)), want, "%q", text)
		check.Equal(t, Clip(text), want, "%q as a string", text)
	}
}

// Only JSON's number syntax is accepted.
func TestIsNumberAcceptsOnlyJSONSyntax(t *testing.T) {
	for text, want := range map[string]bool{"": false, "0": true, "-0": true, "9": true, "12.5e-7": true, "-": false,
		"01": false, "+1": false, "1 ": true, "1x": false, "x": false, ".5": false, "/": false, ":": false} {
		check.Equal(t, IsNumber(text), want, "%q", text)
	}
}

// An error has the path from the outside in, and the line of its source.
func TestErrorsHavePathAndLine(t *testing.T) {
	e := func() error { return &Error{Offset: 9, Problem: "p"} }
	other := errors.New("other")
	marks := []Mark{{Offset: 2, Line: 3}, {Offset: 7, Line: 5}, {Offset: 12, Line: 9}}
	text := []byte("a\nb\nc\nd\ne\nf")
	for _, c := range []struct {
		err  error
		want string
	}{
		{e(), "byte 9: p"}, {Within("a", e()), "byte 9: a: p"}, {Within("a", Within("b", e())), "byte 9: a.b: p"},
		{Within("a", Within("[1]", e())), "byte 9: a[1]: p"}, {Within("a", other), "other"},
		{Locate(text, nil, Within("a", e())), "line 5: a: p"}, {Locate(text, marks, e()), "line 5: p"},
		{Locate(text, nil, &Error{Offset: 99, Problem: "p"}), "line 6: p"},
		{Locate(text, nil, &Error{Offset: -1, Problem: "p"}), "line 1: p"},
		{Locate(text, marks, &Error{Offset: 1, Problem: "p"}), "line 3: p"},
		{Locate(text, marks, &Error{Offset: 12, Problem: "p"}), "line 9: p"},
		{Locate(text, marks, &Error{Offset: 9, Line: 2, Problem: "p"}), "line 2: p"}, {Locate(text, nil, other), "other"},
	} {
		check.That(t, c.err.Error() == c.want, "got %q, want %q", c.err, c.want)
	}
}
