package stages

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// Options configures a role's connection to the NATS servers. The zero value uses the site's
// addresses without TLS, which servers accept on loopback only.
type Options struct {
	TLS       *tls.Config
	Patient   bool                       // Dial succeeds without a server; call Conn.Wait
	InProcess nats.InProcessConnProvider // instead of addresses
	// Warn receives transient errors and changes of the connection, from any goroutine; nil: they are dropped.
	Warn func(error)
}

// Conn is a role's connection. Create it with [Dial]. It is safe for concurrent use.
type Conn struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	site *site.Site
	key  nkeys.KeyPair
	role site.Role
	// report passes an error to Options.Warn, and warn only while there is a connection.
	report, warn func(error)
	failed       atomic.Pointer[error] // error of the last failed attempt to connect; nil: none failed
}

// Dial connects to the site's NATS servers as a role, with the seed of its key. It returns an error if the seed is
// malformed or not the role's, or if no server answers, unless o.Patient is set. An established connection reconnects
// without limit. Until then its requests fail, and only the loss and the return of the connection go to Warn (N-122).
// It keeps s, which must not change. The caller closes the connection.
func Dial(s *site.Site, role site.Role, seed string, o Options) (*Conn, error) {
	key, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed)))
	if err != nil {
		return nil, errors.New("the seed of the role's key is malformed") // without err, which may contain the secret
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	if s.Keys[string(role)] != public {
		return nil, fmt.Errorf("the key is not the one of %s", role)
	}
	c := &Conn{site: s, key: key, role: role, report: o.Warn}
	if c.report == nil {
		c.report = func(error) {}
	}
	c.warn = func(err error) {
		if c.nc.IsConnected() { // the loss of the connection was reported, so do not report each failed request
			c.report(err)
		}
	}
	options := []nats.Option{nats.Name(string(role)), nats.Nkey(public, key.Sign),
		nats.CustomInboxPrefix(site.Inbox(role)),
		// Two authentication failures in a row do not end the connection: a starting server may not
		// have loaded the accounts yet (N-93).
		nats.IgnoreAuthErrorAbort(),
		nats.MaxReconnects(-1), nats.CustomReconnectDelay(backoff), nats.ReconnectBufSize(-1),
		nats.RetryOnFailedConnect(o.Patient),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if !nc.IsClosed() {
				c.report(lost(role, "lost its NATS server", err))
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			if !errors.Is(err, nats.ErrNoServers) { // the error of the next attempt is more precise
				c.failed.Store(&err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { c.report(fmt.Errorf("%s: %w", role, errConnected)) }),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(3 * time.Second),
		nats.ErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, err error) {
			if nc.IsConnected() {
				c.report(err)
			}
		})}
	if o.InProcess != nil {
		options = append(options, nats.InProcessServer(o.InProcess))
	}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS))
	}
	if c.nc, err = nats.Connect(strings.Join(s.Servers, ","), options...); err != nil {
		return nil, fmt.Errorf("connect as %s: %w", role, err)
	}
	if c.js, err = jetstream.New(c.nc); err != nil {
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

// Waits between two attempts to connect: they double from the first to the last, with jitter.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// backoff returns how long a client waits before it connects again, after this number of failed attempts.
func backoff(attempts int) time.Duration {
	most := min(firstWait<<min(max(attempts, 0), 10), lastWait)
	return most/2 + rand.N(most/2)
}

// Wait blocks until the connection of a patient [Dial] is established, and returns nil, or until ctx ends, and returns
// its error. If it has to wait, it passes one line to Warn, with the reason why the first attempts failed, and one when
// it is connected (N-122). After [Conn.Close] it waits until ctx ends.
func (c *Conn) Wait(ctx context.Context) error {
	t := time.NewTicker(firstWait / 2)
	defer t.Stop()
	waits := false
	for begun := time.Now(); !c.nc.IsConnected(); {
		failed := c.failed.Load()
		// Wait for the first failed attempt, at most for its timeout, so that the warning has a reason.
		if !waits && (failed != nil || time.Since(begun) > lastWait) {
			waits = true
			err := c.nc.LastError()
			if failed != nil {
				err = *failed
			}
			c.report(lost(c.role, "has no NATS server", err))
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if waits {
		c.report(fmt.Errorf("%s: %w", c.role, errConnected))
	}
	return nil
}

// AwaitStreams blocks until the streams that the role reads exist, and returns nil, or until ctx ends, and returns its
// error. It passes one line to Warn if it has to wait, and one when the wait ends (N-122). A keeper does not wait,
// because it creates the streams. It waits for nothing else: another failure of a request, such as an answer that is
// lost, returns nil.
func (c *Conn) AwaitStreams(ctx context.Context) error {
	t := time.NewTicker(firstWait)
	defer t.Stop()
	waited := false
	for _, probe := range probes(c.role) {
		stream, subject, _ := strings.Cut(probe, ".")
		for {
			_, err := c.last(ctx, stream, subject)
			if !errors.Is(err, nats.ErrNoResponders) {
				break
			}
			if !waited {
				waited = true
				c.report(fmt.Errorf("%s waits for a NATS server or a keeper to create the streams", c.role))
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if waited && ctx.Err() == nil {
		c.report(fmt.Errorf("%s: the streams are ready", c.role))
	}
	return ctx.Err()
}

// probes returns the subjects by which a role checks that its streams exist: for each stream that the role reads, the
// stream's name and a subject that has no message. It returns none for the keeper, which creates the streams.
func probes(r site.Role) (out []string) {
	streams := map[site.Role][]string{site.Keeper: nil, site.Directory: {site.StreamDirectory}, site.Work: site.Streams(),
		site.Follow: {site.StreamRows, site.StreamPeople, site.StreamFence}}
	list, known := streams[r]
	if !known { // a watcher may read only its own host's messages
		host := strings.TrimPrefix(string(r), "watch-")
		return []string{site.StreamSeen + ".seen." + host + ".probe"}
	}
	for _, name := range list {
		out = append(out, name+"."+strings.ToLower(name)+".probe")
	}
	return out
}

// lost returns the warning that a role waits for a connection or a stream; what says which. err is the reason, nil if
// it is unknown.
func lost(role site.Role, what string, err error) error {
	if err == nil {
		err = errors.New("no reason is known")
	}
	return fmt.Errorf("%s %s, and waits for one: %w", role, what, err)
}

// errConnected says that a connection is established after a wait.
var errConnected = errors.New("connected to a NATS server")

// Site returns the site that was passed to [Dial]. The caller must not change it.
func (c *Conn) Site() *site.Site { return c.site }

// Close closes the connection. Stages that use it fail.
func (c *Conn) Close() { c.nc.Close() }
