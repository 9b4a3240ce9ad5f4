package bulk_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// sample is a small company with its objects, from the generator.
func sample(t testing.TB, s company.Sample) (dir *directory.Directory, list string) {
	t.Helper()
	var d, o bytes.Buffer
	check.NoError(t, errors.Join(s.Directory(&d), s.Write(&o)))
	return check.Must(dirfile.Read(d.Bytes())), o.String()
}

// listed is an object of a list, with the inputs of the scalar check.
type listed struct {
	path string
	sd   *sd.Descriptor
	typ  *winnt.ObjectType
}

// objectsOf reads a list of objects whose descriptors are valid.
func objectsOf(t testing.TB, dir *directory.Directory, list string) (all []listed) {
	t.Helper()
	for line := range strings.Lines(list) {
		var o struct{ Path, SD, Type string }
		check.NoError(t, json.Unmarshal([]byte(line), &o))
		all = append(all, listed{o.Path, check.Must(sddl.Parse(o.SD, sddl.Options{Domain: dir.Domain})),
			winnt.ObjectTypeByName(o.Type)})
	}
	return all
}

// listOf returns a source of JSON lines.
func listOf(text string) objects.Source { return jsonl.Lines(strings.NewReader(text), 0, 0) }

// runOver runs r over a list and returns the rows.
func runOver(r *bulk.Run, list string) (string, bulk.Summary, error) {
	var out bytes.Buffer
	r.Source, r.Out = listOf(list), &out
	sum, err := r.Do(context.Background())
	return out.String(), sum, err
}

// rowsOf returns the rows of a run over a list that must succeed.
func rowsOf(t testing.TB, r *bulk.Run, list string) string {
	t.Helper()
	out, _, err := runOver(r, list)
	check.NoError(t, err)
	return out
}

// compareLists returns the counts and the rows of a comparison of two lists that must succeed.
func compareLists(t testing.TB, d *bulk.Diff, before, after string) (bulk.Outcome, string) {
	t.Helper()
	var out bytes.Buffer
	d.Before, d.After, d.Out = listOf(before), listOf(after), &out
	sum := check.Must(d.Do(context.Background()))
	return sum, out.String()
}

// pageOf returns the page of a report about a list.
func pageOf(t testing.TB, r *bulk.Report, list string) string {
	t.Helper()
	var out bytes.Buffer
	r.Source = listOf(list)
	check.NoError(t, r.Collect(context.Background()))
	check.NoError(t, r.Write(&out))
	return out.String()
}

// TestRowsEqualScalarCheck decides about each pair in a sample of objects and people by one access check. It compares
// the result with three outputs: the names and their number of who-can, the sets of --for-index, and the masks of
// what-can. who-can and --for-index must also count the same number of people.
func TestRowsEqualScalarCheck(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 3000, Descriptors: 200, Principals: 150,
		Groups: 40})
	rights := check.Must(words.Parse("read+write+full"))
	names, sum, err := runOver(&bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, CacheBytes: 1}, list)
	check.NoError(t, err)
	counts, counted, _ := runOver(&bulk.Run{Directory: dir, Rights: rights, Ask: bulk.Count, Format: bulk.JSONL}, list)
	index, indexed, _ := runOver(&bulk.Run{Directory: dir, Rights: rights, Ask: bulk.Index}, list)
	what := rowsOf(t, &bulk.Run{Directory: dir, Ask: bulk.What, Principal: 7, Format: bulk.JSONL}, list)
	nameRows, countRows, whatRows := decode[whoRow](t, names), decode[whoRow](t, counts), decode[whatRow](t, what)
	sets := readIndex(t, index)
	total := int64(0)
	for i, o := range objectsOf(t, dir, list) {
		for r, right := range rights {
			var want []string
			for _, p := range dir.Principals {
				if check.Must(access.Check(p.Token, o.sd, right.Mask(o.typ), o.typ)).Allowed() {
					want = append(want, p.Name)
				}
			}
			total += int64(len(want))
			row := nameRows[3*i+r]
			check.RequireThat(t, row.Path == o.path && row.Right == right.Name && slices.Equal(row.Principals, want),
				"%s %s: row %v, want the principals %v of the scalar check", o.path, right.Name, row, want)
			count, set := countRows[3*i+r], sets[i][right.Name]
			check.RequireThat(t, count.Path == o.path && count.Count == len(want) && slices.Equal(set, want),
				"%s %s: count %v, set %v, want %v as the scalar check", o.path, right.Name, count, set, want)
		}
		best := check.Must(access.Check(dir.Principals[7].Token, o.sd, winnt.MAXIMUM_ALLOWED, o.typ)).Granted
		check.Require(t, whatRows[i], whatRow{o.path, best.Padded()}, "granted by the scalar check")
	}
	check.Equal(t, sum.Position, bulk.Position{Objects: 3000, Lines: 3000, Offset: int64(len(list)), Allowed: total},
		"counts")
	check.Equal(t, counted.Position, sum.Position, "counts without names")
	check.Equal(t, indexed.Position, sum.Position, "counts of an index")
}

