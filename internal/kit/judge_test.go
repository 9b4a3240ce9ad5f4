package kit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

func word(w oracle.Word) *oracle.Word { return &w }

// example returns questions of each form, which the tests answer in several ways.
func example() []*kit.Question {
	level, recorded := 1, true
	tok := &oracle.Token{User: "S-1-5-7", Groups: []oracle.Group{{SID: "S-1-1-0", Attributes: 7}, {SID: "S-1-5-11",
		Attributes: 7}}, Type: "impersonation", Level: 2, Integrity: 0x2000}
	outs := []*kit.Out{nil, {Status: "STATUS_SUCCESS", Granted: word(0x120089),
		Privileges: &[]string{"SeBackupPrivilege"}},
		{Status: "STATUS_SUCCESS", Level: &level}, {Recorded: &recorded, Entries: &[]int{0, 2}},
		{SDDL: "O:BA"}, {Status: "STATUS_SUCCESS", Token: tok},
		{Results: []oracle.Node{{Status: "STATUS_SUCCESS", Granted: 1}, {Status: "STATUS_ACCESS_DENIED"}}}}
	var all []*kit.Question
	for i, o := range outs {
		all = append(all, &kit.Question{ID: string(rune('a' + i)), Suite: "access", Op: "x",
			In: json.RawMessage("{}"), Out: o,
			Rules: []string{"A-1"}, Known: kit.Documented})
	}
	all[4].Either = []*kit.Out{{SDDL: "O:BU"}, {SDDL: "O:S-1-5-21-1-2-3-512"}}
	return all
}

// TestJudgeComparesFields answers the examples: each row is an id, the rest of the line, and whether it is right. The
// order of parts and bytes after the end of a descriptor do not count (B-39).
func TestJudgeComparesFields(t *testing.T) {
	const tok = `"user":"S-1-5-7","type":"impersonation","level":2,"integrity":8192,"mandatoryPolicy":0`
	for _, c := range []struct {
		id, rest string
		right    bool
	}{
		{"a", `"error":"invalid: bad"`, true}, {"a", `"error":"other: bad"`, false}, {"a", `"out":{"hex":""}`, false},
		{"b", `"out":{"status":"STATUS_SUCCESS","granted":1179785}`, true},
		{"b", `"out":{"status":"STATUS_SUCCESS","granted":"0X00120089","privileges":["SeBackupPrivilege"]}`, true},
		{"b", `"out":{"status":"STATUS_SUCCESS","granted":"0x120089","privileges":[]}`, false},
		{"b", `"out":{"status":"STATUS_SUCCESS","granted":"0x120088"}`, false},
		{"b", `"out":{"status":"STATUS_SUCCESS"}`, false}, {"b", `"out":{"granted":"0x120089"}`, false},
		{"b", `"error":"invalid"`, false},
		{"c", `"out":{"status":"STATUS_SUCCESS","level":1}`, true}, {"c", `"out":{"status":"STATUS_SUCCESS"}`, false},
		{"d", `"out":{"recorded":true}`, true}, {"d", `"out":{"recorded":true,"entries":[2,0,2]}`, true},
		{"d", `"out":{"recorded":true,"entries":[2]}`, false}, {"d", `"out":{"recorded":false}`, false}, {"d",
			`"out":{}`, false},
		{"e", `"out":{"sddl":"O:S-1-5-32-544"}`, true}, {"e", `"out":{"sddl":"O:SY"}`, false}, {"e",
			`"out":{"sddl":"?"}`, false},
		{"e", `"out":{"hex":"0100008014000000000000000000000000000000010200000000000520000000200200` + `00"}`, true},
		{"e", `"out":{"sddl":"O:BA","hex":"010000800000000000000000000000000000000000000000"}`, false}, // the bytes count
		{"e", `"out":{"sddl":"O:BU"}`, true}, {"e", `"out":{"sddl":"O:DA"}`, true},
		{"e", `"out":{"hex":"01"}`, false}, {"e", `"out":{"hex":"zz"}`, false}, {"e", `"out":{}`, false},
		{"f", `"out":{"status":"STATUS_SUCCESS","token":{` + tok + `,"groups":[{"sid":"S-1-5-11","attributes":7},` +
			`{"sid":"S-1-1-0","attributes":"0x7"}]}}`, true},
		{"f", `"out":{"status":"STATUS_SUCCESS","token":{` + tok + `,"userAttributes":16,"groups":[{"sid":"S-1-5-11",` +
			`"attributes":7},{"sid":"S-1-1-0","attributes":7}]}}`, false}, // a deny-only user
		{"f", `"out":{"status":"STATUS_SUCCESS","token":{` + tok + `}}`, false}, {"f",
			`"out":{"status":"STATUS_SUCCESS"}`, false},
		{"f", `"out":{"status":"STATUS_SUCCESS","token":{` + tok + `,"restricting":[],"groups":[{"sid":"S-1-5-11",` +
			`"attributes":7},{"sid":"S-1-1-0","attributes":7}]}}`, false},
		{"g",
			`"out":{"results":[{"status":"STATUS_SUCCESS","granted":1},{"status":"STATUS_ACCESS_DENIED","granted":5}]}`, true},
		{"g", `"out":{"results":[{"status":"STATUS_SUCCESS","granted":2},{"status":"STATUS_ACCESS_DENIED"}]}`, false},
		{"g", `"out":{"results":[{"status":"STATUS_SUCCESS","granted":1}]}`, false},
	} {
		j := kit.NewJudge(example(), 10)
		if err := j.Take([]byte(`{"id":"` + c.id + `",` + c.rest + `}`)); err != nil {
			t.Errorf("%s %s: %v", c.id, c.rest, err)
			continue
		}
		if n := j.Total(); (n.Right == 1) != c.right || n.Right+n.Wrong != 1 {
			t.Errorf("%s %s: got %+v, want right %t", c.id, c.rest, n, c.right)
		}
	}
}

