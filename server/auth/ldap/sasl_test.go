package ldap

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // by RFC 4121
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestSASLLengthMayArriveByteByByte checks that the length of a signed message may arrive byte by byte.
func TestSASLLengthMayArriveByteByByte(t *testing.T) {
	for _, head := range [][]byte{{0, 0, 0, 5}, {0, 0, 1, 0}} {
		a, b := net.Pipe()
		s := &signer{Conn: a, signed: true}
		go func() {
			for _, x := range head {
				_, _ = b.Write([]byte{x})
			}
			_, _ = b.Write([]byte{1, 2, 3}) // nothing of the message itself
			_ = b.Close()
		}()
		if _, err := s.message(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("% x: %v, want the end of the connection in the middle of the message", head, err)
		}
		_ = a.Close()
	}
}

// TestSignedConnectionRejectsUnsignedData checks that a signed connection accepts signed messages only, whatever
// arrived before the first one (D-3).
func TestSignedConnectionRejectsUnsignedData(t *testing.T) {
	plainMessage := done(1, goldap.ApplicationBindResponse, 0)
	for what, sent := range map[string][]byte{
		"a plain message in place of a signed one": append(bytes.Clone(plainMessage), done(2,
			goldap.ApplicationBindResponse, 0)...),
		"the head of a message before it": append(bytes.Clone(plainMessage), 0x30, 0x84, 0, 0, 1, 0),
		"a length without end":            {0x30, 0x80},
		"a length of nine bytes":          {0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		"a length of gigabytes":           {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
	} {
		here, there := net.Pipe()
		go func() {
			_, _ = there.Write(sent)
			_ = there.Close()
		}()
		s := &signer{Conn: here}
		s.expect(&kerberos.Context{})
		got, err := io.ReadAll(s)
		check.That(t, err != nil && len(got) <= len(plainMessage),
			"D-3: %s: %d bytes, %v, want at most %d, an error", what, len(got), err, len(plainMessage))
		_ = here.Close()
	}
}

// firstNumber is the sequence number of the server's first message.
const firstNumber = 7

// gss is the server's end of a Kerberos bind (RFC 4752), with the key of the service. Its injected mistakes are
// immutable.
type gss struct {
	key   types.EncryptionKey
	offer []byte // the layers and the largest message
	// wrong changes the server's token of each step from 1, and each message from 4; nil: no
	// change.
	wrong func(step int, b []byte) []byte

	mu      sync.Mutex
	step    int                 // guarded by mu; as the others below
	session types.EncryptionKey // of the context
	sum     types.Checksum      // of the authenticator
	answer  []byte              // the client's choice, decrypted
	tokens  int                 // received signed messages
	clear   int                 // received messages without a signature
}

// ways to bind: within TLS without a layer, and with signatures.
var noLayer, signLayer = []byte{1, 0, 0, 0}, []byte{1 | 2, 0, 0xff, 0xff}

// bind handles one step of a bind and returns the connection to use afterwards.
func (g *gss) bind(id int64, op *ber.Packet, c net.Conn) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	auth := op.Children[2]
	if auth.Tag != 3 || auth.Children[0].Data.String() != "GSSAPI" {
		g.clear++
		return c, io.ErrUnexpectedEOF
	}
	var credentials []byte
	if len(auth.Children) > 1 {
		credentials = auth.Children[1].Data.Bytes()
	}
	code, reply := int64(goldap.LDAPResultSaslBindInProgress), []byte(nil)
	switch g.step++; g.step {
	case 1:
		reply = g.open(credentials)
	case 2:
		reply = forge.Wrap(g.session, 1, firstNumber, 22, g.offer)
	default:
		code = 0
		if len(credentials) > 28 {
			if message := credentials[16 : len(credentials)-12]; bytes.Equal(credentials, forge.Wrap(g.session, 0, 0, 24,
				message)) {
				g.answer = bytes.Clone(message)
			}
		}
	}
	if g.wrong != nil {
		reply = g.wrong(g.step, reply)
	}
	if reply == nil {
		code = 0 // confirms the end of the bind
	}
	ended := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationBindResponse, nil, "")
	ended.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	ended.AppendChild(text(""))
	ended.AppendChild(text(""))
	if reply != nil {
		ended.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 7, string(reply), ""))
	}
	if _, err := c.Write(packet(id, ended)); err != nil || code != 0 || g.offer[0]&2 == 0 {
		return c, err
	}
	return &signedEnd{Conn: c, g: g}, nil
}

