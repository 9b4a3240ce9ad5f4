package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestExpiringCertificateIsReplaced checks that a generated certificate is replaced if it expires within a twelfth
// of its life or its key does not match. Other certificates and files in the folder stay.
func TestExpiringCertificateIsReplaced(t *testing.T) {
	c := config{settings: settings{State: t.TempDir(), Names: []string{"localhost"}}}
	at, begun := filepath.Join(c.State, "loopback.pem"), time.Now()
	keyFile := filepath.Join(c.State, "loopback.key")
	for _, k := range []struct {
		name string
		left time.Duration
		lose bool // the key of another certificate
		kept bool
	}{{"a day more than a twelfth", madeLife/12 + 24*time.Hour, false, true}, {"over", -time.Hour, false, false},
		{"a day less than a twelfth", madeLife/12 - 24*time.Hour, false, false},
		{"another's key", madeLife, true, false}} {
		der := ending(t, begun.Add(k.left))
		check.NoError(t, os.WriteFile(at, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der.cert}), 0o600))
		if k.lose {
			der.key = ending(t, begun).key
		}
		secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der.key})
		check.NoError(t, os.WriteFile(keyFile, secret, 0o600))
		got, made, err := c.certificate()
		if err != nil || made != at || bytes.Equal(got.Certificate[0], der.cert) != k.kept {
			t.Errorf("%s: kept %t, %q, %v", k.name, err == nil && bytes.Equal(got.Certificate[0], der.cert), made, err)
		}
	}
}

// pair is a certificate and its key, encoded.
type pair struct{ cert, key []byte }

// ending returns a certificate for localhost that expires at the given time.
func ending(t *testing.T, until time.Time) (p pair) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until, DNSNames: []string{"localhost"}}
	p.cert, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err == nil {
		p.key, err = x509.MarshalPKCS8PrivateKey(key)
	}
	check.NoError(t, err)
	return p
}

// TestInvalidCertificateHasRejectionReason checks the reasons for which clients reject a certificate (RFC 5280,
// 4.1.2.5; RFC 9110, 4.3.4). A loopback name has no reason, because the default of the key names contains it.
func TestInvalidCertificateHasRejectionReason(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(0, 3, 0)
	leaf := x509.Certificate{NotBefore: begin, NotAfter: end, DNSNames: []string{"files.example.com", "*.example.org"}}
	for _, k := range []struct {
		now  time.Time
		name string
		want string
	}{{begin, "files.example.com", ""}, {end, "FILES.example.com", ""}, {end, "a.example.org", ""},
		{end.Add(time.Second), "files.example.com", "expired on 2026-04-01T00:00:00Z"},
		{begin.Add(-time.Second), "files.example.com", "not valid before 2026-01-01T00:00:00Z"},
		{begin, "other.example.com", "not valid for other.example.com (key names)"},
		{begin, "192.0.2.1", "not valid for 192.0.2.1 (key names)"}} {
		c := config{settings: settings{Names: []string{"localhost", "127.0.0.1", "::1", "files.example.com", k.name}}}
		check.Equal(t, c.rejectionReason(&leaf, k.now), k.want, "%s at %v", k.name, k.now)
	}
}

// TestCertificateErrorNamesFiles checks that the error of a configured certificate names its file and that of the key.
func TestCertificateErrorNamesFiles(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	check.NoError(t, os.WriteFile(empty, nil, 0o600))
	c := config{settings: settings{Certificate: empty, Key: empty}}
	_, _, err := c.certificate()
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "certificate "+empty+", key "+empty+": "), "error %v", err)
}