// TestFailureNamesRule checks what a failing question prints (B-37).
func TestFailureNamesRule(t *testing.T) {
	j := kit.NewJudge(example(), 2)
	check.NoError(t, j.Take([]byte(`{"id":"b","out":{"status":"STATUS_ACCESS_DENIED\u001b","granted":0}}`)))
	j.Finish()
	var out bytes.Buffer
	check.NoError(t, j.Report(&out, 2))
	for _, want := range []string{"7      0      7        0            0 access", "b x: status is", "  input     {}\n",
		`  expected  {"out":{"status":"STATUS_SUCCESS","granted":"0x120089"`, `  given     {"id":"b"`,
		"  known     documented\n",
		"  rule      A-1 An allow entry of a DACL matches the token's user unless the user is deny-only.",
		"Source: MS-DTYP 2.5.3.2",
		"a x: no answer", "  given     nothing\n", "5 more wrong"} {
		check.That(t, strings.Contains(out.String(), want), "the report misses %q:\n%s", want, out.String())
	}
	check.Equal(t, example()[4].Expected(), `{"either":[{"out":{"sddl":"O:BA"}},{"out":{"sddl":"O:BU"}},`+
		`{"out":{"sddl":"O:S-1-5-21-1-2-3-512"}}]}`, "three right answers")
	j.Finish() // counts no question again
	for known, want := range map[string]kit.Count{kit.Decided: {}, kit.Documented: {Asked: 7, Wrong: 7}} {
		check.Equal(t, j.OfWay(known), want, "B-43: questions of the kind %s", known)
	}
	check.That(t, !strings.Contains(out.String(), "\x1b"),
		"the report has a control character of the adapter, want none")
	b, err := j.JSON()
	if err != nil || !strings.Contains(string(b), `"wrong": 7`) ||
		!strings.Contains(string(b), `"got": null`) || !strings.Contains(string(b), `"rules": [`) {
		t.Errorf("JSON: got %v and %s, want 7 wrong and the rules", err, b)
	}
}

