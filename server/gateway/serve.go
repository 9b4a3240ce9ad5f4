package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Bounds of connections.
const (
	headerTimeout   = 10 * time.Second // for all headers of a request
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second // for requests that are being served
	largestHeader   = 96 << 10         // bytes
	mostStreams     = 64               // of one HTTP/2 connection
	stallTimeout    = 30 * time.Second // without a byte of a body, or one taken of an answer
)

// TLS returns what the gateway asks of a connection: TLS 1.2 at least (G-23), and where
// accounts are known by certificates, one of the client if it has any.
func TLS(cert *tls.Certificate, certificates bool) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert},
		NextProtos: []string{"h2", "http/1.1"}}
	if certificates {
		// The certificate itself is known, and not who signed it.
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}

// Listen returns the listener that [Serve] takes: TLS over one of TCP.
func Listen(l net.Listener, c *tls.Config) net.Listener { return tls.NewListener(gathering{l}, c) }

// Serve serves connections of a listener until ctx is done, then lets the requests end that
// are being served.
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
	return errors.Join(err, over(<-served))
}

// newServer returns a server with the gateway's bounds.
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: patient(h), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: largestHeader, ConnContext: withGathered, HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: mostStreams, MaxReceiveBufferPerStream: 1 << 20, WriteByteTimeout: stallTimeout}}
}

// over returns the error of a server that ended, nil where it was told to.
func over(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// patient ends a request whose client neither sends nor takes a byte for a while, however
// long the whole takes (G-24).
func patient(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if r.ContentLength != 0 {
			r.Body = &patientBody{ReadCloser: r.Body, c: c}
		}
		h.ServeHTTP(&patientWriter{ResponseWriter: w, c: c}, r)
	})
}
