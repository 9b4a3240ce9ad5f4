package authzen

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Types decides questions about resource types that a configuration file declares. ReadTypes returns one. It is
// immutable and safe for concurrent use. The zero value denies every question.
type Types struct {
	subjects map[Caller]*subject
	types    map[string]*resourceType
	ask      *sd.Descriptor // nil: nobody may ask about others
	rate     int            // questions of one caller per second
}

// subject is a subject of the file.
type subject struct {
	spec  token.Spec
	fixed []claims.Attribute // properties of the file
	token *token.Token       // the subject's token with the fixed properties as claims
}

// resourceType is a declared type of resources, with its rights, actions, descriptor template and objects.
type resourceType struct {
	kind      *winnt.ObjectType
	actions   map[string]action
	template  *sd.Descriptor
	owner     ownerRule
	objects   map[string]*object // nil: every id is an object
	requested requested
	subjects  map[Caller]*subject // the subjects of Types, which include all owners
}

// ownerRule says which property of a resource names its owner, and the type of that subject. The zero value names
// none.
type ownerRule struct {
	Property string `json:"property"`
	Type     string `json:"type"`
}

// object is a declared object of a type, with its prepared descriptor.
type object struct {
	fixed      []claims.Attribute
	descriptor *sd.Descriptor
}

// action says which rights an action needs.
type action struct {
	rights winnt.AccessMask
	more   []actionProperty // sorted by name
}

// actionProperty is a declared property of an action, with the rights that each of its values adds.
type actionProperty struct {
	name   string
	values map[string]winnt.AccessMask
}

// requested lists the properties that a request may set, with their kinds.
type requested struct{ subject, resource, action, context []property }

type property struct{ name, kind string }

// askRight is the right to ask about other subjects, in the descriptor of ask.
const askRight winnt.AccessMask = 1

// askType is the type of object that the descriptor of ask protects.
var askType = &winnt.ObjectType{Name: "Question", Valid: 0x1F0001, Rights: []winnt.Right{{Mask: askRight, Name: "ASK"}},
	Mapping: winnt.GenericMapping{Read: askRight, Write: askRight, Execute: askRight, All: 0x1F0001}}

// Decide answers a question without checking or recording its caller. who is the subject with its groups; if it is
// nil, the file must declare the subject of the question. An undeclared type, subject, action or object is a denial
// with the reason. Decide never returns an error and does not block.
func (t *Types) Decide(q *Question, who *token.Spec) Answer {
	rt := t.types[q.Resource.Type]
	if rt == nil {
		return denied("no resource type " + strconv.Quote(q.Resource.Type) + " is declared")
	}
	s := &subject{}
	if who != nil {
		s.spec = *who
	} else if s = t.subjects[Caller{q.Subject.Type, q.Subject.ID}]; s == nil {
		return denied("the subject is unknown")
	}
	desired, problem := rt.rights(&q.Action)
	if problem != "" {
		return denied(problem)
	}
	descriptor, problem := rt.describe(&q.Resource)
	if problem != "" {
		return denied(problem)
	}
	tok, problem := rt.tokenOf(s, q)
	if problem != "" {
		return denied(problem)
	}
	d, err := access.Check(tok, descriptor, desired, rt.kind)
	if err != nil {
		return denied("the question is malformed")
	}
	if d.Allowed() {
		return Answer{Decision: true}
	}
	return rt.explain(tok, descriptor, desired)
}

// denied returns a denial with the reason for administrators. The reason for the subject is always "access denied".
func denied(reason string) Answer { return Answer{ReasonAdmin: reason, ReasonUser: accessDenied} }

// accessDenied is the reason that every subject may know.
const accessDenied = "access denied"

// rights returns the rights that an action needs, including those of its properties. problem is "" on success, else
// the reason for a denial. An undeclared action is a problem. So is the first declared property, by name,
// that is missing or has no declared value (Z-14).
func (rt *resourceType) rights(a *Action) (mask winnt.AccessMask, problem string) {
	known, ok := rt.actions[a.Name]
	if !ok {
		return 0, "no action " + strconv.Quote(a.Name) + " is declared for this type"
	}
	mask = known.rights
	for _, p := range known.more {
		raw, _ := a.Properties.lookup(p.name)
		value, err := text(raw)
		more, listed := p.values[value]
		if err != nil || !listed {
			return 0, "property " + strconv.Quote(p.name) + " of the action is missing or has no declared value"
		}
		mask |= more
	}
	return mask, ""
}

