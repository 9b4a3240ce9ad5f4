package kerberos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestReplyMustMatchRequest checks that a service's reply must have the time of our request to the microsecond, and
// that its subkey must have the session key's type (K-60).
func TestReplyMustMatchRequest(t *testing.T) {
	made := noon.Truncate(time.Second).Add(5 * time.Microsecond)
	for name, c := range map[string]struct {
		at     time.Time
		key    types.EncryptionKey
		ok     bool
		number int64 // of the first message, as the reply has it
	}{
		"our time":              {made, types.EncryptionKey{}, true, 7},
		"a second before":       {made.Add(-time.Second), types.EncryptionKey{}, false, 7},
		"a second later":        {made.Add(time.Second), types.EncryptionKey{}, false, 7},
		"a microsecond before":  {made.Add(-time.Microsecond), types.EncryptionKey{}, false, 7},
		"a microsecond later":   {made.Add(time.Microsecond), types.EncryptionKey{}, false, 7},
		"a key of its own":      {made, older, true, 7},
		"a shorter key":         {made, short, false, 7},
		"a weak key":            {made, rc4, false, 7},
		"a truncated key":       {made, types.EncryptionKey{KeyType: 18, KeyValue: older.KeyValue[:16]}, false, 7},
		"a key of no such type": {made, types.EncryptionKey{KeyType: 99, KeyValue: older.KeyValue}, false, 7},
		// Some services encode numbers from 2^31 as negative ones (RFC 4120 5.5.1).
		"a negative number": {made, types.EncryptionKey{}, true, -2},
	} {
		part := messages.EncAPRepPart{CTime: c.at.Truncate(time.Second), Cusec: c.at.Nanosecond() / 1000, Subkey: c.key,
			SequenceNumber: c.number}
		b := check.Must(asn1.Marshal(part))
		own := &Context{session: secret, subkey: forge.NewKey(18), made: made}
		err := own.answered(asn1tools.AddASNAppTag(b, 27))
		check.That(t, (err == nil) == c.ok, "K-60: answered, %s: %v, want success: %t", name, err, c.ok)
		want := map[int64]uint64{7: 7, -2: 4294967294}[c.number]
		check.That(t, !c.ok || own.received == want && own.acceptor == (len(c.key.KeyValue) > 0),
			"K-60: %s: %+v", name, own)
	}
}

