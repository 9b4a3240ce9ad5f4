package token_test

import (
	"strings"
	"testing"
)

// Parse accepts a claim whose values come before its type.
func TestParseAcceptsValuesBeforeType(t *testing.T) {
	for typ, values := range map[string]string{"int64": "[-1,2]", "uint64": "[1,18446744073709551615]",
		"boolean": "[true,false]", "string": `["t","f"]`, "sid": `["SY","WD"]`, "octets": `["00ff"]`} {
		text := func(members string) string { return `{"user":"SY","userClaims":[{"name":"a",` + members + `}]}` }
		want, err := parse(t, text(`"type":"`+typ+`","values":`+values)).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(t, text(`"values":`+values+`,"type":"`+typ+`"`)).MarshalJSON()
		if err != nil || string(got) != string(want) || !strings.Contains(string(got), typ) {
			t.Errorf("Parse of %s before its type: %s, %v; want %s", values, got, err, want)
		}
	}
}
