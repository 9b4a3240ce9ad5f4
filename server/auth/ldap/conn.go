package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/server/auth/kerberos"
)

// maxPacket limits one message of a server, in bytes.
const maxPacket = 16 << 20

// The library allocates the length that a message declares (D-4).
func init() { ber.MaxPacketLengthBytes = maxPacket }

// ErrAway says that no server returned a complete response, so nothing is known.
var ErrAway = errors.New("ldap: the directory does not answer")

// conn is a mutually authenticated connection to a server. One goroutine uses it at a time.
type conn struct {
	*goldap.Conn
	meter *meter
	wait  time.Duration
	limit int64
	// answered records that the server answers. Pass it address, the server's address.
	answered func(address string)
	address  string
	// tls is nil for a connection without it.
	tls *tls.Conn
}

// joinPort returns host:port, with brackets around an IPv6 address.
func joinPort(host, port string) string { return net.JoinHostPort(host, port) }

// meter is a connection that limits the size of each response and the time of each write.
type meter struct {
	net.Conn
	left atomic.Int64
	wait time.Duration // immutable
}

var errTooLong = errors.New("the answer is longer than any may be")

// Read reads from the connection, and returns errTooLong once a response has used up its byte limit (D-4).
func (m *meter) Read(b []byte) (int, error) {
	left := m.left.Load()
	if left <= 0 {
		return 0, errTooLong
	}
	n, err := m.Conn.Read(b[:min(int64(len(b)), left)])
	m.left.Add(-int64(n))
	return n, err
}

// Write writes b, and returns an error if that takes longer than the configured wait.
func (m *meter) Write(b []byte) (int, error) {
	if err := m.SetWriteDeadline(time.Now().Add(m.wait)); err != nil {
		return 0, err
	}
	return m.Conn.Write(b)
}

// binder authenticates the client on a connection whose server is authenticated already.
type binder func(ctx context.Context, c *conn, s server, sign *signer) error

