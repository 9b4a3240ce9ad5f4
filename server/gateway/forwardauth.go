package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/lograte"
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
	begun, proxy := time.Now(), origin(r)
	at, mask, err := g.forwarded(r)
	if err == nil {
		r, err = g.cfg.ForwardAuth.fromClient(r)
	}
	var p *process
	if err == nil {
		p, err = g.link.process()
	}
	if err != nil {
		if !errors.Is(err, errForwardedPath) { // paths are not the administrator's mistake
			g.log.Warn("cannot decide about a request of a proxy", lograte.Client, proxy, "error", err)
		}
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
		if untriedLogons[s.st] {
			g.logUntried(r, s)
		}
		if s.tooMany || untriedLogons[s.st] {
			plain(w, http.StatusForbidden, "access denied")
			return
		}
		g.challenge(w, "")
		return
	}
	q := g.newRequest(r.Context(), s)
	q.begun = begun
	h, st := q.open(at, mask, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		level(q.ctx, q.begun, g.levels.name)
		plain(w, http.StatusForbidden, "access denied")
		return
	}
	s.release(h)
	if s.reply != "" {
		w.Header().Set("WWW-Authenticate", "Negotiate "+s.reply)
	}
	plain(w, http.StatusOK, "allowed")
}

// fromClient returns a copy of a proxy's request without the proxy's certificate, whose RemoteAddr is the address of
// the proxy's client. It returns an error if the header with the address is missing, repeated or malformed. Without
// f.Client it keeps RemoteAddr.
func (f *ForwardAuth) fromClient(r *http.Request) (*http.Request, error) {
	out := r.WithContext(r.Context())
	// The certificate is that of the proxy, so it must not log on a client without credentials (G-67).
	out.TLS = nil
	if f.Client == "" {
		return out, nil
	}
	client, err := singleValue(r, f.Client)
	if err != nil {
		return nil, err
	}
	at, err := netip.ParseAddr(client)
	if err != nil {
		return nil, fmt.Errorf("the header %s has no address: %w", f.Client, err)
	}
	// With this address, one client's wrong passwords do not count against the proxy's other clients (G-67, L-65).
	out.RemoteAddr = netip.AddrPortFrom(at.WithZone(""), 0).String()
	return out, nil
}

// singleValue returns the value of a header that the proxy must set exactly once.
func singleValue(r *http.Request, header string) (string, error) {
	values := r.Header.Values(header)
	if len(values) != 1 {
		return "", fmt.Errorf("the proxy has sent the header %s %d times, want once", header, len(values))
	}
	return values[0], nil
}

// errForwardedPath is the error of a path that names no single file.
var errForwardedPath = errors.New("the path does not name one file of a tree")

// forwarded returns the file and the access mask that the proxy asks about. It returns an error if the sender is no
// configured proxy, or a header is missing, repeated or invalid (G-67). The path must be absolute, in a tree, without
// host and fragment, and not end in a slash; otherwise the error is errForwardedPath. The right must be one known
// action.
func (g *Gateway) forwarded(r *http.Request) (at place, mask winnt.AccessMask, err error) {
	f := &g.cfg.ForwardAuth
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !slices.ContainsFunc(f.Proxies,
		func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }) {
		return at, 0, errors.New("the sender is not one of forwardAuth.proxies")
	}
	path, err := singleValue(r, f.Path)
	if err != nil {
		return at, 0, err
	}
	right, err := singleValue(r, f.Right)
	if err != nil {
		return at, 0, err
	}
	masks := actionMasks(right)
	if len(masks) != 1 {
		return at, 0, fmt.Errorf("the header %s has %q, want one right such as read", f.Right, right)
	}
	u, err := url.ParseRequestURI(path)
	if err != nil || u.Scheme != "" || strings.Contains(path, "#") { // a host comes only with a scheme
		return at, 0, errForwardedPath
	}
	// An encoded slash, dots and empty names are rejected: the proxy may resolve them in another way (G-10). For a final
	// slash it may serve another file, such as index.html, which nobody has asked about (G-67).
	at, slash, err := parsePlace(u)
	if err != nil || slash || at.tree == "" {
		return at, 0, errForwardedPath
	}
	return at, masks[0], nil
}
