package bulk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/cli/columns"
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
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// states are two states of a company with added, removed and changed objects and users.
type states struct {
	dir, later    *directory.Directory
	before, after string
}

func twoStates(t *testing.T, n int) states {
	s := company.Sample{Seed: randtest.Seed(t), Objects: n, Descriptors: n / 10, Principals: 40, Groups: 20}
	dir, list := sample(t, s)
	s.Seed++
	_, others := sample(t, s)
	rng := rand.New(rand.NewPCG(s.Seed, 6))
	var before, after []string
	other := strings.SplitAfter(others, "\n")
	for i, line := range strings.SplitAfter(list, "\n") {
		if line == "" {
			break
		}
		switch rng.IntN(10) {
		case 0:
			before = append(before, line)
		case 1:
			after = append(after, line)
		case 2, 3:
			before, after = append(before, line), append(after, other[i])
		default:
			before, after = append(before, line), append(after, line)
		}
	}
	before = append(before, before[0]) // twice: the last counts
	rng.Shuffle(len(after), func(i, j int) { after[i], after[j] = after[j], after[i] })
	var text bytes.Buffer
	s.Seed--
	check.NoError(t, s.Directory(&text))
	changed := strings.NewReplacer(`"group3","sid"`, `"group3b","sid"`, `"user7"`, `"user7b"`, `["group5",`,
		`["group6",`).Replace(text.String())
	changed = strings.ReplaceAll(changed, `"group3"`, `"group4"`)
	return states{dir, check.Must(dirfile.Read([]byte(changed))), strings.Join(before, ""), strings.Join(after, "")}
}

type diffRow struct{ Principal, Path, Gained, Lost string }

// expected runs the scalar check for every pair of both states.
func (s *states) expected(t *testing.T, later *directory.Directory, share *sd.Descriptor) map[diffRow]bool {
	t.Helper()
	type pair struct{ who, path string }
	side := func(dir *directory.Directory, text string) map[pair]winnt.AccessMask {
		out := map[pair]winnt.AccessMask{}
		for _, o := range objectsOf(t, dir, text) {
			for _, p := range dir.Principals {
				m := check.Must(access.Check(p.Token, o.sd, winnt.MAXIMUM_ALLOWED, o.typ)).Granted
				if share != nil {
					m &= check.Must(access.Check(p.Token, share, winnt.MAXIMUM_ALLOWED, o.typ)).Granted
				}
				out[pair{p.Name, o.path}] = m
			}
		}
		return out
	}
	was, is := side(s.dir, s.before), side(later, s.after)
	rows := map[diffRow]bool{}
	for _, m := range []map[pair]winnt.AccessMask{was, is} {
		for p := range m {
			if was[p] != is[p] {
				rows[diffRow{p.who, p.path, (is[p] &^ was[p]).Padded(), (was[p] &^ is[p]).Padded()}] = true
			}
		}
	}
	return rows
}

func (s *states) diff(t *testing.T, d *bulk.Diff) string {
	t.Helper()
	d.Directory, d.Format = s.dir, bulk.JSONL
	found, out := compareLists(t, d, s.before, s.after)
	check.RequireThat(t, found.Unreadable == 0 && found.Compared && found.Gone,
		"%+v, want a compared object that is gone, and none unreadable", found)
	check.That(t, d.Summary || found.Changes == strings.Count(out, "\n"), "%d changes in rows\n%s", found.Changes, out)
	return out
}

// TestDiffRowsEqualScalarCheck checks that the rows are the pairs whose rights differ by the scalar check, with any
// memory limit and number of workers.
func TestDiffRowsEqualScalarCheck(t *testing.T) {
	count := 900
	if testing.Short() {
		count = 300
	}
	s := twoStates(t, count)
	share := sddl.MustParse("O:BAG:SYD:(D;;WD;;;BU)(A;;FA;;;AU)")
	for _, c := range []struct {
		name  string
		later *directory.Directory
		share *sd.Descriptor
	}{{"objects", nil, nil}, {"objects and people", s.later, nil}, {"through a share", s.later, share}} {
		t.Run(c.name, func(t *testing.T) {
			later := c.later
			if later == nil {
				later = s.dir
			}
			want := s.expected(t, later, c.share)
			text := s.diff(t, &bulk.Diff{DirectoryAfter: c.later, Share: c.share})
			rows := decode[diffRow](t, text)
			for _, row := range rows {
				check.RequireThat(t, want[row], "row %+v contradicts the scalar check, want only differing pairs", row)
				delete(want, row)
			}
			for row := range want {
				t.Fatalf("row %+v is missing, want every differing pair", row)
			}
			check.That(t, len(rows) >= count+100, "only %d rows, want at least %d", len(rows), count+100)
			sums := s.diff(t, &bulk.Diff{DirectoryAfter: c.later, Share: c.share, Summary: true})
			for _, workers := range []int{1, 3} {
				d := bulk.Diff{DirectoryAfter: c.later, Share: c.share, Workers: workers, CacheBytes: 1}
				summary := d
				summary.Summary = true
				check.That(t, s.diff(t, &d) == text, "%d workers and no memory: rows differ, want the same rows", workers)
				check.Equal(t, s.diff(t, &summary), sums, "summary with %d workers and no memory", workers)
			}
		})
	}
}

