package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/docs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestEachTextLineBecomesOneQuestion checks that each kind of line is a question of its own, numbered by its rule.
func TestEachTextLineBecomesOneQuestion(t *testing.T) {
	list := check.Must(textQuestions(`# a comment
S-1 sid BA

S-1 sddl "O:BA\u0041"
S-2 sidHex 0101
S-2 sdHex 01
 A-1 condition (@User.one == 1)
S-3 create 0x3 container:12345678-0000-0000-0000-000000000001 D:(A;;FR;;;WD) | O:BA
S-3 create 0x0 file - | -
`))
	var got []string
	for _, q := range list {
		delete(q.In, "token")
		in := strings.ReplaceAll(string(check.Must(json.Marshal(q.In))), "\"", "'")
		got = append(got, fmt.Sprintf("%s: %s %s %s", q.Case, q.Call, in, q.Rules))
	}
	want := []string{
		"S-1 text 1: ConvertStringSidToSid {'sid':'BA'} [S-1]",
		"S-1 text 2: ConvertStringSecurityDescriptorToSecurityDescriptor {'sddl':'O:BAA'} [S-1]",
		"S-2 text 1: ConvertSidToStringSid {'hex':'0101'} [S-2]",
		"S-2 text 2: ConvertSecurityDescriptorToStringSecurityDescriptor {'hex':'01'} [S-2]",
		"A-1 text 1, allows: AccessCheck {'desired':'0x1','id':'A-1 text 1, allows','sd':'O:SYG:SYD:(XA;;FR;;;WD;" +
			"(@User.one == 1))'} [A-1]",
		"A-1 text 1, denies: AccessCheck {'desired':'0x1','id':'A-1 text 1, denies','sd':'O:SYG:SYD:(XD;;FR;;;WD;" +
			"(@User.one == 1))(A;;FR;;;WD)'} [A-1]",
		"S-3 text 1: CreatePrivateObjectSecurityEx {'container':true,'creator':'O:BA','flags':'0x3','mapping':'file'," +
			"'objectType':'12345678-0000-0000-0000-000000000001','parent':'D:(A;;FR;;;WD)'} [S-3]",
		"S-3 text 2: CreatePrivateObjectSecurityEx {'container':false,'flags':'0x0','mapping':'file'} [S-3]",
	}
	check.Equal(t, strings.Join(got, "\n"), strings.Join(want, "\n"), "questions")
	for text, want := range map[string]string{"S-1 sid": "texts.txt:1: want a rule, a kind and a text",
		"\nS-1 dance x": `texts.txt:2: no kind "dance"`, `S-1 sid "x`: "texts.txt:1: ",
		"S-1 create 0x0 file":      "texts.txt:1: want FLAGS KIND PARENT | CREATOR",
		"S-1 create 0x0 file -":    "want FLAGS KIND",
		"S-1 create 0x0 file - | ": "want FLAGS KIND", "S-1": "want a rule"} {
		_, err := textQuestions(text)
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%q: %v, want %s", text, err, want)
	}
}

// Back returns the follow-up question for accepted bytes, and none for rejected ones.
func TestFollowUpQuestionForAcceptedBytes(t *testing.T) {
	for _, c := range []struct {
		call, back string
		out        Fields
	}{{TextToSID, SIDToText, Fields{"hex": "01"}}, {TextToDescriptor, DescriptorToText, Fields{"hex": "01"}},
		{TextToSID, "", Fields{}}, {TextToSID, "", nil}, {TextToSID, "", Fields{"hex": 7}},
		{SIDToText, "", Fields{"hex": "01"}},
		{AccessCheck, "", Fields{"hex": "01"}}} {
		q := Question{Case: "a", Call: c.call, Rules: []string{"S-1"}}
		back, ok := q.Back(c.out)
		if check.Equal(t, ok, c.back != "", "%+v: has a follow-up", c); ok {
			want := Question{Case: "a, back", Call: c.back, In: Fields{"hex": "01"}, Rules: q.Rules}
			check.DeepEqual(t, back, want, "%+v: follow-up", c)
		}
	}
}

// Each descriptor of the vectors and each check is a question once.
func TestEachVectorIsOneQuestion(t *testing.T) {
	list := check.Must(Questions())
	cases, texts, checks := map[string]int{}, map[string]int{}, 0
	for _, q := range list {
		cases[q.Case]++
		if q.Call == AccessCheck {
			checks++
		}
		if text, _ := q.In["sddl"].(string); slices.Equal(q.Rules, []string{"S-46"}) && strings.HasSuffix(q.Case, " sd") {
			texts[text]++
		}
	}
	for name, n := range cases {
		check.That(t, n <= 1, "question %s occurs %d times, want at most 1", name, n)
	}
	for text, n := range texts {
		check.That(t, n <= 1, "questions about %s occur %d times, want at most 1", text, n)
	}
	for _, q := range list {
		// A descriptor's question is named by the first vector that has it.
		id, ok := strings.CutSuffix(q.Case, " sd")
		check.That(t, !ok || cases[id] == 1, "%s: no vector has the name %q, want one", q.Case, id)
	}
	check.That(t, checks >= 100 && len(texts) >= 50,
		"%d checks, %d descriptors, want at least 100, at least 50", checks, len(texts))
}

// TestOnlyTableOfChoicesIsRead checks that only the page's table of choices is read.
func TestOnlyTableOfChoicesIsRead(t *testing.T) {
	got := Choices(`# Page
## Known
| A-1 | not a choice | x |
## Choices
| Rule | Situation | ours |
|---|---|---|
| A-2, O-3b | what is chosen | because |
| none | x | y |
| T-4 | short
### Rest
| U-5 | later | x |
`)
	check.DeepEqual(t, got, map[string]string{"A-2": "what is chosen", "O-3b": "what is chosen"}, "choices")
}

