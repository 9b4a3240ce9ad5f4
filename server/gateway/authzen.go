package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// AuthZEN configures the AuthZEN Authorization API. URL, Ask and Rate are required.
type AuthZEN struct {
	URL string // identifies the gateway as a policy decision point: a URL without a path
	// Ask is an SDDL descriptor. Its right 0x1 permits a client to ask about others. Its SACL says which questions are
	// recorded.
	Ask   string
	Rate  int            // maximum questions of one client per second, at least 1
	Types *authzen.Types // declared resource types; nil: none
}

// userType is the type of subjects that are accounts of refmond, fileType that of resources that are files.
const (
	userType = "user"
	fileType = "file"
)

// askRight is the right to ask about others. In a descriptor of the configuration it is 0x1 or a generic right.
const askRight winnt.AccessMask = 1

var askMapping = winnt.GenericMapping{Read: askRight, Write: askRight, Execute: askRight, All: 0x1F0001}

// mostSubjects is the most tokens of subjects that the gateway keeps.
const mostSubjects = 1024

// pdp answers questions of the AuthZEN API. It implements authzen.Evaluator.
type pdp struct {
	g       *Gateway         // immutable
	ask     *sd.Descriptor   // immutable
	audited bool             // immutable: the SACL of ask has an entry
	limit   *authzen.Limiter // limits each caller's questions, by SID
	types   *authzen.Types   // immutable; nil: none
	api     *authzen.Handler // immutable
}

// newPDP returns the gateway's policy decision point for AuthZEN. newPDP returns an error for a malformed Ask, an Ask
// without owner, group or DACL, a Rate below 1, Types that declare "file", and a URL that is invalid or has a path.
func newPDP(g *Gateway, c *AuthZEN) (*pdp, error) {
	// Text that Windows repairs could grant every right (S-80).
	ask, err := sddl.ParseStrict(c.Ask)
	switch {
	case err != nil:
		return nil, fmt.Errorf("gateway: AuthZEN.Ask: %w", err)
	case ask.Owner().IsZero() || ask.Group().IsZero() || ask.DACL() == nil:
		// Without a DACL everybody could ask about everybody (G-63).
		return nil, errors.New("gateway: AuthZEN.Ask: want an owner, a group and a DACL")
	case c.Rate < 1:
		return nil, errors.New("gateway: AuthZEN.Rate: want at least 1 question per second")
	case c.Types != nil && c.Types.Declares(fileType):
		return nil, errors.New(`gateway: AuthZEN.Types: the gateway itself defines the type "file"`)
	}
	p := &pdp{g: g, ask: ask, audited: ask.SACL().Len() > 0, limit: authzen.NewLimiter(c.Rate, g.cfg.Now), types: c.Types}
	p.api, err = authzen.New(authzen.Config{URL: c.URL, Evaluator: p, Log: g.log,
		Caller: func(r *http.Request) (authzen.Caller, error) {
			s, _ := r.Context().Value(sessionKey{}).(*session) // guard has set the key
			return s.caller(), nil
		}})
	if at := strings.Index(c.URL, "://"); err == nil && strings.Count(c.URL[at+3:], "/") > 0 {
		return nil, fmt.Errorf("gateway: AuthZEN.URL: %q: want no path and no final slash", c.URL)
	}
	return p, err
}

// caller identifies the session's client by its SID, for limits and records of questions.
func (s *session) caller() authzen.Caller { return authzen.Caller{Type: "sid", ID: s.user.String()} }

// rows returns the endpoints of the AuthZEN API. Evaluations need a logon, the metadata does not.
func (p *pdp) rows() []row {
	serve := func(w http.ResponseWriter, r *http.Request, s *session) {
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), sessionKey{}, s), longestCall)
		defer cancel()
		limitBody(ctx, r)
		p.g.newRequest(r.Context(), s).holdBody(r, // until the client has read the answer (G-57)
			&authzen.Error{Status: http.StatusServiceUnavailable, Message: noMemory})
		p.api.ServeHTTP(w, r.WithContext(ctx))
	}
	open := func(w http.ResponseWriter, r *http.Request, _ *session) { p.api.ServeHTTP(w, r) }
	return []row{{http.MethodPost, authzen.EvaluationPath, known, true, serve},
		{http.MethodPost, authzen.EvaluationsPath, known, true, serve},
		{http.MethodGet, authzen.MetadataPath, anybody, false, open},
		{http.MethodHead, authzen.MetadataPath, anybody, false, open}}
}