// TestRuleThatFitsComesFirst answers a question with several rules wrong in one part at a time. The rule of that part
// is printed first and whole, the others with one sentence, and JSON has all texts (B-37).
func TestRuleThatFitsComesFirst(t *testing.T) {
	for part, c := range map[string]struct{ text, rule string }{
		"control": {"O:SYG:SYD:P(A;;1;;;WD)", "S-64"}, "owner": {"O:BAG:SYD:(A;;1;;;WD)", "S-61"},
		"mask": {"O:SYG:SYD:(A;;3;;;WD)", "S-65"}, "type": {"O:SYG:SYD:(D;;1;;;WD)", "S-63"}} {
		j := kit.NewJudge([]*kit.Question{{ID: "a", Suite: "inherit", Op: "inherit", In: json.RawMessage("{}"),
			Out:   &kit.Out{SDDL: "O:SYG:SYD:(A;;1;;;WD)"},
			Rules: []string{"S-63", "S-64", "S-65", "S-61"}, Known: kit.Agree}}, 1)
		if err := j.Take([]byte(`{"id":"a","out":{"sddl":"` + c.text + `"}}`)); err != nil || len(j.Failed) != 1 {
			t.Fatalf("%s: got %v and %+v, want one failure", part, err, j.Failed)
		}
		f := j.Failed[0]
		if got := f.Rules(); f.Part != part || got[0] != c.rule || len(got) != 4 {
			t.Errorf("%s: got %s and %v, want %s first of four", part, f.Part, got, c.rule)
		}
		text := f.Text()
		if strings.Count(text, "  rule      ") != 4 || strings.Count(text, " Source: ") != 1 ||
			strings.Count(text, "For a new object, the DACL or SACL that the creator passes replaces "+
				"the parent's inheritable entries, unless it is marked as only a default.") != 1 {
			t.Errorf("got %s, want four rules, one with its source", text)
		}
		if b, err := j.JSON(); err != nil || !strings.Contains(string(b), `"S-65": {`) ||
			!strings.Contains(string(b), "An inherit-only entry keeps its mask") {
			t.Errorf("JSON: got %v and %s, want the texts of all rules", err, b)
		}
	}
}

// TestDecidedAnswersMayDiffer answers questions that refmon decided: another answer differs and is not wrong, but none
// at all is, and so is a failed adapter (B-42).
func TestDecidedAnswersMayDiffer(t *testing.T) {
	questions := example()
	for _, q := range questions {
		q.Known = kit.Decided
	}
	questions[4].Suite, questions[4].Rules = "policy", []string{"A-2"}
	j, few := kit.NewJudge(questions, 9), kit.NewJudge(questions, 1)
	for _, line := range []string{`{"id":"a","out":{"hex":"00"}}`, `{"id":"b","error":"invalid"}`,
		`{"id":"c","error":"other: ` + strings.Repeat("x", 3<<10) + `"}`, `{"id":"d","out":{"recorded":true}}`,
		`{"id":"e","out":{"sddl":"O:SY"}}`} {
		check.NoError(t, j.Take([]byte(line)))
		check.NoError(t, few.Take([]byte(line)))
	}
	check.That(t, len(few.Differ) == 1 && len(few.Failed) == 1, "%d that differ and %d wrong are kept, want one of each",
		len(few.Differ), len(few.Failed))
	j.Finish()
	if n := j.Total(); n != (kit.Count{Asked: 7, Right: 1, Wrong: 3, Differs: 3}) {
		t.Errorf("got %+v, want three that differ and three wrong", n)
	}
	var out bytes.Buffer
	check.NoError(t, j.Report(&out, 4))
	for _, want := range []string{"6      1      3        2            0 access\n",
		"1      0      0        1            0 policy\n", "\na x: an answer, and",
		"\n2 more differ, which is not an error: "} {
		check.That(t, strings.Contains(out.String(), want), "the report misses %q:\n%s", want, out.String())
	}
	b, err := j.JSON()
	check.That(t, err == nil && strings.Contains(string(b), `"differs": 3`) &&
		strings.Contains(string(b), `"A-2": {`) &&
		strings.Count(string(b), `"in": {}`) == 6 && strings.Contains(string(b), "owner: S-1-5-18, want S-1-5-32-544") &&
		strings.Contains(string(b), `"got": "{\"id\":\"c\",`), // a long answer is cut
		"JSON: got %v and %s, want both lists of three", err, b)
}

