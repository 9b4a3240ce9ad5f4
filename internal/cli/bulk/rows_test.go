package bulk_test

import (
	standard "encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/csv"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
)

const (
	twoUsers = "domain: S-1-5-21-1-2-3\nusers:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n" +
		"  - {name: bob, sid: S-1-5-21-1-2-3-1108}\n"
	fiveObjects = `{"path":"/ok","sd":"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n" +
		`{"path":"/bad","sd":"O:"}` + "\n" + `{"path":"/none"}` + "\n" + `{"path":"/open","sd":"O:BA"}` + "\n" +
		`{"path":"=a,\"b\"","sd":"O:BAG:SYD:(A;;FR;;;DU)"}` + "\n"
	atBad  = "SDDL: at byte 2: want S-1-"
	atNone = "line 3: no descriptor: give sd, sdHex or sdBase64"
)

// TestUndecidableObjectHasErrorRow checks that an undecidable object gets a row with its error in each form of each
// question, is counted, and does not affect other rows.
func TestUndecidableObjectHasErrorRow(t *testing.T) {
	for _, c := range []struct {
		ask    bulk.Ask
		format bulk.Format
		want   []string // beginnings of the rows behind the heading
	}{
		{bulk.Who, bulk.JSONL, []string{`{"path":"/ok","right":"read","principals":["alice"]}`,
			`{"path":"/bad","error":"` + atBad, `{"path":"/none","error":"` + atNone + `"}`,
			`{"path":"/open","right":"read","principals":["alice",` + `"bob"],"note":"`,
			`{"path":"=a,\"b\"","right":"read","principals":["alice","bob"]}`}},
		{bulk.Count, bulk.JSONL, []string{`{"path":"/ok","right":"read","count":1}`,
			`{"path":"/bad","error":"` + atBad, `{"path":"/none","error":"` + atNone + `"}`,
			`{"path":"/open","right":"read","count":2,"note":"`, `{"path":"=a,\"b\"","right":"read","count":2}`}},
		{bulk.What, bulk.JSONL, []string{`{"path":"/ok","granted":"0x00120089"`, `{"path":"/bad","error":"` + atBad,
			`{"path":"/none","error":"` + atNone + `"}`, `{"path":"/open","granted":"0x001f01ff"`,
			`{"path":"=a,\"b\"","granted":"0x00120089"`}},
		{bulk.Count, bulk.CSV, []string{"/ok,read,1", `/bad,error,"` + atBad, `/none,error,"` + atNone,
			"/open,read,2", `"'=a,""b""",read,2`}},
		{bulk.What, bulk.CSV, []string{"/ok,0x00120089,", `/bad,error,"` + atBad, `/none,error,"` + atNone,
			"/open,0x001f01ff,", `"'=a,""b""",0x00120089,`}},
	} {
		dir := check.Must(dirfile.Read([]byte(twoUsers)))
		r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Ask: c.ask, Format: c.format}
		out, sum, err := runOver(r, fiveObjects)
		first := fmt.Sprint(sum.FirstError)
		check.That(t, err == nil && sum.Objects == 5 && sum.Unreadable == 2 && sum.NoDACL == 1 &&
			strings.Contains(first, atBad) && strings.Contains(first, "/bad"),
			"%v %v: summary %+v, %v, want 5 objects, 2 unreadable and the first error", c.ask, c.format, sum, err)
		rows := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if c.format == bulk.CSV {
			rows = rows[1:]
		}
		check.RequireThat(t, len(rows) == len(c.want),
			"%v %v: %d rows, want %d\n%s", c.ask, c.format, len(rows), len(c.want), out)
		for i, want := range c.want {
			check.That(t, strings.HasPrefix(rows[i], want),
				"%v %v: row %d is\n%s, want\n%s", c.ask, c.format, i, rows[i], want)
		}
	}
}

