package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/roster"
)

// authority returns a certificate in PEM.
func authority(t *testing.T) []byte {
	t.Helper()
	key := check.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(4_000_000_000, 0)}
	der := check.Must(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestPeopleComeFromFileOrLDAP checks that people come from a file or a directory but not both, and that
// missing or wrong flags of a directory are errors that name the flag, before any query (D-1, D-2).
func TestPeopleComeFromFileOrLDAP(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		t.Helper()
		at := filepath.Join(dir, name)
		check.NoError(t, errors.Join(os.WriteFile(at, []byte(text), mode), os.Chmod(at, mode)))
		return at
	}
	secret, read, none := file("secret", "wonderland\r\nmore\n", 0o600), file("read", "wonderland\n", 0o644),
		filepath.Join(dir, "none")
	empty := file("empty", "\r\n", 0o600)
	roots, noRoots := file("ca", string(authority(t)), 0o644), file("noca", "garbage", 0o644)
	good := ldapFlags{Server: []string{"ldaps://127.0.0.1:1"}, Domain: "S-1-5-21-1-2-3", Account: "a@EXAMPLE.TEST",
		PasswordFile: secret}
	with := func(change func(*ldapFlags)) people {
		f := good
		change(&f)
		return people{LDAP: f}
	}
	for what, c := range map[string]struct {
		people  people
		queried bool   // a directory is queried
		why     string // "": valid
	}{
		"a file":                {people{Directory: "firm.yaml"}, false, ""},
		"a directory":           {with(func(*ldapFlags) {}), true, ""},
		"with an authority":     {with(func(f *ldapFlags) { f.CA = roots }), true, ""},
		"with a base":           {with(func(f *ldapFlags) { f.Base = "OU=people,DC=a" }), true, ""},
		"neither":               {people{}, false, "name a directory file, or a directory by --ldap-server"},
		"both":                  {people{Directory: "firm.yaml", LDAP: good}, false, "name a directory file, or a directory"},
		"no domain":             {with(func(f *ldapFlags) { f.Domain = "" }), false, "--ldap-domain: "},
		"no SID":                {with(func(f *ldapFlags) { f.Domain = "EXAMPLE" }), false, "--ldap-domain: "},
		"no file of a password": {with(func(f *ldapFlags) { f.PasswordFile = "" }), false, "-file: required"},
		"none there":            {with(func(f *ldapFlags) { f.PasswordFile = none }), false, "--ldap-password-file"},
		"a readable password":   {with(func(f *ldapFlags) { f.PasswordFile = read }), false, "--ldap-password-file"},
		"an empty password":     {with(func(f *ldapFlags) { f.PasswordFile = empty }), false, "a name and a password"},
		"no account":            {with(func(f *ldapFlags) { f.Account = "" }), false, "a name and a password"},
		"no authority there":    {with(func(f *ldapFlags) { f.CA = none }), false, "no such file"},
		"no authority in it":    {with(func(f *ldapFlags) { f.CA = noRoots }), false, "has no certificate"},
		"a malformed base":      {with(func(f *ldapFlags) { f.Base = "x" }), false, "base: "},
		"a malformed server":    {with(func(f *ldapFlags) { f.Server = []string{"http://dc1"} }), false, `"http://dc1"`},
	} {
		got, done, err := c.people.open(nil)
		if (err == nil) != (c.why == "") || err != nil && (!strings.Contains(err.Error(), c.why) || got != nil ||
			done != nil || strings.Contains(err.Error(), "wonderland")) {
			t.Errorf("%s: %v, %v, want %q", what, got, err, c.why)
		}
		if err != nil {
			continue
		}
		if l, is := got.(*roster.LDAP); is != c.queried || is && l.Directory == nil || !is && got != nil {
			t.Errorf("%s: %v", what, got)
		}
		done()
	}
}