// An interrupted and resumed comparison writes the same rows and summary as an uninterrupted one.
func TestResumedDiffWritesTheSameRows(t *testing.T) {
	s := twoStates(t, max(5_000, randtest.Size(9_000))) // more than two batches
	for _, summary := range []bool{false, true} {
		want := s.diff(t, &bulk.Diff{Summary: summary})
		file := check.Must(os.Create(filepath.Join(t.TempDir(), "state")))
		defer file.Close()
		var out bytes.Buffer
		var at bulk.Position
		var state json.RawMessage
		ctx, cancel := context.WithCancel(context.Background())
		d := &bulk.Diff{Directory: s.dir, Format: bulk.JSONL, Out: &out, Summary: summary, State: file, Workers: 1,
			Before: listOf(s.before),
			After:  jsonl.Lines(&slow{strings.NewReader(s.after)}, 0, 0),
			Progress: func(p bulk.Position) {
				if p.Offset > int64(len(s.before)) {
					cancel()
				}
			},
			Save: func(p bulk.Position, s json.RawMessage) error { at, state = p, bytes.Clone(s); return nil }}
		found, err := d.Do(ctx)
		cancel()
		check.RequireThat(t, errors.Is(err, context.Canceled) && at.Offset > 0 && at.Offset < int64(len(s.after)) &&
			found.Objects == at.Objects, "%+v, %v, saved %+v: wanted to be stopped in the middle", found, err, at)
		rest := &bulk.Diff{Directory: s.dir, Format: bulk.JSONL, Out: &out, Summary: summary, State: file,
			Before: listOf(s.before), After: jsonl.Lines(strings.NewReader(s.after[at.Offset:]), at.Offset, at.Lines),
			Skip: listOf(s.after[:at.Offset]), Save: func(bulk.Position, json.RawMessage) error { return nil }}
		check.NoError(t, rest.Resume(at, state))
		check.NoError(t, check.Err(rest.Do(context.Background())))
		check.That(t, out.String() == want, "summary %t: %d bytes, want the same %d", summary, out.Len(), len(want))
		check.That(t, rest.Resume(at, []byte("[1099511627776]")) != nil, "resumed with a state file that is too short")
	}
}

// Each case compares one object in two states. Unreadable counts both states; the other totals are those of the second
// state.
func TestDiffOfOneObject(t *testing.T) {
	const a = "S-1-5-21-1-2-3-1107"
	for name, c := range map[string]struct {
		before, after string
		domain        string // of the second state
		want          bulk.Position
	}{
		"another type": {before: `"type":"file","sd":"O:BAD:(A;;GA;;;` + a + `)"`,
			after: `"type":"key","sd":"O:BAD:(A;;GA;;;` + a + `)"`, want: bulk.Position{Changed: 1, Changes: 1}},
		"another domain": {before: `"sd":"O:BAD:(A;;CC;;;DA)"`, after: `"sd":"O:BAD:(A;;CC;;;DA)"`,
			domain: "S-1-5-21-4-5-6", want: bulk.Position{Changed: 1, Changes: 1}},
		"unreadable twice": {before: `"type":"x"`, after: `"type":"x"`, want: bulk.Position{Unreadable: 2}},
		"a DACL now":       {before: `"sd":"O:BA"`, after: `"sd":"O:BAD:(A;;GA;;;` + a + `)"`},
		"a typed entry now": {before: `"sd":"D:"`, after: `"sd":"D:(OA;;CC;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)"`,
			want: bulk.Position{Typed: 1, TypedEntries: 1}},
	} {
		dir := staff("S-1-5-21-1-2-3-512")
		later := dir.Clone()
		if c.domain != "" {
			later.Domain = sid.MustParse(c.domain)
		}
		before, after := `{"path":"/x",`+c.before+"}\n", `{"path":"/x",`+c.after+"}\n"
		var last bulk.Position
		found, out := compareLists(t, &bulk.Diff{Directory: dir, DirectoryAfter: later, Format: bulk.JSONL,
			Progress: func(p bulk.Position) { last = p }}, before, after)
		check.Equal(t, last.Offset, int64(len(before)+len(after)), "%s: bytes of both inputs", name)
		got := found.Position
		got.Objects, got.Offset, got.Lines = 0, 0, 0
		check.That(t, got == c.want && strings.Count(out, "\n") == c.want.Changes,
			"%s: %+v, want %+v\n%s", name, got, c.want, out)
	}
}