// describe returns a resource's security descriptor for the access check. The descriptor is the type's template with
// the resource's owner and resource attributes. The caller must not change it.
//
// problem is "" on success, else the reason for a denial: an unknown id, or a property value of the wrong kind. A type
// without a list of objects accepts every id. Properties that the request may not set are ignored.
func (rt *resourceType) describe(e *Entity) (d *sd.Descriptor, problem string) {
	o := &object{}
	if rt.objects != nil {
		if o = rt.objects[e.ID]; o == nil {
			return nil, "the resource is unknown"
		}
	}
	more, problem := take(e.Properties, rt.requested.resource, o.fixed)
	if problem != "" {
		return nil, "resource." + problem
	}
	if len(more) == 0 && o.descriptor != nil {
		return o.descriptor, ""
	}
	d, err := rt.instance(slices.Concat(o.fixed, more))
	if err != nil {
		return nil, "the properties of the resource do not fit in a descriptor"
	}
	return d, ""
}

// instance returns the descriptor of one resource: a copy of the template with attributes as resource attributes. If
// the type has an owner rule, the owner is the subject that the owner attribute names, or nobody if it names none.
// Attributes that do not fit in an ACL are an error.
func (rt *resourceType) instance(attributes []claims.Attribute) (*sd.Descriptor, error) {
	p := rt.template.Parts()
	if rt.owner.Property != "" {
		p.Owner = sid.Nobody // a missing owner must not match an entry of the owner (Z-14)
	}
	aces := p.SACL.Slice()
	for i := range attributes {
		a := &attributes[i]
		ace, err := sd.NewACE(sd.SystemResourceAttribute, 0, 0, sid.Everyone, sd.ACEExtra{AppData: a.Append(nil)})
		if err != nil {
			return nil, err
		}
		aces = append(aces, ace)
		if a.Name == rt.owner.Property && len(a.Strings) == 1 {
			if s := rt.subjects[Caller{rt.owner.Type, a.Strings[0]}]; s != nil {
				p.Owner = s.spec.User.SID
			}
		}
	}
	list, err := sd.NewACL(aces...)
	if err != nil {
		return nil, err
	}
	p.SACL = list
	return sd.New(p), nil
}

// tokenOf returns the token of a subject for the access check. Properties of the question become claims if the type
// lists them; others are ignored (Z-13). Without such properties tokenOf returns the prepared token. problem is "" on
// success, else the reason for a denial.
func (rt *resourceType) tokenOf(s *subject, q *Question) (tok *token.Token, problem string) {
	user, problem := take(q.Subject.Properties, rt.requested.subject, s.fixed)
	if problem != "" {
		return nil, "subject." + problem
	}
	local, problem := take(q.Action.Properties, rt.requested.action, nil)
	if problem != "" {
		return nil, "action." + problem
	}
	around, problem := take(q.Context, rt.requested.context, nil)
	if problem != "" {
		return nil, "context: " + problem
	}
	local = append(local, around...)
	if len(user) == 0 && len(local) == 0 && s.token != nil {
		return s.token, ""
	}
	spec := s.spec
	var err1, err2 error
	spec.UserClaims, err1 = claims.NewSet(slices.Concat(s.fixed, user))
	spec.LocalAttributes, err2 = claims.NewSet(local)
	tok, err3 := token.New(spec)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, "the properties of the subject do not fit in a token"
	}
	return tok, ""
}

// take converts the listed properties of a request to claims. take skips properties in fixed, which the file sets. take
// also skips missing properties, so conditions on them are unknown. problem is "" on success; a value of the wrong kind
// is a problem.
func take(from Properties, listed []property, fixed []claims.Attribute) (list []claims.Attribute, problem string) {
	for _, p := range listed {
		raw, ok := from.lookup(p.name)
		if !ok || contains(fixed, p.name) {
			continue // a property that the file sets overrides the request's property
		}
		a, err := attribute(p.name, p.kind, raw)
		if err != nil {
			return nil, "properties." + p.name + ": " + err.Error()
		}
		list = append(list, a)
	}
	return list, ""
}

