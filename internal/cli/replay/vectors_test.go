package replay

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/vectors"
)

// Each answered question of a recording becomes a vector with the machine as its source. Programs and skipped
// questions do not.
func TestAnsweredQuestionsBecomeVectors(t *testing.T) {
	var first vectors.Vector
	for v := range vectors.Access() {
		first = v
		break
	}
	var in Fields
	check.NoError(t, json.Unmarshal(first.In, &in))
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
	text := unescaped(string(check.Must(json.Marshal(first.About))))
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
	check.NoError(t, WriteVectors(&b, rec))
	check.Equal(t, unescaped(b.String()), strings.Join(want, "\n")+"\n", "vectors") // parts of them are escaped
	check.That(t, rec.Lines[4].Out["function"] == "f" && rec.Lines[6].In["call"] == "NtAccessCheck",
		"WriteVectors changed the recording: %+v, want it unchanged", rec.Lines)
}

// unescaped writes the characters that encoding/json escapes for HTML.
func unescaped(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}
