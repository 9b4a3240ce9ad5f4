package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"

	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/server/gateway/refmonv1/refmonv1connect"
)

// Limits of one API call, and of the calls of one user.
const (
	largestQuestion = 1 << 20 // bytes
	mostQuestions   = 1000    // questions in one call
	mostAccounts    = 100     // accounts in one call
	callsEach       = 100     // calls and console pages of one user per second, and in one burst (G-27)
	longestCall     = 30 * time.Second
)

// apiRows returns the HTTP endpoints of the API: a POST for each procedure, and GET and HEAD of /health. A caller over
// its rate limit gets 429, and a call ends after longestCall. All but /health need a logon.
func apiRows(g *Gateway) []row {
	_, h := refmonv1connect.NewAccessHandler(service{g}, connect.WithReadMaxBytes(largestQuestion), strictRequests())
	serve := func(w http.ResponseWriter, r *http.Request, s *session) {
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), sessionKey{}, s), longestCall)
		defer cancel()
		limitBody(ctx, r)
		// The client holds its memory until it has read the answer, so the charge does not end with ctx (G-57).
		holder := g.newRequest(r.Context(), s)
		holder.holdBody(r, connect.NewError(connect.CodeUnavailable, errors.New(noMemory)))
		// A short compressed body can become a question of the largest size.
		if compressed(r.Header) && !holder.hold(2*largestQuestion) {
			plain(w, http.StatusServiceUnavailable, noMemory)
			return
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	}
	var rows []row
	for _, procedure := range []string{refmonv1connect.AccessCheckProcedure, refmonv1connect.AccessCheckBatchProcedure,
		refmonv1connect.AccessExplainProcedure, refmonv1connect.AccessWhoCanProcedure,
		refmonv1connect.AccessWhatCanProcedure, refmonv1connect.AccessTokenProcedure,
		refmonv1connect.AccessLookUpProcedure, refmonv1connect.AccessServicesProcedure} {
		rows = append(rows, row{http.MethodPost, procedure, known, true, limitRate(g, serve)})
	}
	return append(rows, row{http.MethodGet, "/health", anybody, false, g.health},
		row{http.MethodHead, "/health", anybody, false, g.health})
}

// compressed reports whether the headers of an API call announce a compressed body, in any of its protocols: Connect,
// its streams, gRPC and gRPC-Web.
func compressed(h http.Header) bool {
	for _, name := range []string{"Content-Encoding", "Connect-Content-Encoding", "Grpc-Encoding"} {
		if coding := h.Get(name); coding != "" && coding != "identity" {
			return true
		}
	}
	return false
}

// limitRate returns serve with the rate limit of a user's API calls and console pages. Beyond it the answer is 429.
func limitRate(g *Gateway, serve func(http.ResponseWriter, *http.Request, *session)) func(http.ResponseWriter,
	*http.Request, *session) {
	return func(w http.ResponseWriter, r *http.Request, s *session) {
		if !g.rates.Allow(s.caller()) {
			w.Header().Set("Retry-After", "1")
			plain(w, http.StatusTooManyRequests, "too many requests: use CheckBatch or WhatCan, or try again later")
			return
		}
		serve(w, r, s)
	}
}

// sessionKey is the context key of the session of an API call.
type sessionKey struct{}

// service implements the procedures of the API for the session in the context of a call.
type service struct{ g *Gateway }

// requestOf returns the request that carries out an API call with the rights of its caller, whose session guard has
// put into ctx.
func (v service) requestOf(ctx context.Context) *request {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return v.g.newRequest(ctx, s)
}

// Check evaluates one access question for the caller, or for the account that the question names. A denial is a
// reply, not an error. A malformed question or an unreadable object is a connect error.
func (v service) Check(ctx context.Context, r *connect.Request[api.CheckRequest]) (*connect.Response[api.CheckResponse],
	error) {
	a, _, err := v.requestOf(ctx).check(r.Msg, false)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(a), nil
}

// CheckBatch evaluates questions and streams one reply for each, in order, with its index. A question that fails sets
// Error of its reply, and the stream continues. More than mostQuestions questions are an InvalidArgument error, and
// none is evaluated.
func (v service) CheckBatch(ctx context.Context, r *connect.Request[api.CheckBatchRequest],
	to *connect.ServerStream[api.CheckBatchResponse]) error {
	if len(r.Msg.GetChecks()) > mostQuestions {
		return tooMany()
	}
	q := v.requestOf(ctx)
	for i, c := range r.Msg.GetChecks() {
		answer := &api.CheckBatchResponse{Index: uint32(i)}
		a, _, err := q.check(c, false)
		if err != nil {
			answer.Error = reason(err)
		}
		answer.Answer = a
		if err := errors.Join(ctx.Err(), to.Send(answer)); err != nil {
			return err
		}
	}
	return nil
}

// Explain evaluates one question as Check does, and also returns the deciding entries as text. A malformed question
// is an error, a denial is not.
func (v service) Explain(ctx context.Context, r *connect.Request[api.ExplainRequest]) (
	*connect.Response[api.ExplainResponse], error) {
	a, text, err := v.requestOf(ctx).check(r.Msg.GetCheck(), true)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&api.ExplainResponse{Answer: a, Text: text}), nil
}

// WhatCan streams the maximum rights of one account on each object, in order, with its index. An empty account is the
// caller. An object that fails sets Error of its reply, and the stream continues. More than mostQuestions objects are
// an InvalidArgument error.
func (v service) WhatCan(ctx context.Context, r *connect.Request[api.WhatCanRequest],
	to *connect.ServerStream[api.WhatCanResponse]) error {
	if len(r.Msg.GetObjects()) > mostQuestions {
		return tooMany()
	}
	q := v.requestOf(ctx)
	for i, o := range r.Msg.GetObjects() {
		answer := &api.WhatCanResponse{Index: uint32(i)}
		a, _, err := q.check(&api.CheckRequest{Object: o, Account: r.Msg.GetAccount(), Rights: everyRight}, false)
		if err != nil {
			answer.Error = reason(err)
		}
		answer.Granted = a.GetGranted()
		if err := errors.Join(ctx.Err(), to.Send(answer)); err != nil {
			return err
		}
	}
	return nil
}

// tooMany returns the InvalidArgument error of a call with too many questions.
func tooMany() error {
	return connect.NewError(connect.CodeInvalidArgument, errors.New("too many questions in one call: split them"))
}

// reason returns the message of an error, which must not be nil. It leaves out the code that connect puts before it.
func reason(err error) string {
	var e *connect.Error
	if errors.As(err, &e) {
		return e.Message()
	}
	return err.Error()
}