// A change is a row of the same columns in each format. A summary has a row for each folder and cause. A resumed
// comparison has no heading.
func TestDiffFormatsHaveTheSameColumns(t *testing.T) {
	const entry = "(A;;FR;;;S-1-5-21-1-2-3-1107)"
	const with, without = `{"path":"/d/%s","sd":"O:BAD:` + entry + `"}` + "\n", `{"path":"/d/%s","sd":"O:BAD:"}` + "\n"
	before, after := fmt.Sprintf(without+with, "x", "y"), fmt.Sprintf(with+without, "x", "y")
	for _, c := range []struct {
		format  bulk.Format
		summary bool
		want    []string // with single blanks
	}{
		{bulk.Table, false, []string{"PRINCIPAL PATH GAINED LOST CAUSE", "alice /d/x read - entry added: " + entry + " alice",
			"alice /d/y - read entry removed: " + entry + " alice"}},
		{bulk.Table, true, []string{"FOLDER OBJECTS PRINCIPALS GAINED LOST CAUSE",
			"/d 1 1 read - entry added: " + entry + " alice", "/d 1 1 - read entry removed: " + entry + " alice"}},
		{bulk.CSV, false, []string{"principal,path,gained,lost,cause",
			"alice,/d/x,0x00120089,0x00000000,entry added: " + entry + " alice",
			"alice,/d/y,0x00000000,0x00120089,entry removed: " + entry + " alice"}},
		{bulk.JSONL, false, []string{
			`{"principal":"alice","path":"/d/x","gained":"0x00120089","lost":"0x00000000","cause":"entry added: ` + entry +
				` alice"}`,
			`{"principal":"alice","path":"/d/y","gained":"0x00000000","lost":"0x00120089","cause":"entry removed: ` + entry +
				` alice"}`}},
	} {
		_, out := compareLists(t, &bulk.Diff{Directory: staff(""), Format: c.format, Summary: c.summary}, before, after)
		var rows []string
		for line := range strings.Lines(out) {
			rows = append(rows, strings.Join(strings.Fields(line), " "))
		}
		check.SlicesEqual(t, rows, c.want, "format %v, summary %t", c.format, c.summary)
		rest := &bulk.Diff{Directory: staff(""), Format: c.format, Summary: c.summary}
		check.NoError(t, rest.Resume(bulk.Position{}, []byte("[]")))
		_, out = compareLists(t, rest, before, after)
		check.Equal(t, strings.Count(out, "\n"), 2, "resumed, format %v, summary %t: rows", c.format, c.summary)
	}
	_, out := compareLists(t, &bulk.Diff{Directory: staff(""), Table: columns.Options{Colour: true}}, before, after)
	check.That(t, strings.Count(out, "mread") == 2 && !strings.Contains(out, "m-"),
		"%q, want colour only for rights", out)
	_, out = compareLists(t, &bulk.Diff{Directory: staff(""), Summary: true}, "", objectLine("/d/x", "D:(A;;FR;;;WD)")+
		`{"path":"/d/k","type":"key","sd":"D:(A;;FR;;;WD)"}`+"\n")
	check.That(t, strings.Contains(strings.Join(strings.Fields(out), " "), "/d 2 1 0x00120089 - new object"),
		"objects of two types in\n%s", out)
	// A word needs all its rights in one state (B-115).
	parts := [2]string{objectLine("/x", "D:(A;;0x120000;;;WD)"), objectLine("/x", "D:(A;;0x89;;;WD)")}
	for i := range parts {
		_, out := compareLists(t, &bulk.Diff{Directory: staff("")}, parts[i], parts[1-i])
		check.That(t, strings.Contains(out, "FILE_READ_DATA") && !strings.Contains(out, " read "), "%s", out)
	}
}

