package accessquery

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TypeNames are the valid names of "mapping" and --type. Do not modify it.
var TypeNames = []string{"file", "directory", "key", "token", "process", "thread", "job", "objectDirectory",
	"symbolicLink", "event", "port", "directoryService", "mutant", "semaphore", "timer", "section", "desktop",
	"windowStation", "policy"}

// ObjectTypes lists TypeNames, separated by commas.
var ObjectTypes = strings.Join(TypeNames, ", ")

// Call selects the routine whose rules a query follows. The zero value is SeAccessCheck.
type Call uint8

// The routines of a query.
const (
	SeAccessCheck Call = iota // any token; an impersonation token at SecurityImpersonation or more
	NtAccessCheck             // an impersonation token; the descriptor needs owner and group
)

// ParseCall returns the routine of a name, which is case-sensitive. ok is false for an unknown name.
func ParseCall(name string) (c Call, ok bool) {
	switch name {
	case "SeAccessCheck":
		return SeAccessCheck, true
	case "NtAccessCheck":
		return NtAccessCheck, true
	}
	return 0, false
}

// SubjectFor returns the subject of a call. For SeAccessCheck a primary token is the process's own, and an
// impersonation token is the thread's, at its level. NtAccessCheck checks the token passed to it and rejects a
// primary one.
func SubjectFor(t *token.Token, call Call) access.Subject {
	if call == NtAccessCheck {
		return access.Subject{Client: t, Level: t.Level()}
	}
	return access.SubjectOf(t)
}

// Query is one access check with its options. [Query.Ask] returns an error for the zero value, which has no subject
// and no mapping.
type Query struct {
	Request    access.Request
	Call       Call
	Capture    ntstatus.Status // NtAccessCheck: why the descriptor could not be captured
	ResultList bool            // a result for each entry of Request.ObjectTypes
	Explain    bool            // say why
	Note       string          // about the question, for the answer in JSON; "": none
}

// Traverse returns the query whether a subject may search a folder, with an explanation. search is the folder's
// descriptor of the host's search permission, as in objects.Way.
func Traverse(search *sd.Descriptor, s access.Subject) *Query {
	return &Query{Explain: true, Request: access.Request{Descriptor: search, Subject: s,
		Type: winnt.DirectoryFileObject, Desired: winnt.FILE_TRAVERSE}}
}

// Answer is the result of a query. Status is the call's own if the call failed, else the access status.
type Answer struct {
	access.Decision
	Results []access.NodeResult // with ResultList, unless the call failed
	Why     *access.Explanation // with Explain, unless the call failed
	Refused *access.Step        // with Explain, if the call failed: by which rule
}

// Ask runs the access check. A denied access is not an error. It returns an error of package access if the query has no
// token or no mapping. Results are set only for a list, and Why only on request.
func (q *Query) Ask() (a Answer, err error) {
	r := &q.Request
	if q.Call == NtAccessCheck {
		return q.askNt()
	}
	switch {
	case q.ResultList && q.Explain:
		a.Results, a.Decision, a.Why, err = access.ExplainResultList(r)
	case q.ResultList:
		a.Results, a.Decision, err = access.CheckResultList(r)
	case q.Explain:
		a.Decision, a.Why, err = access.Explain(r)
	default:
		a.Decision, err = access.SeAccessCheck(r)
	}
	return a, err
}

// askNt runs the query with NtAccessCheck. A descriptor that could not be captured counts as missing, with its own
// status. If the call fails, the answer has only the refused decision. Without Explain there is no error.
func (q *Query) askNt() (a Answer, err error) {
	var call ntstatus.Status
	if q.ResultList {
		call, a.Results, a.Decision = access.NtAccessCheckResultList(&q.Request)
	} else {
		call, a.Decision = access.NtAccessCheck(&q.Request)
	}
	if call == ntstatus.InvalidSecurityDescr && q.Capture != ntstatus.Success {
		// What made the capture fail is the status of the call.
		call = q.Capture
	}
	if call != ntstatus.Success {
		a = Answer{Decision: access.Refuse(call)}
		if q.Explain {
			a.Refused = q.refused(call)
		}
		return a, nil
	}
	if q.Explain {
		// The pipeline is the same; only the entry rule about the level, which
		// the call has passed, differs.
		r := q.Request
		r.Subject.Level = winnt.SecurityImpersonation
		if q.ResultList {
			_, _, a.Why, err = access.ExplainResultList(&r)
		} else {
			_, a.Why, err = access.Explain(&r)
		}
	}
	return a, err
}

// refused explains a call that failed before its access check: it returns a step with the rule for the status of the
// call. A status without its own rule counts as a descriptor without owner or group.
func (q *Query) refused(call ntstatus.Status) *access.Step {
	s := &access.Step{ACE: -1, Bits: q.Request.Desired}
	switch {
	case q.ResultList && len(q.Request.ObjectTypes) == 0:
		s.Rule, s.Because = "A-11", "a result list was requested without object types"
	case call == ntstatus.GenericNotMapped:
		s.Rule, s.Because = "A-12", "NtAccessCheck takes no generic rights: the caller maps them"
	case call == ntstatus.NoImpersonationToken:
		s.Rule, s.Because = "A-14", "NtAccessCheck takes an impersonation token, and this is a primary one"
	case call == ntstatus.BadImpersonationLevel:
		s.Rule, s.Because = "A-15", "the token's level is below SecurityIdentification"
	case call == ntstatus.InvalidParameter:
		s.Rule, s.Because = "A-26", "the object types are not a tree in preorder"
	case q.Capture != ntstatus.Success:
		s.Rule, s.Because = "A-18", "the security descriptor cannot be captured"
	default:
		s.Rule, s.Because = "A-19", "the security descriptor has no owner or no group"
	}
	return s
}

// Choose sets q to the first of queries that is granted, else to the first. Either of the two control rights is
// enough (B-2). queries must not be empty.
func (q *Query) Choose(queries []words.Query) error {
	ask := func(x words.Query) { q.Request.Desired, q.Request.ObjectTypes = x.Desired, x.Types }
	if len(queries) > 1 {
		for _, x := range queries {
			ask(x)
			a, err := q.Ask()
			if err != nil || a.Allowed() {
				return err
			}
		}
	}
	ask(queries[0])
	return nil
}

// UserDomain returns the domain of a token's user, which resolves SDDL aliases such as DU. It returns the zero SID
// if the user's SID is not of a domain.
func UserDomain(t *token.Token) sid.SID {
	u := t.User().SID
	if u.Authority() != 5 || u.SubAuthorities() != 5 || u.Sub(0) != 21 {
		return sid.SID{}
	}
	return u.Prefix()
}

// NoDACL is the note for a result with a descriptor for which [LacksDACL] is true.
const NoDACL = "the descriptor has no D: part: no DACL limits access"

// LacksDACL reports whether a descriptor has no DACL, so that it grants everything. It returns false for nil
// and for D:NO_ACCESS_CONTROL.
func LacksDACL(d *sd.Descriptor) bool { return d != nil && d.Control()&sd.DACLPresent == 0 }
