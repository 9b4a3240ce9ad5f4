package authzen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/test/check"
)

// whole is a question with all members.
const whole = `{"subject":{"type":"user","id":"alice","properties":{}},"action":{"name":"can_view","properties":{}},` +
	`"resource":{"type":"record","id":"record-1","properties":{}},"context":{}}`

const (
	alice  = `"subject":{"type":"user","id":"alice"}`
	dave   = `"subject":{"type":"user","id":"dave"}`
	view   = `"action":{"name":"can_view"}`
	first  = `"resource":{"type":"record","id":"record-1"}`
	yes    = `{"decision":true}`
	no     = `"decision":false`
	noEdit = `{"action":{"name":"can_fly"}}`
)

// TestAuthZENNormativeStatementsHold has a row for each normative statement of AuthZEN 1.0 about a decision point that
// has no search. The quoted words are ours.
func TestAuthZENNormativeStatementsHold(t *testing.T) {
	h := records(t)
	batch := func(options, items string) string {
		return `{` + alice + `,` + view + `,` + first + options + `,"evaluations":[` + items + `]}`
	}
	until := func(semantic, items string) string {
		return batch(`,"options":{"evaluations_semantic":"`+semantic+`"}`, items)
	}
	with := func(old, new string) string { return strings.Replace(whole, old, new, 1) }
	const id = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
	const one, many = EvaluationPath, EvaluationsPath
	deep := strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 70)
	for _, c := range []struct {
		rule, says, path, body string
		status                 int
		want                   string // part of the response
	}{
		{"Z-4", "a decision has a boolean", one, whole, 200, yes},
		{"Z-4", "a denial is status 200", one, `{` + dave + `,` + view + `,` + first + `}`, 200, no},
		{"Z-1", "the subject is required", one, `{` + view + `,` + first + `}`, 400, "subject is missing"},
		{"Z-1", "the action is required", one, `{` + alice + `,` + first + `}`, 400, "action is missing"},
		{"Z-1", "the resource is required", one, `{` + alice + `,` + view + `}`, 400, "resource is missing"},
		{"Z-1", "the context is optional", one, `{` + alice + `,` + view + `,` + first + `}`, 200, yes},
		{"Z-1", "a subject has a type", one, with(`"type":"user",`, ""), 400, "subject.type"},
		{"Z-1", "a subject has an id", one, with(`"id":"alice",`, ""), 400, "subject.id"},
		{"Z-1", "an action has a name", one, with(`"name":"can_view",`, ""), 400, "action.name"},
		{"Z-1", "a resource has a type", one, with(`"type":"record",`, ""), 400, "resource.type"},
		{"Z-1", "a resource has an id", one, with(`"id":"record-1",`, ""), 400, "resource.id"},
		{"Z-1", "a type is a string", one, with(`"user"`, "1"), 400, "want a string"},
		{"Z-1", "an id is a string", one, with(`"alice"`, "null"), 400, "want a string"},
		{"Z-1", "a name is a string", one, with(`"can_view"`, "[]"), 400, "want a string"},
		{"Z-1", "a subject is an object", one, `{"subject":"alice",` + view + `,` + first + `}`, 400, "want an object"},
		{"Z-1", "an action is an object", one, `{` + alice + `,"action":"can_view",` + first + `}`, 400,
			"want an object"},
		{"Z-1", "properties are an object", one, with(`"properties":{}`, `"properties":[]`), 400, "properties"},
		{"Z-1", "null is no object", one, with(`"properties":{}`, `"properties":null`), 400,
			"subject.properties: want an object"},
		{"Z-1", "also of a resource", one, with(`"record-1","properties":{}`, `"record-1","properties":null`), 400,
			"resource.properties: want an object"},
		{"Z-1", "nor an action's object", one, with(`"can_view","properties":{}`, `"can_view","properties":null`),
			400, "action.properties: want an object"},
		{"Z-1", "null is no context", one, with(`"context":{}`, `"context":null`), 400, "context: want an object"},
		{"Z-1", "also of an action", one, with(`"can_view","properties":{}`, `"can_view","properties":[]`), 400,
			"action.properties"},
		{"Z-1", "a context is an object", one, with(`"context":{}`, `"context":"x"`), 400, "context"},
		{"Z-1", "a long id is refused", one, with("record-1", strings.Repeat("x", 4097)), 400, "longer"},
		{"Z-1", "so is a long type", one, with("user", strings.Repeat("x", 4097)), 400, "subject.type: longer"},
		{"Z-1", "so is a long action", one, with("can_view", strings.Repeat("x", 4097)), 400, "action.name: longer"},
		{"Z-1", "the longest id is accepted", one, with("record-1", strings.Repeat("x", 4096)), 200, no},
		{"Z-3", "unknown members are ignored", one, with(`{"subject"`, `{"x":{"y":[1]},"subject"`), 200, yes},
		{"Z-3", "also inside", one, with(`"id":"alice"`, `"id":"alice","role":"x"`), 200, yes},
		{"Z-3", "case counts", one, with(`"id":"alice"`, `"id":"dave","ID":"alice"`), 200, no},
		{"Z-3", "case counts for required members", one, with(`"subject"`, `"Subject"`), 400, "subject is missing"},
		{"Z-2", "a body is JSON", one, `{`, 400, ""},
		{"Z-2", "also of a batch", many, `{`, 400, ""},
		{"Z-2", "a body is an object", one, `[]`, 400, "want an object"},
		{"Z-2", "a body is not empty", one, ``, 400, "want an object"},
		{"Z-2", "a body is one value", one, whole + `{}`, 400, ""},
		{"Z-2", "a name occurs once", one, with(`"id":"alice"`, `"id":"alice","id":"dave"`), 400, "twice"},
		{"Z-2", "also in properties", one, with(`"context":{}`, `"context":{"a":{"b":1,"b":2}}`), 400, "twice"},
		{"Z-2", "also escaped", one, with(`"id":"alice"`, `"id":"alice","\u0069d":"dave"`), 400, "twice"},
		{"Z-2", "text is UTF-8", one, with(`alice`, "\xff"), 400, "UTF-8"},
		{"Z-2", "nesting is limited", one, with(`"context":{}`, `"context":`+deep), 400, "deep"},
		{"Z-5", "a batch without evaluations is one question", many, whole, 200, yes},
		{"Z-5", "also with an empty list", many, batch("", ""), 200, yes},
		{"Z-5", "whose members are required", many, `{"evaluations":[]}`, 400, "subject is missing"},
		{"Z-6", "defaults are used", many, batch("", `{},{}`), 200, `{"evaluations":[` + yes + `,` + yes + `]}`},
		{"Z-6", "also that of the context", many,
			`{"action":{"name":"can_share","properties":{"scope":"public"}},` +
				`"resource":{"type":"record","id":"record-3","properties":{"status":"x"}},` +
				`"context":{"purpose":"support"},"evaluations":[{"subject":{"type":"user","id":"carol"}}]}`, 200, yes},
		{"Z-6", "which a question overrides, too", many,
			`{"action":{"name":"can_share","properties":{"scope":"public"}},` +
				`"resource":{"type":"record","id":"record-3","properties":{"status":"x"}},` +
				`"context":{"purpose":"support"},` +
				`"evaluations":[{"subject":{"type":"user","id":"carol"},"context":{}}]}`, 200, no},
		{"Z-6", "a question overrides them", many, batch("", `{`+dave+`},{}`), 200, `]`},
		{"Z-6", "as a whole", many, batch("", `{"subject":{"id":"alice"}}`), 200, "subject.type: is missing"},
		{"Z-6", "even by a malformed one", many, batch("", `{`+alice+`,"action":{}}`), 200, "action.name: is missing"},
		{"Z-6", "even by null", many, batch("", `{"subject":null}`), 200, "want an object"},
		{"Z-6", "a missing default is an item's error", many, `{"evaluations":[` + whole + `,{}]}`, 200,
			"subject is missing"},
		{"Z-1", "a wrong default is the request's error", many, `{"subject":{"id":"x"},"evaluations":[` + whole + `]}`,
			400, "subject.type"},
		{"Z-1", "evaluations are a list", many, `{"evaluations":{}}`, 400, "want an array"},
		{"Z-1", "options are an object", many, batch(`,"options":[]`, "{}"), 400, "options"},
		{"Z-1", "also without a list", many, strings.Replace(whole, "{", `{"options":[],`, 1), 400, "options"},
		{"Z-3", "unknown options are ignored", many, batch(`,"options":{"another":1}`, "{}"), 200, yes},
		{"Z-7", "the order is that of the request", many, batch("", `{},`+noEdit+`,{}`), 200,
			`{"evaluations":[` + yes + `,{` + no},
		{"Z-7", "execute_all answers all", many, until("execute_all", noEdit+`,{},`+noEdit), 200, "3 answers"},
		{"Z-7", "deny_on_first_deny stops", many, until("deny_on_first_deny", `{},`+noEdit+`,{}`), 200, "2 answers"},
		{"Z-7", "permit_on_first_permit stops", many, until("permit_on_first_permit", noEdit+`,{},{}`), 200,
			"2 answers"},
		{"Z-7", "all denied", many, until("permit_on_first_permit", noEdit+`,`+noEdit), 200, "2 answers"},
		{"Z-7", "a malformed question is a denial", many, until("deny_on_first_deny", `5,{}`), 200, "1 answers"},
		{"Z-7", "an unknown semantic is refused", many, until("x", `{}`), 400, "want execute_all"},
		{"Z-7", "a semantic is a string", many, batch(`,"options":{"evaluations_semantic":null}`, `{}`), 400,
			"want execute_all"},
		{"Z-8", "a wrong question is denied", many, batch("", `{"subject":{"type":1}},{}`), 200,
			`"error":{"status":400,`},
		{"Z-8", "and the others are answered", many, batch("", `[],{}`), 200, yes},
		{"Z-11", "a batch is limited", many, batch("", strings.Repeat(`{},`, 1000)+`{}`), 400, "more than 1000"},
		{"Z-11", "1000 questions are allowed", many, batch("", strings.Repeat(`{},`, 999)+`{}`), 200, "1000 answers"},
		{"Z-11", "a body is limited", one, whole + strings.Repeat(" ", 1<<20), 413, "1048576"},
	} {
		status, got, header := post(h, c.path, c.body, "X-Request-ID", id)
		says := fmt.Sprintf("%s %d answers", got, strings.Count(got, `"decision"`))
		check.That(t, status == c.status && strings.Contains(says, c.want), "%s: %s: %d %s, want %d %s", c.rule, c.says,
			status, says, c.status, c.want)
		check.That(t, header.Get("X-Request-ID") == id && header.Get("Cache-Control") == "no-store",
			"%s: %s: %v, want X-Request-ID %s and Cache-Control no-store", c.rule, c.says, header, id)
		kind := "text/plain; charset=utf-8"
		if status == 200 {
			kind = "application/json"
		}
		check.That(t, (status != 200 || json.Valid([]byte(got))) && header.Get("Content-Type") == kind,
			"%s: %s: %s is not JSON, or its type is %s", c.rule, c.says, got, header.Get("Content-Type"))
	}
}

