package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// call makes a call of the API in JSON, and returns the status and the answer without blanks.
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
	w.stays(name + " " + body + " as " + user)
	return fmt.Sprint(got.StatusCode, " ", b.String())
}

// granted are rights in an answer.
func granted(mask uint32, names string) string {
	return fmt.Sprintf(`"granted":{"mask":%d,"names":["%s"]}`, mask, strings.ReplaceAll(names, " ", `","`))
}

// TestExactQuestions: all of the answer to each question about one object: the rights that could have been had where it
// is denied, each reason of a refusal, and the bounds of a question from both sides (G-8, G-25, G-26).
func TestExactQuestions(t *testing.T) {
	w := newExactly(t, shared)
	w.file("f", "f", shared)
	w.file("hers", "x", own)
	w.folder("deep", own)
	w.file("deep/x", "x", own)
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
	path := fail(400, "invalid_argument", "path is not one that a file can have")
	long := func(n int) string {
		text := "O:SYG:SYD:(A;;FR;;;WD)"
		return `{"object":{"sddl":"` + text + strings.Repeat(" ", n-len(text)) + `"},"rights":["FILE_READ_DATA"]}`
	}
	read := granted(1, "FILE_READ_DATA")
	for _, c := range []struct{ user, body, want string }{
		{"bob", `{` + file + `,"rights":["FILE_READ_DATA"]}`, yes(read)},
		{"bob", `{` + file + `,"rights":["FILE_LIST_DIRECTORY","SYNCHRONIZE"]}`, yes(granted(0x100001,
			"FILE_READ_DATA SYNCHRONIZE"))},
		{"bob", `{` + file + `}`, yes(his)}, {"bob", `{` + file + `,"rights":["MAXIMUM_ALLOWED"]}`, yes(his)},
		{"alice", `{` + file + `}`, yes(granted(0x1f01ff, all))},
		{"alice", `{` + file + `,"rights":["FILE_ALL_ACCESS"]}`, yes(granted(0x1f01ff, all))},
		{"bob", `{` + file + `,"rights":["GENERIC_READ"]}`, yes(granted(0x120089,
			"FILE_READ_DATA FILE_READ_EA FILE_READ_ATTRIBUTES READ_CONTROL SYNCHRONIZE"))},
		{"bob", `{` + file + `,"rights":["FILE_GENERIC_EXECUTE"]}`, yes(granted(0x1200a0,
			"FILE_EXECUTE FILE_READ_ATTRIBUTES READ_CONTROL SYNCHRONIZE"))},
		{"bob", `{` + file + `,"rights":["FILE_READ_DATA","DELETE"]}`, no(his)},
		{"bob", `{` + file + `,"rights":["FILE_GENERIC_WRITE"]}`, no(his)},
		{"bob", `{` + file + `,"account":"alice","rights":["WRITE_DAC"]}`, yes(granted(0x40000, "WRITE_DAC"))},
		{"bob", `{` + file + `,"account":"carol","rights":["WRITE_DAC"]}`, no(`"granted":{}`)},
		{"bob", `{` + file + `,"account":"carol"}`, no(`"granted":{}`)},
		{"bob", `{` + file + `,"account":"mallory"}`, fail(404, "not_found", "account: STATUS_LOGON_FAILURE")},
		{"bob", `{"object":{"path":"/share/hers"}}`, denied}, {"bob", `{"object":{"path":"/share/hers"},"account":"alice"}`,
			denied},
		{"bob", `{"object":{"path":"/share/none"}}`, absent}, {"bob", `{"object":{"path":"/share/deep/x"}}`, absent},
		{"carol", `{` + file + `}`, absent}, {"bob", `{"object":{"path":"/none/x"}}`, absent},
		{"bob", `{"object":{"path":"/share/a:b"}}`, absent},
		{"bob", `{"object":{"path":"/share/../x"}}`, path}, {"bob", `{"object":{"path":"share/x"}}`, path},
		{"bob", `{"object":{"path":"/"}}`, absent},
		{"bob", `{}`, fail(400, "invalid_argument", "object has neither path nor sddl")},
		{"bob", `{` + file + `,"rights":["FLY"]}`, fail(400, "invalid_argument",
			`\"FLY\" is no right of a file: FILE_READ_DATA, GENERIC_WRITE, DELETE are`)},
		{"bob", `{"object":{"sddl":"O:SYG:SYD:(A;;FR;;;WD)"},"account":"alice"}`, fail(403, "permission_denied",
			"another account is asked about for objects by path alone")},
		{"bob", `{"object":{"sddl":"O:SYG:SYD:"}}`, no(`"granted":{}`)},
		{"bob", `{"object":{"sddl":"D:(A;;FR;;;WD)"}}`, fail(400, "invalid_argument", "STATUS_INVALID_SECURITY_DESCR")},
		{"bob", long(64 << 10), yes(read)},
		{"bob", long(64<<10 + 1), fail(400, "invalid_argument", "the descriptor is too long")},
	} {
		w.same(fmt.Sprintf("Check %.200s as %s", c.body, c.user), w.call(c.user, "Check", c.body), c.want)
	}
	w.same("Explain of nothing", w.call("bob", "Explain", `{}`), fail(400, "invalid_argument", "check is not given"))
	w.same("Explain of what is absent", w.call("bob", "Explain", `{"check":{"object":{"path":"/share/none"}}}`), absent)
	explained := w.call("bob", "Explain", `{"check":{`+file+`,"rights":["FILE_READ_DATA","SYNCHRONIZE"]}}`)
	if want := `200 {"answer":{"allowed":true,"status":"STATUS_SUCCESS",` + granted(0x100001,
		"FILE_READ_DATA SYNCHRONIZE") +
		`},"text":"GRANTED 0x100001 FILE_READ_DATA|SYNCHRONIZE`; !strings.HasPrefix(explained, want) ||
		!strings.Contains(explained, "AceAllow DACL 1") {
		t.Errorf("Explain: %s, want %s", explained, want)
	}
	explained = w.call("bob", "Explain", `{"check":{`+file+`,"account":"carol","rights":["FILE_READ_DATA"]}}`)
	if want := `200 {"answer":{"status":"STATUS_ACCESS_DENIED","granted":{}},"text":"DENIED STATUS_ACCESS_DENIED: ` +
		`FILE_READ_DATA by `; !strings.HasPrefix(explained, want) {
		t.Errorf("Explain of another account: %s, want %s", explained, want)
	}
}

