package authzen

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/internal/lograte"
)

// Paths of the API below the path of Config.URL, and the path of the metadata, which precedes it.
const (
	EvaluationPath  = "/access/v1/evaluation"
	EvaluationsPath = "/access/v1/evaluations"
	MetadataPath    = "/.well-known/authzen-configuration"
)

// Config configures a handler. URL, Evaluator and Caller are required. Numbers must not be negative.
type Config struct {
	// URL identifies this policy decision point, for example https://pdp.example.com. Its scheme is https, or http for
	// a loopback host.
	URL       string
	Evaluator Evaluator
	// Caller authenticates the client of a request and returns it. An *Error rejects the request with its status, any
	// other error with 401.
	Caller    func(*http.Request) (Caller, error)
	MostBytes int64        // maximum size of a request body; 0: 1 MiB
	MostItems int          // maximum number of questions in a batch; 0: 1000
	Log       *slog.Logger // receives failed evaluations; nil: none
}

// Handler serves the AuthZEN Authorization API. It is safe for concurrent use. Its zero value serves nothing: New
// returns a handler.
type Handler struct {
	cfg      Config // immutable
	prefix   string // immutable: path of the URL, without a final slash
	metadata []byte // immutable
}

// New returns a handler with the given configuration and the defaults for its zero fields. It returns an error if
// Evaluator or Caller is nil, a limit is negative, or URL is not an https URL with a host and without user, query and
// fragment. http is accepted for a loopback host.
func New(cfg Config) (*Handler, error) {
	if cfg.Evaluator == nil || cfg.Caller == nil {
		return nil, errors.New("authzen: Config.Evaluator or Config.Caller is missing")
	}
	if cfg.MostBytes < 0 || cfg.MostItems < 0 {
		return nil, errors.New("authzen: Config.MostBytes or Config.MostItems is negative")
	}
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("authzen: Config.URL: %w", err)
	case u.Host == "" || u.User != nil || strings.ContainsAny(cfg.URL, "?#"):
		return nil, fmt.Errorf("authzen: Config.URL: %q: want a URL with a host and without user, query and fragment",
			cfg.URL)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("authzen: Config.URL: %q: want https, or http for a loopback host", cfg.URL)
	}
	cfg.MostBytes = cmp.Or(cfg.MostBytes, 1<<20)
	cfg.MostItems = cmp.Or(cfg.MostItems, 1000)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{cfg: cfg, prefix: strings.TrimSuffix(u.Path, "/")}
	base := strings.TrimSuffix(cfg.URL, "/")
	// The identifier is the one that clients use, character for character (Z-12).
	h.metadata, err = json.Marshal(struct {
		Point       string `json:"policy_decision_point"`
		Evaluation  string `json:"access_evaluation_endpoint"`
		Evaluations string `json:"access_evaluations_endpoint"`
	}{cfg.URL, base + EvaluationPath, base + EvaluationsPath})
	return h, err
}

// loopback reports whether host is "localhost" or a loopback IP address. It does not resolve other names.
func loopback(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// ServeHTTP answers an evaluation, a batch or a request for the metadata. A decision has status 200, also if it
// denies. Any other path is 404 and a wrong method is 405. Before it reads a body it rejects other media types than
// JSON with 415 and unknown clients with 401. A malformed body is 400 and one beyond the limit 413.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	EchoRequestID(w, r)
	switch r.URL.Path {
	case MetadataPath + h.prefix:
		h.serveMetadata(w, r)
	case h.prefix + EvaluationPath:
		h.serve(w, r, h.evaluation)
	case h.prefix + EvaluationsPath:
		h.serve(w, r, h.evaluations)
	default:
		respond(w, http.StatusNotFound, "not an endpoint of the AuthZEN API")
	}
}

// EchoRequestID copies all X-Request-ID headers of a request to its response; without such a header it does nothing.
// ServeHTTP calls it. Call it first in a handler that may reject a request before ServeHTTP (Z-10).
func EchoRequestID(w http.ResponseWriter, r *http.Request) {
	if ids := r.Header["X-Request-Id"]; len(ids) > 0 {
		w.Header()["X-Request-Id"] = ids
	}
}

// serveMetadata writes the discovery document with the URLs of the endpoints. It needs no client authentication.
// Other methods than GET and HEAD get 405. The document is the same for every client.
func (h *Handler) serveMetadata(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		respond(w, http.StatusMethodNotAllowed, "use GET")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(h.metadata) // an error means that the client has disconnected
}

// serve handles a POST request: it calls decide with the caller and the body, and writes the returned JSON. The
// response must not be stored by caches.
//
// Errors become responses:
//   - another method: 405
//   - another media type, or a compressed body: 415
//   - an unknown client: 401, unless the error is an *Error with another status
//   - a body that is incomplete: 400, or too large: 413, or whose Read returns an *Error: its status
//   - an error of decide: the status of an *Error, else 500
func (h *Handler) serve(w http.ResponseWriter, r *http.Request,
	decide func(ctx context.Context, who Caller, body []byte) ([]byte, error)) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		respond(w, http.StatusMethodNotAllowed, "use POST")
		return
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		// Browsers let a page of another site send some other types without a preflight request (Z-9).
		respond(w, http.StatusUnsupportedMediaType, "want Content-Type: application/json")
		return
	}
	if r.Header.Get("Content-Encoding") != "" {
		// "If the problem was caused by an unsupported content coding, the Accept-Encoding response header field ought to
		// be used to indicate which (if any) content codings would have been accepted" (RFC 9110, 15.5.16).
		w.Header().Set("Accept-Encoding", "identity")
		respond(w, http.StatusUnsupportedMediaType, "want a body without Content-Encoding")
		return
	}
	who, err := h.cfg.Caller(r)
	if err != nil {
		h.fail(w, err, http.StatusUnauthorized)
		return
	}
	// The size of a body is limited (Z-11).
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MostBytes))
	if err != nil {
		e := bodyError(err)
		respond(w, e.Status, e.Message)
		return
	}
	out, err := decide(r.Context(), who, body)
	if err != nil {
		h.fail(w, err, http.StatusInternalServerError)
		return
	}
	// A denial is an answer like any other: its status is 200 (Z-4).
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out) // an error means that the client has disconnected
}

