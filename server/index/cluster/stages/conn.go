package stages

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
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
	InProcess nats.InProcessConnProvider // instead of addresses
	Warn      func(error)                // receives transient errors, from any goroutine; nil: they are dropped
}

// Conn is a role's connection. Create it with [Dial]. It is safe for concurrent use.
type Conn struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	site *site.Site
	key  nkeys.KeyPair
	warn func(error)
}

// Dial connects to the site's NATS servers as a role, with the seed of its key. It returns an error if the seed is
// malformed or not the role's, or if no server answers. An established connection reconnects without limit; meanwhile
// its requests fail. It keeps s, which must not change. The caller closes the connection.
func Dial(s *site.Site, role site.Role, seed string, o Options) (*Conn, error) {
	key, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed)))
	if err != nil {
		return nil, errors.New("the seed of the role's key is malformed") // do not repeat the secret
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	if s.Keys[string(role)] != public {
		return nil, fmt.Errorf("the key is not the one of %s", role)
	}
	c := &Conn{site: s, key: key, warn: o.Warn}
	if c.warn == nil {
		c.warn = func(error) {}
	}
	options := []nats.Option{nats.Name(string(role)), nats.Nkey(public, key.Sign),
		nats.CustomInboxPrefix(site.Inbox(role)),
		// Two authentication failures in a row do not end the connection: a starting server may not
		// have loaded the accounts yet (N-93).
		nats.IgnoreAuthErrorAbort(),
		nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectBufSize(-1),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(3 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.warn(err) })}
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

// Site returns the site that was passed to [Dial]. The caller must not change it.
func (c *Conn) Site() *site.Site { return c.site }

// Close closes the connection. Stages that use it fail.
func (c *Conn) Close() { c.nc.Close() }
