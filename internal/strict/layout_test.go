package strict

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Values are stored at the index of their names, the first error is returned, and values before it are kept.
func TestLayoutStoresValuesByName(t *testing.T) {
	names := Layout{"a", "d", "bC"} // not sorted
	for _, c := range []struct{ text, values, wrong string }{
		{`{}`, "||", ""}, {`{"d":1,"a":"x","bC":[2, {"y":3}]}`, `"x"|1|[2, {"y":3}]`, ""},
		{` { "a" : null } `, "null||", ""},
		{`{"a":1,"a":2,"d":3}`, "1|3|", `byte 7: field "a" occurs twice`},
		{`{"a":1,"bC":2,"bC":3,"a":4}`, "1||2", `byte 14: field "bC" occurs twice`},
		{`{"a":1,"x":2,"a":3}`, "1||", `byte 7: unknown field "x": known are a, bC, d`},
		{`{"a":1,"a":3,"x":2}`, "1||", `byte 7: field "a" occurs twice`},
		{`{"x":2,"y":1}`, "||", `byte 1: unknown field "x": known are a, bC, d`},
		{`{"d":2,"bc":1}`, "|2|", `byte 7: unknown field "bc": write it "bC"`},
		{`{"A":1}`, "||", `byte 1: unknown field "A": write it "a"`},
		{`{"x":2,`, "||", "byte 7: want a field name in quotes, found the end"},
		{`{"x":2`, "||", "byte 6: want ',' or '}', found the end"},
		{`{"x":01}`, "||", "byte 6: want ',' or '}', found '1'"}, {`{"a":1} x`, "1||",
			"byte 8: 'x' after the end of the value"},
		{`[]`, "||", "byte 0: want an object, found '['"}, {``, "||", "byte 0: want an object, found the end"},
		{`{"a"=1}`, "||", "byte 4: want ':' after the field name, found '='"},
		{`{"a":1 "d":2}`, "1||", `byte 7: want ',' or '}', found '"'`}, {`{a:1}`, "||",
			"byte 1: want a field name in quotes, found 'a'"}, {`{"a":}`, "||", "byte 5: want a value, found '}'"},
		{"{\"a\":\xff}", "||", "byte 5: want a value, found byte 0xff"},
		{"{\"a\":\uFFFD}", "||", "byte 5: want a value, found '\uFFFD'"},
		{`{"a":tru}`, "||", "byte 5: want a value, found 't'"}, {`{"a":fals}`, "||", "byte 5: want a value, found 'f'"},
		{`{"a":nul`, "||", "byte 5: want a value, found 'n'"},
		{`{"a":true,"bC":false,"d":null}`, "true|null|false", ""},
		{`{"a":{"a":1,"a":2}}`, `{"a":1,"a":2}||`, ""}, // names of inner objects are not checked here
		{`{"a":-x}`, "||", "byte 5: wrong number"}, {`{"a":1.x}`, "||", "byte 5: wrong number"},
		{`{"a":1e+}`, "||", "byte 5: wrong number"}, {`{"a":-0.5E-07}`, "-0.5E-07||", ""},
		{`{"a":"\q"}`, "||", "byte 6: wrong escape in a string"}, {`{"a":"` + "\x1f" + `"}`, "||", "byte 6: control " +
			"character 0x1f in a string: write it as an escape"}, {`{"a":"` + "\xc3" + `"}`, "||",
			"byte 6: byte 0xc3 is not UTF-8"},
		{`{"a":"b`, "||", "byte 5: string without an end"}, {`{"a":"` + "\x7f\uFFFD" + `"}`, `"` + "\x7f\uFFFD" + `"||`, ""},
	} {
		slots := make([][]byte, len(names))
		err := names.Scan(slots, []byte(c.text))
		var values []string
		for _, v := range slots {
			values = append(values, string(v))
		}
		check.That(t, (fmt.Sprint(err) == c.wrong || err == nil && c.wrong == "") &&
			strings.Join(values, "|") == c.values, "%q: %q, %v, want %q, %s", c.text, values, err, c.values, c.wrong)
	}
}

// TestNestingDepthIsLimited checks the depth limit for lists, objects and mixtures of both, at the top level and within
// other values.
func TestNestingDepthIsLimited(t *testing.T) {
	for _, part := range []struct {
		open, close string
		depth       int
	}{{"[", "]", 1}, {`{"a":`, "}", 1}, {`[{"a":`, "}]", 2}, {`[1,[`, "],2]", 2}} {
		for _, around := range []int{0, 2} {
			n := (MaxDepth - around) / part.depth
			inner := strings.Repeat(part.open, n) + "1" + strings.Repeat(part.close, n)
			if s := (Scanner{Bytes: []byte(inner)}); string(s.Value(around)) != inner {
				t.Errorf("%d of %q within %d: %v", n, part.open, around, s.Err)
			}
			s := Scanner{Bytes: []byte("[" + inner + "]")}
			check.That(t, s.Value(around) == nil && s.Err != nil && strings.Contains(s.Err.Error(), "nested more than 64 deep"),
				"one more than %d of %q within %d: %v", n, part.open, around, s.Err)
		}
	}
	s := Scanner{Bytes: []byte(`[7]`)}
	s.Failf(1, "first %d", 1)
	s.Failf(2, "second")
	if v := s.Value(0); v != nil || s.Pos != 0 || s.Err.Error() != "byte 1: first 1" {
		t.Errorf(`after an error: %q at %d, %v, want nil, 0, "byte 1: first 1"`, v, s.Pos, s.Err)
	}
}

