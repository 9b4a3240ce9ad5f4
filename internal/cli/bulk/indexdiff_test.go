package bulk_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
)

// compareIndexes compares two outputs of Index.
func compareIndexes(before, after string) (*bulk.IndexDiff, string, error) {
	var out strings.Builder
	d := &bulk.IndexDiff{Before: opening(before), After: opening(after), Out: &out}
	err := d.Do()
	return d, out.String(), err
}

func opening(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// apply updates a store with lines: rows by their path or set, removed for deleted ones.
func apply(t *testing.T, held map[string]string, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var row struct {
			Path, Set        *string
			Gone             bool
			Sets, Expression json.RawMessage
			Count            int
		}
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		key := ""
		switch {
		case row.Path != nil:
			key = "path " + *row.Path
		case row.Set != nil:
			key = "set " + *row.Set
		default:
			continue
		}
		if held[key] = string(row.Sets) + string(row.Expression); row.Gone {
			delete(held, key)
		}
	}
}

// Applying the differences to a store that has the first output leads to the second output.
func TestIndexDiffLeadsToSecondOutput(t *testing.T) {
	seed := randtest.Seed(t)
	index := func(s company.Sample, cut, extra string) string {
		dir, list := sample(t, s)
		r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read+write")), Ask: bulk.Index, Expressions: true}
		lines := strings.SplitAfter(list, "\n")
		return rowsOf(t, r, strings.Join(lines[len(cut):], "")+extra)
	}
	s := company.Sample{Seed: seed, Objects: 200, Descriptors: 40, Principals: 20, Groups: 8}
	before := index(s, "", `{"path":"/was","sd":"O:BAG:BAD:"}`+"\n"+`{"path":"/bad","sd":"O:BAG:BAD:"}`+"\n")
	after := index(s, "xx", `{"path":"/is","sd":"O:BAG:BAD:"}`+"\n"+`{"path":"/bad","sd":"O:"}`+"\n")
	s.Seed++
	for _, after := range []string{after, index(s, "", ""), before} {
		held, want := map[string]string{}, map[string]string{}
		apply(t, held, before)
		apply(t, want, after)
		d, out, err := compareIndexes(before, after)
		check.NoError(t, err)
		apply(t, held, out)
		check.That(t, maps.Equal(held, want), "a store of %d rows, want %d", len(held), len(want))
		lines := strings.Count(out, "\n") - strings.Count(out, `{"principals":`)
		sum := d.Rows + d.Sets + d.Gone + d.GoneSets
		check.That(t, sum == lines && (sum == 0) == (before == after), "%+v counts %d of %d lines", d, sum, lines)
	}
	for _, wrong := range []string{"{", "[]\n", "{}\n", `{"sets":{}}` + "\n"} {
		for want, outputs := range map[string][2]string{"after": {before, wrong}, "before": {wrong, before}} {
			_, _, err := compareIndexes(outputs[0], outputs[1])
			check.That(t, err != nil && strings.Contains(err.Error(), want+": line 1"), "%q: %v, want an error of %s, "+
				"line 1", wrong, err, want)
		}
	}
}

// A difference that cannot be written is an error.
func TestIndexDiffReportsOutputErrors(t *testing.T) {
	full := errors.New("the disk is full")
	for _, row := range []string{`{"path":"/a","sets":{}}`, `{"set":"x","count":1}`} {
		for _, c := range [][2]string{{"", row}, {row, ""}} {
			d := &bulk.IndexDiff{Before: opening(c[0]), After: opening(c[1]), Out: failing{full}}
			check.ErrorIs(t, d.Do(), full, "%q to %q", c[0], c[1])
		}
	}
}

// TestIndexDiffErrorCountsEmptyLines checks that empty lines count in the line number of a malformed row.
func TestIndexDiffErrorCountsEmptyLines(t *testing.T) {
	const row = `{"path":"/a","sets":{}}` + "\n"
	for text, want := range map[string]string{"\n{": "line 2: ", row + "\n\n{}\n": "line 4: ",
		row + strings.Repeat("x", objects.MaxLine+1): "line 2: longer than 4 MiB"} {
		_, _, err := compareIndexes(text, "")
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%.40q: %v, want %q in an error", text, err,
			want)
	}
}

// TestIndexDiffReportsFailedClose checks that an error of closing an input is an error of the comparison.
func TestIndexDiffReportsFailedClose(t *testing.T) {
	for i := range 2 {
		in := [2]func() (io.ReadCloser, error){opening(""), opening("")}
		in[i] = func() (io.ReadCloser, error) { return failedClose{strings.NewReader("")}, nil }
		check.ErrorIs(t, (&bulk.IndexDiff{Before: in[0], After: in[1], Out: io.Discard}).Do(), io.ErrClosedPipe,
			"input %d", i)
	}
}

type failedClose struct{ io.Reader }

func (failedClose) Close() error { return io.ErrClosedPipe }

// The principals are written once, before the first new set, and a missing set or path is deleted once. An object that
// stays unreadable has no row.
func TestIndexDiffWritesSetsOnce(t *testing.T) {
	const principals, x, y, z = `{"principals":["a"]}` + "\n", `{"set":"x","count":0}` + "\n",
		`{"set":"y","count":1}` + "\n", `{"set":"z","count":1}` + "\n"
	const p = `{"path":"p","sets":{}}` + "\n"
	// The empty lines do not fit into the reader's buffer together with the principals.
	_, out, err := compareIndexes(principals+x+x+p+p+`{"path":"e","error":"a"}`, `{"path":"e","error":"b"}`+"\n"+
		principals+strings.Repeat("\n", 1<<17)+y+z+y)
	check.NoError(t, err)
	check.Equal(t, out, principals+y+z+`{"set":"x","gone":true}`+"\n"+`{"path":"p","gone":true}`+"\n", "differences")
}

// The first line decides whether a file is an index. The output of who-can is not one.
func TestIndexIsRecognizedByFirstLine(t *testing.T) {
	for text, want := range map[string]bool{`{"principals":["a"]}` + "\n": true, `{"set":"x","count":0}`: true,
		`{"path":"/a","sets":{}}`: true, `{"path":"/a","principals":["a"]}`: false, `{"path":"/a","sd":"D:"}`: false,
		`{"sets":{}}`: false, "": false, "\n" + `{"principals":["a"]}`: false} {
		check.Equal(t, bulk.IsIndex([]byte(text)), want, "%q is an index", text)
	}
}

// FuzzIndexDiff checks that there is no panic, that memory is proportional to the input, and that a file does not
// differ from itself.
func FuzzIndexDiff(f *testing.F) {
	f.Add(`{"principals":["a"]}`+"\n"+`{"set":"x","count":1,"ids":"0"}`+"\n", `{"path":"/a","sets":{"read":"x"}}`)
	f.Add(`{"path":"/a","error":"x"}`, `{"path":"/a","sets":{}}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		bulk.IsIndex([]byte(before))
		bounded.Run(t, len(before)+len(after), func() {
			if _, _, err := compareIndexes(before, after); err != nil {
				return
			}
			if _, out, err := compareIndexes(before, before); err != nil {
				t.Error(err, out)
			}
		})
	})
}