type whoRow struct {
	Path, Right string
	Principals  []string
	Count       int
}

type whatRow struct{ Path, Granted string }

func decode[T any](t *testing.T, text string) (out []T) {
	t.Helper()
	for line := range strings.Lines(text) {
		var row T
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		out = append(out, row)
	}
	return out
}

// readIndex reads the rows of --for-index as their reader would: names of the
// principals of each set of each object.
func readIndex(t *testing.T, text string) (out []map[string][]string) {
	t.Helper()
	var people []string
	sets := map[string][]string{}
	for _, row := range decode[struct {
		Principals       []string
		Set, IDs, Bitmap string
		Count            int
		Path             string
		Sets             map[string]string
	}](t, text) {
		switch {
		case row.Principals != nil:
			people = row.Principals
		case row.Set != "":
			var who []string
			for _, part := range strings.FieldsFunc(row.IDs, func(r rune) bool { return r == ',' }) {
				first, last, ok := strings.Cut(part, "-")
				if !ok {
					last = first
				}
				for i := check.Must(strconv.Atoi(first)); i <= check.Must(strconv.Atoi(last)); i++ {
					who = append(who, people[i])
				}
			}
			for i, b := range check.Must(base64.StdEncoding.DecodeString(row.Bitmap)) {
				for bit := range 8 {
					if b>>bit&1 != 0 {
						who = append(who, people[8*i+bit])
					}
				}
			}
			_, twice := sets[row.Set]
			check.RequireThat(t, !twice && len(who) == row.Count, "set %s: %d people, want %d; there before: %t",
				row.Set, len(who), row.Count, twice)
			sets[row.Set] = who
		default:
			one := map[string][]string{}
			for right, name := range row.Sets {
				who, ok := sets[name]
				check.RequireThat(t, ok,
					"%s: set %s is used before its definition, want it defined first", row.Path, name)
				one[right] = who
			}
			out = append(out, one)
		}
	}
	return out
}

// The output is the same for every number of workers and memory limit.
func TestOutputDoesNotDependOnWorkers(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 6_000, Descriptors: 900, Principals: 70,
		Groups: 20})
	list += "{\"path\":\"/bad\",\"sd\":\"O:\"}\n\n{\"path\":\"no end of line\",\"sd\":\"D:(A;;FR;;;AU)\"}"
	rights := check.Must(words.Parse("read+modify"))
	for _, ask := range []bulk.Ask{bulk.Who, bulk.Count, bulk.Index} {
		want := ""
		for _, c := range []struct{ workers, cache int }{{1, 0}, {2, 0}, {5, 1}, {3, 1 << 30}} {
			got, sum, err := runOver(&bulk.Run{Directory: dir, Rights: rights, Ask: ask, Format: bulk.JSONL,
				Workers: c.workers, CacheBytes: c.cache}, list)
			check.RequireThat(t, err == nil && sum.Objects == 6_002 && sum.Unreadable == 1,
				"summary = %+v, %v, want 6002 objects, 1 unreadable, no error", sum, err)
			if want == "" {
				want = got
			}
			check.That(t, got == want, "question %d, %+v: output differs, want the same bytes", ask, c)
		}
	}
}