// open decrypts the client's AP-REQ and returns the AP-REP.
func (g *gss) open(token []byte) []byte {
	frame, oid := cryptobyte.String(token), cryptobyte.String(nil)
	var req messages.APReq
	if !frame.ReadASN1(&frame, casn1.Tag(0x60)) || !frame.ReadASN1(&oid, casn1.OBJECT_IDENTIFIER) || len(frame) < 2 ||
		req.Unmarshal(frame[2:]) != nil {
		return []byte("no request")
	}
	var ticket messages.EncTicketPart
	var a types.Authenticator
	b, err := crypto.DecryptEncPart(req.Ticket.EncPart, g.key, 2)
	if err == nil {
		err = ticket.Unmarshal(b)
	}
	if err == nil {
		b, err = crypto.DecryptEncPart(req.EncryptedAuthenticator, ticket.Key, 11)
	}
	if err == nil {
		err = a.Unmarshal(b)
	}
	if err != nil {
		return []byte(err.Error())
	}
	g.session, g.sum = a.SubKey, a.Cksum
	part, err := asn1.Marshal(messages.EncAPRepPart{CTime: a.CTime, Cusec: a.Cusec, SequenceNumber: firstNumber})
	if err != nil {
		return []byte(err.Error())
	}
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(part, 27), ticket.Key, 12, 0)
	if err != nil {
		return []byte(err.Error())
	}
	rep, err := asn1.Marshal(messages.APRep{PVNO: 5, MsgType: 15, EncPart: sealed})
	if err != nil {
		return []byte(err.Error())
	}
	return forge.DER(0x60, forge.OIDKerberos, []byte{2, 0}, asn1tools.AddASNAppTag(rep, 15))
}

// signedEnd is a connection after a bind. It belongs to one goroutine.
type signedEnd struct {
	net.Conn
	g              *gss
	left           []byte
	received, sent uint64
}

// Read verifies the client's next signed message; otherwise the connection ends.
func (s *signedEnd) Read(b []byte) (int, error) {
	for len(s.left) == 0 {
		var head [4]byte
		if _, err := io.ReadFull(s.Conn, head[:]); err != nil {
			return 0, err
		}
		n := binary.BigEndian.Uint32(head[:])
		if n < 28 || n > 1<<20 {
			s.g.increment(&s.g.clear)
			return 0, io.ErrUnexpectedEOF
		}
		token := make([]byte, n)
		if _, err := io.ReadFull(s.Conn, token); err != nil {
			return 0, err
		}
		s.received++ // the reply to the offer was the first message
		s.left = token[16 : n-12]
		if !bytes.Equal(token, forge.Wrap(s.g.session, 0, s.received, 24, s.left)) {
			s.g.increment(&s.g.clear)
			return 0, io.ErrUnexpectedEOF
		}
		s.g.increment(&s.g.tokens)
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

func (g *gss) increment(what *int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*what++
}

// Write signs the server's messages.
func (s *signedEnd) Write(b []byte) (int, error) {
	s.sent++
	token := forge.Wrap(s.g.session, 1, firstNumber+s.sent, 22, b)
	if s.g.wrong != nil {
		token = s.g.wrong(3+int(s.sent), token)
	}
	_, err := s.Conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...))
	return len(b), err
}

// byKerberos returns a server and a directory that binds to it by Kerberos.
func byKerberos(t *testing.T, security Security, change func(*gss)) (*fake, *Directory) {
	t.Helper()
	const realm = "EXAMPLE.TEST"
	g := &gss{key: forge.NewKey(18), offer: map[Security][]byte{TLS: noLayer, Signed: signLayer}[security]}
	if change != nil {
		change(g)
	}
	k := &forge.Centre{Realm: realm, Service: "ldap/127.0.0.1", Key: g.key, Users: map[string]string{"websvc": "service"}}
	address := k.Start()
	t.Cleanup(func() { _ = k.Listener.Close() })
	e := check.Must(crypto.GetEtype(18))
	value := check.Must(e.StringToKey("service", realm+"websvc", "00001000"))
	keys := check.Must(kerberos.ParseKeytab(forge.Keytab(forge.Entry{Service: "websvc", Realm: realm, Version: 1,
		Key: types.EncryptionKey{KeyType: 18, KeyValue: value}})))
	f := serve(t, newWorld().answer)
	f.mu.Lock()
	f.gss, f.clear = g, security == Signed
	f.mu.Unlock()
	return f, f.directory(func(c *Config) {
		c.Account, c.Password, c.Security = "", "", security
		c.Initiator = &kerberos.Initiator{Keys: keys, Realm: realm, Account: "websvc",
			KDCs: kerberos.KDCs{Addresses: []string{address}}}
		if security == Signed {
			c.Servers[0], c.Roots = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1), nil
		}
	})
}