// TestAuthZENChecksMethodAndContentType checks methods, content types and paths (Z-9, Z-10, Z-12).
func TestAuthZENChecksMethodAndContentType(t *testing.T) {
	for _, c := range []struct {
		url, method, path, kind string
		want                    int
	}{
		{"https://pdp.example.com", "POST", EvaluationPath, "application/json", 200},
		{"https://pdp.example.com", "POST", EvaluationPath, "application/json; charset=utf-8", 200},
		{"https://pdp.example.com", "POST", EvaluationPath, "application/json; charset", 415},
		{"https://pdp.example.com", "POST", EvaluationPath, "text/plain", 415},
		{"https://pdp.example.com", "POST", EvaluationPath, "", 415},
		{"https://pdp.example.com", "GET", EvaluationPath, "application/json", 405},
		{"https://pdp.example.com", "GET", EvaluationsPath, "application/json", 405},
		{"https://pdp.example.com", "GET", MetadataPath, "", 200},
		{"https://pdp.example.com", "HEAD", MetadataPath, "", 200},
		{"https://pdp.example.com", "POST", MetadataPath, "application/json", 405},
		{"https://pdp.example.com", "DELETE", MetadataPath, "", 405},
		{"https://pdp.example.com", "GET", "/", "", 404},
		{"https://example.com/pdp/", "POST", "/pdp" + EvaluationPath, "application/json", 200},
		{"https://example.com/pdp", "POST", EvaluationPath, "application/json", 404},
		{"https://example.com/pdp", "GET", MetadataPath + "/pdp", "", 200},
	} {
		h := records(t, func(cfg *Config) { cfg.URL = c.url })
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(whole))
		r.Header["X-Request-Id"] = []string{"a", "b"}
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want || strings.Join(w.Header()["X-Request-Id"], " ") != "a b" ||
			(c.want == 405) != (w.Header().Get("Allow") != "") {
			t.Errorf("%s: %s %s %q: %d %v, want %d", c.url, c.method, c.path, c.kind, w.Code, w.Header(), c.want)
		}
	}
}

