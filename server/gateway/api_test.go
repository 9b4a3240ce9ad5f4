package gateway

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/server/gateway/refmonv1/refmonv1connect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// client returns a gRPC client of the API for a user.
func (w *world) client(user string, options ...connect.ClientOption) refmonv1connect.AccessClient {
	w.Helper()
	as := connect.WithInterceptors(basicAuth(user))
	return refmonv1connect.NewAccessClient(w.console.Client(), w.console.URL, append(options, as)...)
}

// basicAuth sends the name and password of a user with each call.
type basicAuth string

func (b basicAuth) header() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(string(b)+":pw-x"))
}

func (b basicAuth) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", b.header())
		return next(ctx, r)
	}
}

func (b basicAuth) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, s connect.Spec) connect.StreamingClientConn {
		c := next(ctx, s)
		c.RequestHeader().Set("Authorization", b.header())
		return c
	}
}

func (basicAuth) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func onPath(path string) *api.Object { return &api.Object{Object: &api.Object_Path{Path: path}} }

func code(err error) connect.Code {
	if err == nil {
		return 0
	}
	return connect.CodeOf(err)
}

// TestJSONAPIExamplesWorkWithinLimits makes the calls of docs/gateway.md in JSON, with limits of size and rate (G-27).
func TestJSONAPIExamplesWorkWithinLimits(t *testing.T) {
	var moment time.Time
	w := newWorld(t, shared, func(c *Config) { c.Now = func() time.Time { return moment } })
	w.file("f", "f", shared)
	post := func(user, call, body string, headers ...string) httpResult {
		t.Helper()
		return w.atConsole(w.request(user, http.MethodPost, "/refmon.v1.Access/"+call, body,
			append(headers, "Content-Type", "application/json")...))
	}
	for call, want := range map[[2]string]string{
		{"Check", `{"object":{"path":"/share/f"},"rights":["FILE_READ_DATA"]}`}: `"allowed":true`,
		{"Explain", `{"check":{"object":{"path":"/share/f"},"rights":["FILE_WRITE_DATA"]}}`}: "DENIED " +
			"STATUS_ACCESS_DENIED: no entry grants FILE_WRITE_DATA",
		// An allowed request names the entry that granted it (G-28).
		{"Explain", `{"check":{"object":{"path":"/share/f"},"rights":["FILE_READ_DATA"]}}`}: "GRANTED 0x1 " +
			"FILE_READ_DATA",
		{"Explain", `{"check":{"object":{"path":"/share/f"},"rights":["GENERIC_READ"]}}`}: "READ_CONTROL            " +
			"granted  entry 2 of the DACL allows it",
		{"Token", `{}`}:    `"level":"SecurityImpersonation"`,
		{"Services", `{}`}: "NtAccessCheck",
		{"LookUp", `{"names":["alice"],"sids":["S-1-5-32-544"]}`}: `"name":"BUILTIN\\Administrators"`,
	} {
		if got := post("bob", call[0], call[1]); got.code != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%v: %d %s, want 200, text containing %q", call, got.code, got.body, want)
		}
	}
	check.Equal(t, post("", "Token", "{}").code, 401, "without a password")
	check.Equal(t, post("bob", "Token", "{}", "Origin", "https://evil.test").code, 403, "G-16: of another site")
	if got := post("bob", "Token", `{"x":"`+strings.Repeat("x", largestQuestion)+`"}`); got.code == 200 {
		t.Error("a request beyond the size limit was answered with 200, want an error")
	}
	answers := map[int]int{}
	for range 101 {
		answers[post("carol", "Services", "{}").code]++
	}
	if other := post("bob", "Token", "{}").code; answers[200] != 100 || answers[429] != 1 || other != 200 {
		t.Errorf("G-27: statuses of 101 calls: %v; of another user: %d, want 100 of 200 and one 429; 200", answers, other)
	}
	page := w.view("carol", "/why")
	check.That(t, page.code == 429 && page.header.Get("Retry-After") == "1", "G-27: a page of the console: %d, want 429",
		page.code)
	moment = moment.Add(time.Second)
	check.Equal(t, post("carol", "Services", "{}").code, 200, "G-27: a second later")
	check.Equal(t, w.view("carol", "/why").code, 200, "G-27: a page of the console, a second later")
}

// TestDifferingCheckShowsNoGrantingEntry checks that no entry is shown if the gateway's own check differs from
// refmond's (G-28).
func TestDifferingCheckShowsNoGrantingEntry(t *testing.T) {
	w := newWorld(t, shared)
	p := check.Must(w.g.link.process())
	own, d := w.own(p), sddl.MustParse("O:SYG:SYD:(A;;FRFW;;;WD)")
	q, twin := &request{g: w.g, s: &session{p: p}, ctx: t.Context()}, (*token.Token)(nil)
	p.do(t.Context(), func(th *nt.Thread) ntstatus.Status {
		twin = twinOf(th, own)
		return ntstatus.Success
	})
	q.s.release(own)
	explain := func(twin *token.Token, granted winnt.AccessMask) string {
		return q.explainGrant(d, twin, winnt.FILE_READ_DATA, granted, func(sid.SID) string { return "" })
	}
	same := explain(twin, winnt.FILE_READ_DATA)
	check.That(t, strings.Contains(same, "entry 1 of the DACL allows it"),
		`with refmond's answer: %q, want text containing "entry 1 of the DACL allows it"`, same)
	check.Equal(t, explain(twin, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA),
		"GRANTED 0x3 FILE_READ_DATA|FILE_WRITE_DATA\n", "G-28: with another answer")
	check.Equal(t, explain(nil, winnt.FILE_READ_DATA), "GRANTED 0x1 FILE_READ_DATA\n", "G-28: without a copy of the token")
}

