package addc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"
)

// certificate creates an authority and a server certificate that it signs. It sets d.CA and returns samba's options
// for them.
func (d *Domain) certificate() []string {
	d.t.Helper()
	now := time.Now()
	newTemplate := func(name string, serial int64, authority bool) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		d.must(err)
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: authority, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}, key
	}
	ca, caKey := newTemplate("authority of a test", 1, true)
	server, key := newTemplate(Host, 2, false)
	server.DNSNames, server.IPAddresses = []string{Host}, []net.IP{net.ParseIP(d.Address)}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	write := func(name, kind string, mode os.FileMode, der []byte, err error) string {
		d.must(err)
		file := d.path(name)
		d.must(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode))
		return file
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	d.CA = write("ca.pem", "CERTIFICATE", 0o644, der, err)
	der, err = x509.CreateCertificate(rand.Reader, server, ca, &key.PublicKey, caKey)
	cert := write("server.pem", "CERTIFICATE", 0o644, der, err)
	der, err = x509.MarshalECPrivateKey(key)
	keyFile := write("server.key", "EC PRIVATE KEY", 0o600, der, err)
	return []string{"--option=tls enabled=yes", "--option=tls certfile=" + cert, "--option=tls keyfile=" + keyFile,
		"--option=tls cafile=" + d.CA, "--option=ldap server require strong auth=allow_sasl_over_tls"}
}