// A stopped and resumed run writes the same rows as an uninterrupted one.
func TestResumedRunWritesTheSameRows(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 30_000, Descriptors: 500, Principals: 10,
		Groups: 5})
	rights := check.Must(words.Parse("read"))
	whole, all, _ := runOver(&bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL}, list)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out bytes.Buffer
	r := bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Workers: 1, Out: &out,
		Source: jsonl.Lines(&slow{strings.NewReader(list)}, 0, 0), Progress: func(bulk.Position) { cancel() }}
	sum, err := r.Do(ctx)
	check.RequireThat(t, errors.Is(err, context.Canceled) && sum.Objects != 0 && sum.Objects != 30_000,
		"%+v, %v: wanted to be stopped in the middle", sum.Position, err)
	lines := strings.Count(out.String(), "\n")
	check.RequireThat(t, lines == sum.Objects && strings.HasPrefix(whole, out.String()),
		"%d lines for %d objects, want equal numbers and a prefix of the whole output", lines, sum.Objects)
	rest := bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Resumed: true, Out: &out,
		Source: jsonl.Lines(strings.NewReader(list[sum.Offset:]), sum.Offset, sum.Lines)}
	more, err := rest.Do(context.Background())
	check.That(t, err == nil && out.String() == whole, "resumed run: %v, %d bytes, want the same %d", err, out.Len(),
		len(whole))
	check.Equal(t, sum.Position.Plus(more.Position), all.Position, "positions add up to")
	index := rowsOf(t, &bulk.Run{Directory: dir, Rights: rights, Ask: bulk.Index, Resumed: true}, list[sum.Offset:])
	check.That(t, strings.HasPrefix(index, `{"set":`), "a resumed index begins with %.40s, want a set", index)
}

// A stopped run has written all rows that its position counts, in every format, also before it saves the position.
func TestStoppedRunWritesItsRows(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: 1, Objects: 900, Descriptors: 50, Principals: 10, Groups: 5})
	for _, f := range []bulk.Format{bulk.Table, bulk.JSONL} {
		var out bytes.Buffer
		broken := errors.New("the disk is broken")
		r := bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: f, Resumed: true, Out: &out,
			Source: jsonl.Lines(io.MultiReader(strings.NewReader(list), failing{broken}), 0, 0)}
		saved := 0
		r.Save = func(p bulk.Position) error {
			saved++
			check.Equal(t, strings.Count(out.String(), "\n"), p.Objects, "rows before a position is saved, format %d", f)
			return nil
		}
		sum, err := r.Do(context.Background())
		check.ErrorIs(t, err, broken, "run with format %d", f)
		check.That(t, saved > 0, "format %d: no position was saved", f)
		check.Equal(t, strings.Count(out.String(), "\n"), sum.Objects, "rows with format %d", f)
		check.That(t, sum.Objects > 0, "format %d: no object was read before the error", f)
	}
}

// slow gives a little at a time.
type slow struct{ r io.Reader }

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.r.Read(p[:min(len(p), 200_000)])
}