// A compressed body gets 415. Accept-Encoding in the response says that only an uncompressed one is accepted (RFC 9110,
// 15.5.16). A body that ends early gets 400, and one whose reader returns an Error gets its status.
func TestCompressedBodyIsRefused(t *testing.T) {
	h := records(t)
	code, body, header := post(h, EvaluationPath, whole, "Content-Encoding", "gzip")
	check.That(t, code == 415 && header.Get("Accept-Encoding") == "identity" && strings.Contains(body, "Content-Encoding"),
		"%d %v %s, want 415", code, header, body)
	for _, c := range []struct {
		err  error // of the body
		code int
		want string
	}{{io.ErrUnexpectedEOF, 400, "incomplete"}, {&Error{Status: 503, Message: "no memory"}, 503, "no memory"}} {
		r := httptest.NewRequest(http.MethodPost, EvaluationPath, iotest.ErrReader(c.err))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		check.That(t, w.Code == c.code && strings.Contains(w.Body.String(), c.want), "%v: %d %s, want %d", c.err, w.Code,
			w.Body, c.code)
	}
}

// TestMetadataHasConfiguredEndpoints checks the members of the metadata: the identifier as configured, and no empty
// ones (Z-12).
func TestMetadataHasConfiguredEndpoints(t *testing.T) {
	for url, base := range map[string]string{"https://pdp.example.com": "https://pdp.example.com",
		"https://example.com/pdp/": "https://example.com/pdp", "http://127.0.0.1:8080": "http://127.0.0.1:8080"} {
		h := records(t, func(cfg *Config) { cfg.URL = url })
		w := httptest.NewRecorder()
		h.serveMetadata(w, httptest.NewRequest(http.MethodGet, MetadataPath, nil))
		want := fmt.Sprintf(`{"policy_decision_point":%q,"access_evaluation_endpoint":%q,"access_evaluations_endpoint":%q}`,
			url, base+"/access/v1/evaluation", base+"/access/v1/evaluations")
		check.That(t, w.Body.String() == want && w.Header().Get("Content-Type") == "application/json",
			"%s, want %s", w.Body, want)
	}
}