// TestInitiatorUsesOnlyKeytabKeys checks that this host authenticates to the KDC and to a service, sends the
// right flags, and uses only keys of its keytab (K-55, K-60).
func TestInitiatorUsesOnlyKeytabKeys(t *testing.T) {
	p := startKDC(t, func(k *forge.Centre) { k.Users = map[string]string{"websvc": "service"} },
		func(c *Config) { c.Keys = oneKey(t) })
	e := check.Must(crypto.GetEtype(18))
	value := check.Must(e.StringToKey("service", realm+"websvc", "00001000"))
	key := types.EncryptionKey{KeyType: 18, KeyValue: value}
	keys := check.Must(ParseKeytab(forge.Keytab(forge.Entry{Service: "websvc", Realm: realm, Version: 1, Key: key})))
	initiator := func(change func(*Initiator)) *Initiator {
		i := &Initiator{Keys: keys, Realm: realm, Account: "websvc", KDCs: p.KDCs,
			Now: func() time.Time { return noon.In(time.FixedZone("", 3600)) }}
		change(i)
		return i
	}
	binding := Bindings("tls-server-end-point:x")
	c, token, err := initiator(func(*Initiator) {}).Initiate(context.Background(), service, binding)
	check.NoError(t, err)
	n := check.Must(parseOuter(token))
	o := check.Must(p.Acceptor.open(n.apReq))
	digest := binding.digest()
	sum := slices.Concat([]byte{16, 0, 0, 0}, digest[:], []byte{0x2e, 0, 0, 0}) // mutual, replay, sequence, integrity
	if o.auth.Cksum.CksumType != 0x8003 || !slices.Equal(o.auth.Cksum.Checksum, sum) || o.auth.SubKey.KeyType != 18 ||
		len(o.auth.SubKey.KeyValue) != 32 || !slices.Equal(o.auth.SubKey.KeyValue, c.subkey.KeyValue) ||
		slices.Equal(o.auth.SubKey.KeyValue, c.session.KeyValue) || o.client() != "websvc" || o.service != service ||
		o.auth.CTime != noon.Truncate(time.Second) {
		t.Errorf("K-60: %+v", o.auth)
	}
	b := o.req.APOptions
	check.That(t, len(b.Bytes) == 4 && b.BitLength == 32 && bit(b.Bytes, optionMutual) &&
		!bit(b.Bytes, optionUseSessionKey), "K-60: options %+v", b)
	taken := check.Must(p.Acceptor.Accept(token, binding))
	for i := len(taken.Answer) - 60; i < len(taken.Answer); i++ { // the encrypted part
		bad := slices.Clone(taken.Answer)
		bad[i] ^= 1
		check.That(t, c.Finish(bad) != nil, "K-60: Finish with byte %d altered: no error, want one", i)
	}
	c.made = c.made.Add(time.Microsecond)
	check.That(t, c.Finish(taken.Answer) != nil, "K-60: Finish with the answer to another request: no error, want one")
	c.made = c.made.Add(-time.Microsecond)
	if got, err := unframedAnswer(taken.Answer); err != nil || c.Finish(got) != nil || c.acceptor || c.key.KeyType != 18 {
		t.Errorf("K-60: the answer: %v, %+v", err, c)
	}
	_, token, err = initiator(func(*Initiator) {}).Initiate(context.Background(), service, nil)
	check.NoError(t, err)
	check.NoError(t, check.Err(p.Acceptor.Accept(token, binding))) // a token without a binding
	for what, change := range map[string]func(*Initiator){
		"another account":           func(i *Initiator) { i.Account = "bob" },
		"another realm":             func(i *Initiator) { i.Realm = "OTHER.TEST" },
		"no such types":             func(i *Initiator) { i.EncryptionTypes = []int32{17} },
		"another's key":             func(i *Initiator) { i.Keys = oneKey(t) },
		"a KDC that is unreachable": func(i *Initiator) { i.KDCs = KDCs{Addresses: []string{"127.0.0.1:1"}} },
	} {
		c, token, err := initiator(change).Initiate(context.Background(), service, nil)
		check.That(t, c == nil && token == nil && err != nil && errors.Is(err, ErrNoKDC) == strings.HasPrefix(what, "a KDC"),
			"K-55: %s: token %x, %v, want no token, and ErrNoKDC only for a KDC", what, token, err)
	}
	if at := (&Initiator{}).now(); time.Since(at) > time.Hour || time.Until(at) > time.Hour {
		t.Errorf("now() of an Initiator without a clock = %v, want the time of this host", at)
	}
}

// unframedAnswer returns the service's token, without SPNEGO there.
func unframedAnswer(b []byte) ([]byte, error) {
	if _, ok := unframed(tokAPRep, b); !ok {
		return nil, fmt.Errorf("%x is not an answer", b)
	}
	return b, nil
}

// TestUnwrapNeedsTypeAndMechanism checks that unwrapping a token returns its contents only for the right token type and
// the Kerberos mechanism (K-60).
func TestUnwrapNeedsTypeAndMechanism(t *testing.T) {
	good := forge.DER(0x60, forge.OIDKerberos, []byte{2, 0, 7, 8})
	for what, c := range map[string]struct {
		b    []byte
		want []byte
	}{
		"unchanged": {good, []byte{7, 8}}, "empty": {forge.DER(0x60, forge.OIDKerberos, []byte{2, 0}), []byte{}},
		"of another kind":      {forge.DER(0x60, forge.OIDKerberos, []byte{1, 0, 7}), nil},
		"of another mechanism": {forge.DER(0x60, forge.OIDMSKerberos, []byte{2, 0, 7}), nil},
		"of one byte":          {forge.DER(0x60, forge.OIDKerberos, []byte{2}), nil},
		"with a trailing byte": {append(slices.Clone(good), 0), nil}, "nothing": {nil, nil},
	} {
		got, ok := unframed(0x200, c.b)
		check.That(t, ok == (c.want != nil) && slices.Equal(got, c.want),
			"K-60: %s: %x, %t, want %x, %t", what, got, ok, c.want, c.want != nil)
	}
	got := framed(0x200, []byte{7, 8})
	check.That(t, slices.Equal(got, good), "K-60: framed %x, want %x", got, good)
}
