package replay

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// throughJSON writes and reads a recording.
func throughJSON(t *testing.T, rec *Recording) *Recording {
	t.Helper()
	var b bytes.Buffer
	w := check.Must(NewWriter(&b, rec.Header))
	for _, l := range rec.Lines {
		check.NoError(t, w.Write(l))
	}
	check.NoError(t, w.End())
	return check.Must(Read(&b))
}

// TestOwnRecordingHasNoDifference checks that a replay of refmon's own recording finds no difference.
func TestOwnRecordingHasNoDifference(t *testing.T) {
	rec := recordOurs(t, nt.Documented, transcripts+"20-duplicate-token.txt", transcripts+"30-pipes.txt",
		transcripts+"10-duplicate.txt", "../../../examples/impersonation.star")
	r := compare(rec)
	check.That(t, len(r.Differences) == 0 && r.Counts.Apart == 0 && r.Counts.Same >= 300,
		"counts = %+v, want no difference and at least 300 equal calls\n%+v", r.Counts, r.Differences)
	// With OwnToken every process has the recorder's token, whatever the program says.
	p := Program{Case: "x", Source: `p = process("p", token_profile("user")).thread
h = p.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
p.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=TokenUser)
`}
	calls, err := p.Run(nt.Documented, check.Must(token.Parse(header.Token)), nil)
	check.NoError(t, err)
	for tokens, want := range map[string]Counts{OwnToken: {Same: 2}, MadeTokens: {Same: 1, Unexplained: 1}} {
		rec := &Recording{Header: header, Lines: append([]Line{{Case: "x", Program: p.Source}}, calls...)}
		rec.Header.Tokens = tokens
		check.Equal(t, compare(throughJSON(t, rec)).Counts, want, "counts with tokens %q", tokens)
	}
}

// TestQuestionsHaveDocumentedResults checks that each question has the documented function's result: ERROR_SUCCESS
// with all output fields, or an error code and none.
func TestQuestionsHaveDocumentedResults(t *testing.T) {
	own := check.Must(token.Parse(header.Token))
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
	ask := func(more Fields) Fields {
		in := Fields{"id": "a", "token": map[string]any{"user": "BA"}, "sd": "O:SYG:SYD:(A;;0x1;;;BA)", "desired": "0x1"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	for name, c := range map[string]struct {
		call     string
		in       Fields
		recorded Fields // the recorded fields
		status   string
		out      Fields
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
		"a check": {AccessCheck, ask(nil), nil, "STATUS_SUCCESS", Fields{"granted": "0x00000001"}},
		"a check that has a note": {AccessCheck, ask(Fields{"sd": "O:SYG:SY"}), nil, "STATUS_SUCCESS",
			Fields{"granted": "0x00000001"}},
		"a check of a primary token": {AccessCheck, ask(Fields{"call": "NtAccessCheck"}),
			Fields{"function": "AccessCheck"}, "STATUS_NO_IMPERSONATION_TOKEN", Fields{"granted": "0x00000000"}},
		"the same by authz": {AccessCheck, ask(Fields{"call": "NtAccessCheck"}), Fields{"function": "AuthzAccessCheck"},
			"STATUS_SUCCESS", Fields{"granted": "0x00000001"}},
	} {
		l := Line{Case: name, Call: c.call, In: c.in, Out: c.recorded}
		before := check.Must(json.Marshal(l))
		status, out, err := answer(&l, own)
		if c.call == AccessCheck { // no question here uses a privilege
			c.out["privilegesUsed"] = []any{}
		}
		check.That(t, err == nil && status == c.status, "%s: %s, error %v, want %s", name, status, err, c.status)
		check.DeepEqual(t, out, c.out, "%s: outputs", name)
		check.Equal(t, string(check.Must(json.Marshal(l))), string(before), "%s: the question afterwards", name)
	}
}