// A writer that fails ends the run with its error, and no position is saved.
func TestFailedWriterEndsTheRun(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: 1, Objects: 50_000, Descriptors: 50, Principals: 10, Groups: 5})
	full := errors.New("the disk is full")
	r := bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.JSONL, Out: failing{full},
		Save: func(p bulk.Position) error { t.Errorf("%+v was saved", p); return nil }}
	for _, some := range []bool{true, false} {
		r.Source, r.Changes = listOf(list), some
		check.ErrorIs(t, check.Err(r.Do(context.Background())), full, "run with Changes %t", some)
		d := bulk.Diff{Directory: dir, Format: bulk.JSONL, Summary: some, Out: failing{full}, Before: listOf(""),
			After: listOf(list)}
		check.ErrorIs(t, check.Err(d.Do(context.Background())), full, "comparison with Summary %t", some)
		d = bulk.Diff{Directory: dir, Format: bulk.JSONL, Summary: some, Out: failing{full}, Before: listOf(list),
			After: listOf("")}
		found, err := d.Do(context.Background())
		check.That(t, errors.Is(err, full) && found.Gone == some, "missing objects with Summary %t: %v, %t", some, err,
			found.Gone) // a summary is written later
	}
	report := &bulk.Report{Directory: dir, Source: listOf(list)}
	check.NoError(t, report.Collect(context.Background()))
	check.ErrorIs(t, report.Write(failing{full}), full, "report")
	report.Source = failingSource{listOf(list)}
	check.ErrorIs(t, report.Collect(context.Background()), errSource, "report of a failing source")
	check.That(t, report.Partial, "the report of a failing source is complete")
	bad := errors.New("the disk is broken")
	r.Save, r.Out, r.Source = nil, io.Discard, jsonl.Lines(io.MultiReader(strings.NewReader(list), failing{bad}), 0, 0)
	sum, err := r.Do(context.Background())
	check.That(t, errors.Is(err, bad) && sum.Objects > 0, "%+v, %v, want at least 1 object and %v", sum, err, bad)
}

// TestRunNeedsFolderForSpilledData checks that a comparison and a report that cannot create a temporary file end with
// an error, and write no rows.
func TestRunNeedsFolderForSpilledData(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: 1, Objects: 9000, Descriptors: 3000, Principals: 10, Groups: 5})
	t.Setenv("TMPDIR", "/nonexistent")
	const want = "no temporary file can be created"
	for _, summary := range []bool{false, true} {
		var out strings.Builder
		d := bulk.Diff{Directory: dir, Before: listOf(list), After: listOf(""), Out: &out, Format: bulk.JSONL, CacheBytes: 1,
			Summary: summary}
		err := check.Err(d.Do(context.Background()))
		check.That(t, err != nil && strings.Contains(err.Error(), want), "comparison: %v, want %s", err, want)
		check.Equal(t, out.String(), "", "rows")
	}
	report := &bulk.Report{Directory: dir, Source: listOf(list), CacheBytes: 1}
	err := report.Collect(context.Background())
	check.That(t, err != nil && strings.Contains(err.Error(), want), "report: %v, want %s", err, want)
}

type failing struct{ err error }

