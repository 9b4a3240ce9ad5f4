package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/lograte"
)

// longestCredential is the longest Authorization value that the gateway accepts, in bytes. A ticket of a user in a
// thousand groups has about 30 KiB.
const longestCredential = 64 << 10

// authenticate logs the client of a request on. The caller returns the session with sessions.put. authenticate may
// block until a logon ends, and delays the response to a wrong password. After an error response the session is nil:
//   - several Authorization headers: 400
//   - no valid credentials: 401
//   - too many wrong passwords: 429
//   - refmond could not check the credentials: 503
func (g *Gateway) authenticate(w http.ResponseWriter, r *http.Request) *session {
	// A proxy may check one header and the gateway another: then they would serve two different clients (G-3).
	if len(r.Header["Authorization"]) > 1 {
		plain(w, http.StatusBadRequest, "want one Authorization header")
		return nil
	}
	p, err := g.link.process()
	if err != nil {
		g.log.Error("cannot reach refmond", lograte.Client, origin(r), "error", err)
		busy(w)
		return nil
	}
	begun := time.Now()
	s := g.logOnClient(p, r)
	switch {
	case s == nil:
		g.challenge(w, "")
		return nil
	case s.st == ntstatus.Success:
		if s.reply != "" {
			w.Header().Set("WWW-Authenticate", "Negotiate "+s.reply)
		}
		return s
	}
	st, tooMany := s.st, s.tooMany
	if untriedLogons[st] {
		g.logUntried(r, s)
	}
	p.sessions.put(s)
	switch {
	case tooMany:
		w.Header().Set("Retry-After", strconv.Itoa(int(attemptTime.Seconds())))
		plain(w, http.StatusTooManyRequests, "too many wrong passwords from this address: try again later")
	case untriedLogons[st]:
		busy(w)
	default:
		// The reason of a failed logon is for the audit record only (L-32), and the response time
		// does not reveal it (G-48).
		level(r.Context(), begun, g.levels.logon)
		g.challenge(w, "")
	}
	return nil
}

// logUntried logs that refmond did not try the logon of a request. s is its session.
func (g *Gateway) logUntried(r *http.Request, s *session) {
	g.log.Warn("cannot check a logon", lograte.Client, origin(r), "status", s.st.String(), "limit", s.limit())
}

// logOnClient logs the client on by its Authorization header or, without one, by its certificate. The caller checks the
// session's st, because a failed logon also returns a session, and returns the session with sessions.put. The session
// is nil for a request without a credential, with a malformed or too long credential, or with an unknown or disabled
// scheme. Equal Basic credentials share a session; each Negotiate request gets a new one.
func (g *Gateway) logOnClient(p *process, r *http.Request) *session {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if len(value) > longestCredential {
		return nil
	}
	switch {
	case strings.EqualFold(kind, "Basic"):
		name := p.sessions.name("basic ", value)
		if s := p.sessions.find(name); s != nil {
			return s // a cached credential needs no parsing, because malformed ones are never cached
		}
		in, ok := basic(value)
		if !ok {
			return nil
		}
		return p.sessions.get(name, func(s *session) {
			// A client without the password must not lock the user out (G-32).
			right, ok := g.attempts.try(r.RemoteAddr, in.UserName)
			if s.tooMany = !ok; s.tooMany {
				return
			}
			s.logOnFrom(context.WithoutCancel(r.Context()), r, in)
			if s.st == ntstatus.Success || untriedLogons[s.st] {
				right()
			}
		})
	case strings.EqualFold(kind, "Negotiate") && g.cfg.Negotiate:
		// A ticket is accepted once (K-47), so each one is a logon of its own (G-6).
		return p.sessions.once(func(s *session) {
			s.logOnFrom(r.Context(), r, nt.LogonInformation{MessageType: nt.TokenLogon,
				ClientToken:     logon.Secret(strings.TrimSpace(value)),
				ChannelBindings: bindingOf(r.Context())})
		})
	case kind == "":
		return g.logOnCertificate(p, r)
	}
	return nil
}

// untriedLogons are the statuses of logons that refmond did not try. They do not count as wrong passwords.
var untriedLogons = map[ntstatus.Status]bool{ntstatus.InsufficientResources: true, ntstatus.AuditFailed: true,
	ntstatus.NoLogonServers: true, ntstatus.PortDisconnected: true, ntstatus.Cancelled: true}

// logOnCertificate logs on the account that the configuration maps the client's certificate to, without a password. It
// returns nil if there is no certificate or no mapping. The caller returns the session with sessions.put.
func (g *Gateway) logOnCertificate(p *process, r *http.Request) *session {
	account := g.cfg.Certificates[fingerprint(r.TLS)]
	if account == "" {
		return nil
	}
	return p.sessions.get(p.sessions.name("certificate ", account), func(s *session) {
		s.logOnFrom(context.WithoutCancel(r.Context()), r, nt.LogonInformation{MessageType: nt.S4ULogon,
			UserName: account})
	})
}

// origin returns the client's IP address, without port, as the kernel reports it. It returns "" if the connection has
// none. It ignores headers such as X-Forwarded-For, because the client writes them (L-65).
func origin(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().String()
}

// fingerprint returns the SHA-256 of the client's certificate in lower-case hexadecimal digits. It returns "" without
// TLS or without a certificate.
func fingerprint(state *tls.ConnectionState) string {
	if state == nil || len(state.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// basic decodes the value of a Basic Authorization header to a logon. The first backslash separates the domain;
// without a backslash the domain is "". The first colon separates the password, which may be empty. ok is false for
// bad base64 or UTF-8, a NUL, a missing colon, and an empty name.
func basic(value string) (in nt.LogonInformation, ok bool) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	if err != nil || !utf8.Valid(b) {
		return in, false
	}
	name, password, ok := strings.Cut(string(b), ":")
	if !ok || name == "" || strings.ContainsRune(string(b), 0) {
		// Without a name it would be an anonymous logon, which proves nothing (G-3).
		return in, false
	}
	domain, user, two := strings.Cut(name, `\`)
	if !two {
		domain, user = "", name
	}
	if user == "" {
		return in, false
	}
	return nt.LogonInformation{MessageType: nt.InteractiveLogon, LogonDomainName: domain, UserName: user,
		Password: logon.Secret(password)}, true
}

// challenge asks the client for credentials. It writes a 401 response with one WWW-Authenticate header for each
// scheme: Negotiate if it is configured, then Basic. It replaces WWW-Authenticate headers that are already set. why is
// the text of the body; "" selects a default text.
func (g *Gateway) challenge(w http.ResponseWriter, why string) {
	h := w.Header()
	h.Del("WWW-Authenticate")
	if g.cfg.Negotiate {
		h.Add("WWW-Authenticate", "Negotiate")
	}
	h.Add("WWW-Authenticate", `Basic realm="refmon", charset="UTF-8"`)
	if why == "" {
		why = "log on with a name and password, or with a Kerberos ticket"
	}
	plain(w, http.StatusUnauthorized, why)
}

// busy writes a 503 response that tells the client to retry after five seconds.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	plain(w, http.StatusServiceUnavailable, "refmond is not available now: try again later")
}

// plain writes a response with this status and one line of plain text, which caches do not store.
func plain(w http.ResponseWriter, code int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}

// logOnFrom logs the session on with the credential of a request. The logon counts against the limits of the client's
// network.
func (s *session) logOnFrom(ctx context.Context, r *http.Request, in nt.LogonInformation) {
	s.logOn(ctx, networkOf(r.RemoteAddr).String(), origin(r), in)
}
