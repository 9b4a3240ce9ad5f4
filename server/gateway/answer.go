package gateway

import (
	"fmt"
	"net/http"
	"strings"
)

// answer writes what package webdav answers, with the reasons and statuses that the
// request has noted in place of those that the package makes of an error.
type answer struct {
	http.ResponseWriter
	q       *request
	r       *http.Request
	said    bool
	swallow bool // the body that follows belongs to another status
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if a.said {
		return
	}
	a.said = true
	refused := a.q.refusal()
	a.q.mu.Lock()
	failed, replaced := a.q.failed, a.q.replaced
	a.q.mu.Unlock()
	switch {
	case code < http.StatusBadRequest:
		if code == http.StatusCreated && a.r.Method == http.MethodPut {
			a.swallow = true // who pipes a file in is told by the status
			if replaced {
				code = http.StatusNoContent
			}
		}
		a.ResponseWriter.WriteHeader(code)
		return
	case a.r.Method == http.MethodDelete && len(failed) > 0 && (len(failed) > 1 || failed[0].at != a.q.at):
		multistatus(a.ResponseWriter, failed)
	case refused != nil && code != http.StatusLocked && code != http.StatusPreconditionFailed:
		a.Header().Del("Lock-Token")
		refused.write(a.ResponseWriter, a.r)
	case code == http.StatusNotFound:
		absent(a.ResponseWriter)
	default:
		plain(a.ResponseWriter, code, strings.ToLower(http.StatusText(code)))
	}
	a.swallow = true
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if !a.said {
		a.WriteHeader(http.StatusOK)
	}
	if a.swallow {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// multistatus names what of several was refused.
func multistatus(w http.ResponseWriter, failed []*refusal) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(http.StatusMultiStatus)
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<D:multistatus xmlns:D="DAV:">`)
	for _, f := range failed {
		b.WriteString("<D:response><D:href>")
		escape(&b, f.at.href(false))
		fmt.Fprintf(&b, "</D:href><D:status>HTTP/1.1 %d %s</D:status></D:response>", f.code, http.StatusText(f.code))
	}
	b.WriteString("</D:multistatus>\n")
	_, _ = w.Write([]byte(b.String()))
}