// TestNewRejectsIncompleteConfig checks that a handler needs an evaluator, an authentication and a proper URL.
func TestNewRejectsIncompleteConfig(t *testing.T) {
	good := records(t).cfg
	for _, change := range []func(*Config){
		func(c *Config) { c.Evaluator = nil }, func(c *Config) { c.Caller = nil }, func(c *Config) { c.URL = "" },
		func(c *Config) { c.URL = "http://pdp.example.com" }, func(c *Config) { c.URL = "https://u@h" },
		func(c *Config) { c.URL = "https://h?" }, func(c *Config) { c.URL = "https://h#" },
		func(c *Config) { c.URL = "https:///h" }, func(c *Config) { c.URL = "https://h\x7f" },
		func(c *Config) { c.URL = "ftp://localhost" },
		func(c *Config) { c.MostItems = -1 }, func(c *Config) { c.MostBytes = -1 },
	} {
		c := good
		change(&c)
		check.That(t, check.Err(New(c)) != nil, "%q is accepted", c.URL)
	}
}

// TestConfiguredLimitsReplaceDefaults checks requests of the configured size and larger ones (Z-11).
func TestConfiguredLimitsReplaceDefaults(t *testing.T) {
	h := records(t, func(cfg *Config) { cfg.MostBytes, cfg.MostItems = int64(len(whole)), 1 })
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{EvaluationPath, whole, 200}, {EvaluationPath, whole + " ", 413},
		{EvaluationsPath, `{"evaluations":[{}]}`, 200}, {EvaluationsPath, `{"evaluations":[{},{}]}`, 400},
	} {
		status, got, _ := post(h, c.path, c.body)
		check.That(t, status == c.status, "%s: %d %s, want %d", c.body, status, got, c.status)
	}
}

