package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/server/gateway"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/server/internal/nocores"
	"github.com/refmon/refmon/server/internal/sdnotify"
)

type serveCmd struct {
	Config string `help:"The configuration; by default what refmon-gateway config print shows." placeholder:"FILE"`
}

// Help returns the long text of --help for the command serve.
func (serveCmd) Help() string {
	return `Serves the trees of the configuration until SIGTERM or SIGINT. It then answers the requests in
progress. It prints "ready" with its addresses once it listens. SIGHUP loads the certificate and its key
again; open connections and locks stay. Its user needs SeImpersonatePrivilege in refmond and no other right,
or also SeAuditPrivilege with the keys authzen and index.

  refmon-gateway config print > gateway.yaml
  refmon-gateway serve --config gateway.yaml`
}

// Run serves the configured addresses and blocks until ctx is done, SIGTERM or SIGINT arrives, or a listener fails. It
// returns nil after a shutdown. SIGHUP loads the certificate again. Run replaces the default logger of package slog. A
// configuration with errors, and a certificate that cannot be loaded or generated, end it before it listens.
func (c *serveCmd) Run(ctx context.Context, std *streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	// Bound the log lines that one client causes (L-75).
	log := slog.New(lograte.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: cfg.level})))
	slog.SetDefault(log) // the limits also apply to the log lines of libraries
	nocores.Set(log)
	hangups := make(chan os.Signal, 1) // signals during a reload cause one further reload
	signal.Notify(hangups, unix.SIGHUP)
	defer signal.Stop(hangups)
	cert, err := cfg.loadCertificate(log)
	if err != nil {
		return err
	}
	g, err := gateway.New(cfg.gateway(log))
	if err != nil {
		return err
	}
	presented := gateway.NewCertificate(cert, len(cfg.Certificates) > 0)
	// Until here a signal ends the program, which may wait for the writer of a named pipe.
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGTERM, unix.SIGINT)
	defer cancel()
	go cfg.renewCertificate(ctx, hangups, presented, log)
	return errors.Join(cfg.serve(ctx, g, presented, log), g.Close())
}

// gateway returns the configuration of package gateway.
func (c *config) gateway(log *slog.Logger) gateway.Config {
	return gateway.Config{Dial: c.dial, Trees: c.Trees, Names: c.Names, Negotiate: c.Negotiate,
		Certificates: c.Certificates, Sessions: c.Limits.Sessions, SessionLife: c.life, Threads: c.Limits.Threads,
		LargestUpload: c.Limits.LargestUpload, StrictTransport: time.Duration(c.Strict) * time.Second, Log: log,
		AuthZEN: c.questions, Index: c.index, ForwardAuth: c.forward}
}

// dial connects to refmond at the configured socket, which must belong to root or to the configured user. The caller
// closes the connection.
func (c *config) dial() (*client.Conn, error) { return client.DialUser(c.Socket, c.Owner) }

// endpoint is one address of the gateway.
type endpoint struct {
	name    string // for the log
	address string
	handler http.Handler
}

// listen opens the address of each endpoint and returns the listeners, or an error and none.
func listen(endpoints []endpoint) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, e := range endpoints {
		l, err := net.Listen("tcp", e.address)
		if err != nil {
			for _, open := range listeners {
				_ = open.Close()
			}
			return nil, fmt.Errorf("listen: %w", err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// serve serves the configured addresses until ctx is done or one of them fails. When all are open, serve logs "ready"
// for each and notifies the service manager. All are closed when it returns, also if one cannot be opened. serve
// returns the errors joined, nil after a shutdown. serve does not close g.
func (c *config) serve(ctx context.Context, g *gateway.Gateway, cert *gateway.Certificate, log *slog.Logger) error {
	endpoints := []endpoint{{"files", c.Files, g.Files()}}
	if c.Console != "" {
		endpoints = append(endpoints, endpoint{"console", c.Console, g.Console()})
	}
	listeners, err := listen(endpoints)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(listeners))
	for i, l := range listeners {
		log.Info("ready", endpoints[i].name, "https://"+l.Addr().String())
		limited := gateway.LimitConnections(l, c.Limits.Connections)
		go func() {
			err := gateway.Serve(ctx, gateway.Listen(limited, cert), endpoints[i].handler)
			cancel() // stop both if one fails
			ended <- err
		}()
	}
	sdnotify.Send(sdnotify.Ready)
	context.AfterFunc(ctx, func() { sdnotify.Send(sdnotify.Stopping) })
	for range listeners {
		err = errors.Join(err, <-ended)
	}
	return err
}
