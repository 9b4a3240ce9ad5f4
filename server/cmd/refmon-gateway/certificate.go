package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/server/gateway"
	"github.com/refmon/refmon/server/internal/regular"
	"github.com/refmon/refmon/server/internal/sdnotify"
)

// madeLife is the validity of a generated certificate.
const madeLife = 365 * 24 * time.Hour

// loopbackFile is the name of the generated certificate in the state folder. Clients must be
// configured to trust it. Its key is in the same folder.
const loopbackFile = "loopback.pem"

// certificate returns the gateway's TLS certificate: the configured certificate, or a generated certificate. made is
// the file name of a generated certificate, else "". The state folder keeps the generated certificate. A missing
// certificate, one that expires within a month, and one with other names are replaced. Errors are a configured
// certificate that cannot be loaded, a configured key that others can read, and a state folder that cannot be written.
func (c *config) certificate() (cert tls.Certificate, made string, err error) {
	if c.Certificate != "" {
		cert, err = loadPrivate(c.Certificate, c.Key)
		if err != nil {
			err = fmt.Errorf("certificate %s, key %s: %w", c.Certificate, c.Key, err)
		}
		return cert, "", err
	}
	made = filepath.Join(c.State, loopbackFile)
	key := filepath.Join(c.State, "loopback.key")
	cert, err = tls.LoadX509KeyPair(made, key)
	if err == nil && cert.Leaf != nil && time.Until(cert.Leaf.NotAfter) > madeLife/12 && c.namedBy(cert.Leaf) {
		return cert, made, nil
	}
	if err := c.makeLoopback(made, key); err != nil {
		return cert, "", fmt.Errorf("certificate for loopback: %w", err)
	}
	cert, err = tls.LoadX509KeyPair(made, key)
	return cert, made, err
}

// maxPEM is the size limit of a certificate with its chain, and of a key, in bytes.
const maxPEM = 1 << 20

// loadPrivate returns the certificate with its chain and the key of two files. A damaged certificate is an error. So is
// a key that every user of the host can read or change, because any of them could then pose as the gateway (G-53). The
// group may read it, as ssl-cert does on Debian.
func loadPrivate(certificate, key string) (tls.Certificate, error) {
	public, err := regular.Read(certificate, maxPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	secret, err := regular.Read(key, maxPEM, func(info fs.FileInfo) error {
		if mode := info.Mode().Perm(); mode&0o027 != 0 {
			return fmt.Errorf("mode %04o of the key lets others read or change it: chmod g-w,o= it", mode)
		}
		return nil
	})
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := tls.X509KeyPair(public, secret)
	if err != nil {
		return cert, err
	}
	// X509KeyPair ignores a certificate that is cut off, and parses only the first. Clients would miss the others.
	if begun := bytes.Count(public, []byte("-----BEGIN CERTIFICATE-----")); begun != len(cert.Certificate) {
		return cert, fmt.Errorf("%d of its %d certificates are not PEM: the file is cut off or damaged",
			begun-len(cert.Certificate), begun)
	}
	for i, der := range cert.Certificate {
		if _, err := x509.ParseCertificate(der); err != nil {
			return cert, fmt.Errorf("certificate %d of the file: %w", i+1, err)
		}
	}
	return cert, nil
}

// loadCertificate returns the certificate as the method certificate does, and logs a warning if clients will reject it.
func (c *config) loadCertificate(log *slog.Logger) (*tls.Certificate, error) {
	cert, made, err := c.certificate()
	if err != nil {
		return nil, err
	}
	if made != "" {
		log.Warn("serving with a generated certificate, which clients trust only after it is installed there", "file",
			made)
	} else if reason := c.rejectionReason(cert.Leaf, time.Now()); reason != "" {
		log.Warn("clients will reject the certificate", "file", c.Certificate, "reason", reason)
	}
	return &cert, nil
}

// renewCertificate loads the certificate after each hangup and presents it to new connections, until ctx is done. If it
// cannot be loaded, the current one stays (G-53).
func (c *config) renewCertificate(ctx context.Context, hangups <-chan os.Signal, presented *gateway.Certificate,
	log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		sdnotify.Send(sdnotify.Reloading())
		c.renew(presented, log)
		sdnotify.Send(sdnotify.Ready)
	}
}

// renew loads the certificate and presents it to new connections, as renewCertificate does for one hangup.
func (c *config) renew(presented *gateway.Certificate, log *slog.Logger) {
	cert, err := c.loadCertificate(log)
	if err != nil {
		log.Error("the certificate is not replaced", "error", err)
		return
	}
	presented.Renew(cert)
	log.Info("new connections get the certificate", "until", cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
}

// rejectionReason returns why clients will reject the configured certificate: it is not valid now, or lacks a
// configured name that is not a loopback name. It returns "" for a certificate without such a fault, and for nil.
func (c *config) rejectionReason(leaf *x509.Certificate, now time.Time) string {
	switch {
	case leaf == nil:
		return ""
	case now.After(leaf.NotAfter):
		return "expired on " + leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(leaf.NotBefore):
		return "not valid before " + leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	for _, name := range c.Names {
		if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
			continue
		}
		if leaf.VerifyHostname(name) != nil {
			return "not valid for " + name + " (key names)"
		}
	}
	return ""
}

// namedBy reports whether a certificate fits the configuration: whether it has exactly the configured names and
// addresses, in any order. A repeated name counts twice.
func (c *config) namedBy(leaf *x509.Certificate) bool {
	got, want := slices.Clone(leaf.DNSNames), []string{}
	for _, ip := range leaf.IPAddresses {
		got = append(got, ip.String())
	}
	for _, name := range c.Names {
		if ip := net.ParseIP(name); ip != nil {
			name = ip.String()
		}
		want = append(want, name)
	}
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

// makeLoopback writes a new self-signed certificate for the configured names. The files made (the certificate) and
// keyFile are replaced if they exist. makeLoopback creates the state folder if needed. A name may be an IP address. An
// error may leave the key without its certificate, which the next start replaces.
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
	// Write the key first: the next start replaces a key without its certificate.
	err = diskio.Faults(nil).Replace(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
	if err != nil {
		return err
	}
	return diskio.Faults(nil).Replace(made, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}
