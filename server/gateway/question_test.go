package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// call sends a JSON call to the API, and returns the status and the response without blanks.
func (w *exactly) call(user, name, body string) string {
	w.Helper()
	got := w.answer(w.g.Console(), user, http.MethodPost, "/refmon.v1.Access/"+name, []byte(body), "Content-Type",
		"application/json")
	defer got.Body.Close()
	var raw, b bytes.Buffer
	_, err := raw.ReadFrom(got.Body)
	w.must(err)
	if json.Compact(&b, raw.Bytes()) != nil {
		return fmt.Sprint(got.StatusCode, " ", raw.String())
	}
	w.checkClean(name + " " + body + " as " + user)
	return fmt.Sprint(got.StatusCode, " ", b.String())
}

// granted formats the rights in a response.
func granted(mask uint32, names string) string {
	return fmt.Sprintf(`"granted":{"mask":%d,"names":["%s"]}`, mask, strings.ReplaceAll(names, " ", `","`))
}

// TestObjectQueriesExplainEachDenial checks the complete response to each query about one object: the rights that would
// have been granted, each reason of a denial, and both sides of each limit (G-8, G-25, G-26, G-29).
func TestObjectQueriesExplainEachDenial(t *testing.T) {
	w := newExactly(t, shared)
	w.file("f", "f", shared)
	w.file("hers", "x", own)
	w.folder("deep", own)
	w.file("deep/x", "x", own)
	const most = `"rights":["MAXIMUM_ALLOWED"]}`
	const file, all = `"object":{"path":"/share/f"}`, "FILE_READ_DATA FILE_WRITE_DATA FILE_APPEND_DATA FILE_READ_EA " +
		"FILE_WRITE_EA FILE_EXECUTE FILE_DELETE_CHILD FILE_READ_ATTRIBUTES FILE_WRITE_ATTRIBUTES DELETE READ_CONTROL " +
		"WRITE_DAC WRITE_OWNER SYNCHRONIZE"
	his := granted(0x1200a9, "FILE_READ_DATA FILE_READ_EA FILE_EXECUTE FILE_READ_ATTRIBUTES READ_CONTROL SYNCHRONIZE")
	yes := func(g string) string { return `200 {"allowed":true,"status":"STATUS_SUCCESS",` + g + "}" }
	no := func(g string) string { return `200 {"status":"STATUS_ACCESS_DENIED",` + g + "}" }
	fail := func(http int, code, message string) string {
		return fmt.Sprintf(`%d {"code":"%s","message":"%s"}`, http, code, message)
	}
	absent := fail(404, "not_found", "STATUS_OBJECT_NAME_NOT_FOUND")
	denied := fail(403, "permission_denied", "STATUS_ACCESS_DENIED")
	path := func(why string) string {
		return fail(400, "invalid_argument", "path is not a valid path of a file: "+why)
	}
	long := func(n int) string {
		text := "O:SYG:SYD:(A;;FR;;;WD)"
		return `{"object":{"sddl":"` + text + strings.Repeat(" ", n-len(text)) + `"},"rights":["FILE_READ_DATA"]}`
	}
	read, control := granted(1, "FILE_READ_DATA"), granted(0x20000, "READ_CONTROL")
	w.file("ownerless", "x", "D:P(A;;FA;;;{bob})(A;;FR;;;OW)")
	w.want(200, "bob", "GET", "/share/ownerless", "")
	w.file("trusted", "x", shared+"S:(TL;;RC;;;S-1-19-512-4096)")
	w.file("filtered", "x", shared+`S:(FL;;RC;;;WD;(Member_of {SID(BA)}))`)
	w.file("marked", "x",
		`O:BAG:SYD:P(A;;RC;;;{bob})(XA;;FR;;;{bob};(@RESOURCE.kind == "open"))S:(RA;;;;;WD;("kind",TS,0,"open"))`)
	for name, code := range map[string]int{"trusted": 403, "filtered": 403, "marked": 200} {
		w.want(code, "bob", "GET", "/share/"+name, "")
	}
	for _, c := range []struct{ user, body, want string }{
		{"bob", `{` + file + `,"rights":["FILE_READ_DATA"]}`, yes(read)},
		{"bob", `{` + file + `,"rights":["FILE_LIST_DIRECTORY","SYNCHRONIZE"]}`, yes(granted(0x100001,
			"FILE_READ_DATA SYNCHRONIZE"))},
		{"bob", `{` + file + `,` + most, yes(his)},
		{"alice", `{` + file + `,` + most, yes(granted(0x1f01ff, all))},
		{"alice", `{` + file + `,"rights":["FILE_ALL_ACCESS"]}`, yes(granted(0x1f01ff, all))},
		{"bob", `{` + file + `,"rights":["GENERIC_READ"]}`, yes(granted(0x120089,
			"FILE_READ_DATA FILE_READ_EA FILE_READ_ATTRIBUTES READ_CONTROL SYNCHRONIZE"))},
		{"bob", `{` + file + `,"rights":["FILE_GENERIC_EXECUTE"]}`, yes(granted(0x1200a0,
			"FILE_EXECUTE FILE_READ_ATTRIBUTES READ_CONTROL SYNCHRONIZE"))},
		{"bob", `{` + file + `,"rights":["FILE_READ_DATA","DELETE"]}`, no(his)},
		{"bob", `{` + file + `,"rights":["FILE_GENERIC_WRITE"]}`, no(his)},
		{"bob", `{` + file + `,"account":"alice","rights":["WRITE_DAC"]}`, yes(granted(0x40000, "WRITE_DAC"))},
		{"bob", `{` + file + `,"account":"carol","rights":["WRITE_DAC"]}`, no(`"granted":{}`)},
		{"bob", `{` + file + `,"account":"carol",` + most, no(`"granted":{}`)},
		{"bob", `{` + file + `,"account":"mallory",` + most, fail(404, "not_found", "account: STATUS_LOGON_FAILURE")},
		{"bob", `{"object":{"path":"/share/ownerless"},"rights":["FILE_READ_DATA"]}`, yes(read)}, // as GET (G-29)
		{"bob", `{"object":{"path":"/share/ownerless"},"account":"alice",` + most, no(`"granted":{}`)},
		// A trust label, an access filter and resource attributes count as for a GET (G-29).
		{"bob", `{"object":{"path":"/share/trusted"},"rights":["FILE_READ_DATA"]}`, no(control)},
		{"bob", `{"object":{"path":"/share/filtered"},"rights":["FILE_READ_DATA"]}`, no(control)},
		{"bob", `{"object":{"path":"/share/marked"},"rights":["FILE_READ_DATA"]}`, yes(read)},
		{"bob", `{"object":{"path":"/share/hers"},` + most, denied},
		{"bob", `{"object":{"path":"/share/hers"},"account":"alice",` + most,
			denied},
		{"bob", `{"object":{"path":"/share/none"},` + most, absent},
		{"bob", `{"object":{"path":"/share/deep/x"},` + most, absent},
		{"carol", `{` + file + `,` + most, absent},
		{"bob", `{"object":{"path":"/none/x"},` + most, absent},
		{"bob", `{"object":{"path":"/share/a:b"},` + most, absent},
		{"bob", `{"object":{"path":"/share/f/"},"rights":["FILE_READ_DATA"]}`, absent}, // a file is no folder (G-10)
		{"bob", `{"object":{"path":"/share/../x"},` + most, path(`one of its names is \"..\"`)},
		{"bob", `{"object":{"path":"share/x"},` + most, path("it does not begin with a slash")},
		{"bob", `{"object":{"path":"/"},` + most, absent},
		{"bob", `{` + file + `,"rights":["FLY"]}`, fail(400, "invalid_argument",
			`\"FLY\" is not a right of a file: use names such as FILE_READ_DATA, GENERIC_WRITE or DELETE`)},
		{"bob", `{"object":{"sddl":"O:SYG:SYD:(A;;FR;;;WD)"},"account":"alice",` + most, fail(403, "permission_denied",
			"access of another account can only be queried for objects by path")},
		{"bob", `{"object":{"sddl":"O:SYG:SYD:"},` + most, no(`"granted":{}`)},
		{"bob", `{"object":{"sddl":"O:SYD:(A"},` + most, fail(400, "invalid_argument",
			`SDDL: at byte 7: want an ACE type such as A or D, then ';', found \"A\": STATUS_INVALID_ACL`)},
		{"bob", `{"object":{"sddl":"D:(A;;FR;;;WD)"},` + most, fail(400, "invalid_argument",
			"STATUS_INVALID_SECURITY_DESCR")},
		{"bob", long(64 << 10), yes(read)},
		{"bob", long(64<<10 + 1), fail(400, "invalid_argument", "the descriptor is too long")},
	} {
		w.diff(fmt.Sprintf("Check %.200s as %s", c.body, c.user), w.call(c.user, "Check", c.body), c.want)
	}
	check.SlicesEqual(t, rights(0x81200000).GetNames(), []string{"0x200000", "ACCESS_SYSTEM_SECURITY", "GENERIC_READ"},
		"names of rare rights")
	w.diff("Explain of an absent file", w.call("bob", "Explain",
		`{"check":{"object":{"path":"/share/none"},"rights":["DELETE"]}}`), absent)
	explained := w.call("bob", "Explain", `{"check":{`+file+`,"rights":["FILE_READ_DATA","SYNCHRONIZE"]}}`)
	if want := `200 {"answer":{"allowed":true,"status":"STATUS_SUCCESS",` + granted(0x100001,
		"FILE_READ_DATA SYNCHRONIZE") +
		`},"text":"GRANTED 0x100001 FILE_READ_DATA|SYNCHRONIZE`; !strings.HasPrefix(explained, want) ||
		!strings.Contains(explained, "entry 2 of the DACL allows it") {
		t.Errorf("Explain: %s, want %s", explained, want)
	}
	explained = w.call("bob", "Explain", `{"check":{`+file+`,"account":"carol","rights":["FILE_READ_DATA"]}}`)
	if want := `200 {"answer":{"status":"STATUS_ACCESS_DENIED","granted":{}},"text":"DENIED STATUS_ACCESS_DENIED: ` +
		`no entry grants FILE_READ_DATA`; !strings.HasPrefix(explained, want) {
		t.Errorf("Explain of another account: %s, want %s", explained, want)
	}
}