// A row of CAVEATS counts by its section: ids in "Rules that are not built" and in the section about recordings that
// are not reproduced are absent, and ids only in other sections are not.
func TestCaveatCountsByItsSection(t *testing.T) {
	n := check.Must(ReadNotes())
	in := map[string]map[string]bool{}
	section := ""
	for line := range strings.Lines(docs.Caveats) {
		if rest, ok := strings.CutPrefix(line, "## "); ok {
			section, _, _ = strings.Cut(rest, " ")
		}
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, id := range regexp.MustCompile(`\b[A-Z]-\d+[a-z]?\b`).FindAllString(cells[1], -1) {
				if in[id] == nil {
					in[id] = map[string]bool{}
				}
				in[id][section] = true
			}
		}
	}
	met := map[string]int{}
	for id, sections := range in {
		absent := sections["Rules"] || sections["Recorded"]
		check.Equal(t, n.Absent[id], absent, "%s is in the sections %v: absent", id, sections)
		check.That(t, !sections["Choices"] || n.Decided[id] != "", "%s is a choice without a decision, want one", id)
		for s := range sections {
			met[s]++
		}
	}
	check.That(t, met["Rules"] != 0 && met["Recorded"] != 0 && met["Choices"] != 0,
		"rows with ids by section = %v, want some in each", met)
}

// TestMalformedQuestionHasPosition checks that a malformed question gets an error with its position.
func TestMalformedQuestionHasPosition(t *testing.T) {
	for _, c := range []struct {
		l    Line
		want string
	}{
		{Line{Case: "a", Call: "Dance"}, "Dance: no question of this name is known"},
		{Line{Case: "a", Call: TextToSID}, `a: no field "sid"`},
		{Line{Case: "a", Call: TextToDescriptor}, `a: no field "sddl"`},
		{Line{Case: "a", Call: SIDToText}, `a: field "hex" holds no bytes`},
		{Line{Case: "a", Call: SIDToText, In: Fields{"hex": "0g"}}, `a: field "hex" holds no bytes`},
		{Line{Case: "a", Call: DescriptorToText, In: Fields{"hex": ""}}, `a: field "hex" holds no bytes`},
		{Line{Case: "a", Call: AccessCheck, In: Fields{"nonsense": 1}}, "a: "},
		{Line{Case: "a", Call: NewDescriptor, In: Fields{"flags": "x", "mapping": "file"}}, "flags: "},
		{Line{Case: "a", Call: NewDescriptor, In: Fields{"flags": "1"}}, `mapping: no object type ""`},
		{Line{Case: "a", Call: NewDescriptor, In: Fields{"flags": "1", "mapping": "file", "parent": "O:"}}, "parent: "},
		{Line{Case: "a", Call: NewDescriptor, In: Fields{"flags": "1", "mapping": "file", "creator": "O:"}}, "creator: "},
		{Line{Case: "a", Call: NewDescriptor, In: Fields{"flags": "1", "mapping": "file", "objectType": "x"}}, "a: "},
	} {
		st, out, err := answer(&c.l, nil)
		check.That(t, errors.Is(err, ErrMalformed) && strings.Contains(err.Error(), c.want) &&
			st == "" && out == nil, "%+v: %s, %v, %v, want %s", c.l, st, out, err, c.want)
	}
	c, err := ReadCreation(Fields{"flags": "0x7", "mapping": "key", "container": true, "parent": "D:(A;;KR;;;WD)",
		"creator": "O:BA", "objectType": "12345678-0000-0000-0000-000000000001"})
	check.That(t, err == nil && c.Flags == 7 && c.Container && c.Parent.DACL().Len() == 1 &&
		c.Creator.Owner().String() == "S-1-5-32-544" && len(c.ObjectTypes) == 1 && c.Mapping.All == 0xF003F,
		"case = %+v, %v, want the flags, parent and creator of the text", c, err)
}

// TestFileIsOneProgramOrOnePerCase checks that a file is one program, or one for each case of a transcript, with the
// rules in the comment above the case.
func TestFileIsOneProgramOrOnePerCase(t *testing.T) {
	list, err := Programs(`C:\x\a.star`, []byte("x = 1\r\ny = 2\n"))
	check.NoError(t, err)
	check.DeepEqual(t, list, []Program{{Case: "a.star", Source: "x = 1\ny = 2\n"}}, "programs of a.star")
	list, err = Programs("b.txt", []byte(`# O-1: for the prelude

prelude
p = 1
----

# A-1, AC-2: about
# O-3 too
run
first
----
out A-9

run profile=observed
second
----
----
one
----

two
----
----

# T-4 (F-55, L-1)
run
third
----`))
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprintf("%s %q %q %v", p.Case, p.Prelude, p.Source, p.Rules))
	}
	want := []string{`b.txt:9 "p = 1" "first" [A-1 O-3]`, `b.txt:14 "p = 1" "second" []`,
		`b.txt:26 "p = 1" "third" [T-4 F-55 L-1]`}
	check.NoError(t, err)
	check.SlicesEqual(t, got, want, "programs of a transcript")
	for name, text := range map[string]string{"c.doc": "", "d.txt": "dance\n----\n"} {
		if _, err := Programs(name, []byte(text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("program %s: %v, want an error that names the file", name, err)
		}
	}
	if _, err := Read(iotest.ErrReader(errors.New("gone"))); !errors.Is(err, ErrMalformed) ||
		!strings.Contains(err.Error(), "line 1: ") || !strings.Contains(err.Error(), "gone") {
		t.Errorf("read error: %v, want a malformed file at line 1", err)
	}
}
