package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLoopbackEnds: a certificate for loopback that ends within a twelfth of a year, or whose key is another's, is made
// anew; another is kept, with what is in the folder.
func TestLoopbackEnds(t *testing.T) {
	c := config{settings: settings{State: t.TempDir(), Names: []string{"localhost"}}}
	at, begun := filepath.Join(c.State, "loopback.pem"), time.Now()
	keyFile := filepath.Join(c.State, "loopback.key")
	for _, k := range []struct {
		name string
		left time.Duration
		lose bool // the key is another's
		kept bool
	}{{"a day more than a twelfth", madeLife/12 + 24*time.Hour, false, true}, {"over", -time.Hour, false, false},
		{"a day less than a twelfth", madeLife/12 - 24*time.Hour, false, false},
		{"another's key", madeLife, true, false}} {
		der := ending(t, begun.Add(k.left))
		if err := os.WriteFile(at, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der.cert}), 0o600); err != nil {
			t.Fatal(err)
		}
		if k.lose {
			der.key = ending(t, begun).key
		}
		secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der.key})
		if err := os.WriteFile(keyFile, secret, 0o600); err != nil {
			t.Fatal(err)
		}
		got, made, err := c.certificate()
		if err != nil || made != at || bytes.Equal(got.Certificate[0], der.cert) != k.kept {
			t.Errorf("%s: kept %t, %q, %v", k.name, err == nil && bytes.Equal(got.Certificate[0], der.cert), made, err)
		}
	}
}

// pair is a certificate and its key, encoded.
type pair struct{ cert, key []byte }

// ending makes a certificate that is good until then.
func ending(t *testing.T, until time.Time) (p pair) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until}
	p.cert, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err == nil {
		p.key, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}
