package bulk_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
)

// TestControlCharactersAreReplaced checks that tables, CSV and a report's page contain no terminal control or text
// direction characters from paths, names or causes.
func TestControlCharactersAreReplaced(t *testing.T) {
	const bad = "a\\u202eb\\u001b[2J\\u0007\\u2066c\\u200f"
	dir := must(dirfile.Read([]byte(`{"domain":"S-1-5-21-1-2-3",` +
		`"groups":[{"name":"g` + bad + `","sid":"S-1-5-21-1-2-3-2000"}],` +
		`"users":[{"name":"u` + bad + `","sid":"S-1-5-21-1-2-3-1107","memberOf":["S-1-5-21-1-2-3-2000"]}]}`)))
	row := func(aces string) string {
		return `{"path":"/p` + bad + `","sd":"O:BAG:BAD:` + aces + `"}` + "\n" +
			`{"path":"/q` + bad + `","sd":"` + bad + `"}` + "\n"
	}
	before, after := row("(A;;FR;;;SY)"), row("(A;;FA;;;S-1-5-21-1-2-3-2000)")
	source := func(text string) objects.Source { return jsonl.Lines(strings.NewReader(text), 0, 0) }
	ctx := context.Background()
	outputs := map[string]string{}
	for format, name := range map[bulk.Format]string{bulk.Table: "table", bulk.CSV: "csv"} {
		for _, ask := range []bulk.Ask{bulk.Who, bulk.Count, bulk.What} {
			r := &bulk.Run{Directory: dir, Rights: must(words.Parse("read")), Ask: ask, Format: format}
			out, _, err := runOver(t, ctx, r, after)
			check.NoError(t, err)
			outputs[name+" "+string('0'+rune(ask))] = out
		}
		for _, summary := range []bool{false, true} {
			var out bytes.Buffer
			d := &bulk.Diff{Before: source(before), After: source(after), Directory: dir, Out: &out}
			d.Format, d.Summary = format, summary
			check.NoError(t, check.Err(d.Do(ctx)))
			outputs[name+" diff"] += out.String()
		}
	}
	r := &bulk.Report{Title: "x", Directory: dir, Source: source(after)}
	var page bytes.Buffer
	check.NoError(t, r.Collect(ctx))
	check.NoError(t, r.Write(&page))
	outputs["page"] = page.String()
	for name, out := range outputs {
		check.That(t, !strings.ContainsAny(out, "\u202e\u2066\u200f\x1b\a"),
			"%s has control characters: %q, want none", name, out)
		check.That(t, strings.Contains(out, "a\uFFFDb\uFFFD[2J\uFFFD\uFFFDc\uFFFD"),
			"%s: %q, want a replacement character for each removed one", name, out)
	}
}