// TestRemarksReachRowAndSummary checks that the remarks on an object follow its note in its row, and that the summary
// has the accounts that they name: unlisted ones (B-117) and those of a server without a name (B-5).
func TestRemarksReachRowAndSummary(t *testing.T) {
	const gone, too, local = "S-1-5-21-1-2-3-1190", "S-1-5-21-1-2-3-1191", "S-1-22-1-1002"
	const list = `{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;` + gone + `)(A;;FR;;;` + too + `)"}` + "\n" +
		`{"path":"/b","sd":"O:` + local + `G:SY"}` + "\n" + `{"path":"/c","sd":"O:S-1-22-1-1003G:SYD:"}` + "\n"
	dir := check.Must(dirfile.Read([]byte("users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 1001}\n")))
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Ask: bulk.Count, Format: bulk.JSONL,
		Unlisted: true}
	out, sum, err := runOver(r, list)
	_, named := sum.Unlisted[gone]
	check.That(t, err == nil && sum.Unmapped == 2 && sum.FirstUnmapped == local && named && len(sum.Unlisted) == 2,
		"%+v, %v, want 2 accounts without a name, %s first, and %s", sum, err, local, gone)
	const note = `,"note":"2 accounts that no listed user has are allowed too: ` + gone + ", " + too + "\"}\n"
	check.Equal(t, out, `{"path":"/a","right":"read","count":0`+note+`{"path":"/b","right":"read","count":1,"note":`+
		`"the descriptor has no D: part: no DACL limits access; no account of the directory has `+local+`"}`+"\n"+
		`{"path":"/c","right":"read","count":0,"note":"no account of the directory has S-1-22-1-1003"}`+"\n", "rows")
	out = rowsOf(t, &bulk.Run{Directory: dir, Rights: r.Rights, Format: bulk.ESBulk, Unlisted: true}, list)
	check.That(t, strings.Contains(out, `["sid:S-1-0-0"]`+note), "no note in the documents\n%s", out)
}

// In the formats that programs read, a path that is not UTF-8 is an error, because two such paths would be one (B-6,
// B-18). Other formats show U+FFFD.
func TestPathThatIsNotUTF8IsErrorInExactFormats(t *testing.T) {
	const list = "path,sd\n/\xff,D:(A;;FR;;;WD)\n/\ufffd,D:(A;;FR;;;S-1-5-21-1-2-3-1107)\n" +
		"\"/a\nb\",D:(A;;FR;;;WD)\n"
	const problem = `"error":"the path is not UTF-8, so this format cannot express it"`
	for _, c := range []struct {
		ask    bulk.Ask
		format bulk.Format
		rights string
		errors uint64
		want   []string // parts of the output, with ? for U+FFFD
	}{
		{bulk.Who, bulk.JSONL, "read", 1, []string{`{"path":"/?",` + problem,
			`{"path":"/?","right":"read","principals":["alice"]`}},
		{bulk.What, bulk.JSONL, "read", 1, []string{`{"path":"/?",` + problem}},
		{bulk.Index, bulk.JSONL, "read", 1, []string{`{"path":"/?",` + problem}},
		{bulk.Who, bulk.ESBulk, "read", 1, []string{`{"path":"/?","_allow_access_control":["sid:S-1-0-0"],` + problem,
			`{"path":"/?","_allow_access_control":["sid:S-1-5-21-1-2-3-1107"]}`}},
		{bulk.Index, bulk.CSVTables, "read+write", 1, []string{"/?,read,unreadable\n/?,write,unreadable\n"}},
		{bulk.Who, bulk.CSV, "read", 0, []string{"/?,read,alice;bob\n", "/?,read,alice\n\"/a\nb\",read,"}},
		{bulk.Who, bulk.Table, "read", 0, []string{"alice, bob\n"}},
	} {
		var out strings.Builder
		r := &bulk.Run{Source: csv.New(strings.NewReader(list)), Directory: check.Must(dirfile.Read([]byte(twoUsers))),
			Rights: check.Must(words.Parse(c.rights)), Ask: c.ask, Format: c.format, Out: &out, Sets: io.Discard}
		sum, err := r.Do(t.Context())
		check.That(t, err == nil && uint64(sum.Unreadable) == c.errors, "%v %v: %d unreadable objects, %v, want %d, nil",
			c.ask, c.format, sum.Unreadable, err, c.errors)
		for _, part := range c.want {
			check.That(t, strings.Contains(out.String(), strings.ReplaceAll(part, "?", "\ufffd")),
				"%v %v: output\n%s, want %q in it", c.ask, c.format, out.String(), part)
		}
	}
}

// TestLongErrorIsShortened checks that a row has the beginning of a long error.
func TestLongErrorIsShortened(t *testing.T) {
	row := string(new(bulk.Run).AppendUnreadable(nil, &objects.Object{Path: []byte("/a")},
		errors.New(strings.Repeat("x", 9999))))
	check.That(t, strings.HasPrefix(row, `{"path":"/a","error":"xx`) && len(row) < 2000, "a row of %d bytes", len(row))
}

