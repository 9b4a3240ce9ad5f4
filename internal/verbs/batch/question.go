package batch

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ObjectTypes lists the names that "mapping" and --type take.
var ObjectTypes = strings.Join([]string{"file", "directory", "key", "token", "process", "thread", "job",
	"objectDirectory", "symbolicLink", "event", "port", "directoryService", "mutant", "semaphore", "timer", "section",
	"desktop", "windowStation"}, ", ")

// Call is the routine whose own rules a question follows. The zero value is
// SeAccessCheck.
type Call uint8

// The calls of the batch format.
const (
	SeAccessCheck Call = iota // any token; an impersonation token at SecurityImpersonation or more
	NtAccessCheck             // an impersonation token; the descriptor needs owner and group
)

// ParseCall finds a call by its name.
func ParseCall(name string) (c Call, ok bool) {
	switch name {
	case "SeAccessCheck":
		return SeAccessCheck, true
	case "NtAccessCheck":
		return NtAccessCheck, true
	}
	return 0, false
}

// SubjectFor returns the subject that asks by a call: SeAccessCheck takes a primary
// token as a process's own and an impersonation token as a thread's, at the
// token's level; NtAccessCheck takes any token as the one passed to it and
// refuses a primary one by its own rule.
func SubjectFor(t *token.Token, call Call) access.Subject {
	if call == NtAccessCheck {
		return access.Subject{Client: t, Level: t.Level()}
	}
	return access.SubjectOf(t)
}

// Question is one question of the batch format. The zero value lacks a subject
// and a mapping.
type Question struct {
	Request    access.Request
	Call       Call
	Capture    ntstatus.Status // NtAccessCheck: why the descriptor could not be captured
	ResultList bool            // a result for each entry of Request.ObjectTypes
	Explain    bool            // say why
}

// Answered holds the results of a call. Status is the call's own if the call
// failed, else the access status.
type Answered struct {
	access.Decision
	Results []access.NodeResult // with ResultList, unless the call failed
	Why     *access.Explanation // with Explain, unless the call failed
	Refused *access.Step        // with Explain, if the call failed: by which rule
}

// Ask makes the call. The error is one of access: the question has no token or
// no mapping.
func (q *Question) Ask() (a Answered, err error) {
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

// askNt does what Ask does, for NtAccessCheck. A descriptor that cannot be captured stands
// where none does in the order of the rules, right before it, so the request
// has none and only the status differs.
func (q *Question) askNt() (a Answered, err error) {
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
		a = Answered{Decision: access.Refuse(call)}
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

// refused returns the step of a call that failed before it decided anything.
func (q *Question) refused(call ntstatus.Status) *access.Step {
	s := &access.Step{ACE: -1, Bits: q.Request.Desired}
	switch {
	case q.ResultList && len(q.Request.ObjectTypes) == 0:
		s.Rule, s.Because = "A-11", "a result list was asked for without object types"
	case call == ntstatus.GenericNotMapped:
		s.Rule, s.Because = "A-12", "NtAccessCheck takes no generic rights: the caller maps them"
	case call == ntstatus.NoImpersonationToken:
		s.Rule, s.Because = "A-14", "NtAccessCheck takes an impersonation token, and this is a primary one"
	case call == ntstatus.BadImpersonationLevel:
		s.Rule, s.Because = "A-15", "the token's level is below SecurityIdentification"
	case call == ntstatus.InvalidParameter:
		s.Rule, s.Because = "A-26", "the object types are no tree in preorder"
	case q.Capture != ntstatus.Success:
		s.Rule, s.Because = "A-18", "the security descriptor cannot be captured"
	default:
		s.Rule, s.Because = "A-19", "the security descriptor has no owner or no group"
	}
	return s
}

// Append asks the question and appends the answer as a line of the batch
// format, without a newline. id is JSON, nil stands for null.
func (q *Question) Append(dst, id []byte) ([]byte, error) {
	a, err := q.Ask()
	if err != nil {
		return dst, err
	}
	return q.AppendAnswer(dst, id, &a)
}

// AppendAnswer appends an answer to the question that Ask gave, as Append does.
func (q *Question) AppendAnswer(dst, id []byte, a *Answered) (_ []byte, err error) {
	dst = append(appendID(dst, id), `,"status":"`...)
	dst = appendStatus(dst, a.Status())
	dst = appendMask(append(dst, `","granted":"`...), a.Granted)
	dst = append(dst, `","privilegesUsed":[`...)
	for i, name := range a.PrivilegesUsed.Names() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, name)
	}
	dst = append(dst, ']')
	if a.Results != nil {
		dst = append(dst, `,"results":`...)
		dst = appendResults(dst, a.Results)
	}
	if q.Explain {
		if dst, err = a.appendWhy(append(dst, `,"why":`...)); err != nil {
			return dst, err
		}
	}
	if LacksDACL(q.Request.Descriptor) {
		dst = AppendString(append(dst, `,"note":`...), NoDACL)
	}
	return append(dst, '}'), nil
}

// NoDACL is the note beside an answer about a descriptor of which [LacksDACL] is true.
const NoDACL = "the descriptor has no D: part: no DACL limits access"

// LacksDACL reports whether a descriptor has parts, but no DACL among them, so that everything is granted. One
// with D:NO_ACCESS_CONTROL says so in words.
func LacksDACL(d *sd.Descriptor) bool { return d != nil && d.Control()&sd.DACLPresent == 0 }

func appendStatus(dst []byte, s ntstatus.Status) []byte {
	switch s { // the two of almost every line
	case ntstatus.Success:
		return append(dst, "STATUS_SUCCESS"...)
	case ntstatus.AccessDenied:
		return append(dst, "STATUS_ACCESS_DENIED"...)
	}
	return append(dst, s.String()...)
}

// appendMask appends a mask in the form of AccessMask.Padded.
func appendMask(dst []byte, m winnt.AccessMask) []byte {
	return appendHex(append(dst, "0x"...), []byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
}

func appendResults(dst []byte, results []access.NodeResult) []byte {
	dst = append(dst, '[')
	for i, r := range results {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendStatus(append(dst, `{"status":"`...), r.Status())
		dst = appendMask(append(dst, `","granted":"`...), r.Granted)
		dst = append(dst, `"}`...)
	}
	return append(dst, ']')
}

func (a *Answered) appendWhy(dst []byte) ([]byte, error) {
	var steps []access.Step
	switch {
	case a.Refused != nil:
		steps = []access.Step{*a.Refused}
	case a.Why != nil:
		steps = a.Why.Steps
	}
	dst = append(dst, '[')
	for i, s := range steps {
		b, err := s.MarshalJSON()
		if err != nil {
			return dst, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b...)
	}
	return append(dst, ']'), nil
}
