package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// WhoCan returns the maximum rights of each named account on an object. Without names it returns those of the SIDs in
// its descriptor. An account that fails sets Error in its grant, and the call succeeds. More than mostAccounts
// accounts or SIDs, and without names an unreadable object or an ended context, are errors.
func (v service) WhoCan(ctx context.Context, r *connect.Request[api.WhoCanRequest]) (
	*connect.Response[api.WhoCanResponse], error) {
	if len(r.Msg.GetAccounts()) > mostAccounts {
		return nil, tooMany()
	}
	q := v.requestOf(ctx)
	answer := &api.WhoCanResponse{}
	for _, account := range r.Msg.GetAccounts() {
		g := &api.Grant{Name: account}
		a, _, err := q.check(&api.CheckRequest{Object: r.Msg.GetObject(), Account: account, Rights: everyRight},
			false)
		if err != nil {
			g.Error = reason(err)
		}
		g.Granted = a.GetGranted()
		answer.Grants = append(answer.Grants, g)
	}
	if len(r.Msg.GetAccounts()) > 0 {
		return connect.NewResponse(answer), nil
	}
	d, _, err := q.object(r.Msg.GetObject())
	if err != nil {
		return nil, err
	}
	grants, more, err := q.grants(d)
	if more {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(
			"the descriptor names more than %d users and groups: ask about single accounts", mostAccounts))
	}
	if err := cmp.Or(context.Cause(ctx), err); err != nil {
		return nil, err
	}
	answer.Grants = grants
	return connect.NewResponse(answer), nil
}

// grants returns the maximum rights of an object's owner and of each SID in its DACL. grants returns at most
// mostAccounts grants, and whether there are more SIDs. Each SID counts as the only group of an unknown user, so no
// membership is revealed. After a failed check, Error replaces the rights. If refmond does not answer for the names,
// they are empty, and err is Unavailable.
func (q *request) grants(d *sd.Descriptor) (grants []*api.Grant, more bool, err error) {
	var list []sid.SID
	seen := map[sid.SID]bool{}
	add := func(s sid.SID) {
		switch {
		case seen[s] || s == (sid.SID{}):
		case len(list) == mostAccounts:
			more = true
		default:
			seen[s] = true
			list = append(list, s)
		}
	}
	add(d.Owner())
	if d.DACL() != nil {
		for _, e := range d.DACL().All() {
			add(e.SID())
		}
	}
	names, err := q.lookUpSIDs(list)
	for i, s := range list {
		g := &api.Grant{Sid: s.String(), Name: names[i]}
		if err := q.evaluate(func() error {
			mask, err := rightsOfSID(d, s)
			if err == nil {
				g.Granted = rights(mask)
			}
			return err
		}); err != nil {
			g.Error = err.Error()
		}
		grants = append(grants, g)
	}
	return grants, more, err
}

// mostWaitingEvaluations is the most access checks that wait in [request.evaluate].
const mostWaitingEvaluations = 256

// errCrowded is the error of an access check that was not made because too many others wait.
var errCrowded = errors.New("too many questions at once: try again later")

// evaluate runs f, an access check in the gateway, when it is the user's turn, and returns the error of f. A descriptor
// can have conditions that take a second, and f cannot be cancelled. evaluate does not call f if the request's context
// ends first, and returns its cause, or if too many checks wait, and returns errCrowded.
func (q *request) evaluate(f func() error) error {
	// Such checks leave half of the processors to other requests (G-56).
	if q.ctx.Err() == nil && q.g.evaluations.Enter(q.ctx, q.s.user.String()) {
		defer q.g.evaluations.Leave()
		return f()
	}
	if err := context.Cause(q.ctx); err != nil {
		return err
	}
	return errCrowded
}

// stranger is the user of a token for testing a single group. It is random, because its rights would count for each
// group if an entry of a descriptor could name it.
var stranger = func() sid.SID {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	part := func(i int) uint32 { return binary.LittleEndian.Uint32(random[4*i:]) }
	s, _ := sid.New(5, 21, part(0), part(1), part(2), part(3)) // has few enough parts
	return s
}()

// rightsOfSID returns the maximum rights that d grants to a SID without any other membership. The checked token has s
// as its only group.
func rightsOfSID(d *sd.Descriptor, s sid.SID) (winnt.AccessMask, error) {
	t, err := token.New(token.NetworkUser(stranger, s)) // as a group, the owner has its rights too
	if err != nil {
		return 0, err
	}
	decision, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: access.SubjectOf(t),
		Desired: winnt.MAXIMUM_ALLOWED, Type: winnt.FileObject})
	if err != nil {
		return 0, err
	}
	return decision.Granted, nil
}

// names looks up SIDs with the rights of the client and returns one name for each, in order, as DOMAIN\name. A SID
// without a name has "". If the lookup fails, all names are "".
func (q *request) names(list []sid.SID) []string {
	names, _ := q.lookUpSIDs(list)
	return names
}

