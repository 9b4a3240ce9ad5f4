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
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sample is a small company with its objects, from the generator.
func sample(t testing.TB, s company.Sample) (dir *directory.Directory, list string) {
	t.Helper()
	var d, o bytes.Buffer
	check.NoError(t, errors.Join(s.Directory(&d), s.Write(&o)))
	return must(dirfile.Read(d.Bytes())), o.String()
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
		all = append(all, listed{o.Path, must(sddl.Parse(o.SD, sddl.Options{Domain: dir.Domain})),
			winnt.ObjectTypeByName(o.Type)})
	}
	return all
}

func runOver(t testing.TB, ctx context.Context, r *bulk.Run, list string) (string, bulk.Summary, error) {
	t.Helper()
	var out bytes.Buffer
	r.Source, r.Out = jsonl.Lines(strings.NewReader(list), 0, 0), &out
	sum, err := r.Do(ctx)
	return out.String(), sum, err
}

// TestRowsEqualScalarCheck compares a sample of pairs with the scalar check: the names of who-can and their number,
// the sets of --for-index, and the masks of what-can.
func TestRowsEqualScalarCheck(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 3000, Descriptors: 200, Principals: 150,
		Groups: 40})
	rights := must(words.Parse("read+write+full"))
	ctx := context.Background()
	names, _, err := runOver(t, ctx, &bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, CacheBytes: 1}, list)
	check.NoError(t, err)
	counts, sum, _ := runOver(t, ctx, &bulk.Run{Directory: dir, Rights: rights, Ask: bulk.Count, Format: bulk.JSONL}, list)
	index, _, _ := runOver(t, ctx, &bulk.Run{Directory: dir, Rights: rights, Ask: bulk.Index}, list)
	what, _, _ := runOver(t, ctx, &bulk.Run{Directory: dir, Ask: bulk.What, Principal: 7, Format: bulk.JSONL}, list)
	nameRows, countRows, whatRows := decode[whoRow](t, names), decode[whoRow](t, counts), decode[whatRow](t, what)
	sets := readIndex(t, index)
	total := int64(0)
	for i, o := range objectsOf(t, dir, list) {
		for r, right := range rights {
			var want []string
			for _, p := range dir.Principals {
				if must(access.Check(p.Token, o.sd, right.Mask(o.typ), o.typ)).Allowed() {
					want = append(want, p.Name)
				}
			}
			total += int64(len(want))
			row := nameRows[3*i+r]
			check.RequireThat(t, row.Path == o.path && row.Right == right.Name && slices.Equal(row.Principals, want),
				"%s %s: row %v, want the principals %v of the scalar check", o.path, right.Name, row, want)
			if got := countRows[3*i+r]; got.Path != o.path || got.Count != len(want) {
				t.Fatalf("%s %s: count %d, want %d as the scalar check", o.path, right.Name, got.Count, len(want))
			}
			if got := sets[i][right.Name]; !slices.Equal(got, want) {
				t.Fatalf("%s %s: set %v, want %v as the scalar check", o.path, right.Name, got, want)
			}
		}
		best := must(access.Check(dir.Principals[7].Token, o.sd, winnt.MAXIMUM_ALLOWED, o.typ)).Granted
		if got := whatRows[i]; got.Path != o.path || got.Granted != best.Padded() {
			t.Fatalf("%s: granted %v, want %s as the scalar check", o.path, got, best.Padded())
		}
	}
	if sum.Objects != 3000 || sum.Unreadable != 0 || sum.Allowed != total || sum.Offset != int64(len(list)) ||
		sum.Lines != 3000 {
		t.Errorf("summary = %+v with %d allowed pairs, want 3000 objects and the same number", sum, total)
	}
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
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("row %s is not JSON: %v, want JSON", line, err)
		}
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
				for i := must(strconv.Atoi(first)); i <= must(strconv.Atoi(last)); i++ {
					who = append(who, people[i])
				}
			}
			for i, b := range must(base64.StdEncoding.DecodeString(row.Bitmap)) {
				for bit := range 8 {
					if b>>bit&1 != 0 {
						who = append(who, people[8*i+bit])
					}
				}
			}
			if _, twice := sets[row.Set]; twice || len(who) != row.Count {
				t.Fatalf("set %s: %d people, count %d, there before: %t, want %d, false", row.Set, len(who),
					row.Count, twice, row.Count)
			}
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
	rights := must(words.Parse("read+modify"))
	for _, ask := range []bulk.Ask{bulk.Who, bulk.Count, bulk.Index} {
		want := ""
		for _, c := range []struct{ workers, cache int }{{1, 0}, {2, 0}, {5, 1}, {3, 1 << 30}} {
			got, sum, err := runOver(t, context.Background(),
				&bulk.Run{Directory: dir, Rights: rights, Ask: ask, Format: bulk.JSONL, Workers: c.workers,
					CacheBytes: c.cache}, list)
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
	rights := must(words.Parse("read"))
	whole, all, _ := runOver(t, context.Background(), &bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL}, list)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out bytes.Buffer
	r := bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Workers: 1, Out: &out,
		Progress: func(bulk.Position) { cancel() }}
	r.Source = jsonl.Lines(&slow{strings.NewReader(list)}, 0, 0)
	sum, err := r.Do(ctx)
	check.RequireThat(t, errors.Is(err, context.Canceled) && sum.Objects != 0 && sum.Objects != 30_000,
		"%+v, %v: wanted to be stopped in the middle", sum.Position, err)
	if lines := strings.Count(out.String(), "\n"); lines != sum.Objects || !strings.HasPrefix(whole, out.String()) {
		t.Fatalf("%d lines for %d objects, want equal numbers and a prefix of the whole output", lines, sum.Objects)
	}
	rest := bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Resumed: true, Out: &out,
		Source: jsonl.Lines(strings.NewReader(list[sum.Offset:]), sum.Offset, sum.Lines)}
	more, err := rest.Do(context.Background())
	if err != nil || out.String() != whole {
		t.Errorf("resumed run: %v, output differs: %t, want no error and the same output", err, out.String() != whole)
	}
	check.Equal(t, sum.Position.Plus(more.Position), all.Position, "positions add up to")
}

