package bulk_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
)

// TestControlCharactersAreReplaced checks that tables, CSV and a report's page contain no terminal control or text
// direction characters from paths, names or causes.
func TestControlCharactersAreReplaced(t *testing.T) {
	const bad = "a\\u202eb\\u001b[2J\\u0007\\u2066c\\u200f"
	dir := check.Must(dirfile.Read([]byte(`{"domain":"S-1-5-21-1-2-3",` +
		`"groups":[{"name":"g` + bad + `","sid":"S-1-5-21-1-2-3-2000"}],` +
		`"users":[{"name":"u` + bad + `","sid":"S-1-5-21-1-2-3-1107","memberOf":["S-1-5-21-1-2-3-2000"]}]}`)))
	row := func(aces string) string {
		return `{"path":"/p` + bad + `","sd":"O:BAG:BAD:` + aces + `"}` + "\n" +
			`{"path":"/q` + bad + `","sd":"` + bad + `"}` + "\n"
	}
	before, after := row("(A;;FR;;;SY)"), row("(A;;FA;;;S-1-5-21-1-2-3-2000)")
	outputs := map[string]string{}
	for format, name := range map[bulk.Format]string{bulk.Table: "table", bulk.CSV: "csv"} {
		for _, ask := range []bulk.Ask{bulk.Who, bulk.Count, bulk.What} {
			r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Ask: ask, Format: format}
			outputs[name+" "+string('0'+rune(ask))] = rowsOf(t, r, after)
		}
		for _, summary := range []bool{false, true} {
			_, out := compareLists(t, &bulk.Diff{Directory: dir, Format: format, Summary: summary}, before, after)
			outputs[name+" diff"] += out
		}
	}
	outputs["page"] = pageOf(t, &bulk.Report{Title: "x", Directory: dir}, after)
	for name, out := range outputs {
		check.That(t, !strings.ContainsAny(out, "\u202e\u2066\u200f\x1b\a"),
			"%s has control characters: %q, want none", name, out)
		check.That(t, strings.Contains(out, "a\uFFFDb\uFFFD[2J\uFFFD\uFFFDc\uFFFD"),
			"%s: %q, want a replacement character for each removed one", name, out)
	}
}
