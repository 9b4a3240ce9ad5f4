package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/gateway/dav"
)

// Config configures a gateway. Dial is required. Other zero fields get the default in parentheses, if there is one.
// Numbers and durations must not be negative.
type Config struct {
	// Dial connects to refmond with the account of the gateway. New does not call it; the first request does.
	Dial func() (*client.Conn, error)
	// Trees are the names of the trees to serve, none if empty. refmond decides what each client sees of them.
	Trees []string
	// Names are the host names that a request may use. If empty, every name is accepted.
	Names []string
	// Negotiate offers Kerberos, for which refmond needs a keytab. A ticket is bound to the certificate of its
	// connection, which [Listen] knows.
	Negotiate bool
	// Certificates maps the SHA-256 of a client certificate, in lower-case hexadecimal digits, to an account.
	Certificates map[string]string
	// Sessions is the most sessions that the gateway keeps (4096), each for SessionLife (5 minutes) after its logon. A
	// changed password or group takes effect within that time.
	Sessions    int
	SessionLife time.Duration
	// Threads is the most concurrent calls of refmond (64).
	Threads int
	// LargestUpload is the largest upload in bytes (16 GiB).
	LargestUpload int64
	// StrictTransport is the max-age of Strict-Transport-Security (RFC 6797), in whole seconds. Less than one second
	// sends no header.
	StrictTransport time.Duration
	// AuthZEN configures the AuthZEN Authorization API of the console's handler; nil: it is not served.
	AuthZEN *AuthZEN
	// Index configures questions to a running refmon-index, served by the console's handler; nil: none.
	Index *Index
	// ForwardAuth configures the forward-auth endpoint of the console's handler; without proxies it is not served.
	ForwardAuth ForwardAuth
	Now         func() time.Time // nil: time.Now
	Log         *slog.Logger     // nil: none
}

// Gateway serves HTTP clients. It is safe for concurrent use. Its zero value is not usable.
type Gateway struct {
	cfg      Config          // immutable
	trees    map[string]bool // immutable
	link     link
	dav      *dav.Engine
	props    *propertyTable
	memory   *memory          // immutable
	rates    *authzen.Limiter // limits each user's API calls and console pages
	attempts *attempts
	log      *slog.Logger // immutable
	levels   levels       // immutable
	checks   healthChecks
	pdp      *pdp     // immutable; nil: no AuthZEN API
	index    *indexer // immutable; nil: no questions to an index
	// evaluations shares processors among the users whose questions the gateway evaluates. Immutable.
	evaluations *admission.Pool
}

// New returns a gateway with the given configuration and the defaults for its zero fields. It returns an error if Dial
// is nil, or if AuthZEN, Index or ForwardAuth is malformed. With an error, do not use the gateway. It connects to
// nothing; the first request connects to refmond. The caller closes the gateway.
func New(cfg Config) (*Gateway, error) {
	if cfg.Dial == nil {
		return nil, errors.New("gateway: Config.Dial is missing")
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
	g := &Gateway{cfg: cfg, trees: map[string]bool{}, dav: dav.New(cfg.Now),
		props: newPropertyTable(), memory: newMemory(mostHeld), log: cfg.Log,
		rates: authzen.NewLimiter(callsEach, cfg.Now), attempts: &attempts{now: cfg.Now, of: map[attempt]wrong{}}}
	for _, tree := range cfg.Trees {
		g.trees[tree] = true
	}
	g.evaluations = admission.NewPool(max(runtime.GOMAXPROCS(0)/2, 1), mostWaitingEvaluations)
	g.levels = levels{name: nameStep, logon: logonStep}
	g.dav.MostListed, g.dav.LargestUpload = mostListed, cfg.LargestUpload
	g.dav.Namespaces = ` xmlns:R="` + rightsSpace + `"`
	g.link = link{dial: cfg.Dial, cfg: &g.cfg}
	var err error
	if cfg.AuthZEN != nil {
		if g.pdp, err = newPDP(g, cfg.AuthZEN); err != nil {
			return nil, err
		}
	}
	if cfg.Index != nil {
		if g.index, err = newIndexer(g, cfg.Index); err != nil {
			return nil, err
		}
	}
	return g, cfg.ForwardAuth.check()
}

// Close disconnects from refmond, which ends every handle and impersonation. Later requests that need refmond get an
// error response. A second call returns nil. Stop serving first: Close does not wait for requests.
func (g *Gateway) Close() error { return g.link.close() }

// Files returns the HTTP handler of the trees: WebDAV and directory pages. Serve it on an origin of its own, because
// users wrote the files.
func (g *Gateway) Files() http.Handler { return guard{g: g, rows: fileRows(g)} }

// Console returns the HTTP handler of the console and the API, and of the AuthZEN, index and forward-auth endpoints if
// they are configured. Serve it on another origin than Files. An endpoint that is not configured is handled as an
// unknown path.
func (g *Gateway) Console() http.Handler {
	rows := append(apiRows(g), consoleRows(g)...)
	if g.pdp != nil {
		rows = append(rows, g.pdp.rows()...)
	}
	if g.index != nil {
		rows = append(rows, g.index.rows()...)
	}
	inner := guard{g: g, rows: rows}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case authzen.EvaluationPath, authzen.EvaluationsPath, authzen.MetadataPath:
			authzen.EchoRequestID(w, r) // also for a request that guard rejects (Z-10)
		case ForwardAuthPath:
			if len(g.cfg.ForwardAuth.Proxies) > 0 {
				g.forwardAuth(w, r)
				return
			}
		}
		inner.ServeHTTP(w, r)
	})
}
