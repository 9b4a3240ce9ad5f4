package gateway

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// entry says whom a row lets in.
type entry uint8

// The zero value lets no client in.
const (
	closed entry = iota
	anybody
	known // a client that refmond logged on
)

// row is one endpoint.
type row struct {
	method string
	path   string // "" for every path
	needs  entry
	change bool // it changes something: a browser must not send it for another site
	serve  func(w http.ResponseWriter, r *http.Request, s *session)
}

var nosniff = []string{"nosniff"} // nothing changes it

// guard serves rows: it decides who may come, before a row sees the request.
type guard struct {
	g    *Gateway
	rows []row
}

// ServeHTTP implements http.Handler.
func (h guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = nosniff
	if !h.g.hosted(r.Host) {
		plain(w, http.StatusMisdirectedRequest, "this host name is not served here")
		return
	}
	row := h.find(r)
	if row == nil {
		h.none(w, r)
		return
	}
	if row.change && !sameOrigin(r) {
		// Browsers send passwords and tickets by themselves: a page of another site must
		// not make them act (G-16).
		plain(w, http.StatusForbidden, "the request comes from a page of another site")
		return
	}
	switch row.needs {
	case anybody:
		row.serve(w, r, nil)
	case known:
		s := h.g.who(w, r)
		if s == nil {
			return
		}
		defer s.p.sessions.put(s)
		row.serve(w, r, s)
	default:
		plain(w, http.StatusForbidden, "this is not served")
	}
}

func (h guard) find(r *http.Request) *row {
	for i := range h.rows {
		if h.rows[i].method == r.Method && (h.rows[i].path == "" || h.rows[i].path == r.URL.Path) {
			return &h.rows[i]
		}
	}
	return nil
}

// none answers a request that has no row.
func (h guard) none(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for i := range h.rows {
		if p := h.rows[i].path; p == "" || p == r.URL.Path {
			allowed = append(allowed, h.rows[i].method)
		}
	}
	if len(allowed) == 0 {
		absent(w)
		return
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(slices.Compact(allowed), ", "))
	plain(w, http.StatusMethodNotAllowed, "this method is not served")
}

// hosted reports whether a Host header names this server: a name that an attacker's DNS
// turned to this address does not (G-17).
func (g *Gateway) hosted(host string) bool {
	if len(g.cfg.Names) == 0 {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	return slices.ContainsFunc(g.cfg.Names, func(n string) bool { return strings.EqualFold(n, host) })
}

// sameOrigin reports whether a request comes from a page of this origin, or from no
// browser: those send Origin with every method that changes something.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin, sent := r.Header["Origin"]
	if !sent {
		return true
	}
	return len(origin) == 1 && strings.EqualFold(origin[0], "https://"+r.Host)
}
