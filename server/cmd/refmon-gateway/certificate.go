package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// madeLife is how long a certificate for loopback is good.
const madeLife = 365 * 24 * time.Hour

// loopbackFile is the certificate for loopback in the state folder, which clients are given
// to believe; its key is beside it.
const loopbackFile = "loopback.pem"

// certificate returns what the gateway proves itself with. made says that it is its own.
func (c *config) certificate() (cert tls.Certificate, made string, err error) {
	if c.Certificate != "" {
		cert, err = tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			err = fmt.Errorf("certificate: %w", err)
		}
		return cert, "", err
	}
	made = filepath.Join(c.State, loopbackFile)
	key := filepath.Join(c.State, "loopback.key")
	cert, err = tls.LoadX509KeyPair(made, key)
	if err == nil && cert.Leaf != nil && time.Until(cert.Leaf.NotAfter) > madeLife/12 {
		return cert, made, nil
	}
	if err := c.makeLoopback(made, key); err != nil {
		return cert, "", fmt.Errorf("certificate for loopback: %w", err)
	}
	cert, err = tls.LoadX509KeyPair(made, key)
	return cert, made, err
}

// makeLoopback makes a certificate for the names of this host that lead to itself.
func (c *config) makeLoopback(made, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "refmon-gateway on loopback"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(madeLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	for _, name := range c.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.State, 0o750); err != nil {
		return err
	}
	// The key first: a certificate without its key is made anew.
	return errors.Join(
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
		os.WriteFile(made, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
}

// channel names the TLS channel for a client's ticket (RFC 5929, tls-server-end-point): the
// hash is SHA-256 unless the certificate was signed with a longer one.
func channel(cert *tls.Certificate) string {
	leaf := cert.Leaf
	if leaf == nil {
		return ""
	}
	switch leaf.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS, x509.SHA512WithRSA, x509.ECDSAWithSHA512,
		x509.SHA512WithRSAPSS, x509.PureEd25519:
		return "" // clients differ in what they take there: such a ticket is bound to none
	}
	sum := sha256.Sum256(leaf.Raw)
	return base64.StdEncoding.EncodeToString(append([]byte("tls-server-end-point:"), sum[:]...))
}
