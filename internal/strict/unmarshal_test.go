package strict

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

type inner struct {
	N int `json:"n"`
}

type outer struct {
	inner
	Name  string           `json:"name,omitempty"`
	List  []inner          `json:"list"`
	Map   map[string]inner `json:"map"`
	Raw   json.RawMessage  `json:"raw"`
	Any   map[string]any   `json:"any"`
	Ptr   *inner           `json:"ptr"`
	Arr   [2]inner         `json:"arr"`
	Plain string
	Bits  []byte          `json:"bits"`
	Ports map[uint16]bool `json:"ports"`
	Part  float64         `json:"part"`
	none  string          //nolint:unused // unexported, so no name in a file sets it
}

// Each name is one of the type's, in its case and without duplicates, at every depth that the type declares.
func TestUnmarshalRejectsUnknownAndRepeatedNames(t *testing.T) {
	good := `{"n":1,"name":"a","list":[{"n":2}],"map":{"K":{"n":3},"k":{"n":4}},"raw":{"X":1,"x":2},"any":{"N":1},` +
		`"ptr":{"n":5},"Plain":"p"}`
	var got, want outer
	check.NoError(t, Unmarshal([]byte(good), &got))
	if err := json.Unmarshal([]byte(good), &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v, %v", got, want, err)
	}
	for text, part := range map[string]string{
		`{"name":"a","name":"b"}`:                    "name: given twice",
		`{"Name":"a"}`:                               "Name: unknown field, write it name",
		`{"list":[{"n":1},{"N":1}]}`:                 "list[1].N: unknown field, write it n",
		`{"arr":[{"n":1},{"N":1}]}`:                  "arr[1].N: unknown field, write it n",
		`{"map":{"k":{"n":1,"n":2}}}`:                "map.k.n: given twice",
		`{"map":{"k":{},"k":{}}}`:                    "map.k: given twice",
		`{"raw":{"a":[{"x":1,"x":2}]}}`:              "raw.a[0].x: given twice",
		`{"any":{"a":1,"\u0061":2}}`:                 "any.a: given twice",
		`{"none":"x"}`:                               "none: unknown field",
		`{"ptr":{"m":1}}`:                            "ptr.m: unknown field",
		`{} {}`:                                      "something follows",
		`{"raw":` + strings.Repeat("[", 200_000):     "nested more than 64 deep",
		`{"raw":` + strings.Repeat(`{"a":`, 200_000): "nested more than 64 deep",
		`{"n":"x"}`:                                  `byte 5: n: want a whole number in decimal digits, of at most `,
		`{"n":1.5}`:                                  " bits, found 1.5",
		`{"name":1}`:                                 "byte 8: name: want a string, found 1",
		`{"list":{}}`:                                "list: want an array, found {}",
		`{"list":[{},{"n":[]}]}`:                     "byte 17: list[1].n: want a whole number",
		`{"map":{"k":true}}`:                         "map.k: want an object, found true",
		`{"arr":"x"}`:                                `arr: want an array, found "x"`,
		`{"bits":"x"}`:                               `bits: want a string in base64, found "x"`,
		`{"ports":{"1":true,"x":true}}`:              "ports.x: want a whole number in decimal digits as the name",
		`{"ports":{"7":true,"07":true}}`:             "ports.07: want the number without leading zeros",
		`{"ports":{"-0":true}}`:                      "ports.-0: want the number without leading zeros",
		`{"ports":{"1": "yes"}}`:                     `byte 15: ports.1: want true or false, found "yes"`,
		`{"part":[]}`:                                "part: want a number, found []",
		`7`:                                          "byte 0: want an object, found 7",
		"{\"raw\":\"\xff\"}":                         "UTF-8",
	} {
		if err := Unmarshal([]byte(text), new(outer)); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%.60q: %v, want %s", text, err, part)
		}
	}
}

// FuzzUnmarshal checks that encoding/json accepts all accepted input, with the same value.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"n":1,"list":[{"n":2}],"raw":{"X":1}}`))
	f.Add([]byte(`{"any":{"a":[1,{"b":null}]},"ptr":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, want outer
		if Unmarshal(text, &got) != nil {
			return
		}
		if err := json.Unmarshal(text, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, encoding/json %+v, %v, want %+v, nil", got, want, err, want)
		}
	})
}
