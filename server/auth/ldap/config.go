package ldap

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap/message"
	"github.com/refmon/refmon/server/internal/address"
	"github.com/refmon/refmon/sid"
)

// Security is how server and client authenticate each other. The zero value is rejected.
type Security uint8

// The kinds of security.
const (
	// TLS is ldaps://, or StartTLS with ldap://. The client has a password or a keytab.
	TLS Security = 1 + iota
	// Signed is ldap:// with Kerberos and a keytab. Messages are signed but not encrypted.
	Signed
)

// Config configures a [Directory]. Servers, Security, Domain, and either Initiator or Account with
// Password are required.
type Config struct {
	Servers  []string // ldaps://HOST[:PORT] or ldap://HOST[:PORT], tried in this order
	Security Security
	Roots    *x509.CertPool // certificate authorities of the servers; nil: the host's
	Base     string         // base of searches for accounts; "": the server's default naming context
	Domain   sid.SID        // the SID of the domain
	Name     string         // NetBIOS name of the domain, before the backslash
	Realm    string         // realm after the @; "": names are not compared with userPrincipalName

	// Machine returns the SID of this computer, which can change; nil: no SID is recognized as one of this computer.
	Machine func() sid.SID

	// The client's credentials: Kerberos, or a name (a DN or name@realm) with a password. With an Initiator, Account
	// and Password are not used.
	Initiator *kerberos.Initiator
	Account   string
	Password  logon.Secret

	Claims map[string]Claim // by the claim's name
	Limits Limits
	// Split splits a server's message, perhaps in another process. Directory compares the result with the message's
	// bytes (D-39). Split must be safe for concurrent use. nil: message.Split.
	Split func(raw []byte) (*message.Message, error)
	Now   func() time.Time // nil: time.Now
}

// Limits bound responses and the cache. 0 selects the default. A negative limit of a response rejects every response.
type Limits struct {
	Wait    time.Duration // for one response: 10 s
	Bytes   int64         // size of one response: 32 MiB
	Groups  int           // groups of one account: 10,000
	Entries int           // entries of one export: 2,000,000
	Cached  int           // accounts in the cache: 10,000; negative: none
	Fresh   time.Duration // how long a result is used without confirmation: 30 s; negative: never
	Stale   time.Duration // how long a result is used while no server answers: 15 min; negative: never
}

// or applies the default of a limit: it sets *v to standard if it is 0, and to 0 if it is negative.
func or[T int | int64 | time.Duration](v *T, standard T) {
	switch {
	case *v == 0:
		*v = standard
	case *v < 0:
		*v = 0
	}
}

// fill replaces zero fields by their defaults and negative fields by 0.
func (l *Limits) fill() {
	or(&l.Wait, 10*time.Second)
	or(&l.Bytes, 32<<20)
	or(&l.Groups, 10_000)
	or(&l.Entries, 2_000_000)
	or(&l.Cached, 10_000)
	or(&l.Fresh, 30*time.Second)
	or(&l.Stale, 15*time.Minute)
}

// Directory is a client of an LDAP directory. Create it with [New].
type Directory struct {
	cfg     Config // immutable
	servers []server
	up      admission.Servers // which servers answer, by address
	claims  []claimOf
	idle    chan *conn // open connections without a request
	cache   cache

	mu sync.Mutex
	// +checklocks:mu
	base *serverInfo // guarded by mu: properties of the first server; nil: not read yet
}

// server is the address of one directory server.
type server struct {
	host, address string
	tls           bool // TLS from the first byte, without StartTLS
}

// maxIdle is the maximum number of idle connections.
const maxIdle = 4

// New returns a Directory. It does not connect yet. An incomplete or contradictory configuration is an error. Call
// Close afterwards. It fills the missing Now, Split and limits with defaults. It needs a server, the domain's SID and a
// security. Signed needs an initiator; otherwise an account with a password is enough.
func New(cfg Config) (*Directory, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Split == nil {
		cfg.Split = message.Split
	}
	if cfg.Machine == nil {
		cfg.Machine = func() sid.SID { return sid.SID{} }
	}
	cfg.Limits.fill()
	d := &Directory{cfg: cfg, up: admission.Servers{Now: cfg.Now}, idle: make(chan *conn, maxIdle)}
	d.cache.most = cfg.Limits.Cached
	if len(cfg.Servers) == 0 || cfg.Domain.IsZero() {
		return nil, errors.New("ldap: servers and the domain's SID must be given")
	}
	for _, text := range cfg.Servers {
		s, err := parseServer(text)
		if err != nil {
			return nil, err
		}
		d.servers = append(d.servers, s)
	}
	switch {
	case cfg.Security != TLS && cfg.Security != Signed:
		return nil, errors.New("ldap: no security is chosen")
	case cfg.Security == Signed && cfg.Initiator == nil:
		return nil, errors.New("ldap: messages are signed with Kerberos only: a keytab must be given")
	case cfg.Initiator == nil && (cfg.Account == "" || cfg.Password == ""):
		// A server treats a name without a password as anonymous, and answers (D-2).
		return nil, errors.New("ldap: give a keytab, or a name and a password")
	}
	if cfg.Base != "" {
		if _, err := parseDN(cfg.Base); err != nil {
			return nil, fmt.Errorf("ldap: base: %w", err)
		}
	}
	var err error
	d.claims, err = sortClaims(cfg.Claims)
	return d, err
}

// CheckServer returns an error unless text has the form ldaps://HOST[:PORT] or ldap://HOST[:PORT]. It does not
// connect.
func CheckServer(text string) error {
	_, err := parseServer(text)
	return err
}

// parseServer parses ldaps://HOST[:PORT] or ldap://HOST[:PORT]. The default ports are 636 and 389. Another scheme, a
// missing host, a user, a query, and a path other than "/" are errors.
func parseServer(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ldaps" && u.Scheme != "ldap" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return server{}, fmt.Errorf("ldap: server %q: want ldaps://HOST or ldap://HOST", address.WithoutUser(text))
	}
	s := server{host: u.Hostname(), tls: u.Scheme == "ldaps"}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "389", true: "636"}[s.tls]
	}
	s.address = joinPort(s.host, port)
	return s, nil
}

// Close closes the idle connections; it does not wait for requests, and always returns nil. The Directory can
// still be used: each request that ends later leaves an idle connection. So call Close after the last request.
func (d *Directory) Close() error {
	for {
		select {
		case c := <-d.idle:
			c.close()
		default:
			return nil
		}
	}
}