// TestDamagedChainIsRefused checks that a configured certificate is refused if another one in its file is cut off or
// not a certificate, because clients would get an incomplete chain.
func TestDamagedChainIsRefused(t *testing.T) {
	p := ending(t, time.Now().Add(time.Hour))
	one := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert}))
	other := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("other")}))
	dir := t.TempDir()
	c := config{settings: settings{Certificate: filepath.Join(dir, "chain.pem"), Key: filepath.Join(dir, "key.pem")}}
	check.NoError(t, os.WriteFile(c.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.key}), 0o600))
	for chain, want := range map[string]string{one: "", one + "issuer\n" + one: "",
		one + one[:len(one)/2]: "1 of its 2 certificates are not PEM", one + one[:len(one)/2] + one: "are not PEM",
		one + other: "certificate 2 of the file: x509: "} {
		check.NoError(t, os.WriteFile(c.Certificate, []byte(chain), 0o600))
		_, _, err := c.certificate()
		check.That(t, (err == nil) == (want == "") && (err == nil || strings.Contains(err.Error(), want)),
			"%s: error %v, want %q", chain, err, want)
	}
}

// TestUnusableCertificateIsReplaced checks that a generated certificate is replaced if it expires within a
// month, has no key or is unreadable, and that a configured one never is.
func TestUnusableCertificateIsReplaced(t *testing.T) {
	c := config{settings: settings{State: t.TempDir(), Names: []string{"localhost", "127.0.0.1", "::1"}}}
	first, made, err := c.certificate()
	check.RequireThat(t, err == nil && made == filepath.Join(c.State, "loopback.pem"), "%v %v", made, err)
	leaf := first.Leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life != 365*24*time.Hour+time.Hour || len(leaf.IPAddresses) != 2 ||
		len(leaf.DNSNames) != 1 || leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature ||
		len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || time.Now().Before(leaf.NotBefore) {
		t.Errorf("%v, %+v", life, leaf)
	}
	key := filepath.Join(c.State, "loopback.key")
	for _, mutate := range []func() error{func() error { return os.Remove(key) },
		func() error { return os.WriteFile(made, []byte("x"), 0o600) }} {
		check.NoError(t, mutate())
		again, at, err := c.certificate()
		check.That(t, err == nil && at == made && !bytes.Equal(again.Certificate[0], first.Certificate[0]),
			"expired certificate: path %s, error %v, want a new certificate at the same path", at, err)
	}
	check.NoError(t, errors.Join(os.Remove(key), os.Remove(made), os.Mkdir(key, 0o700)))
	_, _, err = c.certificate()
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "certificate for loopback: "),
		"a key that cannot be written: %v, want an error", err)
	check.That(t, check.Err(os.Stat(made)) != nil, "a certificate is written without its key")
	check.NoError(t, errors.Join(os.Remove(key), c.makeLoopback(made, key)))
	given := config{settings: settings{State: t.TempDir(), Certificate: made, Key: key}}
	if cert, at, err := given.certificate(); err != nil || at != "" || len(cert.Certificate) != 1 {
		t.Errorf("of a configuration: %q, %v", at, err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	given.Names = []string{"other.test"}
	late := ending(t, time.Now().Add(-time.Hour))
	over := config{settings: settings{Certificate: made + ".old", Key: key + ".old"}}
	check.NoError(t, errors.Join(
		os.WriteFile(over.Certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: late.cert}), 0o600),
		os.WriteFile(over.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: late.key}), 0o600)))
	for want, by := range map[string]*config{"serving with a generated certificate": &c,
		"not valid for other.test": &given, "expired on": &over} {
		out.Reset()
		_, err = by.loadCertificate(log)
		check.That(t, err == nil && strings.Contains(out.String(), want), "%v, log %q, want %q", err, out.String(), want)
	}
	for mode, want := range map[os.FileMode]bool{0o600: true, 0o440: true, 0o644: false, 0o602: false, 0o660: false} {
		check.NoError(t, os.Chmod(key, mode))
		_, _, err := given.certificate()
		check.That(t, (err == nil) == want && (want || strings.Contains(err.Error(), "chmod")),
			"G-53: a key of mode %o: %v, want success %t", mode, err, want)
	}
	given.Key = "/none"
	if _, _, err := given.certificate(); err == nil {
		t.Error("certificate() of an unreadable file succeeds, want an error")
	}
	if names, _ := os.ReadDir(given.State); len(names) != 0 {
		t.Errorf("a certificate from files left %v in the state folder, want it empty", names)
	}
}