// TestJudgeComparesRelevantAttributes checks which attribute bits of groups and privileges must be equal. For a
// deny-only group after a filter these are two bits, and otherwise all documented bits (B-44). The level of a
// primary token is not compared.
func TestJudgeComparesRelevantAttributes(t *testing.T) {
	privilege := func(attributes oracle.Word) oracle.Token {
		return oracle.Token{Privileges: []oracle.Privilege{{Name: "SeChangeNotifyPrivilege", Attributes: attributes}}}
	}
	group := func(attributes oracle.Word) oracle.Token {
		return oracle.Token{Groups: []oracle.Group{{SID: "S-1-1-0", Attributes: attributes}}}
	}
	leveled := func(typ string) func(oracle.Word) oracle.Token {
		return func(level oracle.Word) oracle.Token { return oracle.Token{Type: typ, Level: int(level)} }
	}
	for _, c := range []struct {
		op        string
		with      func(oracle.Word) oracle.Token
		want, got oracle.Word
		right     bool
	}{{"filter", group, 0x19, 0x10, true}, {"filter", group, 0x11, 0x14, false}, {"filter", group, 0x11, 0x1, false},
		{"filter", group, 0x7, 0x6, false}, {"duplicate", group, 0x19, 0x10, false}, {"duplicate", group, 0x7, 0x47, true},
		{"filter", group, 0xC0000007, 0x7, false}, {"filter", privilege, 3, 0x80000003, true},
		{"filter", privilege, 3, 1, false}, {"filter", privilege, 3, 2, false}, {"filter", leveled("primary"), 0, 2, true},
		{"filter", leveled("impersonation"), 1, 2, false}} {
		tok, other := c.with(c.want), c.with(c.got)
		b := check.Must(json.Marshal(kit.Answer{ID: "a", Out: &kit.Out{Token: &other}}))
		j := kit.NewJudge([]*kit.Question{{ID: "a", Suite: "token", Op: c.op, Out: &kit.Out{Token: &tok},
			Rules: []string{"T-61"}, Known: kit.Documented}}, 1)
		if err := j.Take(b); err != nil || (j.Total().Right == 1) != c.right {
			t.Errorf("%s, %#x and %#x: got %+v and %v, want right %t", c.op, c.want, c.got, j.Total(), err, c.right)
		}
	}
}

// TestSecondAnswerIsNamed checks the message for a second answer, which is another than that for an unknown id (B-38).
func TestSecondAnswerIsNamed(t *testing.T) {
	j := kit.NewJudge(example(), 1)
	for i, want := range []string{"", "a second answer to \"a\"", "a second answer to \"a\""} {
		err := j.Take([]byte(`{"id":"a","unsupported":"no"}`))
		check.That(t, i == 0 || errors.Is(err, kit.ErrProtocol) && strings.Contains(err.Error(), want),
			"answer %d: got %v, want %s", i+1, err, want)
	}
	if err := j.Take([]byte(`{"id":"z","unsupported":"no"}`)); err == nil || !strings.Contains(err.Error(), "not asked") {
		t.Errorf("an unknown id: got %v, want an error that says it was not asked", err)
	}
}