// TestOnlyJSONEscapesAreAccepted checks that each short escape is accepted at the end of a string, and that each other
// letter is rejected.
func TestOnlyJSONEscapesAreAccepted(t *testing.T) {
	const taken = `"\/bfnrt`
	const means = "\"\\/\b\f\n\r\t"
	for c := range byte(128) {
		text := `"a\` + string(rune(c)) + `"`
		at := strings.IndexByte(taken, c)
		if c == 'u' {
			continue
		}
		if got := valid(text); got != (at >= 0) {
			t.Errorf("%q: taken %t, want %t", text, got, at >= 0)
		}
		if got, ok := Unquote(nil, []byte(text)); at >= 0 && (!ok || string(got) != "a"+means[at:at+1]) {
			t.Errorf("%q: %q", text, got)
		}
	}
	for c := range byte(128) {
		want := string(rune(c))
		if got, ok := Unquote(nil, AppendString(nil, want+"é")); !ok || string(got) != want+"é" ||
			!valid(string(AppendString(nil, want))) {
			t.Errorf("%q is written as %s", want, AppendString(nil, want))
		}
	}
	check.Equal(t, string(AppendString([]byte("x"), "\x7f\x1fé\xff")), `x"\u007f\u001fé`+"\uFFFD\"", "written as")
	for _, raw := range []string{"", `"`, `x"`} {
		if got, ok := Unquote(nil, []byte(raw)); ok || got != nil {
			t.Errorf("%q: %q, %t, want nil, false", raw, got, ok)
		}
	}
	if got, _ := Unquote([]byte("old"), []byte(`"n\u0065w"`)); string(got) != "new" {
		t.Errorf(`Unquote into a used buffer = %q, want "new"`, got)
	}
}

type embedded struct{ N int }

// A struct has the field names of encoding/json, each with the type of its own field.
func TestFieldsMatchEncodingJSON(t *testing.T) {
	type named struct{ embedded }
	type all struct {
		embedded
		Named named `json:"named"`
		Gone  int   `json:"-"`
		*strings.Reader
		Tagged embedded            `json:"tagged,omitempty"`
		Own    map[string]embedded `json:",omitempty"`
	}
	names, types := fieldsOf(reflect.TypeFor[all](), nil, nil)
	want := []string{"N", "named", "Reader", "tagged", "Own"}
	kinds := []reflect.Type{reflect.TypeFor[int](), reflect.TypeFor[named](), reflect.TypeFor[*strings.Reader](),
		reflect.TypeFor[embedded](), reflect.TypeFor[map[string]embedded]()}
	check.That(t, reflect.DeepEqual(names, want) && reflect.DeepEqual(types, kinds),
		"%v %v, want %v, %v", names, types, want, kinds)
}

// A map's values are parsed by its type, and any keys are accepted.
func TestUnmarshalChecksMapValues(t *testing.T) {
	var m map[string]map[string]inner
	if err := Unmarshal([]byte(`{"N":{"n":{"n":1}},"n":{}}`), &m); err != nil || m["N"]["n"].N != 1 || len(m) != 2 {
		t.Errorf(`%v, %v, want two members, of which N has n with the number 1, and no error`, m, err)
	}
	var e *Error
	for text, want := range map[string]string{`{"a":{"b":{"N":1}}}`: "byte 11: a.b.N: unknown field, write it n",
		`{"a":{"b":{"n":1},"b":{"n":2}}}`: "byte 18: a.b: given twice", `{"a":[}`: "byte 6: a[0]: want a value, found '}'"} {
		if err := Unmarshal([]byte(text), &m); !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestQuotedNumberIsAcceptedAsText checks that a quoted number is accepted as text, and no other scalar.
func TestQuotedNumberIsAcceptedAsText(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`"7"`, "7"}, {`7`, "7"}, {`true`, "byte 0: want a number"}, {`"\u0037"`, "7"},
		{`"` + strings.Repeat("9", 70) + `"`, `byte 0: "` + strings.Repeat("9", 60) +
			`…": want a number of at most 8 bits, ` + `such as 999 or "0x3e7"`},
	} {
		r := Reader{Scanner: Scanner{Bytes: []byte(c.text)}}
		n, err := r.Unsigned(8)
		if got := fmt.Sprint(n); err == nil && got != c.want || err != nil && err.Error() != c.want {
			t.Errorf("%s: %d, %v, want %s", c.text, n, err, c.want)
		}
	}
	r := Reader{Scanner: Scanner{Bytes: []byte(` null true false tru`)}}
	check.That(t, r.Null() && r.Pos == 5 && !r.Word("false") && r.Pos == 6, "at %d", r.Pos)
	for _, want := range []bool{true, false} {
		if v, err := r.Boolean(); err != nil || v != want {
			t.Errorf("%t, %v, want %t, nil", v, err, want)
		}
	}
	if _, err := r.Boolean(); err == nil || r.Pos != 17 {
		t.Errorf("at %d: %v, want 17, an error", r.Pos, err)
	}
}
