package gateway

import (
	"net/http"

	"github.com/refmon/refmon/server/gateway/dav"
)

// fileRows returns the endpoints of the trees: OPTIONS, GET, HEAD and the WebDAV methods. All need a logon except
// OPTIONS, which Explorer sends first.
func fileRows(g *Gateway) []row {
	rows := []row{
		// Explorer queries the root before it logs on, and gives up if that requires a logon.
		{http.MethodOptions, "", anybody, false, func(w http.ResponseWriter, _ *http.Request, _ *session) { dav.Options(w) }},
		{http.MethodGet, "", known, false, g.onFile},
		{http.MethodHead, "", known, false, g.onFile},
	}
	for _, method := range dav.Methods {
		rows = append(rows, row{method, "", known, true, func(w http.ResponseWriter, r *http.Request, s *session) {
			q := g.newRequest(r.Context(), s)
			if r.Method != http.MethodPut { // the contents of an upload are not kept
				q.holdBody(r, dav.Refuse(http.StatusServiceUnavailable, noMemory))
			}
			if refused := g.dav.Serve(w, r, s.user.String(), files{q}); refused != nil {
				q.refuse(w, r, refused)
			}
		}})
	}
	return rows
}

// onFile answers GET and HEAD of a file or directory as the logged-on client s. It answers a malformed path itself.
func (g *Gateway) onFile(w http.ResponseWriter, r *http.Request, s *session) {
	at, _, err := parseFile(r.URL)
	if err != nil {
		err.Answer(w, r)
		return
	}
	q := g.newRequest(r.Context(), s)
	q.at = at
	q.get(w, r)
}
