package ldap

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/sid"
)

// Security says how a server proves itself, and who asks. The zero value is refused.
type Security uint8

// The kinds of security.
const (
	// TLS: ldaps://, or StartTLS with ldap://. Who asks has a password, or the keytab.
	TLS Security = 1 + iota
	// Signed: ldap:// with Kerberos, by the keytab; messages are signed and not encrypted.
	Signed
)

// Config says which directory is asked, and how. Servers, Security, Domain, and one of
// Initiator and Password are required.
type Config struct {
	Servers  []string // ldaps://HOST[:PORT] or ldap://HOST[:PORT], asked in turn
	Security Security
	Roots    *x509.CertPool // of the servers' certificates; nil: the host's
	Base     string         // where accounts are looked for; "": the server's default naming context
	Domain   sid.SID        // whose accounts these are
	Machine  sid.SID        // of this computer's own accounts; may be zero
	Name     string         // of the domain, before the backslash
	Realm    string         // behind the @

	// Who asks: by Kerberos, or by a name (a DN or name@realm) and a password.
	Initiator *kerberos.Initiator
	Account   string
	Password  logon.Secret

	Claims map[string]Claim // by the claim's name
	Limits Limits
	Now    func() time.Time // nil: time.Now
}

// Limits bound what is asked and kept. Zero values stand for the defaults.
type Limits struct {
	Wait    time.Duration // for one answer: 10 s
	Bytes   int64         // of one answer: 32 MiB
	Groups  int           // of one account: 10,000
	Entries int           // of one export: 2,000,000
	Cached  int           // accounts that are kept: 10,000
	Fresh   time.Duration // how long an answer is not asked again: 30 s; negative: always asked
	Stale   time.Duration // how long one counts while the directory is away: 15 min; negative: never
}

func or[T int | int64 | time.Duration](v *T, standard T) {
	switch {
	case *v == 0:
		*v = standard
	case *v < 0:
		*v = 0
	}
}

func (l *Limits) fill() {
	or(&l.Wait, 10*time.Second)
	or(&l.Bytes, 32<<20)
	or(&l.Groups, 10_000)
	or(&l.Entries, 2_000_000)
	or(&l.Cached, 10_000)
	or(&l.Fresh, 30*time.Second)
	or(&l.Stale, 15*time.Minute)
}

// Directory is a directory that can be asked. The zero value knows no account; see [New].
type Directory struct {
	cfg     Config // immutable
	servers []server
	claims  []claimOf
	idle    chan *conn // those that wait for the next question
	cache   cache

	mu sync.Mutex
	// +checklocks:mu
	base *place // guarded by mu: what the first server told; nil: not asked yet
}

// server is where one directory server listens.
type server struct {
	host, address string
	tls           bool // from the first byte
}

// maxIdle is how many connections wait for questions.
const maxIdle = 4

// New makes a directory; nothing is asked yet. Close it.
func New(cfg Config) (*Directory, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits.fill()
	d := &Directory{cfg: cfg, idle: make(chan *conn, maxIdle)}
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
		// A name without a password is anonymous to the server, which answers all the same. D-2
		return nil, errors.New("ldap: who asks needs a keytab, or a name and a password")
	}
	if cfg.Base != "" {
		if _, err := parseDN(cfg.Base); err != nil {
			return nil, fmt.Errorf("ldap: base: %w", err)
		}
	}
	var err error
	d.claims, err = orderClaims(cfg.Claims)
	return d, err
}

// CheckServer reports what is wrong with the address of a server.
func CheckServer(text string) error {
	_, err := parseServer(text)
	return err
}

// parseServer reads ldaps://HOST[:PORT] or ldap://HOST[:PORT].
func parseServer(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ldaps" && u.Scheme != "ldap" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return server{}, fmt.Errorf("ldap: server %q: want ldaps://HOST or ldap://HOST", text)
	}
	s := server{host: u.Hostname(), tls: u.Scheme == "ldaps"}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "389", true: "636"}[s.tls]
	}
	s.address = joinPort(s.host, port)
	return s, nil
}

// Close closes the connections that wait.
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
