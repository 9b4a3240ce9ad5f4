package authzen

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestInvalidTypesFileNamesKey checks that each mistake in a file is an error that names its key (Z-14).
func TestInvalidTypesFileNamesKey(t *testing.T) {
	const plain = `{"types":{"t":{"rights":["r"],"descriptor":"O:SYG:SYD:",`
	const rest = `,"actions":{"do":{"rights":["r"]}}}}}`
	for _, c := range []struct{ file, want string }{
		{"groups: [a]\ntypos: {}", "line 2: typos"},
		{`{"groups":["a","a"]}`, "groups"},
		{`{"groups":[""]}`, "groups"},
		{`{"subjects":{"a":{"b c":{}},"a b":{"c":{}}}}`, "subjects.a b.c"},
		{`{"groups":["a b"]}`, "groups"},
		{`{"subjects":{"user":{"a":{"groups":["g"]}}}}`, "subjects.user.a: groups"},
		{`{"subjects":{"user":{"a":{},"b":{"groups":["user a"]}}}}`, "subjects.user.b: groups"},
		{`{"subjects":{"user":{"a":{"properties":{"p":{}}}}}}`, "properties.p"},
		{`{"subjects":{"user":{"a":{"properties":{"p":1.5}}}}}`, "properties.p"},
		{`{"subjects":{"user":{"a":{"properties":{"p":1,"P":2}}}}}`, "properties.p: occurs twice"},
		{`{"subjects":{"user":{"a":{"properties":{"p":["x","x"]}}}}}`, "twice"},
		{`{"ask":{"descriptor":"O:SYG:SYD:","rate":0}}`, "ask.rate"},
		{`{"ask":{"descriptor":"O:SYG:SYD:(A;;1;;;${who})","rate":1}}`, "ask.descriptor"},
		{`{"ask":{"descriptor":"O:SYG:SY","rate":1}}`, "a DACL"},
		{`{"types":{"t":{"descriptor":"O:SYG:SYD:"}}}`, "types.t.rights"},
		{`{"types":{"t":{"rights":["r","r"],"descriptor":"O:SYG:SYD:"}}}`, "twice"},
		{`{"types":{"t":{"rights":[""],"descriptor":"O:SYG:SYD:"}}}`, "empty"},
		{`{"types":{"t":{"rights":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"]}}}`, "1 to 16"},
		{`{"types":{"t":{"rights":["r"],"descriptor":"D:(A;;${r};;;WD)"` + rest, "an owner"},
		{`{"types":{"t":{"rights":["r"],"descriptor":"O:SYG:SY"` + rest, "a DACL"},
		{`{"types":{"t":{"rights":["r"],"descriptor":"O:SYG:SYD:NO_ACCESS_CONTROL"` + rest, "a DACL"},
		{`{"types":{"t":{"rights":["r"],"descriptor":"O:SYG:SYD:(A;;${w};;;WD)(A;;${r};;;WD)"` + rest,
			"${w} is neither"},
		{`{"groups":["g"],"types":{"t":{"rights":["r"],"descriptor":"O:SYG:SYD:(A;;${w};;;${g})"` + rest,
			"${w} is neither"},
		{`{"types":{"t":{"rights":["r"],"descriptor":"O:SYG:SYD:(A;;x;;;WD)"` + rest, "types.t.descriptor"},
		{`{"ask":{"descriptor":"O:SYG:SYD:(A;;0x100000000;;;WD)","rate":1}}`, "at most 32 bits"}, // a digit too many (S-80)
		{plain + `"actions":{"do":{"rights":[]}}}}}`, "actions.do.rights"},
		{plain + `"actions":{"do":{"rights":["w"]}}}}}`, "actions.do.rights"},
		{plain + `"actions":{"do":{"rights":["r"],"properties":{"p":{"v":["w"]}}}}}}}`, "properties.p.v"},
		// The error names the first of several wrong keys.
		{plain + `"actions":{"d":{},"c":{},"a":{},"b":{},"e":{}}}}}`, "actions.a.rights"},
		{plain + `"actions":{"do":{"rights":["r"],"properties":{"q":{"v":["w"]},"p":{"z":["w"],"y":["w"],"v":["w"],` +
			`"x":["w"]}}}}}}}`, "properties.p.v"},
		{plain + `"objects":{"4":{"p":null},"3":{"p":null},"1":{"p":null},"2":{"p":null}}` + rest, "objects.1"},
		{plain + `"owner":{"property":"o"}` + rest, "owner"},
		{plain + `"owner":{"type":"o"}` + rest, "owner"},
		{plain + `"request":{"action":{"":"string"}}` + rest, "request.action."},
		{plain + `"request":{"x":{}}` + rest, "request.x"},
		{plain + `"request":{"action":{"p":"text"}}` + rest, "request.action.p"},
		{plain + `"request":{"action":{"p":"string"},"context":{"P":"string"}}` + rest, "twice"},
		{plain + `"request":{"subject":{"p":"string","P":"string"}}` + rest, "twice"},
		{plain + `"request":{"resource":{"p":"string","P":"string"}}` + rest, "twice"},
	} {
		if _, err := ReadTypes([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.file, err, c.want)
		}
	}
	const most = `{"types":{"t":{"rights":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","r"],` +
		`"descriptor":"O:SYG:SYD:"` + rest
	types, err := ReadTypes([]byte(most))
	check.RequireThat(t, err == nil, "16 rights: %v, want no error", err)
	check.That(t, types.Declares("t") && !types.Declares("u"), "declared are t %t, u %t", types.Declares("t"),
		types.Declares("u"))
}
