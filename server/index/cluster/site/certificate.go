package site

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Validity of a server's certificate and of the authority, which must outlive it.
const (
	validFor          = 5 * 365 * 24 * time.Hour
	authorityValidFor = 4 * validFor
)

// Authority is the site's certificate authority: its certificate and its secret key, both as PEM.
type Authority struct{ Certificate, Key []byte }

// NewAuthority creates a certificate authority, valid for twenty years. It may sign certificates and nothing else.
// Both parts are in PEM. It stores nothing.
func NewAuthority() (Authority, error) {
	root, key, err := template("refmon-index site", authorityValidFor)
	if err != nil {
		return Authority{}, err
	}
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return Authority{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	return Authority{block("CERTIFICATE", der), block("PRIVATE KEY", secret)}, err
}

// Issue creates a certificate for a NATS server, valid for five years and for these host names and IP addresses, and
// its secret key, both as PEM. It returns an error if the authority is malformed. A name that is an IP address becomes
// one in the certificate.
func (a Authority) Issue(names ...string) (cert, key []byte, err error) {
	pair, err := tls.X509KeyPair(a.Certificate, a.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("the site's authority: %w", err)
	}
	leaf, leafKey, err := template("refmon-index NATS server", validFor)
	if err != nil {
		return nil, nil, err
	}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, s := range names {
		if ip := net.ParseIP(s); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, s)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, pair.Leaf, leafKey.Public(), pair.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(leafKey)
	return block("CERTIFICATE", der), block("PRIVATE KEY", secret), err
}

// Holds reports whether cert is a certificate of this secret key that the authority issued for exactly this name, and
// that is valid for another year. It returns false for a malformed certificate, key or authority.
func (a Authority) Holds(cert, key []byte, name string) bool {
	pair, err := tls.X509KeyPair(cert, key)
	b, _ := pem.Decode(a.Certificate)
	if err != nil || b == nil {
		return false
	}
	root, err := x509.ParseCertificate(b.Bytes)
	leaf := pair.Leaf
	return err == nil && leaf.CheckSignatureFrom(root) == nil && leaf.VerifyHostname(name) == nil &&
		len(leaf.DNSNames)+len(leaf.IPAddresses) == 1 && time.Until(leaf.NotAfter) > 365*24*time.Hour
}

// block encodes DER bytes as PEM. kind is the type in the header, such as "CERTIFICATE".
func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// template returns the common part of the site's certificates and a new private key: valid for this long, from an hour
// ago, with a random serial number. The caller adds the purpose and the host names.
func template(name string, long time.Duration) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(long)}, key, nil
}