// TestExactPeople: all of what WhoCan, LookUp, Token and Services answer; who asks about more than the bound is refused
// (G-25, G-26).
func TestExactPeople(t *testing.T) {
	w := newExactly(t, shared)
	alice, bob, carol := w.sids["alice"].String(), w.sids["bob"].String(), w.sids["carol"].String()
	w.file("f", "f", "O:{carol}G:SYD:P(D;;WD;;;{bob})(A;;0x3;;;{bob})(A;;0x1;;;{alice})(A;;0x20000;;;{bob})"+
		"(A;;SD;;;S-1-5-21-1-2-3-4)(A;;0x80;;;WD)")
	const file, name = `"object":{"path":"/share/f"}`, `"name":`
	both := func(mask uint32, names string) string { return granted(mask|0x80, names) }
	grant := func(s, name, g string) string {
		if name != "" {
			name = `,"name":"` + name + `"`
		}
		return `{"sid":"` + s + `"` + name + "," + g + "}"
	}
	w.same("WhoCan", w.call("bob", "WhoCan", `{`+file+`}`), `200 {"grants":[`+grant(carol, `HOST\\carol`, both(0x60000,
		"FILE_READ_ATTRIBUTES READ_CONTROL WRITE_DAC"))+","+grant(bob, `HOST\\bob`, both(0x20003,
		"FILE_READ_DATA FILE_WRITE_DATA FILE_READ_ATTRIBUTES READ_CONTROL"))+","+grant(alice, `HOST\\alice`, both(1,
		"FILE_READ_DATA FILE_READ_ATTRIBUTES"))+","+grant("S-1-5-21-1-2-3-4", "", both(0x10000,
		"FILE_READ_ATTRIBUTES DELETE"))+","+grant("S-1-1-0", "Everyone", both(0, "FILE_READ_ATTRIBUTES"))+`]}`)
	w.same("WhoCan of accounts", w.call("bob", "WhoCan", `{`+file+`,"accounts":["alice","mallory","carol"]}`),
		`200 {"grants"`+
			`:[{"name":"alice",`+both(1, "FILE_READ_DATA FILE_READ_ATTRIBUTES")+`},{"name":"mallory","error":`+
			`"account: STATUS_LOGON_FAILURE"},{"name":"carol",`+both(0x60000, "FILE_READ_ATTRIBUTES READ_CONTROL WRITE_DAC")+
			`}]}`)
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") }
	const tooMany = `400 {"code":"invalid_argument","message":"too many questions in one call"}`
	w.same("WhoCan without READ_CONTROL", w.call("alice", "WhoCan", `{`+file+`}`),
		`403 {"code":"permission_denied","message":"STATUS_ACCESS_DENIED"}`)
	w.same("WhoCan of 101 accounts", w.call("bob", "WhoCan", `{"accounts":[`+many(101)+`]}`), tooMany)
	w.same("WhoCan of 100 accounts", w.call("bob", "WhoCan", `{"accounts":[`+many(100)+`]}`), `200 {"grants":[`+
		strings.TrimSuffix(strings.Repeat(`{"name":"x","error":"object has neither path nor sddl"},`, 100), ",")+`]}`)
	w.same("LookUp", w.call("bob", "LookUp", `{"names":["alice","stranger","Everyone",`+
		`"BUILTIN\\Administrators"],"sids":["`+bob+`","S-1-5-21-9-9-9-9","S-1-5-32-544","S-1-1-0"]}`),
		`200 {"found":[{"name":"alice","domain":"HOST","sid":"`+alice+
			`"},{"name":"stranger"},{"name":"Everyone","sid":"S-1-1-0"},{"name":"BUILTIN\\Administrators","domain":"BUILTIN",`+
			`"sid":"S-1-5-32-544"},{"name":"HOST\\bob","sid":"`+bob+`"},{"sid":"S-1-5-21-9-9-9-9"},`+
			`{"name":"BUILTIN\\Administrators","sid":"S-1-5-32-544"},{"name":"Everyone","sid":"S-1-1-0"}]}`)
	w.same("LookUp of nothing", w.call("bob", "LookUp", `{}`), `200 {}`)
	if got := w.call("bob", "LookUp", `{"sids":["S-1-x"]}`); !strings.HasPrefix(got, `400 {"code":"invalid_argument"`) {
		t.Errorf("LookUp of what is no SID: %s", got)
	}
	w.same("LookUp of 1001", w.call("bob", "LookUp", `{"names":[`+many(1000)+`],"sids":["S-1-1-0"]}`), tooMany)
	if got := w.call("bob", "LookUp", `{"names":[`+many(999)+`],"sids":["S-1-1-0"]}`); !strings.HasPrefix(got, "200 ") ||
		strings.Count(got, `"name":"x"`) != 999 {
		t.Errorf("LookUp of 1000: %.200s", got)
	}
	w.same("Token", w.call("bob", "Token", `{}`), w.tokenOf("bob"))
	var services bytes.Buffer
	for r := range nt.NtTable.All {
		i := r.Info()
		b, err := json.Marshal(map[string]string{"name": i.Name, "summary": i.Summary, "missing": i.Missing})
		w.must(err)
		services.Write(b)
	}
	var got struct{ Services []map[string]string }
	w.must(json.Unmarshal([]byte(strings.TrimPrefix(w.call("bob", "Services", `{}`), "200 ")), &got))
	for i, r := range got.Services {
		for _, key := range []string{"summary", "missing"} {
			r[key] += "" // an empty one is not sent
		}
		b, err := json.Marshal(r)
		w.must(err)
		if next := services.Next(len(b)); string(b) != string(next) {
			t.Fatalf("service %d is %s, want %s", i, b, next)
		}
	}
	if services.Len() > 0 {
		t.Errorf("%d bytes of services are missing", services.Len())
	}
}

