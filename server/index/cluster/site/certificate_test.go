package site

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

func newAuthority(t *testing.T) Authority {
	t.Helper()
	a, err := NewAuthority()
	check.NoError(t, err)
	return a
}

// TestCertificateHasAllNames checks that a server's certificate has all its names and addresses and is signed by the
// site's authority, whose own certificate may only sign certificates (N-47).
func TestCertificateHasAllNames(t *testing.T) {
	a := newAuthority(t)
	authority := a.Certificate
	cert, _, err := a.Issue("mq1.example", "192.0.2.7", "mq2.example", "::1", "mq3.example")
	check.NoError(t, err)
	read := func(b []byte) *x509.Certificate {
		t.Helper()
		block, rest := pem.Decode(b)
		check.RequireThat(t, block != nil && len(rest) == 0, "N-47: %q", b)
		c, err := x509.ParseCertificate(block.Bytes)
		check.NoError(t, err)
		return c
	}
	root, leaf := read(authority), read(cert)
	// A server also is the client of others in its cluster.
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	check.DeepEqual(t, leaf.ExtKeyUsage, usage, "N-47: the usage of the certificate")
	if !slices.Equal(leaf.DNSNames, []string{"mq1.example", "mq2.example", "mq3.example"}) ||
		fmt.Sprint(leaf.IPAddresses) != "[192.0.2.7 ::1]" || leaf.IsCA || leaf.CheckSignatureFrom(root) != nil ||
		leaf.KeyUsage != x509.KeyUsageDigitalSignature || time.Since(leaf.NotBefore) < 50*time.Minute {
		t.Errorf("N-47: the certificate is of %q and %v, an authority %t", leaf.DNSNames, leaf.IPAddresses, leaf.IsCA)
	}
	check.That(t, root.IsCA && len(root.DNSNames)+len(root.IPAddresses) == 0 && root.KeyUsage == x509.KeyUsageCertSign,
		"N-47: the authority is of %q and %v", root.DNSNames, root.IPAddresses)
	years := func(c *x509.Certificate) int { return int((time.Until(c.NotAfter) + time.Hour).Hours()) / (365 * 24) }
	check.That(t, years(root) == 20 && years(leaf) == 5, "the authority is valid until %s, the certificate until %s",
		root.NotAfter, leaf.NotAfter)
}

// TestRoleTrustsOnlySiteAuthority checks that a role trusts the site's authority. With external servers and no named
// authority it trusts the host's authorities, and in a folder with neither it trusts none (N-47, N-79).
func TestRoleTrustsOnlySiteAuthority(t *testing.T) {
	authority := newAuthority(t).Certificate
	for name, c := range map[string]struct {
		files map[string]string
		least uint16 // 0: refused
		pool  bool
	}{
		"an authority":      {map[string]string{"ca.pem": string(authority)}, tls.VersionTLS13, true},
		"servers of others": {map[string]string{"nats.conf": "x"}, tls.VersionTLS12, false},
		"both": {map[string]string{"ca.pem": string(authority), "nats.conf": "x"},
			tls.VersionTLS13, true},
		"neither":                     {nil, 0, false},
		"no certificate":              {map[string]string{"ca.pem": "x"}, 0, false},
		"no certificate, and others'": {map[string]string{"ca.pem": "", "nats.conf": "x"}, 0, false},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			check.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
		}
		got, err := ClientTLS(dir)
		check.That(t, (err == nil) == (c.least != 0) && errors.Is(err, os.ErrNotExist) == (name == "neither"),
			"N-79: %s: %v", name, err)
		if got == nil {
			continue
		}
		if got.MinVersion != c.least || (got.RootCAs != nil) != c.pool || (got.ClientCAs != nil) != c.pool ||
			got.InsecureSkipVerify {
			t.Errorf("N-79: %s: %+v", name, got)
		}
	}
}

// TestValidCertificateIsReused checks which certificates of an earlier run stay in use: those of the same authority and
// of the stored key, for exactly this name (N-47).
func TestValidCertificateIsReused(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	type certificate struct{ cert, key []byte }
	issue := func(a Authority, names ...string) certificate {
		t.Helper()
		cert, key, err := a.Issue(names...)
		check.NoError(t, err)
		return certificate{cert, key}
	}
	pair, err := tls.X509KeyPair(a.Certificate, a.Key)
	check.NoError(t, err)
	leaf, key, err := template("expires soon", 364*24*time.Hour)
	check.NoError(t, err)
	leaf.DNSNames = []string{"mq1.example"}
	soon := check.Must(x509.CreateCertificate(rand.Reader, leaf, pair.Leaf, key.Public(), pair.PrivateKey))
	secret := check.Must(x509.MarshalPKCS8PrivateKey(key))
	own := issue(a, "mq1.example")
	for name, c := range map[string]struct {
		certificate
		want bool
	}{
		"its own":           {own, true},
		"another key":       {certificate{own.cert, issue(a, "mq1.example").key}, false},
		"no key":            {certificate{own.cert, nil}, false},
		"less than a year":  {certificate{block("CERTIFICATE", soon), block("PRIVATE KEY", secret)}, false},
		"another name":      {issue(a, "mq2.example"), false},
		"two names":         {issue(a, "mq1.example", "mq2.example"), false},
		"another authority": {issue(other, "mq1.example"), false},
		"the authority":     {certificate{a.Certificate, a.Key}, false},
		"none":              {certificate{}, false},
		"text":              {certificate{[]byte("x"), own.key}, false},
	} {
		check.Equal(t, a.Holds(c.cert, c.key, "mq1.example"), c.want, "N-47: %s: kept", name)
	}
	if _, _, err := (Authority{}).Issue("mq1.example"); err == nil {
		t.Error("an empty authority issues a certificate")
	}
}
