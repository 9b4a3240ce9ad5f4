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

	"github.com/refmon/refmon/server/index/site"
)

// Options say how a role reaches the message servers. The zero value goes to the site's
// addresses without TLS, which servers allow on their own host alone.
type Options struct {
	TLS       *tls.Config
	InProcess nats.InProcessConnProvider // instead of addresses
	Warn      func(error)                // told what may pass; nil: it is dropped
}

// Conn is a role's connection. Make one with [Dial].
type Conn struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	site *site.Site
	key  nkeys.KeyPair
	warn func(error)
}

// Dial connects as a role by the seed of its key. It goes on trying for ever once it was
// connected; the error says that the seed is not the role's or that no server was there.
func Dial(s *site.Site, role site.Role, seed string, o Options) (*Conn, error) {
	key, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed)))
	if err != nil {
		return nil, errors.New("the seed of the role's key is malformed") // what it was is not repeated
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

// Site returns what the connection is about.
func (c *Conn) Site() *site.Site { return c.site }

// Close ends the connection.
func (c *Conn) Close() { c.nc.Close() }
