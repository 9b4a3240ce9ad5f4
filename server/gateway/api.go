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

// Bounds of the API.
const (
	largestQuestion = 1 << 20 // bytes
	mostQuestions   = 1000    // of one call
	mostAccounts    = 100     // of one call
	longestCall     = 30 * time.Second
)

// apiRows are the endpoints of the API: one for each procedure.
func apiRows(g *Gateway) []row {
	_, h := refmonv1connect.NewAccessHandler(service{g}, connect.WithReadMaxBytes(largestQuestion))
	serve := func(w http.ResponseWriter, r *http.Request, s *session) {
		if !g.rates.allow(s.user) {
			w.Header().Set("Retry-After", "1")
			plain(w, http.StatusTooManyRequests, "too many questions: ask many at once by CheckBatch or WhatCan")
			return
		}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), askerKey{}, s), longestCall)
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
	}
	var rows []row
	for _, procedure := range []string{refmonv1connect.AccessCheckProcedure, refmonv1connect.AccessCheckBatchProcedure,
		refmonv1connect.AccessExplainProcedure, refmonv1connect.AccessWhoCanProcedure,
		refmonv1connect.AccessWhatCanProcedure, refmonv1connect.AccessTokenProcedure,
		refmonv1connect.AccessLookUpProcedure, refmonv1connect.AccessServicesProcedure} {
		rows = append(rows, row{http.MethodPost, procedure, known, true, serve})
	}
	return append(rows, row{http.MethodGet, "/health", anybody, false, g.health})
}

// askerKey finds the session of a call of the API in its context.
type askerKey struct{}

// service answers the calls of the API. It implements refmonv1connect.AccessHandler.
type service struct{ g *Gateway }

// asker returns the request of a call.
func (v service) asker(ctx context.Context) *request {
	s, _ := ctx.Value(askerKey{}).(*session) // guard has put it there
	return &request{g: v.g, s: s, ctx: ctx}
}

// Check implements refmonv1connect.AccessHandler.
func (v service) Check(ctx context.Context, r *connect.Request[api.CheckRequest]) (*connect.Response[api.CheckResponse],
	error) {
	a, _, err := v.asker(ctx).check(r.Msg, false)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(a), nil
}

// CheckBatch implements refmonv1connect.AccessHandler.
func (v service) CheckBatch(ctx context.Context, r *connect.Request[api.CheckBatchRequest],
	to *connect.ServerStream[api.CheckBatchResponse]) error {
	if len(r.Msg.GetChecks()) > mostQuestions {
		return tooMany()
	}
	q := v.asker(ctx)
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

// Explain implements refmonv1connect.AccessHandler.
func (v service) Explain(ctx context.Context, r *connect.Request[api.ExplainRequest]) (
	*connect.Response[api.ExplainResponse], error) {
	if r.Msg.GetCheck() == nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("check is not given"))
	}
	a, text, err := v.asker(ctx).check(r.Msg.GetCheck(), true)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&api.ExplainResponse{Answer: a, Text: text}), nil
}

// WhatCan implements refmonv1connect.AccessHandler.
func (v service) WhatCan(ctx context.Context, r *connect.Request[api.WhatCanRequest],
	to *connect.ServerStream[api.WhatCanResponse]) error {
	if len(r.Msg.GetObjects()) > mostQuestions {
		return tooMany()
	}
	q := v.asker(ctx)
	for i, o := range r.Msg.GetObjects() {
		answer := &api.WhatCanResponse{Index: uint32(i)}
		a, _, err := q.check(&api.CheckRequest{Object: o, Account: r.Msg.GetAccount()}, false)
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

func tooMany() error {
	return connect.NewError(connect.CodeInvalidArgument, errors.New("too many questions in one call"))
}

// reason returns the text of an error of one of many questions.
func reason(err error) string {
	var e *connect.Error
	if errors.As(err, &e) {
		return e.Message()
	}
	return err.Error()
}
