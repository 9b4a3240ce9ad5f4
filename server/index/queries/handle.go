package queries

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/refmon/refmon/server/index"
)

// refusal is an error with the HTTP status of its response.
type refusal struct {
	status int
	error
}

// refuse returns a *refusal with an HTTP status and a message.
func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Errorf(format, args...)}
}

// path describes one of the server's URL paths: the function that answers it and the fields that its questions have.
type path struct {
	needs
	open   bool // callers without trust may use the path
	answer func(s *Server, c *caller, q *question, x index.Query) (any, error)
}

var paths = map[string]path{
	"/v1/can-read": {needs{subject: true, most: maxIDs, right: true}, true, (*Server).canRead},
	"/v1/why":      {needs{subject: true, most: 1, right: true}, false, (*Server).why},
	"/v1/filter":   {needs{subject: true, right: true, form: true}, true, (*Server).filter},
	"/v1/status":   {needs{}, false, (*Server).status},
	"/v1/listed":   {needs{}, false, (*Server).listed},
}

// caller is the user at the other end of a connection. The zero value may ask nothing.
type caller struct {
	uid   uint32
	payer payer
	trust bool  // may ask about everybody
	user  *user // nil: unknown
}

// ServeHTTP answers one question of a local user. It first waits until one of the caller's concurrent questions may
// run, and counts this one until the response is written. If the wait is too long, or the caller is unidentified, the
// response is 429.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, _ := r.Context().Value(callerKey{}).(caller)
	if c.user == nil || !s.callers.enter(r.Context(), c) {
		respond(w, nil, refuse(http.StatusTooManyRequests, "too many questions of uid %d at a time", c.uid))
		return
	}
	defer s.callers.leave(c)
	out, err := s.answer(w, r, c)
	respond(w, out, err)
}

// respond writes out as JSON with status 200. With an err it writes the error instead, with the status of a *refusal,
// or 422 for any other error. It ignores a client that has left.
func respond(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusUnprocessableEntity
		if f := (*refusal)(nil); errors.As(err, &f) {
			status = f.status
		}
		out = failure{err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // an error means that the client has disconnected
}

// answer returns the response body for a request of caller c. Errors are *refusal values with a status:
//
//   - 404: an unknown path
//   - 405: a method other than POST
//   - 413: a body that is too large
//   - 400: a malformed body
//   - 403: a question that c may not ask
func (s *Server) answer(w http.ResponseWriter, r *http.Request, c caller) (any, error) {
	p, found := paths[r.URL.Path]
	switch {
	case !found:
		return nil, refuse(http.StatusNotFound, "no such question: %s", r.URL.Path)
	case r.Method != http.MethodPost:
		return nil, refuse(http.StatusMethodNotAllowed, "%s: want POST", r.Method)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			return nil, refuse(http.StatusRequestEntityTooLarge, "the question is longer than %d bytes", maxBody)
		}
		return nil, refuse(http.StatusBadRequest, "read the question: %w", err)
	}
	q, err := parse(body, p.needs)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%w", err)
	}
	x, err := s.permitted(c, p, q)
	if err != nil {
		return nil, err
	}
	return p.answer(s, &c, q, x)
}

// permitted returns the query of a question that caller c may ask. A caller without trust may ask only about the person
// with its uid, not for evidence, and may not extend the limit (N-98). A question without a limit gets the server's
// limit. Errors are *refusal values: 400 for a malformed question, and 403 if c may not ask it or no single person has
// the uid.
func (s *Server) permitted(c caller, p path, q *question) (index.Query, error) {
	if !c.trust && (!p.open || !q.Caller) {
		return index.Query{}, refuse(http.StatusForbidden,
			"uid %d may ask only /v1/can-read and /v1/filter, about itself (caller: true)", c.uid)
	}
	x, err := q.query()
	if err != nil {
		return x, refuse(http.StatusBadRequest, "%w", err)
	}
	if x.Limit == 0 || !c.trust && x.Limit > s.config.Limit {
		x.Limit = s.config.Limit
	}
	if q.Caller {
		var known bool
		if x.Who, known = s.config.Index.PersonOf(c.uid); !known {
			return x, refuse(http.StatusForbidden, "the directory has no person, or several, with uid %d", c.uid)
		}
	}
	return x, nil
}

// denialStep is the time step at which the server sends denials to callers without trust. A question with the maximum
// number of ids takes less than one step.
const denialStep = 2 * time.Millisecond

// canRead answers whether the person may read each document. A caller without trust learns nothing about a document
// that the answer denies. A right that the index does not have is an error, as in filter. An unreadable id
// has its reason in its own answer.
func (s *Server) canRead(c *caller, q *question, x index.Query) (any, error) {
	begun := time.Now()
	if err := s.config.Index.CheckRight(q.Right); err != nil {
		return nil, err
	}
	out := answers{s.config.Index.Current(x.Limit), s.config.Index.CanReadAll(nil, q.IDs, x)}
	if c.trust {
		return out, nil
	}
	denied := false
	for i := range out.Answers {
		out.Answers[i] = redact(out.Answers[i])
		denied = denied || !out.Answers[i].Allowed
	}
	if denied { // round up the response time, which could reveal whether the document exists (N-98)
		time.Sleep(denialStep - time.Since(begun)%denialStep)
	}
	return out, nil
}

// redact removes from an answer what a caller without trust may not learn. A yes stays whole. A no loses the reason and
// everything about the document, so that it does not even show whether the document exists (N-98).
func redact(a index.Answer) index.Answer {
	if a.Allowed {
		return a
	}
	return index.Answer{Seq: a.Seq, Directory: a.Directory}
}

// why answers with the evidence for the first document of the question. A right that the index does not have is an
// error, as in canRead.
func (s *Server) why(_ *caller, q *question, x index.Query) (any, error) {
	if err := s.config.Index.CheckRight(q.Right); err != nil {
		return nil, err
	}
	return s.config.Index.Evidence(q.IDs[0], x), nil
}

// filter answers with a search filter for the person's documents, in the question's form.
func (s *Server) filter(_ *caller, q *question, x index.Query) (any, error) {
	return s.config.Index.FilterFor(x, q.Form)
}

// status answers with the heartbeats of the sources within the question's limit, and the counts of the index. An
// index without heartbeats is an error.
func (s *Server) status(_ *caller, _ *question, x index.Query) (any, error) {
	sources, err := s.config.Index.HeartbeatsWithin(x.Limit)
	if err != nil {
		return nil, err
	}
	counts, err := s.config.Index.Counts()
	return status{sources, counts}, err
}

// listed answers with the classes whose members no list of SIDs covers.
func (s *Server) listed(_ *caller, _ *question, _ index.Query) (any, error) {
	list, err := s.config.Index.Listed()
	if list == nil {
		list = []index.Listed{} // encodes as an empty array instead of null
	}
	return listed{list}, err
}

// defaultLimit is the greatest age of a heartbeat.
const defaultLimit = 10 * time.Second