// try connects to one server after the other, binds, and calls use on the connection until one answers (D-20). An
// [*Error] of bind or use and rejected credentials are answers. After them, after errUnanswered and without a KDC, it
// tries no further server. use keeps or closes the connection. An error that is not such an [*Error] wraps ErrAway.
func (d *Directory) try(ctx context.Context, bind binder, use func(*conn) error) error {
	addresses := make([]string, len(d.servers))
	for i, s := range d.servers {
		addresses[i] = s.address
	}
	problem, missed := ErrAway, ""
	trying, stop := context.WithCancel(ctx)
	defer stop()
	err := d.up.Try(trying, addresses, func(i int) bool {
		c, err := d.dial(ctx, d.servers[i], bind)
		if err == nil {
			err = use(c)
		}
		if problem = err; err == nil || !broken(err) {
			return true
		}
		problem = fmt.Errorf("%w: %s: %w", ErrAway, addresses[i], err)
		// Do not try the next server, which would count a wrong password again (D-24).
		if errors.Is(err, errUnanswered) {
			missed = addresses[i]
			stop() // Try ends without an outcome for this server
			return false
		}
		var refused *goldap.Error
		return errors.As(err, &refused) && refused.ResultCode == goldap.LDAPResultInvalidCredentials ||
			errors.Is(err, kerberos.ErrNoKDC) // the server is up, and the next one needs a KDC too
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	if missed != "" && !errors.Is(ctx.Err(), context.Canceled) { // a caller that gave up says nothing about the server
		d.up.Missed(missed)
	}
	return problem
}

// errUnanswered says that a server got a user's password and did not answer.
var errUnanswered = errors.New("no answer to the password")

// dial connects to one server. It authenticates both sides within Limits.Wait. After an error, or if ctx ends before,
// the connection is closed. A timeout is an error.
func (d *Directory) dial(ctx context.Context, s server, bind binder) (*conn, error) {
	wait := d.cfg.Limits.Wait
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	// The timeout covers everything until both sides are authenticated.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	m := &meter{Conn: raw, wait: wait}
	m.left.Store(maxPacket)
	c, err := d.secure(ctx, s, m, bind)
	if err == nil && !stop() {
		c.close()
		err = context.DeadlineExceeded
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return c, nil
}

// secure starts TLS or signing on m and then calls bind. The server is authenticated before it receives a name or a
// password (D-1). An untrusted certificate, a refused StartTLS and a failed bind are errors. After an error the
// caller closes m.
func (d *Directory) secure(ctx context.Context, s server, m *meter, bind binder) (*conn, error) {
	cfg := &tls.Config{ServerName: s.host, RootCAs: d.cfg.Roots, MinVersion: tls.VersionTLS12}
	c := &conn{meter: m, wait: d.cfg.Limits.Wait, limit: d.cfg.Limits.Bytes, answered: d.up.Answered, address: s.address}
	var under net.Conn
	var sign *signer
	switch {
	case !s.tls && d.cfg.Security == Signed:
		sign = &signer{Conn: m}
		under = sign
	default:
		if !s.tls {
			if err := startTLS(&screen{Conn: m, split: d.cfg.Split}); err != nil {
				return nil, err
			}
		}
		c.tls = tls.Client(m, cfg)
		if err := c.tls.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		under = c.tls
	}
	c.Conn = goldap.NewConn(&screen{Conn: under, split: d.cfg.Split}, c.tls != nil)
	c.SetTimeout(d.cfg.Limits.Wait)
	c.Start()
	if err := bind(ctx, c, s, sign); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// bind authenticates the client: by Kerberos if there is an initiator, else by account and password. With sign, later
// messages are signed. It returns errBinding if the server ends Kerberos early. With an initiator the account and
// password are not used.
func (d *Directory) bind(ctx context.Context, c *conn, s server, sign *signer) error {
	if d.cfg.Initiator == nil {
		return c.Bind(d.cfg.Account, string(d.cfg.Password))
	}
	b := &binding{ctx: ctx, initiator: d.cfg.Initiator, signer: sign}
	if c.tls != nil {
		if all := c.tls.ConnectionState().PeerCertificates; len(all) > 0 {
			b.bindings = endPoint(all[0])
		}
	}
	if err := c.GSSAPIBind(b, "ldap/"+s.host, ""); err != nil {
		return err
	}
	if b.context == nil || !b.done {
		return errBinding
	}
	if sign != nil {
		sign.writing.Store(true)
	}
	return nil
}

// close closes the connection without waiting for the server.
func (c *conn) close() {
	_ = c.meter.Close() // close the socket first, because c.Conn.Close would wait for the server
	_ = c.Conn.Close()
}

// with calls ask with an idle connection, or with a new one to each server until one answers. It keeps the connection
// unless it broke. If the idle connection is broken, with calls ask again on a new one. Errors of the connection wrap
// ErrAway. An [*Error] of ask is returned unchanged. When ctx ends, with closes the connection, so that ask fails.
func (d *Directory) with(ctx context.Context, ask func(*conn) error) error {
	use := func(c *conn) error {
		stop := context.AfterFunc(ctx, c.close)
		err := ask(c)
		kept := stop() && (err == nil || !broken(err))
		d.give(c, kept)
		return err
	}
	if c := d.takeIdle(); c != nil {
		switch err := use(c); {
		case err == nil || !broken(err):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ErrAway, err)
		}
	}
	return d.try(ctx, d.bind, use)
}

// takeIdle returns an idle connection to a server that answers, or nil. It closes idle connections to silent servers.
func (d *Directory) takeIdle() *conn {
	for {
		select {
		case c := <-d.idle:
			if !d.up.Silent(c.address) {
				return c
			}
			c.close()
		default:
			return nil
		}
	}
}

// give returns a connection to the idle ones. It closes it if keep is false or there are enough. It does not block.
func (d *Directory) give(c *conn, keep bool) {
	if keep {
		select {
		case d.idle <- c:
			return
		default:
		}
	}
	c.close()
}

// broken reports whether an error makes its connection unusable: it came from the connection or a failing server, and
// not from a response.
func broken(err error) bool {
	var said *Error
	return !errors.As(err, &said)
}

// Error says that the directory returned a response that cannot be used. Its text is for the log.
type Error struct{ Why string }

// Error returns "ldap: " and Why.
func (e *Error) Error() string { return "ldap: " + e.Why }

// wrong returns the [*Error] for a response that cannot be used, with a message.
func wrong(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }
