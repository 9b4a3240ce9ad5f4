package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/index/cluster/site"
)

// Options configures a NATS server. Only Store is required. The zero value does not listen and
// serves its own process only.
type Options struct {
	Name    string       // server name within a cluster
	Listen  string       // HOST:PORT for clients; "": do not listen
	Cluster string       // HOST:PORT for other servers; "": no cluster
	Routes  []string     // HOST:PORT of other servers; used only with Cluster
	TLS     *tls.Config  // required unless all addresses are loopback; servers also require each other's certificates
	Store   string       // folder of the messages
	Log     func(string) // receives warnings and errors, from any goroutine; nil: they are dropped
}

// maxMessage is the size limit of a message, in bytes. A class of a large company can have many
// members.
const maxMessage = 8 << 20

// readyWithin is the timeout for the start of a server.
const readyWithin = 20 * time.Second

// Broker is a running NATS server.
type Broker struct {
	server *server.Server
	lock   *os.File // holds the lock of the store
}

// Start starts a NATS server for the roles of s, and waits until it accepts connections, at most 20 seconds. It
// returns an error for a malformed address, for one that is not loopback without TLS, if another server uses the store,
// and if the server is not ready in time. The caller closes the result.
func Start(s *site.Site, o Options) (*Broker, error) {
	opts, err := o.options(s)
	if err != nil {
		return nil, err
	}
	lock, err := lockStore(o.Store)
	if err != nil {
		return nil, err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	if o.Log != nil {
		srv.SetLoggerV2(lines{o.Log}, false, false, false)
	}
	srv.Start()
	if !srv.ReadyForConnections(readyWithin) {
		srv.Shutdown()
		_ = lock.Close()
		return nil, errors.New("NATS server: not ready in time")
	}
	return &Broker{srv, lock}, nil
}

// lockStore creates the folder of the messages if it is missing, and locks it until the result is closed. A folder that
// another server uses is an error: NATS has no lock, and two servers would damage the messages.
func lockStore(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return lockMessages(filepath.Join(dir, "refmon-index.lock"), dir, "NATS server")
}

// lockMessages creates the file name if it is missing, and locks it for the messages in dir until the result is closed.
// If another process has the lock, the error names dir and the kind of holder.
func lockMessages(name, dir, holder string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: another %s has its messages here: %w", dir, holder, err)
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

// options converts the options for the NATS server. It returns an error for a malformed address, and without TLS for
// one that is not loopback. Without Cluster the server has no routes. Servers authenticate each other by certificate,
// clients by their keys.
func (o *Options) options(s *site.Site) (*server.Options, error) {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(string(s.Accounts())); err != nil {
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	opts.ServerName, opts.JetStream, opts.StoreDir, opts.NoSigs = o.Name, true, o.Store, true
	opts.DontListen = o.Listen == ""
	opts.MaxPayload, opts.MaxControlLine, opts.DisableJetStreamBanner = maxMessage, 4096, true
	opts.PingInterval, opts.MaxPingsOut = 2*time.Second, 2
	if o.Listen != "" {
		host, port, err := address(o.Listen, o.TLS != nil)
		if err != nil {
			return nil, err
		}
		opts.Host, opts.Port = host, port
		if o.TLS != nil {
			opts.TLSConfig, opts.TLSTimeout = o.TLS.Clone(), 5
			opts.TLSConfig.ClientAuth = tls.NoClientCert // clients authenticate with their keys
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
	if o.TLS != nil { // servers authenticate each other by certificate (N-47)
		opts.Cluster.TLSConfig, opts.Cluster.TLSTimeout = o.TLS.Clone(), 5
		opts.Cluster.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	}
	for _, r := range o.Routes {
		opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: r})
	}
	return opts, nil
}

// address parses a server's listen address HOST:PORT. secure means that the server uses TLS. Without TLS only loopback
// IP addresses are accepted, and no host name (N-47). Port 0 becomes the server's code for a free port. The port must
// be a decimal number; its range is not checked.
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

// InProcessConn returns a new connection to the server from within the process. The caller closes it.
func (b *Broker) InProcessConn() (net.Conn, error) { return b.server.InProcessConn() }

// URL returns the address for clients. Do not use it if [Options] has no Listen address.
func (b *Broker) URL() string { return b.server.ClientURL() }

// ErrFull says that the server stopped storing messages because its disk is full or not writable.
var ErrFull = errors.New("the NATS server cannot store messages: free space on its disk or repair it")

// healthInterval is the interval of health checks.
const healthInterval = time.Second

// Wait blocks until the context ends and returns nil, or returns [ErrFull] once the server has stopped storing
// messages. It checks that every second. A server does not recover from that: restart it when there is space (N-87).
// Wait does not stop the server.
func (b *Broker) Wait(ctx context.Context) error {
	t := time.NewTicker(healthInterval)
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

// keeps reports whether the server can store messages. It ignores transient problems, such as a missing leader. It
// returns false if JetStream is off, or a write failed.
func (b *Broker) keeps() bool {
	if !b.server.JetStreamEnabled() {
		return false
	}
	health := b.server.Healthz(&server.HealthzOptions{Details: true})
	return !slices.ContainsFunc(health.Errors, func(e server.HealthzError) bool {
		return strings.Contains(e.Error, "write error")
	})
}

// Close stops the server and blocks until it has ended. Clients lose their connections.
func (b *Broker) Close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
	_ = b.lock.Close()
}

// lines is the logger of the embedded NATS server. It forwards warnings and errors and drops the other messages.
type lines struct{ to func(string) }

// Noticef drops the message.
func (l lines) Noticef(string, ...any) {}

// Warnf passes the formatted message to l.to.
func (l lines) Warnf(format string, v ...any) { l.to(fmt.Sprintf(format, v...)) }

// Fatalf passes the formatted message to l.to. It does not end the process.
func (l lines) Fatalf(format string, v ...any) { l.to(fmt.Sprintf(format, v...)) }

// Errorf passes the formatted message to l.to.
func (l lines) Errorf(format string, v ...any) { l.to(fmt.Sprintf(format, v...)) }

// Debugf drops the message.
func (l lines) Debugf(string, ...any) {}

// Tracef drops the message.
func (l lines) Tracef(string, ...any) {}
