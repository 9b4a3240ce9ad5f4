package answer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/answer"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
)

// TestAdapterAgreesWithOracle asks refmon the questions whose expected answers the oracle made: one in four, or all
// with REFMON_DEEP=1 (B-40).
func TestAdapterAgreesWithOracle(t *testing.T) {
	questions, err := kit.Questions()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("REFMON_DEEP") != "1" {
		sample := questions[:0:0]
		for i := 3; i < len(questions); i += 4 {
			sample = append(sample, questions[i])
		}
		questions = sample
	}
	j := kit.NewJudge(questions, 20)
	for _, q := range questions {
		b, err := json.Marshal(answer.Answer(q.ID, q.Op, q.In))
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Take(b); err != nil {
			t.Fatal(err)
		}
	}
	j.Finish()
	for _, f := range j.Failed {
		t.Errorf("got another answer than the oracle:\n%s", f.Text())
	}
	if n := j.Total(); n.Right != len(questions) {
		t.Errorf("got %+v, want %d right", n, len(questions))
	}
}

// TestObservedProfileIsRight asks refmon in both profiles where Windows was observed to differ from the documents: both
// answers are right, and are different (B-41).
func TestObservedProfileIsRight(t *testing.T) {
	questions, err := kit.Questions("token", "ladder")
	if err != nil {
		t.Fatal(err)
	}
	questions = slices.DeleteFunc(slices.Clone(questions), func(q *kit.Question) bool { return len(q.Either) == 0 })
	ops := map[string]int{}
	for _, q := range questions {
		ops[q.Op]++
		if !strings.HasPrefix(q.Expected(), `{"either":[{"out":`) || strings.Contains(q.Line(), "either") {
			t.Errorf("%s: got %s and %s, want both answers only in the expectation", q.ID, q.Expected(), q.Line())
		}
		var answers []string
		for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
			b, err := json.Marshal(answer.AnswerAs(profile, q.ID, q.Op, q.In))
			if err != nil {
				t.Fatal(err)
			}
			j := kit.NewJudge([]*kit.Question{q}, 1)
			if err := j.Take(b); err != nil || j.Total().Right != 1 {
				t.Errorf("%v: got %v, %+v, want right", profile, err, j.Failed)
			}
			answers = append(answers, string(b))
		}
		if answers[0] == answers[1] {
			t.Errorf("%s: got %s in both profiles, want different answers", q.ID, answers[0])
		}
	}
	if ops["duplicate"] == 0 || ops["impersonate"] == 0 {
		t.Errorf("got %v, want questions of both operations", ops)
	}
}

// TestTextAndBytesAreTheSameDescriptor checks that each SDDL text in an input has the same meaning as the bytes next to
// it.
func TestTextAndBytesAreTheSameDescriptor(t *testing.T) {
	questions, err := kit.Questions()
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	var check func(id string, in map[string]any)
	check = func(id string, in map[string]any) {
		for key, v := range in {
			switch v := v.(type) {
			case []any:
				for _, x := range v {
					if m, ok := x.(map[string]any); ok {
						check(id, m)
					}
				}
			case string:
				other, ok := in[key+"Hex"].(string)
				if !ok {
					continue
				}
				d, err := sddl.Parse(v)
				if err != nil {
					t.Fatalf("%s: %s: %v", id, key, err)
				}
				a, b := kit.Out{SDDL: v}, kit.Out{Hex: other}
				if !kit.Same(&a, &b) {
					t.Fatalf("%s: %s is %s, and %sHex is other bytes: %x", id, key, v, key, d.Binary())
				}
				pairs++
			}
		}
	}
	for i := 0; i < len(questions); i += 7 {
		var in map[string]any
		if err := json.Unmarshal(questions[i].In, &in); err != nil {
			t.Fatal(err)
		}
		check(questions[i].ID, in)
	}
	if pairs < 2000 {
		t.Errorf("compared %d pairs, want at least 2000", pairs)
	}
}

// TestFormatWritesTextOfOracle compares texts, ignoring case. The judge compares only their meaning, and reads
// them with refmon's own parser.
func TestFormatWritesTextOfOracle(t *testing.T) {
	questions, err := kit.Questions("sddl")
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for _, q := range questions {
		if q.Op != "format_sddl" || strings.Contains(q.Out.SDDL, "SID(") ||
			strings.Contains(q.Out.SDDL, ",TD,") { // refmon prints aliases in values
			continue
		}
		texts++
		a := answer.Answer(q.ID, q.Op, q.In)
		if a.Out == nil {
			t.Fatalf("%s: %s: got %s, want %s", q.ID, q.In, a.Error, q.Out.SDDL)
		}
		got := strings.ReplaceAll(a.Out.SDDL, ";AC)", ";S-1-15-2-1)") // the oracle does not know this alias
		if !strings.EqualFold(got, q.Out.SDDL) {
			t.Fatalf("%s: %s: got %s, want %s", q.ID, q.In, got, q.Out.SDDL)
		}
	}
	if texts < 1000 {
		t.Errorf("compared %d texts, want at least 1000", texts)
	}
}

