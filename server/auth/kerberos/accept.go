package kerberos

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Config configures an [Acceptor]. Keys and Realm are required.
type Config struct {
	Keys     *Keys
	Realm    string   // realm of the services, in the case that the keytab has
	Services []string // accepted services, such as HTTP/www.example.test; nil: all of the keytab; empty: none
	// Skew is the accepted difference of clocks, a second to an hour; 0: five minutes.
	Skew time.Duration
	// EncryptionTypes lists the accepted types by number; nil: AES only, 17 to 20.
	EncryptionTypes []int32
	// RequireBinding rejects tokens without channel bindings, and every token on a channel without them.
	RequireBinding bool
	// Domain is the SID of the realm's domain. If it is zero, clients of other realms are rejected.
	Domain sid.SID
	// Machine returns the SID of this computer, which an import of accounts can change. If it is nil or returns the zero
	// SID, SIDs of this computer are not filtered out.
	Machine func() sid.SID
	// Delegated accepts tickets that a service requested for its client (S4U2proxy).
	Delegated bool
	// State is the folder of the replay cache's file, which makes the cache survive a restart; ""
	// for none.
	State string
	// Parse parses a PAC whose signature is verified, in a process with fewer rights; nil: [pac.Parse], in this one.
	Parse func(data []byte) (*pac.PAC, error)
	// Split splits a client's token in such a process; nil: [SplitToken], in this one.
	Split func(blob []byte) (*Token, error)
	Now   func() time.Time // nil: time.Now
}

const defaultSkew = 5 * time.Minute

// Acceptor authenticates clients by Kerberos tickets. Create it with [New]; the zero value is not
// usable.
type Acceptor struct {
	cfg    Config // immutable
	etypes []int32
	replay *replay
}

// New returns an acceptor. It fails if the configuration is incomplete, if Skew is out of range or an encryption type
// unknown, if the keytab has no key for one of Services, or if the replay cache's file cannot be read or replaced. With
// nil Services it does not look for a key. Close the acceptor afterwards.
func New(cfg Config) (*Acceptor, error) {
	a, err := newBareAcceptor(cfg)
	if err != nil {
		return nil, err
	}
	a.replay, err = newReplay(cfg.State, a.cfg.Skew, a.cfg.Now())
	if err != nil {
		return nil, err
	}
	return a, nil
}

// With returns an acceptor with another configuration, whose State is ignored. Both share one replay cache, so neither
// accepts a token that the other has accepted. If Skew grows, both reject the authenticators made up to now, because
// the cache may have forgotten some (K-82). After an error a is unchanged. Closing one of them closes the cache's file
// for both.
func (a *Acceptor) With(cfg Config) (*Acceptor, error) {
	b, err := newBareAcceptor(cfg)
	if err != nil {
		return nil, err
	}
	a.replay.extend(b.cfg.Skew, b.cfg.Now())
	b.replay = a.replay
	return b, nil
}

// newBareAcceptor checks cfg, fills in the defaults and returns an acceptor without its replay cache. It opens no
// file. A missing keytab or realm, a skew outside a second to an hour, an unknown encryption type, and a service
// without a key are errors.
func newBareAcceptor(cfg Config) (*Acceptor, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Parse == nil {
		cfg.Parse = pac.Parse
	}
	if cfg.Split == nil {
		cfg.Split = SplitToken
	}
	if cfg.Machine == nil {
		cfg.Machine = func() sid.SID { return sid.SID{} }
	}
	if cfg.Skew == 0 {
		cfg.Skew = defaultSkew
	}
	a := &Acceptor{cfg: cfg, etypes: cfg.EncryptionTypes}
	if a.etypes == nil {
		a.etypes = []int32{17, 18, 19, 20}
	}
	switch {
	case cfg.Keys == nil || cfg.Realm == "":
		return nil, errors.New("kerberos: a keytab and a realm must be given")
	case len(a.etypes) == 0:
		return nil, errors.New("kerberos: encryptionTypes names no type, so no ticket would count: remove it for AES")
	case cfg.Skew < time.Second || cfg.Skew > time.Hour:
		return nil, fmt.Errorf("kerberos: a skew of %v, want a second to an hour", cfg.Skew)
	}
	for _, e := range a.etypes {
		if _, err := crypto.GetEtype(e); err != nil {
			return nil, fmt.Errorf("kerberos: encryption type %d is unknown", e)
		}
	}
	for _, s := range cfg.Services {
		if !cfg.Keys.has(s, cfg.Realm) {
			return nil, fmt.Errorf("kerberos: the keytab has no key for %s in %s", s, cfg.Realm)
		}
	}
	return a, nil
}