// TestAnswerHasReasonsOfDenialAlone checks the JSON of each kind of answer.
func TestAnswerHasReasonsOfDenialAlone(t *testing.T) {
	for want, a := range map[string]Answer{
		yes:                  {Decision: true, ReasonAdmin: "a", ReasonUser: "u"},
		`{"decision":false}`: {},
		`{"decision":false,"context":{"reason_user":{"en":"u"}}}`: {ReasonUser: "u"},
		`{"decision":false,"context":{"reason_admin":{"en":"a"},"reason_user":{"en":"\""}}}`: {ReasonAdmin: "a",
			ReasonUser: `"`},
	} {
		check.Equal(t, string(appendAnswer(nil, a)), want, "%+v", a)
	}
}

// failing is an Evaluator that fails.
type failing struct{ err error }

func (f failing) Evaluate(context.Context, *Question) (Answer, error) {
	return Answer{Decision: true}, f.err
}

// TestErrorsGrantNothing checks that an evaluator's error is never a grant, and that only *Error reaches the client
// (Z-8).
func TestErrorsGrantNothing(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{errors.New("secret"), 500, "internal server error"},
		{&Error{403, "no"}, 403, "no"},
		{fmt.Errorf("wrapped: %w", &Error{503, "busy"}), 503, "busy"},
		{&Error{200, "odd"}, 500, "internal server error"},
	} {
		h := records(t, func(cfg *Config) { cfg.Evaluator = failing{c.err} })
		status, got, _ := post(h, EvaluationPath, whole)
		check.That(t, status == c.status && got == c.text,
			"%v: %d %q, want %d %q", c.err, status, got, c.status, c.text)
		status, got, _ = post(h, EvaluationsPath, `{"options":{"evaluations_semantic":"permit_on_first_permit"},`+
			`"evaluations":[`+whole+`,`+whole+`]}`)
		want := fmt.Sprintf(`{"decision":false,"context":{"error":{"status":%d,"message":%q}}}`, c.status, c.text)
		want = `{"evaluations":[` + want + `,` + want + `]}`
		check.That(t, status == 200 && got == want, "%v in a batch: %d %s, want %s", c.err, status, got, want)
	}
	unknown := records(t, func(cfg *Config) {
		cfg.Caller = func(*http.Request) (Caller, error) { return Caller{}, errors.New("who") }
	})
	if status, _, header := post(unknown, EvaluationPath, whole); status != 401 || header.Get("WWW-Authenticate") == "" {
		t.Errorf("an unknown caller: %d %v, want 401 with a challenge", status, header)
	}
	w := httptest.NewRecorder()
	w.Header().Set("WWW-Authenticate", "DPoP")
	respond(w, http.StatusUnauthorized, "unknown client")
	check.Equal(t, w.Header().Get("WWW-Authenticate"), "DPoP", "an existing challenge")
	// A batch ends with its context. That is no error of the server, which would log it (Z-11).
	var log bytes.Buffer
	h := records(t, func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(gone, http.MethodPost, EvaluationsPath,
		strings.NewReader(`{"evaluations":[`+whole+`]}`))
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	check.That(t, w.Code == 503 && log.Len() == 0, "a batch after its end: %d, log: %s", w.Code, log.String())
}

// example returns the types of the example.
func example(t testing.TB) *Types {
	t.Helper()
	file := check.Must(os.ReadFile("../../examples/authzen/records.yaml"))
	types, err := ReadTypes(file)
	check.NoError(t, err)
	return types
}

// records returns a handler of the example's types for an authorized caller.
func records(t testing.TB, change ...func(*Config)) *Handler {
	t.Helper()
	cfg := Config{URL: "https://pdp.example.com", Evaluator: example(t).Asking(nil),
		Caller: func(*http.Request) (Caller, error) { return Caller{"service", "gateway"}, nil }}
	for _, f := range change {
		f(&cfg)
	}
	h, err := New(cfg)
	check.NoError(t, err)
	return h
}

// post sends a body of JSON and returns the status and the response's body.
func post(h http.Handler, path, body string, headers ...string) (int, string, http.Header) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String()), w.Header()
}
