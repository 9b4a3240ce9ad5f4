package authzen

import (
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestPropertyKindsReachConditions checks each kind of a property, in the file and in the request.
func TestPropertyKindsReachConditions(t *testing.T) {
	types, err := ReadTypes([]byte(`{"subjects":{"user":{"a":{"properties":{"level":3,"tags":["x","y"],"on":true}}}},
		"types":{"record":{"rights":["r"],"descriptor":"O:SYG:SYD:(XA;;${r};;;WD;(@User.level >= 3 && ` +
		`@User.tags Contains \"y\" && @User.on == 1 && @Resource.n == 7 && @Resource.list Any_of {\"b\"} && ok == 1))",
		"actions":{"do":{"rights":["r"]}},
		"request":{"resource":{"n":"integer","list":"strings"},"action":{"ok":"boolean"}}}}}`))
	check.NoError(t, err)
	many := make([]string, mostValues+1)
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	many[mostValues] = "b"
	for _, c := range []struct {
		action, resource string
		want             bool
	}{
		{`{"ok":true}`, `{"n":7,"list":["a","b"]}`, true},
		{`{"ok":false}`, `{"n":7,"list":["a","b"]}`, false},
		{`{"ok":1}`, `{"n":7,"list":["a","b"]}`, false},
		{`{"ok":true}`, `{"n":7.0,"list":["a","b"]}`, false},
		{`{"ok":true}`, `{"n":"7","list":["a","b"]}`, false},
		{`{"ok":true}`, `{"n":9223372036854775808,"list":["b"]}`, false},
		{`{"ok":true}`, `{"n":7,"list":["b","b"]}`, false},
		{`{"ok":true}`, `{"n":7,"list":"b"}`, false},
		{`{"ok":true}`, `{"n":7,"list":[]}`, false},
		{`{"ok":true}`, `{"n":7,"list":["b","` + strings.Repeat("x", longestValue) + `"]}`, true},
		{`{"ok":true}`, `{"n":7,"list":["b","` + strings.Repeat("x", longestValue+1) + `"]}`, false},
		{`{"ok":true}`, `{"n":7,"list":["` + strings.Join(many[1:], `","`) + `"]}`, true},
		{`{"ok":true}`, `{"n":7,"list":["` + strings.Join(many, `","`) + `"]}`, false},
		{`{}`, `{"n":7,"list":["a","b"]}`, false},
	} {
		if a := types.Decide(question(t, "a", "do", "any", "", c.action, c.resource), nil); a.Decision != c.want {
			t.Errorf("%s %.80s: %+v, want %v", c.action, c.resource, a, c.want)
		}
	}
}
