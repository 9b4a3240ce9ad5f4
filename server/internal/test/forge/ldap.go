package forge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// Certificate returns the certificate and key of a server at 127.0.0.1, which is its own authority. It is valid for an
// hour from now and the same for each call. Another certificate follows in its chain.
var Certificate = sync.OnceValue(func() tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), IsCA: true,
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	chain := [][]byte{must(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)), nil}
	c.SerialNumber = big.NewInt(2)
	chain[1] = must(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key))
	return tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: must(x509.ParseCertificate(chain[0]))}
})

// LDAPText encodes an octet string.
func LDAPText(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

// LDAPMessage encodes a message with an operation and its controls.
func LDAPMessage(id int64, op *ber.Packet, controls ...goldap.Control) []byte {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	if len(controls) > 0 {
		all := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range controls {
			all.AppendChild(c.Encode())
		}
		p.AppendChild(all)
	}
	return p.Bytes()
}

// LDAPResult encodes the message that ends an operation with a result code and a text.
func LDAPResult(id int64, tag ber.Tag, code int64, text string, controls ...goldap.Control) []byte {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	op.AppendChild(LDAPText(""))
	op.AppendChild(LDAPText(text))
	return LDAPMessage(id, op, controls...)
}

// LDAPEntry encodes one entry of a search result.
func LDAPEntry(id int64, dn string, attributes map[string][]string) []byte {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
	op.AppendChild(LDAPText(dn))
	all := ber.NewSequence("")
	for name, values := range attributes {
		one := ber.NewSequence("")
		one.AppendChild(LDAPText(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(LDAPText(v))
		}
		one.AppendChild(set)
		all.AppendChild(one)
	}
	op.AppendChild(all)
	return LDAPMessage(id, op)
}