// TestExplanationCountsClaims checks that the granting entries of an answer are those of the client's whole token, with
// its claims and device groups (G-28).
func TestExplanationCountsClaims(t *testing.T) {
	team := func(name string) *claims.Set {
		return check.Must(claims.NewSet([]claims.Attribute{
			{Name: "team", Type: claims.String, Strings: []string{name}}}))
	}
	w := newWorldOf(t, shared, altered(func(s *token.Spec) {
		s.UserClaims, s.DeviceClaims = team("red"), team("blue")
		s.DeviceGroups = []token.Group{{SID: sid.AuthenticatedUsers, Attributes: token.GroupDefault}}
	}))
	for name, condition := range map[string]string{"user": `@USER.team == "red"`, "device": `@DEVICE.team == "blue"`,
		"group": "Device_Member_of {SID(AU)}"} {
		w.file(name, "x", shared+"(XA;;FR;;;WD;("+condition+"))(A;;FR;;;WD)")
		r, err := w.client("carol").Explain(t.Context(), connect.NewRequest(&api.ExplainRequest{Check: &api.CheckRequest{
			Object: onPath("/share/" + name), Rights: []string{"FILE_READ_DATA"}}}))
		w.must(err)
		check.That(t, strings.Contains(r.Msg.GetText(), "entry 3 of the DACL allows it"),
			"%s: %s, want the third entry, which comes first", condition, r.Msg.GetText())
	}
}

// TestBatchOver1000ChecksIsRejected checks that each of 1,000 queries is answered under its number, and that 1,001 are
// rejected as a whole. A failing query has its error, and a stream ends with its request.
func TestBatchOver1000ChecksIsRejected(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	c := w.client("bob", connect.WithGRPC())
	checks, objects := make([]*api.CheckRequest, 1001), make([]*api.Object, 1001)
	for i := range checks {
		checks[i] = &api.CheckRequest{Object: onPath("/share/x"), Rights: []string{"FLY"}}
		objects[i] = onPath("x")
	}
	checks[7], objects[7] = &api.CheckRequest{Object: onPath("/share/f"), Rights: []string{"FILE_READ_DATA"}},
		onPath("/share/f")
	checks[8], objects[8] = &api.CheckRequest{Object: onPath("/share/f"), Rights: []string{"DELETE"}},
		onPath("/share/none")
	batch := check.Must(c.CheckBatch(t.Context(), connect.NewRequest(&api.CheckBatchRequest{Checks: checks[:1000]})))
	n := uint32(0)
	for ; batch.Receive(); n++ {
		m := batch.Msg()
		want := cmp.Or(map[uint32]string{7: "true STATUS_SUCCESS 1 ", 8: "false STATUS_ACCESS_DENIED 1179817 "}[n],
			`false  0 "FLY" is not a right of a file: use names such as FILE_READ_DATA, GENERIC_WRITE or DELETE`)
		a := m.GetAnswer()
		got := fmt.Sprint(a.GetAllowed(), " ", a.GetStatus(), " ", a.GetGranted().GetMask(), " ", m.GetError())
		check.RequireThat(t, got == want && m.GetIndex() == n, "answer %d has the number %d: %q, want %q", n, m.GetIndex(),
			got, want)
	}
	if err := batch.Err(); err != nil || n != 1000 {
		t.Errorf("%d answers, %v, want 1000, nil", n, err)
	}
	list, err := c.WhatCan(t.Context(), connect.NewRequest(&api.WhatCanRequest{Account: "alice", Objects: objects[:1000]}))
	w.must(err)
	for n = 0; list.Receive(); n++ {
		m := list.Msg()
		want := cmp.Or(map[uint32]string{7: "2032127 ", 8: "0 STATUS_OBJECT_NAME_NOT_FOUND"}[n],
			"0 path is not a valid path of a file: it does not begin with a slash")
		got := fmt.Sprint(m.GetGranted().GetMask(), " ", m.GetError())
		check.RequireThat(t, got == want && m.GetIndex() == n, "answer %d has the number %d: %q, want %q", n, m.GetIndex(),
			got, want)
	}
	if err := list.Err(); err != nil || n != 1000 {
		t.Errorf("%d answers, %v, want 1000, nil", n, err)
	}
	over := check.Must(c.WhatCan(t.Context(), connect.NewRequest(&api.WhatCanRequest{Objects: objects})))
	if over.Receive() || code(over.Err()) != connect.CodeInvalidArgument {
		t.Errorf("1001 objects: %v, want %v", over.Err(), connect.CodeInvalidArgument)
	}
	many := check.Must(c.CheckBatch(t.Context(), connect.NewRequest(&api.CheckBatchRequest{Checks: checks})))
	if many.Receive() || code(many.Err()) != connect.CodeInvalidArgument {
		t.Errorf("1001 checks: %v, want %v", many.Err(), connect.CodeInvalidArgument)
	}
}