// Close closes the replay cache's file. A token accepted afterwards is not stored there, so call no Accept after it. A
// second call has no effect.
func (a *Acceptor) Close() error { return a.replay.close() }

// serves reports whether the acceptor takes tickets for a service of a realm: one of Config.Services, or one
// with a key if that is nil. The realm must match exactly, and the service without regard to case.
func (a *Acceptor) serves(service, realm string) bool {
	if realm != a.cfg.Realm {
		return false
	}
	if a.cfg.Services == nil {
		return a.cfg.Keys.has(service, realm)
	}
	return slices.ContainsFunc(a.cfg.Services, func(s string) bool { return strings.EqualFold(s, service) })
}

// Client is an authenticated client. The zero value is not a client, and its methods Proof and User panic.
type Client struct {
	Name, Realm string // as in the ticket
	Service     string // the service that the ticket is for
	AuthTime    time.Time
	Level       winnt.SecurityImpersonationLevel
	PAC         *pac.PAC
	Identity    pac.Identity
	// ByPassword says that this host requested the ticket with the client's password.
	ByPassword bool
	// Answer must be sent to the client; nil: nothing to send.
	Answer []byte

	start, end  time.Time // validity of the ticket
	issuer      string    // realm of the KDC that issued the ticket
	etype, used int32     // types of the ticket's key and of the session key
}

// String describes how the client was authenticated. The text may contain control characters from the ticket.
func (c *Client) String() string {
	if c.ByPassword {
		return fmt.Sprintf("%s@%s by a password that the KDC took at %s, with a ticket for %s", c.Name, c.Realm,
			c.AuthTime.UTC().Format(time.RFC3339), c.Service)
	}
	return fmt.Sprintf("%s@%s by a ticket for %s of %s", c.Name, c.Realm, c.Service, c.AuthTime.UTC().Format(time.RFC3339))
}

var errNoPAC = errors.New("the ticket has no PAC, and so no SID and no groups: the service's account has " +
	"AuthorizationDataNotRequired, or the KDC is not one of Active Directory")

// Accept verifies a client's first token, a blob of at most [MaxBlob] bytes, and returns the client. Send the client's
// Answer back unless it is nil. bindings identifies the channel that the token came through; nil for a channel without
// bindings. An accepted token enters the replay cache, so a second call with it fails. Errors are [*Refusal], always
// with STATUS_LOGON_FAILURE for the client. A refused token is not stored, unless only its Answer cannot be made.
// Mutual authentication is answered if the client asks for it.
func (a *Acceptor) Accept(blob []byte, bindings Bindings) (*Client, error) {
	t, err := a.cfg.Split(blob)
	if err != nil {
		return nil, refuse(nil, err)
	}
	o := &opened{req: *t.request(blob)}
	if err := a.unlock(o); err != nil {
		return nil, refuse(nil, err)
	}
	now := a.cfg.Now()
	if err := o.check(now, a.cfg.Skew); err != nil {
		return nil, refuse(o, err)
	}
	requested, err := readChecksum(o.auth.Cksum)
	if err != nil {
		return nil, refuse(o, err)
	}
	if err := requested.checkBindings(bindings, a.cfg.RequireBinding, o.supportsBindings()); err != nil {
		return nil, refuse(o, err)
	}
	c := o.describe()
	c.Level = requested.level(func() bool { return a.forwarded(o, requested.credential, now) })
	// Read the PAC before the token enters the cache, so that a rejected ticket takes no space
	// there.
	if err := a.identify(c, o); err != nil {
		return nil, refuse(o, err)
	}
	at := o.authenticatorTime()
	key := identity(c.Name+"@"+c.Realm, at, o.req.EncryptedAuthenticator.Cipher)
	if err := a.replay.enter(key, c.Identity.User, at, now); err != nil {
		return nil, refuse(o, err)
	}
	var rep []byte
	if bit(o.req.APOptions.Bytes, optionMutual) || requested.flags&flagMutual != 0 {
		if rep, err = o.reply(); err != nil {
			return nil, refuse(o, err)
		}
	}
	c.Answer = t.answer(rep)
	return c, nil
}