// A comparison has written the rows of a position before it saves the position, in every format.
func TestDiffWritesRowsBeforeItSaves(t *testing.T) {
	const line = `{"path":"/%d","sd":"O:BAD:%s"}` + "\n"
	var before, after strings.Builder
	for i := range 300 {
		fmt.Fprintf(&before, line, i, "")
		fmt.Fprintf(&after, line, i, "(A;;FR;;;S-1-5-21-1-2-3-1107)")
	}
	for _, f := range []bulk.Format{bulk.Table, bulk.CSV, bulk.JSONL} {
		var out bytes.Buffer
		saved := 0
		d := bulk.Diff{Directory: staff(""), Format: f, Out: &out, Before: listOf(before.String()),
			After: listOf(after.String()), State: check.Must(os.Create(filepath.Join(t.TempDir(), "state")))}
		d.Save = func(p bulk.Position, _ json.RawMessage) error {
			saved++
			rows := strings.Count(out.String(), "entry added")
			check.That(t, p.Changes > 0 && rows == p.Changes, "%d rows for %d changes, format %d", rows, p.Changes, f)
			return nil
		}
		check.NoError(t, check.Err(d.Do(context.Background())))
		check.That(t, saved > 0, "format %d: no position was saved", f)
		check.NoError(t, d.State.Close())
	}
}

var errSource = errors.New("source")

// failingSource is a source that ends with an error.
type failingSource struct{ objects.Source }

func (f failingSource) Next(b *objects.Batch) error {
	if err := f.Source.Next(b); !errors.Is(err, io.EOF) {
		return err
	}
	return errSource
}