// explain returns a denial with its reasons for the caller. The subject gets the same reasons if it has READ_CONTROL,
// else only "access denied" (Z-16). If the check fails, the caller gets no reason, and the subject "access denied".
func (rt *resourceType) explain(tok *token.Token, d *sd.Descriptor, desired winnt.AccessMask) Answer {
	_, why, err := access.Explain(&access.Request{Descriptor: d, Subject: access.SubjectOf(tok), Desired: desired,
		Type: rt.kind})
	if err != nil {
		return denied("")
	}
	a := denied(Reason(why, rt.kind))
	if may, err := access.Check(tok, d, winnt.READ_CONTROL, rt.kind); err == nil && may.Allowed() {
		a.ReasonUser = a.ReasonAdmin
	}
	return a
}

// Asking answers questions for callers of the same file. It implements Evaluator.
//
// A caller may ask about itself, and about others with the right ASK in the descriptor "ask" of the file (Z-15). Log
// records each question that the SACL of that descriptor audits. If a required record cannot be stored, the question
// gets no answer.
type Asking struct {
	*Types
	limit *Limiter
	log   *audit.Log
}

// Asking returns an Evaluator for these types. It limits each caller to the rate of the file and stores audit records
// in log. A nil log stores none. Without "ask" in the file a caller may ask about itself a hundred times a second.
func (t *Types) Asking(log *audit.Log) *Asking {
	return &Asking{t, NewLimiter(cmp.Or(t.rate, usualRate), time.Now), log}
}

// Evaluate decides a question and stores its audit record. It returns an *Error with status 429 beyond the caller's
// rate, 403 for an unknown caller or a question about others without the right ASK, and 503 if a required record cannot
// be stored. It does not use the context. A recorded attempt of a caller who may not ask is a 403 as well; if it cannot
// be recorded, 503.
func (a *Asking) Evaluate(_ context.Context, q *Question) (Answer, error) {
	if !a.limit.Allow(q.Caller) {
		return Answer{}, &Error{http.StatusTooManyRequests, "too many questions: try again later"}
	}
	caller := a.subjects[q.Caller]
	if caller == nil {
		return Answer{}, &Error{http.StatusForbidden, "the caller is unknown"}
	}
	if (q.Caller != Caller{q.Subject.Type, q.Subject.ID}) && !a.may(caller) {
		if st := a.record(caller, q, false); st != ntstatus.Success { // record the refused attempt (Z-17)
			return Answer{}, errUnrecorded
		}
		return Answer{}, &Error{http.StatusForbidden, "the caller may not ask about other subjects"}
	}
	answer := a.Decide(q, nil)
	// No answer leaves before its record is stored (Z-17).
	if st := a.record(caller, q, answer.Decision); st != ntstatus.Success {
		return Answer{}, errUnrecorded
	}
	return answer, nil
}

// errUnrecorded is the error of a question whose required record cannot be stored.
var errUnrecorded = error(&Error{http.StatusServiceUnavailable, "the question cannot be recorded"})

// may reports whether a caller has the right to ask about other subjects. It returns false if the file has no "ask"
// (Z-15).
func (a *Asking) may(caller *subject) bool {
	d, err := access.Check(caller.token, a.ask, askRight, askType) // without a descriptor it denies everything
	return err == nil && d.Allowed()
}

// record stores the audit record of a question. It returns Success without storing one if there is no log, or no
// descriptor "ask" whose SACL audits the question.
func (a *Asking) record(caller *subject, q *Question, allowed bool) ntstatus.Status {
	if a.log == nil {
		return ntstatus.Success
	}
	d := access.Refuse(ntstatus.AccessDenied)
	if allowed {
		d = access.Grant(askRight)
	}
	_, st := a.log.Opened(&audit.Opening{Object: audit.Object{Server: "AuthZEN", Type: askType.Name, Name: q.String()},
		Request: &access.Request{Descriptor: a.ask, Subject: access.SubjectOf(caller.token), Desired: askRight,
			Type: askType},
		Decision: d, Reported: true})
	return st
}

// String formats the question for a record on one line: type and id of the subject, action, type and id of the
// resource, each quoted. A part of more than 4096 bytes is cut after them and ends with "…".
func (q *Question) String() string {
	out := []byte(nil)
	for i, part := range []string{q.Subject.Type, q.Subject.ID, q.Action.Name, q.Resource.Type, q.Resource.ID} {
		if i > 0 {
			out = append(out, ' ')
		}
		if len(part) > mostRecorded {
			part = part[:mostRecorded] + "…"
		}
		out = strconv.AppendQuoteToGraphic(out, part)
	}
	return string(out)
}

// mostRecorded is how many bytes of an id a record has. The longest path of a file has 4096.
const mostRecorded = 4096