// tokenOf writes what Token answers of a user, by what refmond says of the token.
func (w *exactly) tokenOf(user string) string {
	w.Helper()
	p, err := w.g.link.process()
	w.must(err)
	var b strings.Builder
	fmt.Fprintf(&b, `200 {"user":"%s","name":"HOST\\%s","level":"SecurityImpersonation","groups":[`, w.sids[user], user)
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	for _, s := range p.sessions.known {
		if s.user != w.sids[user] {
			continue
		}
		p.do(w.Context(), func(th *nt.Thread) ntstatus.Status {
			groups, _ := th.NtQueryInformationToken(s.token, winnt.TokenGroups)
			privileges, st := th.NtQueryInformationToken(s.token, winnt.TokenPrivileges)
			for i, g := range groups.([]token.Group) {
				fmt.Fprintf(&b, `%s{"sid":"%s","attributes":%d}`, ","[:min(i, 1)], g.SID, g.Attributes)
			}
			b.WriteString(`],"privileges":[`)
			for i, p := range privileges.([]nt.LUIDAndAttributes) {
				fmt.Fprintf(&b, `%s"%s"`, ","[:min(i, 1)], winnt.Privilege(p.LUID))
			}
			return st
		})
	}
	return b.String() + "]}"
}

// TestManyQuestions: of 1,000 questions each is answered by its number, of one more none is; one that fails says why,
// and a
// stream ends with its request.
func TestManyQuestions(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	c := w.client("bob", connect.WithGRPC())
	checks, objects := make([]*api.CheckRequest, 1001), make([]*api.Object, 1001)
	for i := range checks {
		checks[i] = &api.CheckRequest{}
	}
	checks[7], objects[7] = &api.CheckRequest{Object: onPath("/share/f"), Rights: []string{"FILE_READ_DATA"}},
		onPath("/share/f")
	checks[8], objects[8] = &api.CheckRequest{Object: onPath("/share/f"), Rights: []string{"DELETE"}},
		onPath("/share/none")
	batch, err := c.CheckBatch(t.Context(), connect.NewRequest(&api.CheckBatchRequest{Checks: checks[:1000]}))
	w.must(err)
	n := uint32(0)
	for ; batch.Receive(); n++ {
		m := batch.Msg()
		want := "false  0 object has neither path nor sddl"
		switch n {
		case 7:
			want = "true STATUS_SUCCESS 1 "
		case 8:
			want = "false STATUS_ACCESS_DENIED 1179817 "
		}
		if got := fmt.Sprint(m.GetAnswer().GetAllowed(), " ", m.GetAnswer().GetStatus(), " ",
			m.GetAnswer().GetGranted().GetMask(),
			" ", m.GetError()); got != want || m.GetIndex() != n {
			t.Fatalf("answer %d has the number %d: %q, want %q", n, m.GetIndex(), got, want)
		}
	}
	if err := batch.Err(); err != nil || n != 1000 {
		t.Errorf("%d answers, %v", n, err)
	}
	list, err := c.WhatCan(t.Context(), connect.NewRequest(&api.WhatCanRequest{Account: "alice", Objects: objects[:1000]}))
	w.must(err)
	for n = 0; list.Receive(); n++ {
		m := list.Msg()
		want := "0 object has neither path nor sddl"
		switch n {
		case 7:
			want = "2032127 "
		case 8:
			want = "0 STATUS_OBJECT_NAME_NOT_FOUND"
		}
		if got := fmt.Sprint(m.GetGranted().GetMask(), " ", m.GetError()); got != want || m.GetIndex() != n {
			t.Fatalf("answer %d has the number %d: %q, want %q", n, m.GetIndex(), got, want)
		}
	}
	if err := list.Err(); err != nil || n != 1000 {
		t.Errorf("%d answers, %v", n, err)
	}
	over, err := c.WhatCan(t.Context(), connect.NewRequest(&api.WhatCanRequest{Objects: objects}))
	w.must(err)
	if over.Receive() || code(over.Err()) != connect.CodeInvalidArgument {
		t.Errorf("1001 questions: %v", over.Err())
	}
}

