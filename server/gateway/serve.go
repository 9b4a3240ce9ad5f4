package gateway

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/refmon/refmon/server/internal/lograte"
)

// Limits of connections.
const (
	headerTimeout   = 10 * time.Second // for all headers of a request
	restTimeout     = 10 * time.Second // for the part of a request body that no handler reads
	idleTimeout     = 2 * time.Minute  // of a connection between two requests
	shutdownTimeout = 10 * time.Second // for requests in progress
	largestHeader   = 96 << 10         // bytes
	mostStreams     = 64               // of one HTTP/2 connection
	stallTimeout    = 30 * time.Second // without progress of a request body or a response
)

// Serve serves the connections of l with h and blocks until ctx ends or l fails. l is a listener from [Listen], and
// Serve closes it. After ctx ends, it waits up to 10 seconds for open requests and then closes the connections that
// remain. It returns nil after such a shutdown, else the error of l. It does not cancel requests when ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := newServer(h)
	s.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := s.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close()
	}
	return errors.Join(err, exceptShutdown(<-served))
}

// failedConnections logs failed connections of net/http, such as TLS handshakes, with the default logger. The client
// attribute is the address in the line, because lines are rate-limited for each client (L-75). Lines without an
// address share one rate.
type failedConnections struct{}

// Write logs one line of net/http as a warning, with the client's address if the line has one. It never fails.
func (failedConnections) Write(line []byte) (int, error) {
	_, client, _ := strings.Cut(string(line), " from ")
	client, _, _ = strings.Cut(client, ": ")
	at, err := netip.ParseAddrPort(client)
	if err == nil {
		client = at.Addr().String()
	}
	slog.Warn("a connection failed", lograte.Client, "address "+client, "error", strings.TrimSpace(string(line)))
	return len(line), nil
}

// newServer returns an HTTP server for h with the gateway's limits on time and size. It is not started.
func newServer(h http.Handler) *http.Server {
	return &http.Server{ErrorLog: log.New(failedConnections{}, "", 0), Handler: patient(h),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: largestHeader, ConnContext: withGathered, HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: mostStreams, MaxReceiveBufferPerStream: 1 << 20, WriteByteTimeout: stallTimeout}}
}

// exceptShutdown returns nil for http.ErrServerClosed, which http.Server returns after a shutdown, and any other err
// unchanged.
func exceptShutdown(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
