package playground

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

const alice = `{"user":"S-1-5-21-1-2-3-1107","groups":["DU","WD"]}`

func answer(t *testing.T, q Question) Reply {
	t.Helper()
	in := check.Must(json.Marshal(q))
	var r Reply
	check.NoError(t, json.Unmarshal(Answer(in), &r))
	return r
}

func TestReplyExplainsEachBit(t *testing.T) {
	r := answer(t, Question{SD: "O:BAG:SYD:(A;;0x4;;;WD)(D;;0x2;;;DU)(A;;FA;;;WD)", Token: alice, Rights: "0x7"})
	check.That(t, !r.Allowed && r.Status == "STATUS_ACCESS_DENIED" && r.Granted == "0x00000000",
		"the answer is %+v, want access denied, STATUS_ACCESS_DENIED and no granted rights", r)
	var words, cells []string
	for _, b := range r.Bits {
		words = append(words, b.Name+" "+b.Word)
	}
	for _, s := range r.Steps {
		cells = append(cells, s.Where+" "+s.Cells+" "+s.Rule)
	}
	if got, want := strings.Join(words, ", "),
		"FILE_READ_DATA skipped, FILE_WRITE_DATA denied, FILE_APPEND_DATA granted"; got != want {
		t.Errorf("bits: %s, want %s", got, want)
	}
	if got, want := strings.Join(cells, ", "), "DACL entry 1 ..+ A-70, DACL entry 2 .-. A-70"; got != want {
		t.Errorf("steps: %s, want %s", got, want)
	}
	check.Equal(t, r.Canonical, "O:BAG:SYD:(A;;LC;;;WD)(D;;DC;;;DU)(A;;FA;;;WD)", "canonical")
	// A skipped right names what ended the check (U-125).
	for _, c := range []struct{ sd, rights, reason string }{
		{"(D;ID;0x2;;;DU)(A;;FA;;;WD)", "0x3", "entry 1 of the DACL (inherited) denies another right first"},
		{"(A;;FA;;;WD)", "0x1000001", "another right needs SeSecurityPrivilege, which is not enabled"},
	} {
		r := answer(t, Question{SD: "O:BAG:SYD:" + c.sd, Token: alice, Rights: c.rights})
		check.RequireThat(t, len(r.Bits) == 2, "%s: the answer is %+v, want two rights", c.sd, r)
		check.Equal(t, r.Bits[0].Word+": "+r.Bits[0].Reason, "skipped: "+c.reason, "first right of %s", c.sd)
	}
}

// FuzzAnswer checks that any question gets a reply, and that its mistakes lie within their fields.
func FuzzAnswer(f *testing.F) {
	f.Add("O:BAG:SYD:(A;;FR;;;WD)", alice, "FR", "file", "", "")
	f.Add("D:(XA;;1;;;WD;(@User.x==\"\xff\U0001F600\"))", `{"user":`, "read+FR|", "", "S-1-5-10", "member,")
	f.Fuzz(func(t *testing.T, sd, token, rights, typ, self, object string) {
		in := check.Must(json.Marshal(Question{SD: sd, Token: token, Rights: rights, Type: typ, Self: self, Object: object}))
		var r Reply
		check.NoError(t, json.Unmarshal(Answer(in), &r))
		check.RequireThat(t, (r.Mistakes == nil) == (r.Status != ""), "reply %+v, want either a status or mistakes", r)
		var read Question // what a browser can send is Unicode
		check.NoError(t, json.Unmarshal(in, &read))
		lengths := map[string]int{"sd": units(read.SD), "token": units(read.Token), "rights": units(read.Rights),
			"self": units(read.Self)}
		for _, m := range r.Mistakes {
			check.RequireThat(t, m.From < 0 || m.To >= m.From && m.To <= lengths[m.Field],
				"mistake %+v lies outside of its field of %d units", m, lengths[m.Field])
		}
	})
}

// TestQuestionsAcceptWordsOfWhy checks the words of refmon why, control and object types, and the changes that would
// grant a denied request.
func TestQuestionsAcceptWordsOfWhy(t *testing.T) {
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
			t.Errorf("%+v: %s %+v, want %s, nil", c.q, r.Granted, r.Mistakes, c.granted)
		}
	}
	q := Question{SD: "O:BAG:SYD:(A;;FR;;;BA)", Token: alice, Rights: "read"}
	if r := answer(t, q); r.Changes != nil {
		t.Errorf("changes without a request for them: %q, want nil", r.Changes)
	}
	q.Changes = true
	if r := answer(t, q); len(r.Changes) == 0 || !strings.Contains(r.Changes[0], "S-1-5-32-544") {
		t.Errorf("the changes are %q, want at least 1, the first with S-1-5-32-544", r.Changes)
	}
}