// TestRefmondFailureIsNotClientError checks that a question fails as unavailable if refmond is not running, and as an
// internal error if refmond refuses a call of the gateway. Neither says that the client's question was wrong.
func TestRefmondFailureIsNotClientError(t *testing.T) {
	w := newWorld(t, shared)
	p, err := w.g.link.process()
	w.must(err)
	q, d := &request{g: w.g, s: &session{p: p}, ctx: t.Context()}, sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	want := func(what string, err error, want connect.Code) {
		t.Helper()
		check.That(t, err != nil && connect.CodeOf(err) == want, "%s: %v, want the code %v", what, err, want)
	}
	_, _, err = q.decide(d, 0x7770, winnt.FILE_READ_DATA, false)
	want("a check with a token that does not exist", err, connect.CodeInternal)
	_, _, err = q.about("mallory")
	want("a logon of an unknown account", err, connect.CodeNotFound)
	w.must(p.conn.Close())
	_, _, err = q.decide(d, 0x7770, winnt.FILE_READ_DATA, false)
	want("a check without refmond", err, connect.CodeUnavailable)
	_, _, err = q.about("alice")
	want("a logon without refmond", err, connect.CodeUnavailable)
	check.Equal(t, len(p.threads), cap(p.threads), "threads that later requests can use")
}

// TestMissingOwnerAndGroupAreNobody checks that a descriptor without owner or group is completed with the SID of nobody
// (G-29).
func TestMissingOwnerAndGroupAreNobody(t *testing.T) {
	for text, want := range map[string]string{"D:": "O:S-1-0-0G:S-1-0-0D:", "O:BAD:": "O:BAG:S-1-0-0D:",
		"G:BAD:": "O:S-1-0-0G:BAD:", "O:BAG:SYD:": "O:BAG:SYD:"} {
		check.Equal(t, sddlOf(complete(sddl.MustParse(text))), want, "%s", text)
	}
}
