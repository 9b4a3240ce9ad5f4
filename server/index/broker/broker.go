package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/refmon/refmon/server/index/site"
)

// Options say where a server listens and keeps its messages. The zero value listens nowhere
// and is reached from its own process alone; Store is needed.
type Options struct {
	Name    string // among the servers of a cluster
	Listen  string // HOST:PORT for clients; "": none
	Cluster string // HOST:PORT for the other servers; "": it is alone
	Routes  []string
	TLS     *tls.Config // needed unless all addresses are of this host alone; also asks servers for their certificates
	Store   string      // a folder
	Log     func(string)
}

// maxMessage is the largest message, in bytes: a class of a large firm can list many people.
const maxMessage = 8 << 20

// readyWithin is how long a server may take to begin.
const readyWithin = 20 * time.Second

// Broker is a running server.
type Broker struct{ server *server.Server }

// Start runs a server until it is closed.
func Start(s *site.Site, o Options) (*Broker, error) {
	opts, err := o.options(s)
	if err != nil {
		return nil, err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("message server: %w", err)
	}
	if o.Log != nil {
		srv.SetLoggerV2(lines{o.Log}, false, false, false)
	}
	srv.Start()
	if !srv.ReadyForConnections(readyWithin) {
		srv.Shutdown()
		return nil, errors.New("message server: it is not ready")
	}
	return &Broker{srv}, nil
}

func (o *Options) options(s *site.Site) (*server.Options, error) {
	opts := &server.Options{ServerName: o.Name, JetStream: true, StoreDir: o.Store, NoSigs: true,
		DontListen: o.Listen == "",
		MaxPayload: maxMessage, MaxControlLine: 4096, NoSystemAccount: false, DisableJetStreamBanner: true,
		PingInterval: 2 * time.Second, MaxPingsOut: 2}
	for _, r := range s.Roles() {
		p := s.Permissions(r)
		opts.Nkeys = append(opts.Nkeys, &server.NkeyUser{Nkey: s.Keys[string(r)], Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: p.Publish}, Subscribe: &server.SubjectPermission{Allow: p.Hear}}})
	}
	if o.Listen != "" {
		host, port, err := address(o.Listen, o.TLS != nil)
		if err != nil {
			return nil, err
		}
		opts.Host, opts.Port = host, port
		if o.TLS != nil {
			opts.TLSConfig, opts.TLSTimeout = o.TLS.Clone(), 5
			opts.TLSConfig.ClientAuth = tls.NoClientCert // clients prove themselves by their keys
		}
	}
	if o.Cluster == "" {
		return opts, nil
	}
	host, port, err := address(o.Cluster, o.TLS != nil)
	if err != nil {
		return nil, err
	}
	opts.Cluster = server.ClusterOpts{Name: "refmon", Host: host, Port: port, PingInterval: 2 * time.Second,
		MaxPingsOut: 2,
		Advertise:   o.Cluster}
	if o.TLS != nil { // servers prove themselves to each other by their certificates (N-47)
		opts.Cluster.TLSConfig, opts.Cluster.TLSTimeout = o.TLS.Clone(), 5
		opts.Cluster.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	}
	for _, r := range o.Routes {
		opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: r})
	}
	return opts, nil
}

// address splits an address. Without TLS only this host's own is taken (N-47).
func address(text string, secure bool) (string, int, error) {
	host, number, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", text, err)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	ip := net.ParseIP(host)
	if !secure && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("%s: without TLS only an address of this host is served", text)
	}
	return host, port, nil
}

// InProcessConn connects from within the process.
func (b *Broker) InProcessConn() (net.Conn, error) { return b.server.InProcessConn() }

// URL returns where clients find it; "" if it listens nowhere.
func (b *Broker) URL() string { return b.server.ClientURL() }

// ErrFull says that a server keeps no messages any more, since its disk was full.
var ErrFull = errors.New("the message server keeps nothing any more: its disk is full, or could not be written")

// looking is how often a server is asked whether it still keeps messages.
const looking = time.Second

// Wait returns when the context ends, without an error, or when the server has given up to keep messages.
// It does so for good when its disk is full: who runs it must end, and begin anew where there is room (N-87).
func (b *Broker) Wait(ctx context.Context) error {
	t := time.NewTicker(looking)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if !b.keeps() {
			return ErrFull
		}
	}
}

// keeps reports whether the server can write what it is told to keep. What it has no leader for, or has
// not caught up with, passes.
func (b *Broker) keeps() bool {
	if !b.server.JetStreamEnabled() {
		return false
	}
	health := b.server.Healthz(&server.HealthzOptions{Details: true})
	return !slices.ContainsFunc(health.Errors, func(e server.HealthzError) bool {
		return strings.Contains(e.Error, "write error")
	})
}

// Close ends the server, and returns when it has ended.
func (b *Broker) Close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// lines hands on what a server says of warnings and errors.
type lines struct{ to func(string) }

func (l lines) Noticef(string, ...any)         {}
func (l lines) Warnf(format string, v ...any)  { l.to(fmt.Sprintf(format, v...)) }
func (l lines) Fatalf(format string, v ...any) { l.to(fmt.Sprintf(format, v...)) }
func (l lines) Errorf(format string, v ...any) { l.to(fmt.Sprintf(format, v...)) }
func (l lines) Debugf(string, ...any)          {}
func (l lines) Tracef(string, ...any)          {}
