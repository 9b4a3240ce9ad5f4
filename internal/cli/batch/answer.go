package batch

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Append runs a query and appends the answer to dst as a line of the batch format, without a newline. id is JSON; nil
// means null. If the query fails, it returns dst unchanged and the error. A denied access is an answer and no error.
func Append(dst, id []byte, q *accessquery.Query) ([]byte, error) {
	a, err := q.Ask()
	if err != nil {
		return dst, err
	}
	return AppendAnswer(dst, id, q, &a)
}

// AppendAnswer appends a, an answer of q.Ask, in the form of [Append]. It uses q only for its descriptor, its note and
// whether to explain. After an error dst ends with an incomplete line.
func AppendAnswer(dst, id []byte, q *accessquery.Query, a *accessquery.Answer) (_ []byte, err error) {
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
		if dst, err = appendWhy(append(dst, `,"why":`...), a); err != nil {
			return dst, err
		}
	}
	note := q.Note
	if accessquery.LacksDACL(q.Request.Descriptor) {
		if note != "" {
			note = "; " + note
		}
		note = accessquery.NoDACL + note
	}
	if note != "" {
		dst = AppendString(append(dst, `,"note":`...), note)
	}
	return append(dst, '}'), nil
}

// appendStatus appends the name of a status.
func appendStatus(dst []byte, s ntstatus.Status) []byte {
	switch s { // fast path: almost every line has one of these two
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

// appendResults appends the results of the object types as a JSON list; [] if there are none.
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

// appendWhy appends the steps of the explanation as a JSON array: the rejecting step of a refused query, else all
// steps. The array is empty if the answer has no explanation.
func appendWhy(dst []byte, a *accessquery.Answer) ([]byte, error) {
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