// describe returns the client that an opened ticket names, for [Acceptor.Accept]. It leaves the PAC, the identity and
// the level for the caller to set.
func (o *opened) describe() *Client {
	return &Client{Name: o.client(), Realm: o.ticket.CRealm, Service: o.service, AuthTime: o.ticket.AuthTime,
		start: o.validFrom(), end: o.ticket.EndTime, issuer: o.req.Ticket.Realm, etype: o.key.KeyType,
		used: o.ticket.Key.KeyType}
}

// identify verifies the ticket's PAC and sets c.PAC and c.Identity, the client's SIDs. A PAC is verified before it is
// parsed. A missing PAC and another ticket's PAC are errors. An identity that is not allowed is
// STATUS_TRUSTED_DOMAIN_FAILURE. After an error c.PAC may be set.
func (a *Acceptor) identify(c *Client, o *opened) error {
	data, err := o.pac()
	if err != nil {
		return err
	}
	if data == nil {
		// Without a PAC there is no SID and no group. A name alone is not mapped to a user (K-43).
		return errNoPAC
	}
	// Unsigned data reaches no parser (K-12).
	if err := pac.Verify(data, o.key); err != nil {
		return err
	}
	if c.PAC, err = a.cfg.Parse(data); err != nil {
		return err
	}
	if err := c.PAC.Check(pac.Ticket{Client: c.Name, AuthTime: c.AuthTime, Delegated: a.cfg.Delegated}); err != nil {
		return err
	}
	c.Identity, err = c.PAC.Identity(pac.Place{Domain: a.cfg.Domain, Machine: a.cfg.Machine(),
		Foreign: c.Realm != a.cfg.Realm})
	if err != nil {
		return fault{ntstatus.TrustedDomainFailure, err}
	}
	return nil
}

// reply returns the AP-REP, which proves to the client that the service could open the ticket (K-48). It has the
// authenticator's time encrypted with the session key, and a random sequence number.
func (o *opened) reply() ([]byte, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	part := build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0x60|27), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				field(b, 0, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(o.auth.CTime.UTC()) })
				field(b, 1, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(o.auth.Cusec)) })
				field(b, 3, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(int64(binary.LittleEndian.Uint32(random[:]) & 0x3fffffff))
				})
			})
		})
	})
	sealed, err := crypto.GetEncryptedData(part, o.ticket.Key, usageAPRep, 0)
	if err != nil {
		return nil, err
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0x60|15), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				field(b, 0, func(b *cryptobyte.Builder) { b.AddASN1Int64(5) })
				field(b, 1, func(b *cryptobyte.Builder) { b.AddASN1Int64(15) })
				field(b, 2, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						field(b, 0, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(sealed.EType)) })
						field(b, 2, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sealed.Cipher) })
					})
				})
			})
		})
	}), nil
}

// field adds an explicitly tagged ASN.1 field with number n to b, whose contents f writes.
func field(b *cryptobyte.Builder, n uint8, f cryptobyte.BuilderContinuation) {
	b.AddASN1(asn1.Tag(0xa0|n), f)
}
