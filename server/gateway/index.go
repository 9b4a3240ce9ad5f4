package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/winnt"
)

// Index configures questions to a running refmon-index. All fields are required.
type Index struct {
	// Socket is the Unix socket of refmon-index run --socket, which must permit the gateway's user to ask about
	// everybody (--ask).
	Socket string
	// Ask is an SDDL descriptor with an owner, a group and a DACL. Its right 0x1 permits a client to ask about others,
	// and to learn why it may not read a document. Its SACL decides which questions are recorded.
	Ask  string
	Rate int // maximum questions of one client per second, at least 1
}

// indexPath is the prefix of the paths of questions. The name of the question follows, as in the API of refmon-index.
const indexPath = "/index/v1/"

// Limits of a question and its answer.
const (
	mostIndexIDs       = 1000
	largestIndexBody   = 1 << 20
	largestIndexAnswer = 64 << 20
	indexTimeout       = 15 * time.Second
	indexPlaces        = 4 // questions at the same time: as many as the index answers to one user (N-99)
	mostWaitingIndex   = 256
)

// errNoMemory refuses a question of a client whose requests hold too much memory.
var errNoMemory = errors.New(noMemory)

// indexQuestion is the body of a client's question.
type indexQuestion struct {
	Who   string   `json:"who,omitempty"` // a name or SID; "": the caller
	IDs   []string `json:"ids,omitempty"`
	Right string   `json:"right,omitempty"`
	Form  string   `json:"form,omitempty"`
}

// indexer passes questions of clients to refmon-index over its socket.
type indexer struct {
	g       *Gateway         // immutable
	ask     *sd.Descriptor   // immutable
	audited bool             // immutable: the SACL of ask has an entry
	limit   *authzen.Limiter // limits each caller's questions, by SID
	turns   *admission.Pool  // immutable: shares indexPlaces among the callers, by SID
	http    http.Client      // immutable
}

// newIndexer returns the handler of questions to an index. It does not connect. It returns an error for a missing or
// malformed field of c. Ask must be a descriptor with owner, group and DACL, and Rate at least 1.
func newIndexer(g *Gateway, c *Index) (*indexer, error) {
	// Text that Windows repairs could grant every right (S-80).
	ask, err := sddl.ParseStrict(c.Ask)
	switch {
	case err != nil:
		return nil, fmt.Errorf("gateway: Index.Ask: %w", err)
	case ask.Owner().IsZero() || ask.Group().IsZero() || ask.DACL() == nil:
		return nil, errors.New("gateway: Index.Ask: want an owner, a group and a DACL")
	case c.Rate < 1:
		return nil, errors.New("gateway: Index.Rate: want at least 1 question per second")
	case c.Socket == "":
		return nil, errors.New("gateway: Index.Socket: want the socket of refmon-index")
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", c.Socket)
	}
	return &indexer{g: g, ask: ask, audited: ask.SACL().Len() > 0, limit: authzen.NewLimiter(c.Rate, g.cfg.Now),
		turns: admission.NewPool(indexPlaces, mostWaitingIndex),
		http:  http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: indexPlaces}}}, nil
}

// rows returns the endpoints of the questions. Each requires a logon.
func (x *indexer) rows() (out []row) {
	for _, name := range []string{"can-read", "filter", "why"} {
		out = append(out, row{http.MethodPost, indexPath + name, known, true,
			func(w http.ResponseWriter, r *http.Request, s *session) { x.serve(w, r, s, name) }})
	}
	return out
}

// serve answers one question of the client of s, in JSON. For an error it sends the error's HTTP status and a JSON
// object with the field "error". It waits at most indexTimeout for the answer.
func (x *indexer) serve(w http.ResponseWriter, r *http.Request, s *session, name string) {
	ctx, cancel := context.WithTimeout(r.Context(), indexTimeout)
	defer cancel()
	limitBody(ctx, r)
	holder := x.g.newRequest(r.Context(), s) // until the client has read the answer (G-57)
	holder.holdBody(r, errNoMemory)
	status, body, err := x.answer(ctx, r, holder, name)
	if err != nil {
		if body, err = json.Marshal(map[string]string{"error": err.Error()}); err != nil {
			status = http.StatusInternalServerError // unreachable: a map of strings always marshals
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has disconnected
}

// answer forwards a client's question to refmon-index and returns the HTTP status and body. Each question counts
// against the client's limit. A well-formed question is recorded, even if refused with 403. Without the right of Ask,
// the client gets the answer as redact returns it. holder, the client's request, holds the memory of the answer. The
// status of an error is:
//   - too many questions: 429
//   - malformed question: 400
//   - a longer one than largestIndexBody: 413
//   - about another subject without the right of Ask: 403
//   - no answer of refmond or the index, no record, or too much memory: 503
//   - malformed answer of the index: 502
func (x *indexer) answer(ctx context.Context, r *http.Request, holder *request, name string) (int, []byte, error) {
	s := holder.s
	if !x.limit.Allow(s.caller()) {
		return http.StatusTooManyRequests, nil, errors.New("too many questions: try again later")
	}
	q, code, err := readQuestion(r.Body)
	if err != nil {
		return code, nil, err
	}
	req := x.g.newRequest(ctx, s)
	trusted, st := req.granted(x.ask, s.token, askRight, askMapping)
	if st != ntstatus.Success {
		return http.StatusServiceUnavailable, nil, fmt.Errorf("refmond did not decide: %s", st)
	}
	own := q.Who == "" || q.Who == s.user.String()
	if own {
		q.Who = s.user.String()
	}
	if st := x.record(req, name, &q, own || trusted); st != ntstatus.Success {
		x.g.logUnrecorded(s, st)
		return http.StatusServiceUnavailable, nil, errors.New("the question cannot be recorded")
	}
	if !own && !trusted { // asking about others needs the right (G-120)
		return http.StatusForbidden, nil, errors.New("you may ask only about yourself: leave out who")
	}
	if !x.turns.Enter(ctx, s.user.String()) { // the index answers the gateway as one user (G-120)
		return http.StatusServiceUnavailable, nil, errors.New("too many questions wait for the index: try again later")
	}
	defer x.turns.Leave()
	status, body, err := x.forward(ctx, name, &q)
	if err != nil {
		if !errors.Is(err, context.Canceled) { // Canceled means that the client has disconnected
			x.g.log.Warn("refmon-index does not answer", lograte.Client, s.user.String(), "error", err.Error())
		}
		return http.StatusServiceUnavailable, nil, errors.New("the index does not answer now")
	}
	if !holder.hold(int64(cap(body))) { // outside the turn a slow client decides how long the answer remains (G-57)
		return http.StatusServiceUnavailable, nil, errNoMemory
	}
	if status == http.StatusOK && !trusted {
		var denied bool
		if body, denied, err = redact(name, body); err != nil {
			return http.StatusBadGateway, nil, errors.New("the index's answer is malformed")
		}
		if denied {
			level(ctx, req.begun, x.g.levels.name) // the document may be missing or hidden (G-48)
		}
	}
	return status, body, nil
}

// readQuestion reads a client's question. After an error, code is the HTTP status to send: 400 for a malformed
// question, 413 for one longer than largestIndexBody, and 503 for errNoMemory.
func readQuestion(from io.Reader) (q indexQuestion, code int, err error) {
	text, err := io.ReadAll(io.LimitReader(from, largestIndexBody+1))
	switch {
	case errors.Is(err, errNoMemory):
		return q, http.StatusServiceUnavailable, err
	case err != nil:
		return q, http.StatusBadRequest, err
	case len(text) > largestIndexBody:
		return q, http.StatusRequestEntityTooLarge, fmt.Errorf("the question is longer than %d bytes", largestIndexBody)
	}
	if err = strict.Unmarshal(text, &q); err == nil && len(q.IDs) > mostIndexIDs {
		err = fmt.Errorf("ids: %d documents, want at most %d", len(q.IDs), mostIndexIDs)
	}
	return q, http.StatusBadRequest, err
}

// forward sends a client's question to refmon-index and returns the answer's status and unchanged body. forward
// returns an error for a status other than 200, 400 and 422, and for a body above largestIndexAnswer.
func (x *indexer) forward(ctx context.Context, name string, q *indexQuestion) (int, []byte, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://index/v1/"+name, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	r, err := x.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(r.Body, largestIndexAnswer+1))
	switch {
	case err != nil:
		return 0, nil, err
	case len(body) > largestIndexAnswer:
		return 0, nil, errors.New("the answer is too long")
	case r.StatusCode == http.StatusOK || r.StatusCode == http.StatusBadRequest ||
		r.StatusCode == http.StatusUnprocessableEntity:
		return r.StatusCode, body, nil
	}
	return 0, nil, fmt.Errorf("status %s: %.200s", r.Status, body)
}

// redact removes the parts of the index's answer that a client without the right of Ask may not learn (G-120). Of a
// denial only the field allowed stays, because the client must not learn whether the document exists. Answers to
// questions other than can-read and why are unchanged. denied reports whether there is a denial. A malformed answer is
// an error.
func redact(name string, body []byte) (redacted []byte, denied bool, err error) {
	type answer struct {
		Allowed bool `json:"allowed"`
	}
	switch name {
	case "can-read":
		var a struct {
			Current bool              `json:"current"`
			Answers []json.RawMessage `json:"answers"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, false, err
		}
		for i, text := range a.Answers {
			var one answer
			if err := json.Unmarshal(text, &one); err != nil {
				return nil, false, err
			}
			if !one.Allowed {
				denied = true
				a.Answers[i] = json.RawMessage(`{"allowed":false}`)
			}
		}
		body, err = json.Marshal(a)
		return body, denied, err
	case "why":
		var a struct {
			Answer answer `json:"answer"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, false, err
		}
		if !a.Answer.Allowed {
			body, err = json.Marshal(a)
			return body, true, err
		}
	}
	return body, false, nil
}

// record stores the audit record of a question, with the caller's token as subject, if the SACL of Ask asks for it. It
// returns Success without a call if the SACL is empty. The gateway's user needs SeAuditPrivilege.
func (x *indexer) record(r *request, name string, q *indexQuestion, allowed bool) ntstatus.Status {
	if !x.audited {
		return ntstatus.Success
	}
	object := fmt.Sprintf("index %s of %s about %d documents", name, q.Who, len(q.IDs))
	return r.s.p.do(r.ctx, func(th *nt.Thread) ntstatus.Status {
		_, st := th.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn{SubsystemName: nt.Cap("Index"),
			HandleID: nt.Cap(winnt.Handle(0)), ObjectTypeName: nt.Cap("Question"), ObjectName: nt.Cap(object),
			SecurityDescriptor: nt.Cap(x.ask), ClientToken: r.s.token, DesiredAccess: askRight, GrantedAccess: askRight,
			Privileges: nt.Cap(&nt.PrivilegeSet{}), AccessGranted: allowed})
		return st
	})
}