// TestBitsOfAbsentListsDoNotCount compares bytes that differ only in the bits of a SACL that is absent (B-39).
func TestBitsOfAbsentListsDoNotCount(t *testing.T) {
	marked := "010004880000000000000000000000001400000002000800" + "00000000"
	plain := "010004800000000000000000000000001400000002000800" + "00000000"
	other := "010004840000000000000000000000001400000002000800" + "00000000" // AUTO_INHERITED of the DACL
	check.That(t, kit.Same(&kit.Out{Hex: marked}, &kit.Out{Hex: plain}),
		"AUTO_INHERITED without a SACL: got another descriptor, want the same")
	check.That(t, !kit.Same(&kit.Out{Hex: other}, &kit.Out{Hex: plain}),
		"AUTO_INHERITED with a DACL: got the same descriptor, want another")
	check.That(t, !kit.Same(&kit.Out{Hex: "z"}, &kit.Out{Hex: "z"}), "no descriptors: got the same, want others")
	q := &kit.Question{ID: "a", Suite: "bytes", Op: "read_descriptor", Out: &kit.Out{Hex: plain}, Rules: []string{"S-22"},
		Known: kit.Documented}
	j := kit.NewJudge([]*kit.Question{q}, 1)
	if err := j.Take([]byte(`{"id":"a","out":{"hex":"` + other + `"}}`)); err != nil || len(j.Failed) != 1 ||
		j.Failed[0].Why != "control: DACL AUTO_INHERITED set, want clear; it is D:AI, want D:" {
		t.Errorf("another bit: got %v and %+v, want the bit and both texts", err, j.Failed)
	}
	j = kit.NewJudge([]*kit.Question{q}, 1)
	textless := (&oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{{Type: 0x20, SID: "S-1-1-0"}}}}).Hex()
	check.NoError(t, j.Take([]byte(`{"id":"a","out":{"hex":"`+textless+`"}}`)))
	check.That(t, strings.HasPrefix(j.Failed[0].Why, "DACL") && !strings.Contains(j.Failed[0].Why, "it is"),
		"a descriptor without SDDL: %s, want no texts", j.Failed[0].Why)
	null, absent := "0100048000000000000000000000000000000000", "0100008000000000000000000000000000000000"
	for op, want := range map[string]int{"inherit": 1, "read_descriptor": 0} {
		q := &kit.Question{ID: "a", Suite: "inherit", Op: op, Out: &kit.Out{Hex: null}, Rules: []string{"S-63"},
			Known: kit.Agree}
		j := kit.NewJudge([]*kit.Question{q}, 1)
		if err := j.Take([]byte(`{"id":"a","out":{"hex":"` + absent + `"}}`)); err != nil || j.Total().Right != want {
			t.Errorf("%s, no DACL for a NULL one: got %+v and %v, want %d right", op, j.Total(), err, want)
		}
	}
}

// FuzzTake feeds lines to the judge: it must return, and a line counts at most once.
func FuzzTake(f *testing.F) {
	for _, line := range []string{"", "{", `{"id":"a"}`, `{"id":"a","error":"invalid"}`,
		`{"id":"b","out":{"granted":"0x"}}`,
		`{"id":"e","out":{"hex":"01000480"}}`, `{"id":"e","out":{"sddl":"D:("}}`, "\x00", `{"id":"a","id":"b"}`,
		`{"id":"f","out":{"status":"STATUS_SUCCESS","token":{"groups":[{"attributes":-1}]}}}`,
		`{"id":"g","out":{"results":[{}]}}`, `[[[[`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		j := kit.NewJudge(example(), 1)
		err := j.Take([]byte(line))
		n := j.Total()
		counted := n.Right + n.Wrong + n.Differs + n.Unsupported
		check.That(t, (err != nil || counted == 1) && (err == nil || counted == 0),
			"got %+v and %v, want one counted or an error", n, err)
		check.That(t, err == nil || errors.Is(err, kit.ErrProtocol), "got %v, want an error of the protocol", err)
		if err == nil {
			if err := j.Take([]byte(line)); !errors.Is(err, kit.ErrProtocol) {
				t.Errorf("the same line again: got %v, want an error of the protocol", err)
			}
		}
	})
}