// lookUpSIDs returns names as names does. The error is Unavailable if refmond did not answer. If refmond refuses the
// lookup, all names are "".
func (q *request) lookUpSIDs(list []sid.SID) ([]string, error) {
	names := make([]string, len(list))
	if len(list) == 0 {
		return names, nil
	}
	return names, unanswered(q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		policy, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
		if st != ntstatus.Success {
			return st
		}
		defer th.LsaClose(policy)
		out, st := th.LsaLookupSids(policy, list...)
		for i, n := range out.Names {
			if i >= len(names) || n.Use == winnt.SidTypeUnknown || n.Use == winnt.SidTypeInvalid {
				continue
			}
			names[i] = n.Name
			if at := int(n.DomainIndex); at >= 0 && at < len(out.ReferencedDomains) && out.ReferencedDomains[at].Name != "" {
				names[i] = out.ReferencedDomains[at].Name + `\` + n.Name
			}
		}
		return st
	}))
}

// unanswered returns an Unavailable error if st says that refmond did not try a lookup. Any other status is an answer,
// and the result is nil.
func unanswered(st ntstatus.Status) error {
	if untriedLogons[st] {
		return connect.NewError(connect.CodeUnavailable, errors.New(st.String()))
	}
	return nil
}

// Token returns the user, groups, privileges and impersonation level of the caller's own token. It returns an
// Unavailable error if refmond does not report them. Name is "" if refmond does not resolve the user for the caller.
func (v service) Token(ctx context.Context, _ *connect.Request[api.TokenRequest]) (
	*connect.Response[api.TokenResponse], error) {
	q := v.requestOf(ctx)
	t, st := q.tokenOf(q.s.token)
	if st != ntstatus.Success {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New(st.String()))
	}
	names, err := q.lookUpSIDs([]sid.SID{q.s.user})
	if err != nil {
		return nil, err
	}
	t.Name, t.Level = names[0], q.s.level.String()
	return connect.NewResponse(t), nil
}

// tokenOf returns the user, groups and privileges of a token. t is never nil; if st is not Success, it is partly
// filled.
func (q *request) tokenOf(tok winnt.Handle) (t *api.TokenResponse, st ntstatus.Status) {
	t = &api.TokenResponse{}
	st = q.s.p.do(q.ctx, func(th *nt.Thread) ntstatus.Status {
		user, st := th.NtQueryInformationToken(tok, winnt.TokenUser)
		if u, ok := user.(token.Group); ok {
			t.User = u.SID.String()
		}
		if st != ntstatus.Success {
			return st
		}
		groups, st := th.NtQueryInformationToken(tok, winnt.TokenGroups)
		list, _ := groups.([]token.Group)
		for _, g := range list {
			t.Groups = append(t.Groups, &api.Group{Sid: g.SID.String(), Attributes: g.Attributes})
		}
		if st != ntstatus.Success {
			return st
		}
		held, st := th.NtQueryInformationToken(tok, winnt.TokenPrivileges)
		privileges, _ := held.([]nt.LUIDAndAttributes)
		for _, p := range privileges {
			t.Privileges = append(t.Privileges, winnt.Privilege(p.LUID).String())
		}
		return st
	})
	return t, st
}

// LookUp resolves names to SIDs and then SIDs to names, with the rights of the caller. The reply has them in this
// order, and an empty field for an unknown one. More than mostQuestions in total, or a malformed SID, is an
// InvalidArgument error. If refmond does not answer, the error is Unavailable.
func (v service) LookUp(ctx context.Context, r *connect.Request[api.LookUpRequest]) (
	*connect.Response[api.LookUpResponse], error) {
	if len(r.Msg.GetNames())+len(r.Msg.GetSids()) > mostQuestions {
		return nil, tooMany()
	}
	q := v.requestOf(ctx)
	answer := &api.LookUpResponse{}
	if names := r.Msg.GetNames(); len(names) > 0 {
		found, err := q.lookUpNames(names)
		if err != nil {
			return nil, err
		}
		answer.Found = found
	}
	var list []sid.SID
	for _, text := range r.Msg.GetSids() {
		s, err := sid.ParseStrict(text)
		if err != nil {
			return nil, connect.NewError(connect.CodeInvalidArgument, err)
		}
		list = append(list, s)
	}
	names, err := q.lookUpSIDs(list)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		answer.Found = append(answer.Found, &api.Known{Name: name, Sid: list[i].String()})
	}
	return connect.NewResponse(answer), nil
}

// lookUpNames looks up names with the rights of the client and returns one entry for each, in order. An unknown name
// has an empty SID. If refmond refuses the lookup, all SIDs are empty. The error is Unavailable if refmond did not
// answer.
func (q *request) lookUpNames(names []string) ([]*api.Known, error) {
	found := make([]*api.Known, len(names))
	for i, name := range names {
		found[i] = &api.Known{Name: name}
	}
	return found, unanswered(q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		policy, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
		if st != ntstatus.Success {
			return st
		}
		defer th.LsaClose(policy)
		out, st := th.LsaLookupNames2(policy, names...)
		for i, s := range out.SIDs {
			if i >= len(found) || s.SID == (sid.SID{}) {
				continue
			}
			found[i].Sid = s.SID.String()
			if at := int(s.DomainIndex); at >= 0 && at < len(out.ReferencedDomains) {
				found[i].Domain = out.ReferencedDomains[at].Name
			}
		}
		return st
	}))
}

// Services returns the services of refmond's NT interface, each with a summary and what is not implemented. It never
// fails, and needs no privilege.
func (service) Services(context.Context, *connect.Request[api.ServicesRequest]) (
	*connect.Response[api.ServicesResponse], error) {
	answer := &api.ServicesResponse{}
	for r := range nt.NtTable.All {
		i := r.Info()
		answer.Services = append(answer.Services, &api.Service{Name: i.Name, Summary: i.Summary, Missing: i.Missing})
	}
	return connect.NewResponse(answer), nil
}
