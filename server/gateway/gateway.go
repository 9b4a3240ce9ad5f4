package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/sid"
)

// Config says what a gateway is to be. Dial is required; zero fields have the default that
// their comment names.
type Config struct {
	// Dial connects to refmond, as the account of the gateway.
	Dial func() (*client.Conn, error)
	// Trees are the names of the trees that are served; what each shows is decided by refmond.
	Trees []string
	// Names are the hosts that requests may name; none: every one, which is refused on loopback.
	Names []string
	// Negotiate offers Kerberos; refmond needs a keytab for it. Channel names the TLS
	// channel for its tokens, as LsaLogonUser takes it.
	Negotiate bool
	Channel   string
	// Certificates are accounts by the SHA-256 of a client's certificate, in hexadecimal digits.
	Certificates map[string]string
	// Sessions are kept at most (4096), each for SessionLife (5 minutes): so long a password
	// or a group that was changed still counts as it was.
	Sessions    int
	SessionLife time.Duration
	// Threads is how many calls of refmond are made at once (64).
	Threads int
	// LargestUpload is in bytes (16 GiB).
	LargestUpload int64
	Now           func() time.Time // nil: time.Now
	Log           *slog.Logger     // nil: none
}

// Gateway serves clients. Any goroutine may use it.
type Gateway struct {
	cfg      Config          // immutable
	trees    map[string]bool // immutable
	link     link
	locks    *lockbook
	props    *propbook
	rates    *rates
	attempts *attempts
	log      *slog.Logger // immutable
	most     int          // immutable: entries of one answer
}

// New returns a gateway. It connects with its first request.
func New(cfg Config) (*Gateway, error) {
	if cfg.Dial == nil {
		return nil, errors.New("gateway: no way to refmond")
	}
	if cfg.Sessions == 0 {
		cfg.Sessions = 4096
	}
	if cfg.SessionLife == 0 {
		cfg.SessionLife = 5 * time.Minute
	}
	if cfg.Threads == 0 {
		cfg.Threads = 64
	}
	if cfg.LargestUpload == 0 {
		cfg.LargestUpload = 16 << 30
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{cfg: cfg, trees: map[string]bool{}, locks: newLockbook(cfg.Now), props: newPropbook(), log: cfg.Log,
		rates: &rates{now: cfg.Now, of: map[sid.SID]bucket{}}, attempts: &attempts{now: cfg.Now, of: map[attempt]wrong{}},
		most: mostListed}
	for _, tree := range cfg.Trees {
		g.trees[tree] = true
	}
	g.link = link{dial: cfg.Dial, cfg: &g.cfg}
	return g, nil
}

// Close ends the connection to refmond, and with it every handle and impersonation.
// Requests that come afterwards are refused.
func (g *Gateway) Close() error { return g.link.close() }

// Files returns the handler of the trees. It must have an origin of its own: what it serves
// was written by its users.
func (g *Gateway) Files() http.Handler { return guard{g: g, rows: fileRows(g)} }

// Console returns the handler of the console and the API. It must have another origin than
// Files.
func (g *Gateway) Console() http.Handler {
	return guard{g: g, rows: append(apiRows(g), consoleRows(g)...)}
}