// TestExplainedChoiceIsNotCountedWrong answers questions as an implementation that decided one rule the other way. Its
// answers differ and are not wrong (B-42). An answer that no choice explains is wrong.
func TestExplainedChoiceIsNotCountedWrong(t *testing.T) {
	questions := check.Must(kit.Questions("access", "policy"))
	chosen := 0
	for _, q := range questions {
		if len(q.Chosen) == 0 {
			continue
		}
		chosen++
		check.That(t, q.Known == kit.Decided, "%s is known as %s, want decided", q.ID, q.Known)
		for i, o := range append(q.Chosen, &kit.Out{Status: "STATUS_INVALID_OWNER"}) {
			out := check.Must(json.Marshal(o))
			j := kit.NewJudge([]*kit.Question{q}, 1)
			check.NoError(t, j.Take([]byte(`{"id":"`+q.ID+`","out":`+string(out)+`}`)))
			if n, explained := j.Total(), i < len(q.Chosen); (n.Differs == 1) != explained || (n.Wrong == 1) == explained {
				t.Errorf("%s answered %s: got %+v, want differs %t", q.ID, out, n, explained)
			}
		}
	}
	check.That(t, chosen >= 500, "%d questions depend on a choice, want 500 or more", chosen)
}

// onlyStored matches an inherit-only entry that names no kind of child.
var onlyStored = regexp.MustCompile(`\(A;(NP)?IO;[^)]*\)`)

// TestJudgeAcceptsBothInheritanceVariants checks that without the automatic flags a new object may inherit or not, and
// an inherit-only entry that names no kind of child may stay or go (B-41). Nothing else is right.
func TestJudgeAcceptsBothInheritanceVariants(t *testing.T) {
	const parent = `{"parent":"O:S-1-5-18G:S-1-5-18D:(A;OI;0x1;;;S-1-1-0)","parentHex":`
	questions := check.Must(kit.Questions("inherit"))
	answer := func(q *kit.Question, text string) bool {
		j := kit.NewJudge([]*kit.Question{q}, 1)
		check.NoError(t, j.Take([]byte(`{"id":"`+q.ID+`","out":{"sddl":"`+text+`"}}`)))
		return j.Total().Right == 1
	}
	met, stored := 0, 0
	for _, q := range questions {
		in := string(q.In)
		if strings.HasPrefix(in, parent) && strings.Contains(in, `"directory":false`) && !strings.Contains(in, "creator") {
			met++
			automatic := strings.Contains(in, `"autoInherit":true`)
			for dacl, right := range map[string]bool{"D:(A;;CC;;;WD)": !automatic, "": !automatic,
				"D:AI(A;ID;CC;;;WD)": automatic, "D:": false, "D:(A;ID;CC;;;WD)": false} {
				check.Equal(t, answer(q, "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-2001"+dacl), right,
					"automatic %t, answer %q: right", automatic, dacl)
			}
		}
		// With no other right answer, NPIO or IO in a creator's entry would have to stay.
		_, creator, _ := strings.Cut(in, `"creator":"`)
		creator, _, _ = strings.Cut(creator, `"`)
		check.That(t, len(q.Either) <= 1 || strings.Contains(in, `"autoInherit":false`),
			"%s has %d other right answers with the automatic flags, want at most 1", q.ID, len(q.Either))
		if entry := onlyStored.FindString(creator); entry != "" && len(q.Either) > 0 {
			without := q.Either[len(q.Either)-1].SDDL
			if stored++; strings.Contains(without, entry) || !answer(q, q.Out.SDDL) || !answer(q, without) {
				t.Errorf("%s: %s or %s is wrong, want both right", q.ID, q.Out.SDDL, without)
			}
		}
	}
	check.That(t, met == 2 && stored != 0,
		"%d questions with that parent and %d with a stored entry, want 2 and at least 1", met, stored)
}
