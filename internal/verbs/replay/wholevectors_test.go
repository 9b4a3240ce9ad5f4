package replay

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/vectors"
)

// TestVectorsInFull: each answered question of a recording is a vector with the machine as its source; programs and
// what was not asked make no vector.
func TestVectorsInFull(t *testing.T) {
	var first vectors.Vector
	for v := range vectors.Access() {
		first = v
		break
	}
	var in Fields
	if err := json.Unmarshal(first.In, &in); err != nil {
		t.Fatal(err)
	}
	id := in["id"].(string)
	lines := []Line{
		{Case: "p", Program: "x = 1"}, {Case: "p", Line: 1, Call: "NtClose", Status: "STATUS_SUCCESS"},
		{Case: "n", Skipped: "no time"},
		{Case: "a <text>", Call: TextToSID, Thread: "t", In: Fields{"sid": "<BA>"}, Status: "ERROR_INVALID_SID",
			Rules: []string{"S-1", "S-2"}},
		{Case: "b", Call: SIDToText, In: Fields{"hex": "01"}, Status: "ERROR_SUCCESS",
			Out: Fields{"sid": "x", "function": "f"}},
		{Case: id, Call: AccessCheck, In: Fields{"id": id, "call": "NtAccessCheck"}, Status: "STATUS_SUCCESS",
			Out: Fields{"granted": "0x1", "function": "AccessCheck"}, Rules: []string{"A-1"}},
		{Case: "c", Call: AccessCheck, In: Fields{"id": "c", "call": "NtAccessCheck"}, Status: "STATUS_ACCESS_DENIED",
			Out: Fields{"granted": "0x0", "function": "AuthzAccessCheck"}},
	}
	about, err := json.Marshal(first.About)
	if err != nil {
		t.Fatal(err)
	}
	text := unescaped(string(about))
	want := []string{
		`{"about":"What ConvertStringSidToSid answers (a <text>).","provenance":{"kind":"recorded",` +
			`"rules":["S-1","S-2"],RUN},"in":{"call":"ConvertStringSidToSid","id":"a <text>","sid":"<BA>"},` +
			`"out":{"id":"a <text>","status":"ERROR_INVALID_SID"}}`,
		`{"about":"What ConvertSidToStringSid answers (b).","provenance":{"kind":"recorded","rules":null,RUN},` +
			`"in":{"call":"ConvertSidToStringSid","hex":"01","id":"b"},"out":{"id":"b","sid":"x","status":"ERROR_SUCCESS"}}`,
		`{"about":` + text + `,"provenance":{"kind":"recorded","rules":["A-1"],RUN},"in":{"call":"NtAccessCheck","id":"` +
			id + `"},"out":{"granted":"0x1","id":"` + id + `","status":"STATUS_SUCCESS"}}`,
		`{"about":"What AccessCheck answers (c).","provenance":{"kind":"recorded","rules":null,RUN},"in":{"id":"c"},` +
			`"out":{"granted":"0x0","id":"c","status":"STATUS_ACCESS_DENIED"}}`,
	}
	for i := range want {
		want[i] = strings.Replace(want[i], "RUN", `"source":"a recording","run":"refmon-record on Windows 10.0 server build `+
			`20348.1 amd64, 2026-01-02"`, 1)
	}
	rec := &Recording{Header: header, Lines: lines}
	var b bytes.Buffer
	if err := WriteVectors(&b, rec); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(unescaped(b.String()), "\n"), "\n") // parts of it are escaped
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if rec.Lines[4].Out["function"] != "f" || rec.Lines[6].In["call"] != "NtAccessCheck" {
		t.Errorf("the recording was changed: %+v", rec.Lines)
	}
}