// bodyError converts the error of a body's Read to the error for the client: an *Error is returned as it is, a body
// beyond its limit is 413, and any other error 400.
func bodyError(err error) *Error {
	refused, tooLarge := (*Error)(nil), (*http.MaxBytesError)(nil)
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &tooLarge):
		return &Error{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit)}
	}
	return &Error{http.StatusBadRequest, "the body is incomplete"}
}

// evaluation decodes one question from body, evaluates it as the client who, and returns the answer as JSON. A
// malformed body is an *Error with status 400. Errors of the Evaluator are returned unchanged.
func (h *Handler) evaluation(ctx context.Context, who Caller, body []byte) ([]byte, error) {
	q, err := decodeOne(body)
	if err != nil {
		return nil, &Error{http.StatusBadRequest, err.Error()}
	}
	q.Caller = who
	a, err := h.cfg.Evaluator.Evaluate(ctx, &q)
	if err != nil {
		return nil, err
	}
	return appendAnswer(nil, a), nil
}

// evaluations answers the questions of a batch in order, as JSON.
//
//   - A body without questions is answered as one evaluation.
//   - If requested, evaluations stops after the first denial or grant (Z-7).
//   - A question that is malformed or fails is a denial with its error. The batch continues (Z-8).
//
// Errors are a malformed or too long request (an *Error with status 400), an ended ctx (503), and a single evaluation
// that fails.
func (h *Handler) evaluations(ctx context.Context, who Caller, body []byte) ([]byte, error) {
	items, how, err := decodeBatch(body, h.cfg.MostItems)
	if err != nil {
		return nil, &Error{http.StatusBadRequest, err.Error()}
	}
	if len(items) == 0 {
		return h.evaluation(ctx, who, body) // Z-5
	}
	out := []byte(`{"evaluations":[`)
	for i := range items {
		if ctx.Err() != nil {
			// The client has disconnected or its time is over, so this is no internal error (Z-11).
			return nil, &Error{http.StatusServiceUnavailable, "the time for this batch is over: split it or try again later"}
		}
		if i > 0 {
			out = append(out, ',')
		}
		var allowed bool
		out, allowed = h.appendItem(ctx, out, who, &items[i])
		if how == denyOnFirstDeny && !allowed || how == permitOnFirstPermit && allowed {
			break
		}
	}
	return append(out, "]}"...), nil
}

// appendItem evaluates one question of a batch and appends its answer to out. It also reports whether the answer grants
// access. A malformed question is appended as a denial with the error 400, a failed one with that of its *Error, else
// 500.
func (h *Handler) appendItem(ctx context.Context, out []byte, who Caller, it *item) ([]byte, bool) {
	if it.bad != nil {
		return appendError(out, &Error{http.StatusBadRequest, it.bad.Error()}), false
	}
	it.question.Caller = who
	a, err := h.cfg.Evaluator.Evaluate(ctx, &it.question)
	if err != nil {
		return appendError(out, h.public(err, http.StatusInternalServerError)), false
	}
	return appendAnswer(out, a), a.Decision
}

// fail writes an error response: the status and text of an *Error. Any other error is logged, and the client sees
// only status.
func (h *Handler) fail(w http.ResponseWriter, err error, status int) {
	e := h.public(err, status)
	respond(w, e.Status, e.Message)
}

// public hides internal errors from clients: it returns an *Error with a status of at least 400 as it is. It logs any
// other error, at the rate of one client for all, and returns one with status and its standard text.
func (h *Handler) public(err error, status int) *Error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Status >= 400 {
		return e
	}
	h.cfg.Log.Error("cannot answer an access question", lograte.Client, "authzen", "error", err)
	return &Error{status, strings.ToLower(http.StatusText(status))}
}

// appendAnswer appends the JSON of an answer to out. A denial includes its reasons that are not empty. A grant has no
// reasons. A denial without reasons has no context.
func appendAnswer(out []byte, a Answer) []byte {
	if a.Decision {
		return append(out, `{"decision":true}`...)
	}
	out = append(out, `{"decision":false`...)
	between := `,"context":{`
	for _, r := range []struct{ name, text string }{{"reason_admin", a.ReasonAdmin}, {"reason_user", a.ReasonUser}} {
		if r.text != "" {
			out = append(append(append(append(out, between...), '"'), r.name...), `":{"en":`...)
			out = append(strict.AppendString(out, r.text), '}')
			between = ","
		}
	}
	if between == "," {
		out = append(out, '}')
	}
	return append(out, '}')
}

// appendError appends the JSON of a question that was not decided to out: a denial with the status and text of e.
func appendError(out []byte, e *Error) []byte {
	out = fmt.Appendf(out, `{"decision":false,"context":{"error":{"status":%d,"message":`, e.Status)
	return append(strict.AppendString(out, e.Message), "}}}"...)
}

// respond writes a plain-text response with one line. A 401 gets the challenge "Bearer" unless the response already
// has one.
func respond(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // an error means that the client has disconnected
}