// TestMissingKDCKeepsIdleConnections checks that a missing KDC does not make a server silent: idle connections to it
// stay in use (D-20).
func TestMissingKDCKeepsIdleConnections(t *testing.T) {
	_, d := byKerberos(t, TLS, nil)
	check.NoError(t, d.with(t.Context(), func(*conn) error { return nil }))
	d.cfg.Initiator.KDCs.Addresses = []string{"127.0.0.1:1"}
	check.NoError(t, d.with(t.Context(), func(idle *conn) error {
		err := d.with(t.Context(), func(*conn) error { return nil })
		check.That(t, errors.Is(err, ErrAway) && errors.Is(err, kerberos.ErrNoKDC), "D-20: a second connection: %v", err)
		return nil
	}))
	check.NoError(t, d.with(t.Context(), func(*conn) error { return nil }))
}

// TestKerberosBindSignsMessages checks that a client with a keytab binds to the channel within TLS and
// requests no layer. Otherwise it signs each message, limits the server's, and splits long requests
// (D-1, D-3).
func TestKerberosBindSignsMessages(t *testing.T) {
	for security, c := range map[Security]struct {
		answer []byte
		bound  []byte
	}{
		TLS:    {noLayer, append([]byte("tls-server-end-point:"), hashSHA256(certificate().Certificate[0])...)},
		Signed: {[]byte{2, 0x10, 0, 0}, nil},
	} {
		f, d := byKerberos(t, security, nil)
		for range 2 {
			got, err := d.Find(context.Background(), "alice", false)
			if err != nil || got.SID != domain.WithRID(1104) || len(got.Groups) != 2 {
				t.Fatalf("D-3: security %d: Find = %+v, %v, want the SID %v, 2 groups, no error", security,
					got, err, domain.WithRID(1104))
			}
		}
		var bound [16]byte // MD5 of no addresses and the channel's name (RFC 4121 4.1.1.2)
		if c.bound != nil {
			text := binary.LittleEndian.AppendUint32(make([]byte, 16), uint32(len(c.bound)))
			bound = md5.Sum(append(text, c.bound...)) //nolint:gosec // likewise
		}
		sum := slices.Concat([]byte{16, 0, 0, 0}, bound[:], []byte{0x2e, 0, 0, 0})
		f.gss.mu.Lock()
		if !bytes.Equal(f.gss.answer, c.answer) || !bytes.Equal(f.gss.sum.Checksum, sum) || f.gss.step != 3 ||
			f.gss.clear != 0 || (f.gss.tokens > 0) != (security == Signed) {
			t.Errorf("D-3: security %d: chosen is %x, the sum %x, want %x and %x; %d steps, %d signed, %d not",
				security,
				f.gss.answer, f.gss.sum.Checksum, c.answer, sum, f.gss.step, f.gss.tokens, f.gss.clear)
		}
		f.gss.mu.Unlock()
		check.Equal(t, len(f.binds), 0, "D-1: security %d: names and passwords %q", security, f.binds)
	}
	_, mixed := byKerberos(t, TLS, nil)
	mixed.cfg.Security = Signed
	if _, err := mixed.Find(t.Context(), "alice", false); err != nil {
		t.Errorf("D-1: an ldaps server of a directory that signs: %v, want TLS", err)
	}
	f, d := byKerberos(t, Signed, nil)
	long := "(cn=" + strings.Repeat("x", maxSigned/2+100) + ")"
	err := d.with(context.Background(), func(c *conn) error {
		return c.search(query{base: base, below: true, filter: long, most: 1}, func(*entry) error { return nil })
	})
	f.gss.mu.Lock()
	defer f.gss.mu.Unlock()
	check.That(t, err == nil && f.gss.tokens == 2 && f.gss.clear == 0 && f.count(long) == 1,
		"D-3: a long question in %d signed messages, %d others: %v", f.gss.tokens, f.gss.clear, err)
}