// TestUnreadableStateIsNotCompared checks that an object that is unreadable in either state is counted and not
// compared, and that gained, lost and changed objects are each counted once.
func TestUnreadableStateIsNotCompared(t *testing.T) {
	const (
		a, b = `{"path":"/a","sd":"D:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n",
			`{"path":"/b","sd":"D:(A;;FA;;;DU)"}` + "\n"
		more = `{"path":"/a","sd":"D:(A;;FR;;;S-1-5-21-1-2-3-1107)(A;;FR;;;DU)"}` + "\n"
		less = `{"path":"/b","sd":"D:(A;;FR;;;BA)"}` + "\n"
		bad  = `{"path":"/b","sd":"O:"}` + "\n"
		none = `{"path":"/b",` + "\n"
		lost = `{"path":"/b"}` + "\n"
	)
	for _, c := range []struct {
		before, after                         string
		objects, unreadable, changes, changed int
		rows                                  []string // parts that must be there
	}{
		{a + b, a + b, 2, 0, 0, 0, nil},
		{a + b, more + b, 2, 0, 1, 1, []string{`"/a"`, `"bob"`}},
		{a + b, a + less, 2, 0, 2, 1, []string{`"/b"`, `"alice"`, `"bob"`}},
		{a + b, more + less, 2, 0, 3, 2, []string{`"/a"`, `"/b"`}},
		{a + b, a + bad, 2, 1, 0, 0, nil}, {a + bad, a + b, 2, 1, 0, 0, nil}, {a + bad, a + bad, 2, 1, 0, 0, nil},
		{a + bad, more + b, 2, 1, 1, 1, []string{`"/a"`}},
		{a + none, a, 1, 1, 0, 0, nil}, {a, a + none, 2, 1, 0, 0, nil}, {a + none, a + none, 2, 2, 0, 0, nil},
		{a + b, a + lost, 2, 1, 0, 0, []string{"missing in the second state"}}, {a + lost, a + b, 2, 1, 0, 0, nil},
	} {
		dir := check.Must(dirfile.Read([]byte(twoUsers)))
		got, out := compareLists(t, &bulk.Diff{Directory: dir, Format: bulk.JSONL}, c.before, c.after)
		check.That(t, got.Compared && got.Objects == c.objects && got.Unreadable == c.unreadable &&
			got.Changes == c.changes && got.Changed == c.changed && (got.FirstError != nil) == (c.unreadable > 0),
			"%s%s: summary %+v, want the counts of the case\n%s", c.before, c.after, got, out)
		for _, part := range c.rows {
			check.That(t, strings.Contains(out, part), "output without %s\n%s", part, out)
		}
		check.That(t, c.changes != 0 || c.unreadable != 0 || out == "", "output without a change:\n%s, want none", out)
	}
	dir := check.Must(dirfile.Read([]byte(twoUsers)))
	for format, want := range map[bulk.Format]string{
		bulk.CSV:   `,/b,,,"not compared: line 2: ""x"" is not an object type"`,
		bulk.Table: `- /b - - not compared: line 2: "x" is not an object type`,
	} {
		_, out := compareLists(t, &bulk.Diff{Directory: dir, Format: format}, a+b,
			a+`{"path":"/b","sd":"D:","type":"x"}`+"\n")
		check.That(t, strings.Contains(strings.Join(strings.Fields(out), " "), want), "output without %s\n%s", want, out)
	}
	got, _ := compareLists(t, &bulk.Diff{Directory: dir, Format: bulk.JSONL}, a+b+b+a, a+b+a)
	check.That(t, got.Repeated == 3 && got.FirstRepeated == "/b", "repeated rows: %+v, want 3, the first /b", got)
	got, _ = compareLists(t, &bulk.Diff{Directory: dir, Format: bulk.JSONL}, a+b+lost+none, a+b)
	check.That(t, got.Repeated == 0 && strings.HasPrefix(got.FirstError.Error(), "/b: line 3: "),
		"%+v, want no repeated rows, and the second one of /b as the first that is unreadable", got)
}

// TestCSVPrincipalsAreUnambiguous checks that a CSV reader with the separator ";" reads back the names in the column
// principals, also a name with a semicolon and one with a quote. A reader of another language does the same.
func TestCSVPrincipalsAreUnambiguous(t *testing.T) {
	const people = "domain: S-1-5-21-1-2-3\nusers:\n  - {name: 'x;y', sid: S-1-5-21-1-2-3-1107}\n" +
		"  - {name: 'a\"b', sid: S-1-5-21-1-2-3-1108}\n  - {name: carla, sid: S-1-5-21-1-2-3-1109}\n"
	r := &bulk.Run{Directory: check.Must(dirfile.Read([]byte(people))), Rights: check.Must(words.Parse("read")),
		Ask: bulk.Who, Format: bulk.CSV}
	out, _, err := runOver(r, `{"path":"/f","sd":"O:BAG:SYD:(A;;FR;;;WD)"}`+"\n")
	check.NoError(t, err)
	rows := check.Must(standard.NewReader(strings.NewReader(out)).ReadAll())
	names := standard.NewReader(strings.NewReader(rows[1][2]))
	names.Comma = ';'
	check.Equal(t, fmt.Sprintf("%q", check.Must(names.Read())), `["x;y" "a\"b" "carla"]`, "principals of %q", out)
}