// TestGrantsAlone: of each SID that a descriptor names it is told once what it has by itself: an owner as owner, a
// group as
// a group of a stranger; audit entries name no one, and a descriptor without a list no one but its owner.
func TestGrantsAlone(t *testing.T) {
	w := newExactly(t, shared)
	p, err := w.g.link.process()
	w.must(err)
	q := &request{g: w.g, s: &session{p: p}, ctx: t.Context()}
	for descriptor, want := range map[string]string{
		"O:SYG:BAD:(A;;FR;;;BA)(D;;0x1;;;BA)(A;;FW;;;SY)S:(AU;SA;FA;;;BU)": "S-1-5-18 0x160116, S-1-5-32-544 0x120089",
		"O:SYG:SY":                              "S-1-5-18 0x1f01ff",
		"G:SYD:(A;;FR;;;SY)":                    "S-1-5-18 0x120089",
		"O:BAG:SYD:(A;;0x1;;;OW)(A;IO;FA;;;BU)": "S-1-5-32-544 0x1, S-1-3-4 0x0, S-1-5-32-545 0x0",
	} {
		var got []string
		for _, g := range q.grants(sddl.MustParse(descriptor)) {
			one := fmt.Sprintf("%s %#x", g.GetSid(), g.GetGranted().GetMask())
			if g.GetError() != "" {
				one = g.GetSid() + " STATUS"
			}
			got = append(got, one)
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%s: %s, want %s", descriptor, text, want)
		}
	}
	var entries strings.Builder
	for i := range 200 {
		fmt.Fprintf(&entries, "(A;;FR;;;S-1-5-21-1-1-1-%d)", i)
	}
	list := q.grants(sddl.MustParse("O:SYG:SYD:" + entries.String()))
	if len(list) != 100 || list[0].GetSid() != sid.LocalSystem.String() || list[99].GetSid() != "S-1-5-21-1-1-1-98" {
		t.Errorf("%d are told, the last is %s", len(list), list[len(list)-1].GetSid())
	}
}
