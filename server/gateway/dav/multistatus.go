package dav

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	xmlType   = "application/xml; charset=utf-8"
	xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
)

// mostParts is the most resources in a 207 response.
const mostParts = 1000

// part is the failure of one resource in a request on several, for a 207 response.
type part struct {
	name Path
	err  error
}

// multi is a Refusal that lists the resources for which a method failed (RFC 4918, 13). It has at least one part.
type multi struct{ parts []part }

// Error returns the number of failed resources and the text of the first error. m must have a part.
func (m *multi) Error() string { return fmt.Sprintf("%d resources: %v", len(m.parts), m.parts[0].err) }

// Code returns 207 (Multi-Status), whatever the parts failed with.
func (*multi) Code() int { return http.StatusMultiStatus }

// Condition returns "", because each part has its own condition.
func (*multi) Condition() string { return "" }

// Answer writes a 207 response with the URL and status of each failed resource, and the condition that failed, if
// known. A client that left is ignored.
func (m *multi) Answer(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString(xmlHeader + `<D:multistatus xmlns:D="DAV:">`)
	for _, p := range m.parts {
		f := refusalOf(p.err)
		fmt.Fprintf(&b, "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %d %s</D:status>", text(p.name.Href(false)),
			f.Code(), http.StatusText(f.Code()))
		b.WriteString(errorElement(f) + "</D:response>")
	}
	b.WriteString("</D:multistatus>\n")
	answerXML(w, http.StatusMultiStatus, b.String())
}

// errorElement returns the D:error element with the precondition that failed, or "" without one.
func errorElement(f Refusal) string {
	if c := f.Condition(); c != "" {
		return "<D:error>" + c + "</D:error>"
	}
	return ""
}

// AnswerCondition writes a response with this status and the XML of the precondition that failed (RFC 4918, 16).
func AnswerCondition(w http.ResponseWriter, code int, condition string) {
	answerXML(w, code, xmlHeader+`<D:error xmlns:D="DAV:">`+condition+"</D:error>\n")
}

// answerXML writes a response with this status and the XML text body, which caches do not store.
func answerXML(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", xmlType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body)) // an error means that the client has disconnected
}

// fail records that the request failed for one resource, so that the 207 response lists it. A hidden name is replaced
// by the one that clients know. Beyond mostParts failures it records nothing.
func (x *exchange) fail(name Path, err error) {
	if x.hidden != "" && name.Under(x.hidden) {
		name = x.shown + name[len(x.hidden):]
	}
	x.broken = x.broken || codeOf(err) >= http.StatusInternalServerError
	if len(x.parts) < mostParts {
		x.parts = append(x.parts, part{name, err})
	}
}

// outcome returns the result of a request on several resources, from the recorded failures: nil if there are none, the
// failure itself if the only one is that of the resource named, else a 207 that lists them.
func (x *exchange) outcome(named Path) error {
	switch {
	case len(x.parts) == 0:
		return nil
	case len(x.parts) == 1 && x.parts[0].name == named:
		return x.parts[0].err
	}
	return &multi{x.parts}
}
