package gateway

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ForwardAuthPath is the path of the forward-auth endpoint.
const ForwardAuthPath = "/access/v1/forward-auth"

// ForwardAuth configures the endpoint that nginx (auth_request), Traefik and Caddy query before they serve a file.
// Without Proxies it is not served, as in the zero value.
type ForwardAuth struct {
	// Proxies are the addresses that may query the endpoint. It answers 403 to all others.
	Proxies []netip.Prefix
	// Path and Right are the names of the headers with the path of the file, as the client wrote it in the URL, and
	// with the right. The proxy must set both, so that a client cannot.
	Path, Right string
	// Client is the name of the header with the client's address, which the proxy must set as well. Wrong passwords
	// count for that address. "": the clients of a proxy share the proxy's address and its limits.
	Client string
}

// check returns an error if there are proxies and the names of the headers are not set or are equal. Client may be "".
// Without proxies it returns nil.
func (f *ForwardAuth) check() error {
	if len(f.Proxies) > 0 && (f.Path == "" || f.Right == "" || strings.EqualFold(f.Path, f.Right) ||
		strings.EqualFold(f.Client, f.Path) || strings.EqualFold(f.Client, f.Right)) {
		return errors.New("gateway: ForwardAuth: Path, Right and Client must be the names of different headers")
	}
	return nil
}

// forwardAuth answers a proxy's question whether a client could open a file. The request has the client's
// credentials.
//   - the client could open the file with the right: 200
//   - no valid credentials: 401
//   - any other failure: 403, because nginx turns other statuses into 500 (G-66)
//
// The 403 includes too many failed logons, a path that is not served, and an unreachable daemon.
func (g *Gateway) forwardAuth(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = nosniff
	begun := time.Now()
	at, mask, ok := g.forwarded(r)
	if ok {
		r, ok = g.cfg.ForwardAuth.fromClient(r)
	}
	p, err := g.link.process()
	if !ok || err != nil {
		plain(w, http.StatusForbidden, "access denied")
		return
	}
	s := g.logOnClient(p, r)
	if s == nil {
		g.challenge(w, "")
		return
	}
	defer p.sessions.put(s)
	if s.st != ntstatus.Success {
		level(r.Context(), begun, g.levels.logon)
		if s.tooMany || untriedLogons[s.st] {
			plain(w, http.StatusForbidden, "access denied")
			return
		}
		g.challenge(w, "")
		return
	}
	q := &request{g: g, s: s, begun: begun, ctx: r.Context()}
	h, st := q.open(at, mask, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		level(q.ctx, q.begun, g.levels.name)
		plain(w, http.StatusForbidden, "access denied")
		return
	}
	p.release(h)
	if s.reply != "" {
		w.Header().Set("WWW-Authenticate", "Negotiate "+s.reply)
	}
	plain(w, http.StatusOK, "allowed")
}

// fromClient returns a copy of a proxy's request whose RemoteAddr is the address of the proxy's client. ok is false if
// the header with the address is missing, repeated or malformed. Without f.Client it returns r itself.
func (f *ForwardAuth) fromClient(r *http.Request) (_ *http.Request, ok bool) {
	if f.Client == "" {
		return r, true
	}
	client := r.Header.Values(f.Client)
	if len(client) != 1 {
		return nil, false
	}
	at, err := netip.ParseAddr(client[0])
	if err != nil {
		return nil, false
	}
	// With this address, one client's wrong passwords do not count against the proxy's other clients (G-67, L-65).
	out := r.WithContext(r.Context())
	out.RemoteAddr = netip.AddrPortFrom(at.WithZone(""), 0).String()
	return out, true
}

// forwarded returns the file and the access mask that the proxy asks about. ok is false if the sender is no
// configured proxy, or a header is missing, repeated or invalid (G-67). The path must be absolute, in a tree, without
// host and fragment. The right must be one known action.
func (g *Gateway) forwarded(r *http.Request) (at place, mask winnt.AccessMask, ok bool) {
	f := &g.cfg.ForwardAuth
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !slices.ContainsFunc(f.Proxies,
		func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }) {
		return at, 0, false
	}
	path, right := r.Header.Values(f.Path), r.Header.Values(f.Right)
	if len(path) != 1 || len(right) != 1 {
		return at, 0, false
	}
	masks := actionMasks(right[0])
	u, err := url.ParseRequestURI(path[0])
	if len(masks) != 1 || err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(path[0], "#") {
		return at, 0, false
	}
	// An encoded slash, dots and empty names are rejected: the proxy may resolve them in another way (G-10).
	at, _, err = parsePlace(u)
	return at, masks[0], err == nil && at.tree != ""
}
