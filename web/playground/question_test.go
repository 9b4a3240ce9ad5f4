package playground

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/batch"
)

// The command line that the page prints gives the page's answer.
func TestPlaygroundCommandGivesSameAnswer(t *testing.T) {
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

func TestMistakesAreMarkedAtTheirField(t *testing.T) {
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
		{"right", func(q *Question) { q.Rights = "FR|QQ" }, "rights", "QQ", `"QQ" is not a right`},
		{"no rights", func(q *Question) { q.Rights = " " }, "rights", "", "name the requested rights"},
		{"type", func(q *Question) { q.Type = "files" }, "type", "", "not an object type"},
		{"word", func(q *Question) { q.Rights = "write+raed" }, "rights", "raed", "did you mean read?"},
		{"object type", func(q *Question) { q.Object = "member, membr" }, "object", "", `"membr"`},
		{"masks of several types", func(q *Question) { q.Rights, q.Type = "AddMember+FR", "directoryService" }, "rights", "",
			"ask one at a time"},
		{"right of another type", func(q *Question) { q.Rights = "AddMember" }, "rights", "", "objects of a directory"},
		{"self", func(q *Question) { q.Self = "S-1" }, "self", "", ""},
		{"after characters of four bytes", func(q *Question) {
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
		if got := slice(text, m); c.marked != "" && got != c.marked {
			t.Errorf("%s: marks %q (%d to %d), want %q", c.name, got, m.From, m.To, c.marked)
		}
	}
	if r := answer(t, Question{SD: "D:(", Token: "{", Rights: "?"}); len(r.Mistakes) != 3 {
		t.Errorf("three mistakes at once: %+v: len(r.Mistakes) = %d, want 3", r.Mistakes, len(r.Mistakes))
	}
}

// slice cuts a text as a browser does, in UTF-16 units.
func slice(text string, m Mistake) string {
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
func TestDomainAliasNeedsReadableToken(t *testing.T) {
	r := answer(t, Question{SD: "O:BAG:SYD:(A;;FR;;;DU)", Token: "{", Rights: "FR"})
	if len(r.Mistakes) != 2 || !strings.Contains(r.Mistakes[1].Message, "the domain comes from the token's user") {
		t.Errorf("mistakes %+v, want two, the second about the domain", r.Mistakes)
	}
}
