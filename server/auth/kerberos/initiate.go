package kerberos

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Initiator authenticates this host to other services, with an account of the realm whose key is in
// the keytab. It is safe for concurrent use.
type Initiator struct {
	// Keys has a key of Account or of one of its services.
	Keys    *Keys
	Realm   string
	Account string // such as websvc, or HOST$ for the computer
	// EncryptionTypes lists the accepted types by number, the preferred one first; nil: AES only.
	EncryptionTypes []int32
	KDCs            KDCs
	Now             func() time.Time // nil: time.Now
}

// Context is the shared key of an authenticated connection (RFC 4121). Create it with [Initiator.Initiate]; before
// [Context.Finish] succeeded, Wrap and Unwrap fail. One goroutine uses it at a time.
type Context struct {
	key      types.EncryptionKey // signs the messages of this context
	acceptor bool                // the acceptor (the service) chose key
	sent     uint64
	received uint64

	session types.EncryptionKey
	subkey  types.EncryptionKey
	made    time.Time
}

// now returns the current time by the configured clock Now, or the system's if that is nil.
func (i *Initiator) now() time.Time {
	if i.Now == nil {
		return time.Now()
	}
	return i.Now()
}

// Initiate requests a ticket for a service such as ldap/dc1.example.test from the KDCs, and blocks until one
// answers or ctx ends. It returns a context and the first token, which is bound to a channel unless bindings is
// empty. Send the token to the service, and pass the response to [Context.Finish]. The error wraps [ErrNoKDC] if
// no KDC answered, and the [KDCError] if one refused. The context needs no Close.
func (i *Initiator) Initiate(ctx context.Context, service string, bindings Bindings) (*Context, []byte, error) {
	etypes := i.EncryptionTypes
	if etypes == nil {
		etypes = []int32{18, 17, 20, 19}
	}
	x := exchange{kdcs: i.KDCs, realm: i.Realm, etypes: etypes, now: i.now}
	tgt, err := x.logOn(ctx, i.Account, func(etype int32, _ string, _ uint32) (types.EncryptionKey, error) {
		if k, ok := i.Keys.keyOf(i.Account, i.Realm, etype); ok {
			return k, nil
		}
		return types.EncryptionKey{}, errParameters
	})
	if err != nil {
		return nil, nil, err
	}
	g, err := x.service(ctx, tgt, service)
	if err != nil {
		return nil, nil, err
	}
	return g.initiate(i.now(), i.Realm, bindings)
}

// keyOf returns the key with which this host authenticates as an account. It is the newest key of the account, else
// the newest of the realm, because keytabs can list services instead. Account names match exactly. ok is false
// without a key.
func (k *Keys) keyOf(account, realm string, etype int32) (key types.EncryptionKey, ok bool) {
	best := uint32(0)
	for _, own := range []bool{true, false} {
		for _, e := range k.entries {
			if e.realm == realm && e.key.KeyType == etype && (!own || e.service == account) && (!ok || e.version > best) {
				key, best, ok = e.key, e.version, true
			}
		}
		if ok {
			break
		}
	}
	return key, ok
}

// Flags of this host: mutual authentication and signed messages.
const initiatorFlags = flagMutual | 4 | 8 | 0x20

// initiate creates a context with a new random subkey and returns it with the token for the service. It sends nothing.
// bindings tie the token to a TLS channel; none means no channel. An encryption type that is not supported is an error.
func (g *granted) initiate(now time.Time, realm string, bindings Bindings) (*Context, []byte, error) {
	e, err := crypto.GetEtype(g.key.KeyType)
	if err != nil {
		return nil, nil, err
	}
	c := &Context{session: g.key, subkey: types.EncryptionKey{KeyType: g.key.KeyType,
		KeyValue: make([]byte, keySize(e))}, made: now.UTC()}
	if _, err := rand.Read(c.subkey.KeyValue); err != nil {
		return nil, nil, err
	}
	var bound [16]byte
	if len(bindings) > 0 {
		bound = bindings.digest()
	}
	sum := append(binary.LittleEndian.AppendUint32(nil, 16), bound[:]...)
	sum = binary.LittleEndian.AppendUint32(sum, initiatorFlags)
	b, err := g.request(now, realm, usageAuthenticator, func(a *types.Authenticator) {
		a.Cksum = types.Checksum{CksumType: gssChecksum, Checksum: sum}
		a.SubKey = c.subkey
	})
	if err != nil {
		return nil, nil, err
	}
	return c, framed(tokAPReq, b), nil
}

var errFinish = errors.New("the service's answer does not prove that it is the requested service")

// Finish verifies token, the service's response, which proves that the service has its key. Afterwards Wrap and Unwrap
// work. After an error the context must not be used. Any error is errFinish.
func (c *Context) Finish(token []byte) error {
	b, ok := unframed(tokAPRep, token)
	if !ok {
		return errFinish
	}
	var err error
	var rep messages.APRep
	if decode(&rep, b) != nil {
		return errFinish
	}
	if b, err = decrypt(rep.EncPart, c.session, usageAPRep); err != nil {
		return errFinish
	}
	return c.answered(b)
}

// answered verifies the server's AP-REP and sets the keys of the context. The AP-REP must repeat the time of our
// request (K-60). A malformed or wrong AP-REP, and a subkey of another type than the session key, are errFinish.
func (c *Context) answered(b []byte) error {
	var part messages.EncAPRepPart
	if decode(&part, b) != nil || !part.CTime.Equal(c.made.Truncate(time.Second)) ||
		part.Cusec != c.made.Nanosecond()/1000 {
		// A recorded response to another request proves nothing (K-60).
		return errFinish
	}
	// A service may encode a number from 2^31 as a negative one (RFC 4120 5.5.1).
	c.key, c.received = c.subkey, uint64(uint32(part.SequenceNumber))
	if k := part.Subkey; len(k.KeyValue) > 0 {
		e, err := crypto.GetEtype(k.KeyType)
		if err != nil || len(k.KeyValue) != keySize(e) || k.KeyType != c.session.KeyType {
			return errFinish
		}
		c.key, c.acceptor = k, true
	}
	return nil
}

// framed returns message in the GSS-API frame of Kerberos (RFC 4121 4.1), with kind as its token ID.
func framed(kind uint16, message []byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(frameTag, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(oidKerberos) })
			b.AddUint16(kind)
			b.AddBytes(message)
		})
	})
}

// unframed returns the message in a frame. ok is false if the frame is malformed, of another mechanism, or of
// another kind.
func unframed(kind uint16, token []byte) ([]byte, bool) {
	oid, body, ok := frame(token)
	if !ok || !bytes.Equal(oid, oidKerberos) || len(body) < 2 || binary.BigEndian.Uint16(body) != kind {
		return nil, false
	}
	return body[2:], true
}
