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
)

// maxPacket is the most bytes of one message of a server.
const maxPacket = 16 << 20

// The library takes memory for a message by the length in front of it. D-4
func init() { ber.MaxPacketLengthBytes = maxPacket }

// ErrAway says that no server of the directory gave a whole answer: nothing is known.
var ErrAway = errors.New("ldap: the directory is away")

// conn is a connection of a server that has proved itself, and knows who asks. It belongs
// to one goroutine at a time.
type conn struct {
	*goldap.Conn
	meter *meter
	wait  time.Duration
	limit int64
	used  bool // it has answered before
}

func joinPort(host, port string) string { return net.JoinHostPort(host, port) }

// meter counts what a server sends, and gives writes a deadline.
type meter struct {
	net.Conn
	left atomic.Int64
	wait time.Duration // immutable
}

var errTooLong = errors.New("the answer is longer than any may be")

// Read reads until the bytes of one answer are used up. D-4
func (m *meter) Read(b []byte) (int, error) {
	left := m.left.Load()
	if left <= 0 {
		return 0, errTooLong
	}
	n, err := m.Conn.Read(b[:min(int64(len(b)), left)])
	m.left.Add(-int64(n))
	return n, err
}

// Write writes within the time.
func (m *meter) Write(b []byte) (int, error) {
	if err := m.SetWriteDeadline(time.Now().Add(m.wait)); err != nil {
		return 0, err
	}
	return m.Conn.Write(b)
}

// binder says who asks, on a connection whose server has proved itself.
type binder func(ctx context.Context, c *conn, s server, sign *signer) error

// connect opens a connection to the first server that answers.
func (d *Directory) connect(ctx context.Context, bind binder) (*conn, error) {
	problem := ErrAway
	for _, s := range d.servers {
		c, err := d.dial(ctx, s, bind)
		if err == nil {
			return c, nil
		}
		var refused *goldap.Error
		if errors.As(err, &refused) && refused.ResultCode == goldap.LDAPResultInvalidCredentials {
			// The next server is not asked: each one asked counts a wrong password again. D-24
			return nil, fmt.Errorf("%w: %s: %w", ErrAway, s.address, err)
		}
		problem = fmt.Errorf("%w: %s: %w", ErrAway, s.address, err)
	}
	return nil, problem
}

func (d *Directory) dial(ctx context.Context, s server, bind binder) (*conn, error) {
	wait := d.cfg.Limits.Wait
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	// Whatever the server does until it has proved itself, it does within the time.
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

// secure makes the server prove itself, before a name or a password is sent. D-1
func (d *Directory) secure(ctx context.Context, s server, m *meter, bind binder) (*conn, error) {
	cfg := &tls.Config{ServerName: s.host, RootCAs: d.cfg.Roots, MinVersion: tls.VersionTLS12}
	var under net.Conn = m
	var sign *signer
	switch {
	case s.tls:
		t := tls.Client(m, cfg)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		under = t
	case d.cfg.Security == Signed:
		sign = &signer{Conn: m}
		under = sign
	}
	c := &conn{Conn: goldap.NewConn(under, s.tls), meter: m, wait: d.cfg.Limits.Wait, limit: d.cfg.Limits.Bytes}
	c.SetTimeout(d.cfg.Limits.Wait)
	c.Start()
	if !s.tls && sign == nil {
		if err := c.StartTLS(cfg); err != nil {
			c.close()
			return nil, err
		}
	}
	if err := bind(ctx, c, s, sign); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// bind says who asks.
func (d *Directory) bind(ctx context.Context, c *conn, s server, sign *signer) error {
	if d.cfg.Initiator == nil {
		return c.Bind(d.cfg.Account, string(d.cfg.Password))
	}
	b := &binding{ctx: ctx, initiator: d.cfg.Initiator, signer: sign}
	if state, ok := c.TLSConnectionState(); ok && len(state.PeerCertificates) > 0 {
		b.bindings = endPoint(state.PeerCertificates[0])
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

// close gives the connection up.
func (c *conn) close() {
	_ = c.meter.Close() // first, so that nothing waits for the server
	_ = c.Conn.Close()
}

// with gives a connection to a question: one that waits, or a new one. A waiting one may
// have been closed by the server: then the question is asked once more.
func (d *Directory) with(ctx context.Context, ask func(*conn) error) error {
	for {
		var c *conn
		select {
		case c = <-d.idle:
		default:
			var err error
			if c, err = d.connect(ctx, d.bind); err != nil {
				return err
			}
		}
		stop := context.AfterFunc(ctx, c.close)
		err := ask(c)
		kept := stop() && (err == nil || !broken(err))
		again := c.used && err != nil && broken(err) && ctx.Err() == nil
		c.used = true
		d.give(c, kept)
		if !again {
			if err != nil && broken(err) {
				return fmt.Errorf("%w: %w", ErrAway, err)
			}
			return err
		}
	}
}

// give puts a connection back, or closes it.
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

// broken reports whether an error says nothing about what was asked: the connection, or
// the server, failed.
func broken(err error) bool {
	var said *Error
	return !errors.As(err, &said)
}

// Error says that the directory answered, and that the answer is refused. Its text is for
// the record.
type Error struct{ Why string }

func (e *Error) Error() string { return "ldap: " + e.Why }

func wrong(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }
