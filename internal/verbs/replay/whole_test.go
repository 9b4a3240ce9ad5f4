package replay

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// TestAnswersInFull: each question has the documented function's answer: ERROR_SUCCESS with all its out fields, or the
// code of the failure and none.
func TestAnswersInFull(t *testing.T) {
	own, err := token.Parse(header.Token)
	if err != nil {
		t.Fatal(err)
	}
	const guid, other = "12345678-0000-0000-0000-000000000001", "12345678-0000-0000-0000-000000000002"
	const administrators = "01020000000000052000000020020000"
	const owned = "010000801400000000000000000000000000000001020000000000052000000020020000"
	create := func(more Fields) Fields {
		in := Fields{"flags": "0x1", "container": true, "mapping": "file",
			"parent": "D:(OA;CI;0x1;;" + guid + ";WD)(A;CI;0x2;;;WD)", "objectType": guid}
		for k, v := range more {
			if in[k] = v; v == nil {
				delete(in, k)
			}
		}
		return in
	}
	check := func(more Fields) Fields {
		in := Fields{"id": "a", "token": map[string]any{"user": "BA"}, "sd": "O:SYG:SYD:(A;;0x1;;;BA)", "desired": "0x1"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	for name, c := range map[string]struct {
		call   string
		in     Fields
		told   Fields // what they told
		status string
		out    Fields
	}{
		"an alias": {TextToSID, Fields{"sid": "BA"}, nil, "ERROR_SUCCESS", Fields{"hex": administrators}},
		"a SID": {TextToSID, Fields{"sid": "S-1-5-32-544"}, nil, "ERROR_SUCCESS",
			Fields{"hex": administrators}},
		"no SID":               {TextToSID, Fields{"sid": "S-1-5-32-544x"}, nil, "ERROR_INVALID_SID", nil},
		"no text of a SID":     {TextToSID, Fields{"sid": ""}, nil, "ERROR_INVALID_SID", nil},
		"SDDL":                 {TextToDescriptor, Fields{"sddl": "O:BA"}, nil, "ERROR_SUCCESS", Fields{"hex": owned}},
		"SDDL without a SID":   {TextToDescriptor, Fields{"sddl": "O:"}, nil, "ERROR_INVALID_SID", nil},
		"SDDL of wrong rights": {TextToDescriptor, Fields{"sddl": "D:(A;;ZZ;;;WD)"}, nil, "ERROR_INVALID_ACL", nil},
		"bytes of a SID": {SIDToText, Fields{"hex": administrators}, nil, "ERROR_SUCCESS",
			Fields{"sid": "S-1-5-32-544"}},
		"a SID that is cut": {SIDToText, Fields{"hex": "0102"}, nil, "ERROR_INVALID_SID", nil},
		"bytes of a descriptor": {DescriptorToText, Fields{"hex": owned}, nil, "ERROR_SUCCESS",
			Fields{"sddl": "O:BA"}},
		"a descriptor that is cut": {DescriptorToText, Fields{"hex": "01"}, nil, "ERROR_INVALID_SECURITY_DESCR", nil},
		"a new object of the class": {NewDescriptor, create(nil), nil, "ERROR_SUCCESS",
			Fields{"sddl": "O:SYG:SYD:AI(A;ID;CC;;;WD)(OA;CIIOID;CC;;" + guid + ";WD)(A;CIID;DC;;;WD)"}},
		"a new object of another class": {NewDescriptor, create(Fields{"objectType": other}), nil, "ERROR_SUCCESS",
			Fields{"sddl": "O:SYG:SYD:AI(OA;CIIOID;CC;;" + guid + ";WD)(A;CIID;DC;;;WD)"}},
		"a new object that holds none": {NewDescriptor, create(Fields{"container": false, "objectType": nil,
			"parent": "D:(A;CI;0x2;;;WD)(A;OI;0x4;;;WD)"}), nil, "ERROR_SUCCESS", Fields{"sddl": "O:SYG:SYD:AI(A;ID;LC;;;WD)"}},
		"a new object by its creator": {NewDescriptor, create(Fields{"flags": "0x0", "mapping": "key", "objectType": nil,
			"parent": nil, "creator": "D:(A;;GR;;;WD)"}), nil, "ERROR_SUCCESS", Fields{"sddl": "O:SYG:SYD:(A;;KR;;;WD)"}},
		"an owner who is not the caller's": {NewDescriptor, create(Fields{"creator": "O:S-1-5-21-1-2-3-4"}), nil,
			"ERROR_INVALID_OWNER", nil},
		"a check": {AccessCheck, check(nil), nil, "STATUS_SUCCESS", Fields{"granted": "0x00000001"}},
		"a check that has a note": {AccessCheck, check(Fields{"sd": "O:SYG:SY"}), nil, "STATUS_SUCCESS",
			Fields{"granted": "0x00000001"}},
		"a check of a primary token": {AccessCheck, check(Fields{"call": "NtAccessCheck"}), Fields{"function": "AccessCheck"},
			"STATUS_NO_IMPERSONATION_TOKEN", Fields{"granted": "0x00000000"}},
		"the same by authz": {AccessCheck, check(Fields{"call": "NtAccessCheck"}), Fields{"function": "AuthzAccessCheck"},
			"STATUS_SUCCESS", Fields{"granted": "0x00000001"}},
	} {
		l := Line{Case: name, Call: c.call, In: c.in, Out: c.told}
		before, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		status, out, err := answer(&l, own)
		if c.call == AccessCheck { // no question here uses a privilege
			c.out["privilegesUsed"] = []any{}
		}
		if err != nil || status != c.status || !reflect.DeepEqual(out, c.out) {
			t.Errorf("%s: %s %v, want %s %v, %v", name, status, out, c.status, c.out, err)
		}
		if after, err := json.Marshal(l); err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s: the question is %s afterwards, and was %s", name, after, before)
		}
	}
}

// TestReportInFull: each field of each difference, and each count, of a recording that departs from what refmon does
// in a status, in an out field, in the thread that called, and in what was not asked.
func TestReportInFull(t *testing.T) {
	const program = `
p = process("p", token_profile("user"))
a, b = p.thread, p.new_thread()
h = a.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
for t in [a, b]:
    t.NtClose(Handle=h)
a.NtDuplicateToken(ExistingTokenHandle=h, TokenType=TokenPrimary)
`
	p := Program{Case: "x", Source: program, Rules: []string{"T-40"}}
	calls, err := p.Run(nt.Documented, nil, nil)
	if err != nil || len(calls) != 4 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	calls[0].Out = Fields{"TokenHandle": "another"}                     // no rule decides a success
	calls[1].Thread = "p/2"                                             // another one called first
	calls[2].Status, calls[2].Out = "STATUS_SUCCESS", Fields{"Rest": 1} // O-40 is of this
	calls[3].Skipped, calls[3].Call = "no time", ""
	lines := append([]Line{{Case: "x", Program: program, Rules: p.Rules}}, calls...)
	lines = append(lines, Line{Case: "y", Skipped: "no right"}, Line{Case: "z", Call: TextToSID, In: Fields{"sid": "BA"},
		Status: "ERROR_INVALID_SID", Rules: []string{"S-1", "S-2"}},
		Line{Case: "w", Call: TextToSID, In: Fields{"sid": "BA"}, Status: "ERROR_SUCCESS", Rules: []string{"S-3", "S-1"}})
	rec := throughJSON(t, &Recording{Header: header, Lines: lines})
	notes := Notes{Caveats: map[string]string{"O-40": "closing", "T-40": "not this"}, Absent: map[string]bool{"S-1": true,
		"T-40": true}, Decided: map[string]string{"S-3": "an alias", "O-40": "a status", "T-40": "not this", "S-1": "a name"}}
	got, err := Compare(rec, notes)
	if err != nil {
		t.Fatal(err)
	}
	handle := Fields{"Handle": "handle of line 4"}
	want := &Report{Header: rec.Header,
		Counts: Counts{Same: 1, Known: 1, Unexplained: 2, Apart: 1, Skipped: 2},
		Skips:  map[string]int{"no time": 1, "no right": 1},
		Differences: []Difference{
			{Case: "x", Line: 4, Thread: "p/1", Call: "NtOpenProcessToken", Rules: []string{"T-40"},
				In:     Fields{"DesiredAccess": "0x00000008", "ProcessHandle": "NtCurrentProcess()"},
				Theirs: Answer{"STATUS_SUCCESS", Fields{"TokenHandle": "another"}},
				Ours:   Answer{"STATUS_SUCCESS", Fields{"TokenHandle": "handle of line 4"}}},
			{Case: "x", Line: 6, Thread: "p/2", Call: "NtClose", In: handle, Rules: []string{"O-40", "T-40"},
				Theirs: Answer{"STATUS_SUCCESS", Fields{"Rest": 1.0}}, Caveat: "closing",
				Ours: Answer{"STATUS_INVALID_HANDLE", nil}},
			{Case: "z", Call: TextToSID, In: Fields{"sid": "BA"}, Rules: []string{"S-1", "S-2"},
				Theirs: Answer{"ERROR_INVALID_SID", nil}, Ours: Answer{"ERROR_SUCCESS", nil}, Absent: true},
		},
		Settles: []Settled{{"O-40", "a status", 0, 1}, {"S-1", "a name", 0, 1}, {"S-3", "an alias", 1, 0}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	for i, rule := range []string{"T-40", "O-40", "S-1"} {
		if d := &got.Differences[i]; d.Rule() != rule || d.Known() != (rule == "S-1") {
			t.Errorf("difference %d is counted under %s, known %t", i, d.Rule(), d.Known())
		}
	}
	if d := (&Difference{Observed: true}); !d.Known() || d.Rule() != "" {
		t.Errorf("an observed one is known %t, and counted under %q", d.Known(), d.Rule())
	}
}

// TestPassingFields: what tells about the moment is left out at any depth, and all else stays.
func TestPassingFields(t *testing.T) {
	for _, name := range []string{"PrivilegeSetLength", "HandleCount", "PointerCount", "PagedPoolCharge",
		"NonPagedPoolCharge", "NameInfoSize", "TypeInfoSize", "CreationTime", "ExpirationTime", "DynamicCharged",
		"DynamicAvailable", "function"} {
		got := plain(Answer{"s", Fields{name: 1, "Kept": []any{map[string]any{name: 2, "in": "a"}, "b"},
			"More": map[string]any{name: 3, name + "s": 4}}})
		want := Answer{"s", Fields{"Kept": []any{map[string]any{"in": "a"}, "b"}, "More": map[string]any{name + "s": 4.0}}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if got := plain(Answer{"s", Fields{name: 1}}); !reflect.DeepEqual(got, Answer{Status: "s"}) {
			t.Errorf("%s alone: %v", name, got)
		}
	}
}

// TestWhatIsExpectedDoesNotMatter: a program whose expectations fail is run to its end, and one that is wrong is not.
func TestWhatIsExpectedDoesNotMatter(t *testing.T) {
	const call = `process("p", token_profile("user")).thread.NtClose(Handle=4)` + "\n"
	for name, c := range map[string]struct {
		prelude, source string
		calls           int
		fails           bool
	}{
		"holds":             {"expect(1, 1)\n", call + "expect(1, 1)\n", 1, false},
		"fails":             {"", "expect(1, 2)\n" + call + "expect(1, 2)\n", 1, false},
		"fails at first":    {"expect(1, 2)\n", call, 1, false},
		"is wrong":          {"", call + "nonsense\n", 0, true},
		"is wrong at first": {"nonsense\n", call, 0, true},
		"stops":             {"", call + "fail(\"here\")\n", 1, true},
	} {
		p := Program{Case: "c", Prelude: c.prelude, Source: c.source}
		calls, err := p.Run(nt.Documented, nil, nil)
		if len(calls) != c.calls || (err != nil) != c.fails {
			t.Errorf("%s: %d calls, %v, want %d calls, an error: %t", name, len(calls), err, c.calls, c.fails)
		}
	}
}