func TestServeAnswersEachLine(t *testing.T) {
	var in, out bytes.Buffer
	var wants []string
	d := oracle.Descriptor{Owner: "S-1-5-18", Group: "S-1-5-18",
		DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 1, SID: "S-1-5-7"}}}}
	read := `,"sdHex":"` + d.Hex() + `","desired":1}`
	textless := oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{{Type: 0x20, SID: "S-1-5-7"}}}}
	limited := d
	limited.SACL = &oracle.ACL{Entries: []oracle.ACE{{Type: oracle.ScopedPolicy, SID: "S-1-17-1"}}}
	for _, c := range [][3]string{
		{"parse_sddl", `{"sddl":"O:BA"}`, `"out":{"hex":"`}, {"parse_sddl", `{"sddl":"O:??"}`, `"error":"invalid: `},
		{"parse_sddl", `{"sddl":"O:BA","domain":"x"}`, `"error":"other: `}, {"parse_sddl", `{"sddl":1}`, `"error":"other: `},
		{"audit_check", `{"token":{"user":"S-1-5-7"},"status":"x"` + read, `"error":"other: `},
		{"new_op", `{}`, `"unsupported":"`}, {"read_descriptor", `{"hex":"01"}`, `"error":"invalid: `},
		{"read_descriptor", `{"hex":"z"}`, `"error":"other: `}, {"format_sddl", `{"hex":"01"}`, `"error":"invalid: `},
		{"filter", `{"token":{"user":"S-1-5-7","privileges":[{"name":"SeX"}]}}`, `"error":"other: `},
		{"format_sddl", `{"hex":"` + d.Hex() + `","domain":"x"}`, `"error":"other: `},
		{"adjust_privileges", `{"token":{"user":"S-1-5-7"},"changes":[{"name":"SeX"}]}`, `"error":"other: `},
		{"adjust_groups", `{"token":{"user":"S-1-5-7"},"changes":[{"sid":"S"}]}`, `"error":"invalid: `},
		{"adjust_groups", `{"token":{"user":"S-1-5-7"},"reset":true,"changes":[{"sid":"S-1-1-0"}]}`,
			`"out":{"status":"STATUS_SUCCESS"`}, // a reset ignores the list
		{"adjust_privileges", `{"token":{"user":"S-1-5-7"},"disableAll":true,"changes":[{"name":"SeDebugPrivilege"}]}`,
			`"out":{"status":"STATUS_SUCCESS"`},
		{"access_check", `{"token":{"user":"S-1-5-7"},"sdHex":"` + limited.Hex() + `","desired":1,"policies":[` +
			`{"id":"S-1-17-1","rules":[]},{"id":"S-1-17-2","rules":[{"sdHex":"` + d.Hex() + `"}]}]}`,
			`"out":{"status":"STATUS_SUCCESS"`}, // a policy without rules limits nothing
		{"filter", `{"token":{"user":"S"}}`, `"error":"invalid: `},
		{"filter", `{"token":{"user":"S-1-5-7","groups":[{"sid":"S"}]}}`, `"error":"invalid: `},
		{"filter", `{"token":{"user":"S-1-5-7","restricting":["S"]}}`, `"error":"invalid: `},
		{"filter", `{"token":{"user":"S-1-5-7","appContainer":"S"}}`, `"error":"invalid: `},
		{"filter", `{"token":{"user":"S-1-5-7"},"delete":["SeX"]}`, `"error":"other: `},
		{"filter", `{"token":{"user":"S-1-5-7"},"disable":["S"]}`, `"error":"invalid: `},
		{"filter", `{"token":{"user":"S-1-5-7"},"restrict":["S"]}`, `"error":"invalid: `},
		{"access_check", `{"token":{"user":"S-1-5-7"}` + read,
			`"out":{"status":"STATUS_SUCCESS","granted":"0x1","privileges":[]`},
		{"access_check", `{"token":{"user":"S-1-5-7","restricting":[]}` + read,
			`"out":{"status":"STATUS_ACCESS_DENIED"`},
		{"access_check", `{"token":{"user":"S-1-5-7"},"sdHex":"01"}`, `"error":"invalid: `},
		{"access_check", `{"token":{"user":"S-1-5-7","userClaims":[{"name":"a","type":"int64","values":["x"]}]}` + read,
			`"error":"other: `},
		{"format_sddl", `{"hex":"` + textless.Hex() + `"}`, `"error":"other: `},
		{"access_check", `{"token":{"user":"S-1-5-7"},"selfSid":"S"}`, `"error":"invalid: `},
	} {
		fmt.Fprintf(&in, `{"kit":1,"id":"a","suite":"s","op":"%s","in":%s}`+"\n", c[0], c[1])
		wants = append(wants, `{"id":"a",`+c[2])
	}
	if err := answer.Serve(&in, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range wants {
		if len(lines) != len(wants) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("answer %d: got %q, want the start %q", i, lines[min(i, len(lines)-1)], want)
		}
	}
	if err := answer.Serve(strings.NewReader("x\n"), &out); err == nil {
		t.Error("a line that is not a question: got no error, want one")
	}
	err := answer.Serve(strings.NewReader(strings.Repeat(" ", kit.MaxQuestion+1)), &out)
	check.Equal(t, fmt.Sprint(err), fmt.Sprintf("line 1: longer than %d bytes", kit.MaxQuestion), "a long line")
}