func (f failing) Write(b []byte) (int, error) {
	if len(b) == 0 { // the heading of JSON lines
		return 0, nil
	}
	return 0, f.err
}

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestFastReaderAgreesWithStrictReader checks that the fast reader and the strict one agree on every line that the
// fast one accepts, however lines are split.
func TestFastReaderAgreesWithStrictReader(t *testing.T) {
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 5))
	tokens := []string{`"path"`, `"sd"`, `"sdHex"`, `"type"`, `"other"`, `"/a"`, `"O:SYD:(A;;FR;;;AU)"`, `"file"`, `"key"`,
		`""`, `:`, `:`, `,`, `,`, `{`, `}`, ` `, `\`, `"`, "\u00e9", "\x01", `null`, `1`}
	dir := check.Must(dirfile.Read([]byte(`{"users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"}]}`)))
	run := func(in io.Reader) string {
		var out bytes.Buffer
		r := bulk.Run{Directory: dir, Rights: check.Must(words.Parse("0x1")), Format: bulk.JSONL, Out: &out, Workers: 1,
			Source: jsonl.Lines(in, 0, 0)}
		check.NoError(t, check.Err(r.Do(context.Background())))
		return out.String()
	}
	var quick, strict strings.Builder
	for range 20_000 {
		line := "{"
		if rng.IntN(2) == 0 {
			line = `{"path":"/a","sd":"O:SYD:(A;;FR;;;AU)"`
		}
		for range rng.IntN(9) {
			line += tokens[rng.IntN(len(tokens))]
		}
		// A trailing blank sends a line to the strict reader and has no meaning.
		quick.WriteString(line + "}\n")
		strict.WriteString(line + "} \n")
	}
	places := regexp.MustCompile(`byte \d+`) // the blank moves the end of the line
	rowsOf := func(text string) []string {
		return strings.Split(places.ReplaceAllString(run(strings.NewReader(text)), "byte"), "\n")
	}
	got, want := rowsOf(quick.String()), rowsOf(strict.String())
	check.Require(t, len(got), len(want), "rows")
	for i, line := range strings.Split(quick.String(), "\n") {
		check.Require(t, got[i], want[i], "row of line %q", line)
	}
	text := strings.Repeat("{\"path\":\"/a\",\"sd\":\"O:SYD:(A;;FR;;;AU)\"}\r\n", 5)
	rows := run(iotest.OneByteReader(strings.NewReader(text)))
	check.Equal(t, strings.Count(rows, `{"path":"/a","right":"0x1","principals":["a"]}`), 5, "rows of 5")
}

// TestFormatsBelongToTheirQuestions checks that a run refuses a format that cannot express its answers.
func TestFormatsBelongToTheirQuestions(t *testing.T) {
	one, two := check.Must(words.Parse("read")), check.Must(words.Parse("read+write"))
	for i, c := range []struct {
		run  bulk.Run
		sets bool
		good bool
	}{
		{bulk.Run{Format: bulk.ESBulk, Rights: one}, false, true},
		{bulk.Run{Format: bulk.ESBulk, Rights: two}, false, false},
		{bulk.Run{Format: bulk.ESBulk, Rights: one, Ask: bulk.Count}, false, false},
		{bulk.Run{Format: bulk.Table, Rights: one, Ask: bulk.Through}, false, true},
		{bulk.Run{Format: bulk.JSONL, Rights: one, Ask: bulk.Through}, false, false},
		{bulk.Run{Format: bulk.CSV, Rights: one, Ask: bulk.Through}, false, false},
		{bulk.Run{Format: bulk.CSVTables, Rights: one, Ask: bulk.Index}, true, true},
		{bulk.Run{Format: bulk.CSVTables, Rights: one, Ask: bulk.Index}, false, false},
		{bulk.Run{Format: bulk.CSVTables, Rights: one, Ask: bulk.Index, Expressions: true}, true, false},
		{bulk.Run{Format: bulk.CSVTables, Rights: one}, true, false},
		{bulk.Run{Format: bulk.JSONL, Rights: one, Ask: bulk.Index}, false, true},
		{bulk.Run{Format: bulk.JSONL, Rights: one, Ask: bulk.Index, Changes: true}, false, false},
	} {
		check.Equal(t, c.run.Check(c.sets) == nil, c.good, "run %d is valid", i)
	}
}

// TestTooManyRightsEndRun checks that a question that cannot be decided is an error of the run, even without objects.
func TestTooManyRightsEndRun(t *testing.T) {
	dir, list := sample(t, company.Sample{Objects: 1, Descriptors: 1, Principals: 1, Groups: 1})
	rights := slices.Repeat(check.Must(words.Parse("read")), effective.MaxRights+1)
	for _, input := range []string{"", list} {
		for _, changes := range []bool{false, true} {
			_, _, err := runOver(&bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Changes: changes}, input)
			check.ErrorIs(t, err, effective.ErrRights, "run with --changes %t over %q", changes, input)
		}
	}
}