// slow gives a little at a time.
type slow struct{ r io.Reader }

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.r.Read(p[:min(len(p), 200_000)])
}

// A writer that fails ends the run with its error.
func TestFailedWriterEndsTheRun(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: 1, Objects: 50_000, Descriptors: 50, Principals: 10, Groups: 5})
	full := errors.New("the disk is full")
	r := bulk.Run{Directory: dir, Rights: must(words.Parse("read")), Format: bulk.JSONL, Out: failing{full},
		Source: jsonl.Lines(strings.NewReader(list), 0, 0)}
	if _, err := r.Do(context.Background()); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	bad := errors.New("the disk is broken")
	r = bulk.Run{Directory: dir, Rights: must(words.Parse("read")), Format: bulk.JSONL, Out: io.Discard,
		Source: jsonl.Lines(io.MultiReader(strings.NewReader(list), failing{bad}), 0, 0)}
	if sum, err := r.Do(context.Background()); !errors.Is(err, bad) || sum.Objects == 0 {
		t.Errorf("%+v %v, want sum.Objects at least 1, error %v", sum, err, bad)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

// TestFastReaderAgreesWithStrictReader checks that the fast reader and the strict one agree on every line that the
// fast one accepts, however lines are split.
func TestFastReaderAgreesWithStrictReader(t *testing.T) {
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 5))
	tokens := []string{`"path"`, `"sd"`, `"sdHex"`, `"type"`, `"other"`, `"/a"`, `"O:SYD:(A;;FR;;;AU)"`, `"file"`, `"key"`,
		`""`, `:`, `:`, `,`, `,`, `{`, `}`, ` `, `\`, `"`, "\u00e9", "\x01", `null`, `1`}
	dir := must(dirfile.Read([]byte(`{"users":[{"name":"a","sid":"S-1-5-21-1-2-3-4"}]}`)))
	run := func(text string, in io.Reader) string {
		var out bytes.Buffer
		r := bulk.Run{Directory: dir, Rights: must(words.Parse("0x1")), Format: bulk.JSONL, Out: &out, Workers: 1,
			Source: jsonl.Lines(in, 0, 0)}
		if _, err := r.Do(context.Background()); err != nil {
			t.Fatalf("reading %q: %v, want no error", text, err)
		}
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
	rowsOf := func(name, text string) []string {
		return strings.Split(places.ReplaceAllString(run(name, strings.NewReader(text)), "byte"), "\n")
	}
	got, want := rowsOf("quick", quick.String()), rowsOf("strict", strict.String())
	for i, line := range strings.Split(quick.String(), "\n") {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %q: quick %q strict %q", line, got[min(i, len(got)-1)], want[min(i, len(want)-1)])
		}
	}
	text := strings.Repeat("{\"path\":\"/a\",\"sd\":\"O:SYD:(A;;FR;;;AU)\"}\r\n", 5)
	check.Equal(t, strings.Count(run(text, &pieces{text}), `{"path":"/a","right":"0x1","principals":["a"]}`), 5,
		"rows of 5")
}

type pieces struct{ text string }

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(7, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}
