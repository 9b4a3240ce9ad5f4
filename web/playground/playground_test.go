package playground

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/batch"
)

const alice = `{"user":"S-1-5-21-1-2-3-1107","groups":["DU","WD"]}`

func answer(t *testing.T, q Question) Reply {
	t.Helper()
	in, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	var r Reply
	if err := json.Unmarshal(Answer(in), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReasons(t *testing.T) {
	r := answer(t, Question{SD: "O:BAG:SYD:(A;;0x4;;;WD)(D;;0x2;;;DU)(A;;FA;;;WD)", Token: alice, Rights: "0x7"})
	if r.Allowed || r.Status != "STATUS_ACCESS_DENIED" || r.Granted != "0x00000000" {
		t.Errorf("%+v", r)
	}
	var words, cells []string
	for _, b := range r.Bits {
		words = append(words, b.Name+" "+b.Word)
	}
	for _, s := range r.Steps {
		cells = append(cells, s.Where+" "+s.Cells+" "+s.Rule)
	}
	if got, want := strings.Join(words, ", "),
		"FILE_READ_DATA left, FILE_WRITE_DATA denied, FILE_APPEND_DATA granted"; got != want {
		t.Errorf("bits: %s, want %s", got, want)
	}
	if got, want := strings.Join(cells, ", "), "DACL 0 ..+ A-70, DACL 1 .-. A-70"; got != want {
		t.Errorf("steps: %s, want %s", got, want)
	}
	if r.Canonical != "O:BAG:SYD:(A;;LC;;;WD)(D;;DC;;;DU)(A;;FA;;;WD)" {
		t.Errorf("canonical: %s", r.Canonical)
	}
}

// The line the page gives away has the page's answer.
func TestLineIsTheSameQuestion(t *testing.T) {
	for _, q := range []Question{
		{SD: "O:BAG:SYD:(A;;FR;;;DU)", Token: alice, Rights: "FR"},
		{SD: "O:BAG:SYD:(A;;0x1;;;PS)", Token: alice, Rights: "1", Self: "S-1-5-21-1-2-3-1107"},
		{SD: "O:BAG:SYD:(A;;FR;;;WD)", Token: alice, Rights: "read"},
		{SD: "O:BAG:SYD:(A;;WO;;;WD)", Token: alice, Rights: "control"},
		{SD: "O:BAG:SYD:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)", Token: alice, Rights: "AddMember",
			Type: "directoryService"},
		{SD: "O:BAG:SYD:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)", Token: alice, Rights: "WP",
			Type: "directoryService", Object: "member, description"},
		{SD: "O:BAG:SYD:(A;;KR;;;WD)", Token: " {\n \"user\" : \"BA\", \"groups\":[\"WD\"] } ", Rights: "GR|GW",
			Type: "key"},
	} {
		r := answer(t, q)
		var out strings.Builder
		sum, err := batch.Checks{}.Job().Run(strings.NewReader(r.Line+"\n"), &out)
		if err != nil || sum.Malformed != 0 {
			t.Errorf("%s: %v %s", r.Line, err, out.String())
		}
		if want := fmt.Sprintf(`"status":%q,"granted":%q`, r.Status, r.Granted); !strings.Contains(out.String(), want) {
			t.Errorf("%s answers %s, the page %s", r.Line, out.String(), want)
		}
	}
}

func TestMistakes(t *testing.T) {
	good := Question{SD: "O:BAG:SYD:(A;;FR;;;WD)", Token: alice, Rights: "FR"}
	for _, c := range []struct {
		name   string
		change func(*Question)
		field  string
		marked string // "" where the field as a whole is meant
		want   string
	}{
		{"alias", func(q *Question) { q.SD = "O:BAG:SYD:(A;;FR;;;ZZ)" }, "sd", "ZZ", "alias"},
		{"no descriptor", func(q *Question) { q.SD = " " }, "sd", "", "O:BAG:SYD:"},
		{"field of the token", func(q *Question) { q.Token = `{"user":"BA",` + "\n" + `"gruops":[]}` }, "token",
			`"gruops"`, "unknown field"},
		{"no token", func(q *Question) { q.Token = "" }, "token", "", ""},
		{"right", func(q *Question) { q.Rights = "FR|QQ" }, "rights", "QQ", `"QQ" is no right`},
		{"no rights", func(q *Question) { q.Rights = " " }, "rights", "", "say which rights"},
		{"type", func(q *Question) { q.Type = "files" }, "type", "", "no type of object"},
		{"word", func(q *Question) { q.Rights = "write+raed" }, "rights", "raed", "did you mean read?"},
		{"object type", func(q *Question) { q.Object = "member, membr" }, "object", "", `"membr"`},
		{"masks on several types", func(q *Question) { q.Rights = "AddMember+FR" }, "rights", "", "ask one at a time"},
		{"self", func(q *Question) { q.Self = "S-1" }, "self", "", ""},
		{"behind characters of four bytes", func(q *Question) {
			q.SD = "O:BAG:SYD:(XA;;FR;;;WD;(@User.x == \"\U0001F600\"))(A;;FR;;;ZZ)"
		}, "sd", "ZZ", "alias"},
	} {
		q := good
		c.change(&q)
		r := answer(t, q)
		if len(r.Mistakes) != 1 || r.Mistakes[0].Field != c.field || !strings.Contains(r.Mistakes[0].Message, c.want) ||
			r.Mistakes[0].Message == "" {
			t.Errorf("%s: %+v", c.name, r.Mistakes)
			continue
		}
		m, text := r.Mistakes[0], map[string]string{"sd": q.SD, "token": q.Token, "rights": q.Rights}[c.field]
		if got := marked(text, m); c.marked != "" && got != c.marked {
			t.Errorf("%s: marks %q (%d to %d), want %q", c.name, got, m.From, m.To, c.marked)
		}
	}
	if r := answer(t, Question{SD: "D:(", Token: "{", Rights: "?"}); len(r.Mistakes) != 3 {
		t.Errorf("three mistakes at once: %+v", r.Mistakes)
	}
}

// marked cuts a text as a browser does, in UTF-16 units.
func marked(text string, m Mistake) string {
	var out strings.Builder
	at := 0
	for _, c := range text {
		if m.From <= at && at < m.To {
			out.WriteRune(c)
		}
		at += units(string(c))
	}
	return out.String()
}

// An alias such as DU needs the token's domain; while the token cannot be read
// the page says so.
func TestAliasWithoutDomain(t *testing.T) {
	r := answer(t, Question{SD: "O:BAG:SYD:(A;;FR;;;DU)", Token: "{", Rights: "FR"})
	if len(r.Mistakes) != 2 || !strings.Contains(r.Mistakes[1].Message, "the domain comes from the token's user") {
		t.Errorf("%+v", r.Mistakes)
	}
}

// FuzzAnswer: any question gets a reply, and the mistakes in it lie within
// their fields.
func FuzzAnswer(f *testing.F) {
	f.Add("O:BAG:SYD:(A;;FR;;;WD)", alice, "FR", "file", "", "")
	f.Add("D:(XA;;1;;;WD;(@User.x==\"\xff\U0001F600\"))", `{"user":`, "read+FR|", "", "S-1-5-10", "member,")
	f.Fuzz(func(t *testing.T, sd, token, rights, typ, self, object string) {
		in, err := json.Marshal(Question{SD: sd, Token: token, Rights: rights, Type: typ, Self: self, Object: object})
		if err != nil {
			t.Fatal(err)
		}
		var r Reply
		if err := json.Unmarshal(Answer(in), &r); err != nil {
			t.Fatal(err)
		}
		if (r.Mistakes == nil) != (r.Status != "") {
			t.Fatalf("%+v", r)
		}
		var read Question // what a browser can send is Unicode
		if err := json.Unmarshal(in, &read); err != nil {
			t.Fatal(err)
		}
		lengths := map[string]int{"sd": units(read.SD), "token": units(read.Token), "rights": units(read.Rights),
			"self": units(read.Self)}
		for _, m := range r.Mistakes {
			if m.From >= 0 && (m.To < m.From || m.To > lengths[m.Field]) {
				t.Fatalf("%+v lies outside of a field of %d", m, lengths[m.Field])
			}
		}
	})
}

// TestVocabulary: the words of refmon why, control and object types with them, and what would
// grant a denial.
func TestVocabulary(t *testing.T) {
	const member = "(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)"
	for _, c := range []struct {
		q       Question
		granted string
	}{
		{Question{SD: "O:BAG:SYD:(A;;FR;;;WD)", Rights: "read"}, "0x00120089"},
		{Question{SD: "O:BAG:SYD:(A;;WO;;;WD)", Rights: "control"}, "0x00080000"},
		{Question{SD: "O:BAG:SYD:" + member, Rights: "AddMember", Type: "directoryService"}, "0x00000020"},
		{Question{SD: "O:BAG:SYD:" + member, Rights: "WP", Object: "member", Type: "directoryService"}, "0x00000020"},
		{Question{SD: "O:BAG:SYD:" + member, Rights: "WP", Type: "directoryService"}, "0x00000000"},
	} {
		c.q.Token = alice
		if r := answer(t, c.q); r.Granted != c.granted || r.Mistakes != nil {
			t.Errorf("%+v: %s %+v", c.q, r.Granted, r.Mistakes)
		}
	}
	q := Question{SD: "O:BAG:SYD:(A;;FR;;;BA)", Token: alice, Rights: "read"}
	if r := answer(t, q); r.Changes != nil {
		t.Errorf("changes that were not asked for: %q", r.Changes)
	}
	q.Changes = true
	if r := answer(t, q); len(r.Changes) == 0 || !strings.Contains(r.Changes[0], "S-1-5-32-544") {
		t.Errorf("changes: %q", r.Changes)
	}
}