// A summary lists deleted objects after changed ones, under the folders that their paths have: a name on Unix may have
// a backslash. A resumed comparison writes no second heading. A comparison that fails writes the changes before the
// failure, and no deleted objects. The result has the position in the second state, and an unknown account of a deleted
// object (B-5).
func TestSummaryHasGoneObjectsLast(t *testing.T) {
	const a = "(A;;CC;;;S-1-5-21-1-2-3-1107)"
	list := func(rows ...[2]string) (text string) {
		for _, r := range rows {
			text += fmt.Sprintf(`{"path":%q,"sd":"O:BAD:%s"}`+"\n", r[0], r[1])
		}
		return text
	}
	before := list([2]string{`\\srv\a\gone`, a}, [2]string{`C:\`, a + "(A;;CC;;;S-1-22-1-7)"}, [2]string{"/", a},
		[2]string{`/b/is\gone`, strings.Replace(a, "CC", "LC", 1)}, [2]string{"/z/x", ""},
		[2]string{`/b/is\gone`, strings.Replace(a, "CC", "DC", 1)}) // the last row of a path counts
	after := list([2]string{"/z/x", a})
	for _, how := range []string{"", "resumed", "failed"} {
		var out bytes.Buffer
		d := &bulk.Diff{Directory: staff(""), Format: bulk.CSV, Out: &out, Summary: true,
			Before: listOf(before), After: listOf(after)}
		want := "folder,objects,principals,gained,lost,cause\n/z,1,1,0x00000001,0x00000000,entry added: " + a +
			" alice\n"
		gone := `\\srv\a,1,1,0x00000000,0x00000001,object is gone` + "\n" +
			`C:\,1,1,0x00000000,0x00000001,object is gone` + "\n/,1,1,0x00000000,0x00000001,object is gone\n" +
			"/b,1,1,0x00000000,0x00000002,object is gone\n"
		switch how {
		case "resumed":
			_, want, _ = strings.Cut(want, "\n")
			check.NoError(t, d.Resume(bulk.Position{}, []byte("[]")))
		case "failed":
			d.After, gone = failingSource{d.After}, ""
		}
		found, err := d.Do(context.Background())
		check.Equal(t, fmt.Sprint(found.Offset == int64(len(after)), found.FirstUnmapped),
			map[bool]string{true: "trueS-1-22-1-7", false: "true"}[found.Gone], "%s: position and account", how)
		check.That(t, errors.Is(err, errSource) == (how == "failed") && out.String() == want+gone,
			"%s: %v\n%s\nwant\n%s", how, err, out.String(), want+gone)
	}
}

// TestReportDoesNotDependOnMemory checks that a report is the same with any memory limit, and after a stop and
// resume.
func TestReportDoesNotDependOnMemory(t *testing.T) {
	objects := max(9_000, randtest.Size(30_000)) // more than four batches
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: objects, Descriptors: objects / 4,
		Principals: 70, Groups: 20})
	lines := strings.SplitAfter(list, "\n") // two descriptors of one score, before and after the first batch
	lines[2000] += strings.Repeat(`{"path":"/o","sd":"O:BA"}`+"\n", 9)
	lines[4000] += strings.Repeat(`{"path":"/o","sd":"O:SY"}`+"\n", 9)
	list = "{\"path\":\"/first\",\"sd\":\"O:\"}\n" + strings.Join(lines, "") + "{\"path\":\"/bad\",\"sd\":\"O:\"}\n"
	objects += 2 + 18
	whole := ""
	for _, c := range []struct{ workers, cache int }{{1, 0}, {3, 1}, {2, 1 << 20}} {
		r := &bulk.Report{Title: "x", Directory: dir, Workers: c.workers, CacheBytes: c.cache}
		text := pageOf(t, r, list)
		if whole == "" {
			whole = text
		}
		check.That(t, text == whole && r.Objects == objects && r.Unreadable == 2,
			"%+v: report differs, summary %+v, want the same with %d objects and 2 unreadable", c, r.Summary, objects)
	}
	file := check.Must(os.Create(filepath.Join(t.TempDir(), "state")))
	defer file.Close()
	var at bulk.Position
	var state json.RawMessage
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := &bulk.Report{Title: "x", Directory: dir, Source: jsonl.Lines(&slow{strings.NewReader(list)}, 0, 0), Workers: 1,
		State: file, Progress: func(bulk.Position) { cancel() },
		Save: func(p bulk.Position, s json.RawMessage) error { at, state = p, bytes.Clone(s); return nil }}
	check.ErrorIs(t, r.Collect(ctx), context.Canceled, "stopped report")
	var part, rest bytes.Buffer
	check.NoError(t, r.Write(&part))
	check.RequireThat(t, at.Objects > 0 && at.Objects < objects && strings.Contains(part.String(),
		fmt.Sprintf("only the first %d objects", at.Objects)), "%+v: wanted to be stopped in the middle", at)
	r = &bulk.Report{Title: "x", Directory: dir, State: file, Source: jsonl.Lines(strings.NewReader(list[at.Offset:]),
		at.Offset, at.Lines), Save: func(bulk.Position, json.RawMessage) error { return nil }}
	check.NoError(t, r.Resume(at, state))
	check.NoError(t, r.Collect(context.Background()))
	check.NoError(t, r.Write(&rest))
	check.Equal(t, rest.String(), whole, "page of the resumed report")
}

// TestReportCountsEqualScalarCheck compares each principal's number of reachable objects with the scalar check.
func TestReportCountsEqualScalarCheck(t *testing.T) {
	dir, list := sample(t, company.Sample{Seed: randtest.Seed(t), Objects: 1500, Descriptors: 100, Principals: 70,
		Groups: 20})
	share := sddl.MustParse("O:BAG:SYD:(A;;FR;;;AU)(A;;FA;;;BA)(A;;FA;;;" +
		dir.Principals[3].Token.User().SID.String() + ")")
	all := objectsOf(t, dir, list)
	for _, gate := range []*sd.Descriptor{nil, share} {
		page := pageOf(t, &bulk.Report{Title: "x", Directory: dir, Share: gate}, list)
		rights := check.Must(words.Parse("read+write+control"))
		for _, p := range dir.Principals {
			n := [3]int{}
			for _, o := range all {
				for i, right := range rights {
					for _, part := range right.Parts(o.typ) { // of control one is enough
						if check.Must(access.Check(p.Token, o.sd, part.Mask, o.typ)).Allowed() &&
							(gate == nil || check.Must(access.Check(p.Token, gate, part.Mask, o.typ)).Allowed()) {
							n[i]++
							break
						}
					}
				}
			}
			_, row, ok := strings.Cut(page, "<tr><td>"+p.Name+"<")
			row, _, _ = strings.Cut(row, "</tr>")
			for _, want := range n {
				_, after, found := strings.Cut(row, fmt.Sprintf(`<td class="n">%d</td>`, want))
				check.RequireThat(t, ok && found, "%s: row %s, want the counts %v", p.Name, row, n)
				row = after
			}
		}
	}
}