// Evaluate decides a question and stores its audit record. ctx carries the caller's session. It returns an
// *authzen.Error with status 429 beyond the caller's rate, 403 for a question that the caller may not ask, and 503 if
// refmond does not decide or the record cannot be stored. Without a record there is no answer.
func (p *pdp) Evaluate(ctx context.Context, q *authzen.Question) (a authzen.Answer, err error) {
	s, _ := ctx.Value(sessionKey{}).(*session)
	r := p.g.newRequest(ctx, s)
	if !p.limit.Allow(q.Caller) {
		return a, &authzen.Error{Status: http.StatusTooManyRequests, Message: "too many questions: try again later"}
	}
	others, st := r.granted(p.ask, s.token, askRight, askMapping)
	if st != ntstatus.Success {
		return a, unavailable(st)
	}
	if !others && (q.Subject.Type != userType || !r.isCaller(q.Subject.ID)) {
		// The subject is not looked up, so that the answer does not say whether it exists (G-63).
		return a, p.refuse(r, q)
	}
	if a, err = p.decide(r, q, others); err != nil {
		return a, err
	}
	// No answer leaves the gateway before its record is stored (G-64).
	if st := p.record(r, q, a.Decision); st != ntstatus.Success {
		return authzen.Answer{}, p.unrecorded(r, st)
	}
	return a, nil
}

// isCaller reports whether name is one of the client: the one that it logged on with, without its domain, or the one
// that refmond has for its SID, such as DOMAIN\alice. A client with a ticket has only the latter. The case of letters
// is ignored. No other name is looked up (G-63).
func (q *request) isCaller(name string) bool {
	return name != "" && (strings.EqualFold(name, q.s.name) || strings.EqualFold(name, q.names([]sid.SID{q.s.user})[0]))
}

// logUnrecorded logs that the audit record of a client's question cannot be stored.
func (g *Gateway) logUnrecorded(s *session, st ntstatus.Status) {
	g.log.Error("cannot record a question: the gateway's user needs SeAuditPrivilege", lograte.Client, s.user.String(),
		"status", st.String())
}

// unrecorded reports that the audit record of a question cannot be stored: it logs the status and returns the 503 error
// that replaces the answer.
func (p *pdp) unrecorded(r *request, st ntstatus.Status) error {
	p.g.logUnrecorded(r.s, st)
	return &authzen.Error{Status: http.StatusServiceUnavailable, Message: "the question cannot be recorded"}
}

// refuse records a question about another subject that the caller may not ask, and returns the error for it (G-64). If
// the record cannot be stored, it returns the error for that.
func (p *pdp) refuse(r *request, q *authzen.Question) error {
	if st := p.record(r, q, false); st != ntstatus.Success {
		return p.unrecorded(r, st)
	}
	return &authzen.Error{Status: http.StatusForbidden, Message: "the caller may not ask about other subjects"}
}

// decide evaluates an AuthZEN question. others says whether the caller r may ask about other subjects.
//   - without others, the subject is not the caller: a 403 error
//   - unknown subject or resource type: a denial
//   - refmond did not decide: an error
//
// With configured types, a caller can ask about a subject that is not a user and resources that are not files. decide
// returns the subject's logon to the cache.
func (p *pdp) decide(r *request, q *authzen.Question, others bool) (a authzen.Answer, err error) {
	if q.Subject.Type != userType {
		if p.types != nil && q.Resource.Type != fileType {
			return p.types.Decide(q, nil), nil
		}
		return denial(`the subject of a file must have the type "user"`), nil
	}
	who := r.s.p.subject(r, q.Subject.ID)
	defer r.s.p.subjects.putFor(r.s, who)
	switch {
	case untriedLogons[who.st] || who.st == ntstatus.Success && who.level > winnt.SecurityIdentification:
		return a, unavailable(who.st)
	case !others && (who.st != ntstatus.Success || who.user != r.s.user):
		// The name belongs to another account or to none. The answer does not say which (G-63).
		return a, p.refuse(r, q)
	case who.st != ntstatus.Success:
		return denial("the subject is unknown or may not log on"), nil
	case q.Resource.Type == fileType:
		return r.fileAnswer(who, q)
	case p.types == nil:
		return denial("the resource type is unknown"), nil
	}
	spec, st := r.spec(who)
	if st != ntstatus.Success {
		return a, unavailable(st)
	}
	return p.types.Decide(q, &spec), nil
}