// unescaped writes the characters that encoding/json escapes for HTML.
func unescaped(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

// TestNotesOfRules: a rule of our own is decided as the table of choices says, and otherwise as its own text does; a
// rule of another source is not decided.
func TestNotesOfRules(t *testing.T) {
	n, err := ReadNotes()
	if err != nil {
		t.Fatal(err)
	}
	choices, met := Choices(docs.Caveats), [3]int{}
	files, err := fs.Glob(docs.Rules, "rules/*.md")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	ours := regexp.MustCompile(`own choice|project decision`)
	for _, name := range files {
		b, err := fs.ReadFile(docs.Rules, name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			id, text, ok := strings.Cut(strings.TrimPrefix(line, "- **"), "** ")
			if !strings.HasPrefix(line, "- **") || !ok {
				continue
			}
			text, source, _ := strings.Cut(text, " *Source:")
			switch decided := n.Decided[id]; {
			case choices[id] != "":
				if met[0]++; decided != choices[id] {
					t.Errorf("%s is decided as %q, want the table's %q", id, decided, choices[id])
				}
			case ours.MatchString(source):
				if met[1]++; decided != text {
					t.Errorf("%s is decided as %q, want the rule's %q", id, decided, text)
				}
			case n.Caveats[id] == "" && decided != "":
				t.Errorf("%s is decided as %q, and its source is %s", id, decided, source)
			default:
				met[2]++
			}
		}
	}
	if met[0] == 0 || met[1] == 0 || met[2] == 0 {
		t.Errorf("rules of the table, of their own, and others: %v", met)
	}
}

// TestWriterInFull: a recording is written as its format says, whatever version the header brings, and with the
// characters that it holds.
func TestWriterInFull(t *testing.T) {
	h := header
	h.Recording, h.Recorder, h.System.Wine, h.Tokens = 7, "v<1>", "8.0", OwnToken
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []Line{{Case: "c", Program: "x", Prelude: "y"}, {Case: "c", Line: 1, Time: 2, Thread: "t", Call: "f",
		In: Fields{"a": "<&>"}, Status: "s", Out: Fields{"b": true}, Rules: []string{"A-1"}}, {Case: "d", Skipped: "e"}} {
		if err := w.Write(l); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"recording":1,"system":{"product":"Windows 10.0 server","build":20348,"revision":1,"architecture":"amd64",` +
		`"wine":"8.0"},"date":"2026-01-02","recorder":"v<1>","token":{"user":"S-1-5-18"},"tokens":"own"}
{"case":"c","program":"x","prelude":"y"}
{"case":"c","line":1,"time":2,"thread":"t","call":"f","in":{"a":"<&>"},"status":"s","out":{"b":true},"rules":["A-1"]}
{"case":"d","skipped":"e"}
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	list, err := Programs("a.txt", []byte("run\nx\n----\n----\nout\n----\n----\nrun\ny\n----\n\nrun\nz\n----\nout\n"))
	if err != nil || len(list) != 3 || list[1].Source != "y" || list[1].Case != "a.txt:8" || list[2].Source != "z" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, open := range []string{"run\nx\n", "run\nx\n----", "run\nx\n----\n----", "run\nx\n----\n----\nout\n----",
		"run\nx\n----\nout"} { // a transcript that ends in the middle
		list, err := Programs("a.txt", []byte(open))
		if err != nil || len(list) != 1 || strings.TrimSpace(list[0].Source) != "x" {
			t.Errorf("%q: %+v, %v", open, list, err)
		}
	}
}

// TestAsked: a call of ours answers one of theirs where both name the same and ask the same, but for what passes.
func TestAsked(t *testing.T) {
	l := &Line{Call: "f", In: Fields{"a": 1, "HandleCount": 3}, Status: "theirs"}
	for name, c := range map[string]struct {
		ours *Line
		same bool
	}{
		"none":               {nil, false},
		"the same":           {&Line{Call: "f", In: Fields{"a": 1.0, "HandleCount": 4}, Status: "ours"}, true},
		"another call":       {&Line{Call: "g", In: Fields{"a": 1}}, false},
		"another parameter":  {&Line{Call: "f", In: Fields{"a": 2}}, false},
		"one parameter more": {&Line{Call: "f", In: Fields{"a": 1, "b": 1}}, false},
		"none of them":       {&Line{Call: "f"}, false},
		"neither":            {&Line{Call: "g", In: Fields{"b": 1}}, false},
	} {
		if got := asked(l, c.ours); (got != nil) != c.same || c.same && got != c.ours {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