// TestSignedMessageIsBounded checks that the length of a signed message is checked before its bytes are read (D-4).
func TestSignedMessageIsBounded(t *testing.T) {
	s := &signer{Conn: &pipe{Reader: strings.NewReader("")}}
	for n, want := range map[int64]error{1<<20 + 1024: io.EOF, 1<<20 + 1025: errTooLong} {
		check.ErrorIs(t, check.Err(s.take(n)), want, "D-4: a message of %d bytes", n)
	}
}

func hashSHA256(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// TestForgedServerIsRejected checks that a response of another server, or to another request, ends the
// connection before a query, and that a message out of sequence ends it without a result (D-1,
// D-3).
func TestForgedServerIsRejected(t *testing.T) {
	at := func(step int, change func([]byte) []byte) func(*gss) {
		return func(g *gss) {
			g.wrong = func(n int, b []byte) []byte {
				if n == step {
					return change(b)
				}
				return b
			}
		}
	}
	flip := func(b []byte) []byte { return append(bytes.Clone(b[:len(b)-1]), b[len(b)-1]^1) }
	offers := func(b ...byte) func(*gss) { return func(g *gss) { g.offer = b } }
	for what, c := range map[string]struct {
		security Security
		change   func(*gss)
		queried  bool // a query was sent
	}{
		"no proof of the ticket":          {Signed, at(1, flip), false},
		"no proof within TLS":             {TLS, at(1, flip), false},
		"an end without a proof":          {Signed, at(1, func([]byte) []byte { return nil }), false},
		"an end without an offer":         {Signed, at(2, func([]byte) []byte { return nil }), false},
		"an end without an offer, in TLS": {TLS, at(2, func([]byte) []byte { return nil }), false},
		"an offer of a stranger":          {Signed, at(2, flip), false},
		"no signatures":                   {Signed, offers(1|4, 0, 0xff, 0xff), false},
		"signatures alone, within TLS":    {TLS, offers(4, 0, 0xff, 0xff), false},
		"a short offer":                   {Signed, offers(3, 0, 0xff), false},
		"a long offer":                    {Signed, offers(3, 0, 0xff, 0xff, 0), false},
		"an answer of a stranger":         {Signed, at(4, flip), true},
		"a repeated message": {Signed, func(g *gss) {
			var first []byte
			g.wrong = func(n int, b []byte) []byte {
				if n == 4 {
					first = b
				} else if n == 5 {
					return first
				}
				return b
			}
		}, true},
		"an answer in the clear": {Signed, at(4, func(b []byte) []byte { return b[16 : len(b)-12] }), true},
	} {
		t.Run(what, func(t *testing.T) {
			f, d := byKerberos(t, c.security, c.change)
			got, err := d.Find(context.Background(), "alice", false)
			check.That(t, got == nil && errors.Is(err, ErrAway), "D-3: %+v, %v, want nil, %v", got, err, ErrAway)
			f.mu.Lock()
			defer f.mu.Unlock()
			queried := len(f.queries) > 0
			check.That(t, queried == c.queried && len(d.idle) == 0,
				"D-1: a question was sent: %t, %d connections wait, want %t, 0", queried, len(d.idle), c.queried)
		})
	}
}

// TestChannelBindingReplacesWeakHash checks the channel binding: the certificate's hash by its signature's algorithm,
// SHA-256 instead of weaker ones (RFC 5929 4.1).
func TestChannelBindingReplacesWeakHash(t *testing.T) {
	raw := []byte("of the certificate")
	h384, h512 := sha512.Sum384(raw), sha512.Sum512(raw)
	for algorithm, sum := range map[x509.SignatureAlgorithm][]byte{x509.MD5WithRSA: hashSHA256(raw),
		x509.SHA1WithRSA: hashSHA256(raw), x509.SHA256WithRSA: hashSHA256(raw), x509.ECDSAWithSHA256: hashSHA256(raw),
		x509.SHA256WithRSAPSS: hashSHA256(raw), x509.PureEd25519: hashSHA256(raw), x509.SHA384WithRSA: h384[:],
		x509.ECDSAWithSHA384: h384[:], x509.SHA384WithRSAPSS: h384[:], x509.SHA512WithRSA: h512[:],
		x509.ECDSAWithSHA512: h512[:], x509.SHA512WithRSAPSS: h512[:]} {
		want := fmt.Sprintf("tls-server-end-point:%s", sum)
		got := endPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: algorithm})
		check.That(t, string(got) == want, "%v: %x, want %x", algorithm, got, want)
	}
}