// denial returns a negative answer of the AuthZEN API. reason is the reason for administrators; the reason for the
// subject is always "access denied".
func denial(reason string) authzen.Answer {
	return authzen.Answer{ReasonAdmin: reason, ReasonUser: "access denied"}
}

// unavailable returns the 503 error for a question that refmond did not decide, with the status of the failed call.
func unavailable(st ntstatus.Status) error {
	return &authzen.Error{Status: http.StatusServiceUnavailable, Message: "refmond did not decide: " + st.String()}
}

// record stores the audit record of a question, with the caller's token as subject and the question as object name.
// It returns Success without storing one if the configured SACL is empty. If refmond cannot store the record, it
// returns that status.
func (p *pdp) record(r *request, q *authzen.Question, allowed bool) ntstatus.Status {
	if !p.audited {
		return ntstatus.Success
	}
	return r.s.p.do(r.ctx, func(th *nt.Thread) ntstatus.Status {
		_, st := th.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn{SubsystemName: nt.Cap("AuthZEN"),
			HandleID: nt.Cap(winnt.Handle(0)), ObjectTypeName: nt.Cap("Question"), ObjectName: nt.Cap(q.String()),
			SecurityDescriptor: nt.Cap(p.ask), ClientToken: r.s.token, DesiredAccess: askRight, GrantedAccess: askRight,
			Privileges: nt.Cap(&nt.PrivilegeSet{}), AccessGranted: allowed})
		return st
	})
}

// granted lets refmond check whether a descriptor grants all rights of mask to the token tok; m maps generic rights. If
// refmond does not complete the check, it returns false and another status than Success.
func (q *request) granted(d *sd.Descriptor, tok winnt.Handle, mask winnt.AccessMask, m winnt.GenericMapping) (
	ok bool, st ntstatus.Status) {
	st = q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
		out, st := th.NtAccessCheck(d, tok, mask, m)
		ok = st == ntstatus.Success && out.AccessStatus == ntstatus.Success
		return st
	})
	return ok, st
}

// subject logs an account on without a password and returns a session for access checks. The caller returns the
// session with subjects.put. Its token has the level Identification, which cannot open files (G-62). After a failed
// logon st is not Success.
func (p *process) subject(r *request, account string) *session {
	return p.subjects.get(p.subjects.name("subject ", account), func(s *session) {
		ctx := context.WithoutCancel(r.ctx)
		s.logOn(ctx, r.s.user.String(), "", nt.LogonInformation{MessageType: nt.S4ULogon, UserName: account})
		if s.st == ntstatus.Success && s.level > winnt.SecurityIdentification {
			s.st = s.lower(ctx)
		}
	})
}

// lower makes a session's token unusable for opening files: it replaces the token by a copy at level Identification and
// closes the old one. On failure the session has no token. The old token is closed in both cases.
func (s *session) lower(ctx context.Context) ntstatus.Status {
	old := s.token
	s.token = 0
	return s.p.do(ctx, func(th *nt.Thread) ntstatus.Status {
		defer th.NtClose(old)
		level := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
			ImpersonationLevel: winnt.SecurityIdentification}}
		tok, st := th.NtDuplicateToken(old, 0, level, false, winnt.TokenImpersonation) // 0: the rights of old
		if st == ntstatus.Success {
			s.token, s.level = tok, winnt.SecurityIdentification
		}
		return st
	})
}

// spec describes a subject's token, so that the gateway can run an access check itself: its user and groups, without
// claims and privileges. On failure st is not Success. A SID that is malformed is STATUS_INVALID_SID.
func (q *request) spec(who *session) (spec token.Spec, st ntstatus.Status) {
	t, st := q.tokenOf(who.token)
	if st != ntstatus.Success {
		return spec, st
	}
	spec = token.NetworkUser(who.user)
	spec.Groups = nil
	for _, g := range t.GetGroups() {
		s, err := sid.ParseStrict(g.GetSid())
		if err != nil {
			return token.Spec{}, ntstatus.InvalidSID
		}
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: g.GetAttributes()})
	}
	spec.Groups = token.AsGiven(spec.Groups)
	return spec, ntstatus.Success
}
