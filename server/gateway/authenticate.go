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
	"unicode/utf8"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// longestCredential is the longest Authorization header that is looked at: a ticket of a
// user in a thousand groups has some 30 KiB.
const longestCredential = 64 << 10

// who returns the session of a request's client, which the caller gives back; nil where
// the request was answered, as the client has proved nothing.
func (g *Gateway) who(w http.ResponseWriter, r *http.Request) *session {
	p, err := g.link.process()
	if err != nil {
		g.log.Error("refmond is not there", "error", err)
		busy(w)
		return nil
	}
	s := g.proved(p, r)
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
	p.sessions.put(s)
	switch {
	case tooMany:
		w.Header().Set("Retry-After", strconv.Itoa(int(attemptTime.Seconds())))
		plain(w, http.StatusTooManyRequests, "too many passwords from this address were wrong")
	case unasked[st]:
		g.log.Warn("a logon cannot be tried", "status", st.String())
		busy(w)
	default:
		// Why a logon failed is for the record and not for the client (L-32).
		g.challenge(w, "")
	}
	return nil
}

// proved logs on with what the request proves; nil where it proves nothing.
func (g *Gateway) proved(p *process, r *http.Request) *session {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if len(value) > longestCredential {
		return nil
	}
	switch {
	case strings.EqualFold(kind, "Basic"):
		name := p.sessions.name("basic ", value)
		if s := p.sessions.find(name); s != nil {
			return s // only what can be read is kept
		}
		in, ok := basic(value)
		if !ok {
			return nil
		}
		return p.sessions.get(name, func(s *session) {
			// Who knows no password must not lock out who has one (G-32).
			right, ok := g.attempts.try(r.RemoteAddr, in.LogonDomainName+`\`+in.UserName)
			if s.tooMany = !ok; s.tooMany {
				return
			}
			s.logOn(context.WithoutCancel(r.Context()), origin(r), in)
			if s.st == ntstatus.Success || unasked[s.st] {
				right()
			}
		})
	case strings.EqualFold(kind, "Negotiate") && g.cfg.Negotiate:
		// A ticket is taken once (K-47), so that each one is a logon of its own (G-6).
		return p.sessions.once(func(s *session) {
			s.logOn(r.Context(), origin(r), nt.LogonInformation{MessageType: nt.TokenLogon,
				ClientToken: logon.Secret(strings.TrimSpace(value)), ChannelBindings: g.cfg.Channel})
		})
	case kind == "":
		return g.certified(p, r)
	}
	return nil
}

// unasked are the statuses of a logon that was not tried: they say nothing of the password.
var unasked = map[ntstatus.Status]bool{ntstatus.InsufficientResources: true, ntstatus.AuditFailed: true,
	ntstatus.NoLogonServers: true, ntstatus.PortDisconnected: true, ntstatus.Cancelled: true}

// certified logs on the account that a client's certificate is mapped to.
func (g *Gateway) certified(p *process, r *http.Request) *session {
	account := g.cfg.Certificates[fingerprint(r.TLS)]
	if account == "" {
		return nil
	}
	return p.sessions.get(p.sessions.name("certificate ", account), func(s *session) {
		s.logOn(context.WithoutCancel(r.Context()), origin(r), nt.LogonInformation{MessageType: nt.S4ULogon,
			UserName: account})
	})
}

// origin returns the address that a request came from, as the host's kernel says; "" where it
// came through a socket without one. What a header says of it was written by the client (L-65).
func origin(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().String()
}

// fingerprint returns the SHA-256 of the certificate that a client proved to have the key
// of, in hexadecimal digits; "" without one.
func fingerprint(state *tls.ConnectionState) string {
	if state == nil || len(state.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// basic reads what follows the word Basic. DOMAIN\name is a name of that domain.
func basic(value string) (in nt.LogonInformation, ok bool) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	if err != nil || !utf8.Valid(b) {
		return in, false
	}
	name, password, ok := strings.Cut(string(b), ":")
	if !ok || name == "" || strings.ContainsRune(string(b), 0) {
		// Without a name it would be the logon of Anonymous, who proves nothing (G-3).
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

// challenge answers that the client must prove who it is. Each scheme has a header of its
// own, Negotiate first.
func (g *Gateway) challenge(w http.ResponseWriter, why string) {
	h := w.Header()
	h.Del("WWW-Authenticate")
	if g.cfg.Negotiate {
		h.Add("WWW-Authenticate", "Negotiate")
	}
	h.Add("WWW-Authenticate", `Basic realm="refmon", charset="UTF-8"`)
	if why == "" {
		why = "a name and password, or a ticket, is needed"
	}
	plain(w, http.StatusUnauthorized, why)
}

// busy answers that the request may be tried again.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	plain(w, http.StatusServiceUnavailable, "refmond cannot serve this now")
}

// plain answers with one line of text.
func plain(w http.ResponseWriter, code int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}
