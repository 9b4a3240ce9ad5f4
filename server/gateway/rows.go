package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry says which clients may call an HTTP endpoint. The zero value, closed, lets none.
type entry uint8

const (
	closed entry = iota
	anybody
	known // only a client that refmond has logged on
)

// row is one HTTP endpoint: method, path, access requirement and handler.
type row struct {
	method string
	path   string // "" for every path
	needs  entry
	change bool // the endpoint changes state, so guard rejects cross-site requests
	serve  func(w http.ResponseWriter, r *http.Request, s *session)
}

var nosniff = []string{"nosniff"} // immutable

// guard routes requests to endpoints. It checks the host, the origin and the client first.
type guard struct {
	g    *Gateway
	rows []row
}

// ServeHTTP calls the endpoint for the request's method and path, with the session of the client if the endpoint needs
// one. It rejects a wrong host name with 421, an unknown path with 404, a wrong method with 405, a cross-site change
// with 403, and a client without valid credentials with 401. The checks have this order. An endpoint without a valid
// need is 403.
func (h guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = nosniff
	if !h.g.hosted(r.Host) {
		plain(w, http.StatusMisdirectedRequest, "the gateway does not serve this host name (key names)")
		return
	}
	if life := h.g.cfg.StrictTransport; life >= time.Second && isDomain(r.Host) {
		w.Header().Set("Strict-Transport-Security", "max-age="+strconv.FormatInt(int64(life/time.Second), 10))
	}
	row := h.find(r)
	if row == nil {
		h.none(w, r)
		return
	}
	if row.change && !sameOrigin(r) {
		// Browsers send passwords and tickets automatically, so a page of another site could
		// trigger changes (G-16).
		plain(w, http.StatusForbidden, "the request comes from a page of another site")
		return
	}
	switch row.needs {
	case anybody:
		row.serve(w, r, nil)
	case known:
		s := h.g.authenticate(w, r)
		if s == nil {
			return
		}
		defer s.p.sessions.put(s)
		row.serve(w, r, s)
	default:
		plain(w, http.StatusForbidden, "the gateway does not serve this address")
	}
}

// find returns the first endpoint for the request's method and path, or nil. The result points into h.rows.
func (h guard) find(r *http.Request) *row {
	for i := range h.rows {
		if h.rows[i].method == r.Method && (h.rows[i].path == "" || h.rows[i].path == r.URL.Path) {
			return &h.rows[i]
		}
	}
	return nil
}

// none answers a request that no endpoint serves: 405 with the allowed methods if the path has others, else 404. An
// endpoint with an empty path applies to every path.
func (h guard) none(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for i := range h.rows {
		if p := h.rows[i].path; p == "" || p == r.URL.Path {
			allowed = append(allowed, h.rows[i].method)
		}
	}
	if len(allowed) == 0 {
		writeNotFound(w)
		return
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	plain(w, http.StatusMethodNotAllowed, "this method is not supported here")
}

// hosted reports whether the gateway serves the name in a Host header, with or without a port. It rejects names that
// an attacker's DNS maps to this address (G-17). It accepts every name if none is configured.
func (g *Gateway) hosted(host string) bool {
	if len(g.cfg.Names) == 0 {
		return true
	}
	host = hostName(host)
	at, err := netip.ParseAddr(host)
	return slices.ContainsFunc(g.cfg.Names, func(n string) bool {
		if named, bad := netip.ParseAddr(n); err == nil && bad == nil {
			return named.Unmap() == at.Unmap() // an address has several spellings
		}
		return strings.EqualFold(n, host)
	})
}

// hostName returns the name or address of a Host header, without port and brackets.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}

// isDomain reports whether a Host header has a DNS name for which browsers may store Strict-Transport-Security. It
// returns false for IP addresses (RFC 6797, 8.1.1) and for localhost, where the header would break other servers on
// the client's machine (G-47).
func isDomain(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(hostName(host), "."))
	_, err := netip.ParseAddr(host)
	return err != nil && host != "" && host != "localhost" && !strings.HasSuffix(host, ".localhost")
}

// sameOrigin reports whether a request comes from this origin or from a non-browser program. Such a program sends
// neither Sec-Fetch-Site nor Origin. Sec-Fetch-Site "none", as for a typed address, counts as this origin. The result
// is false for another origin and for several Origin headers.
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
