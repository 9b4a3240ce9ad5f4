package site

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// File names in a site's folder. Each machine has the site, the authority, and the seeds of its own
// roles. A NATS server also has its certificate and key.
const (
	SiteName      = "site.json"
	AuthorityName = "ca.pem"
	ServerName    = "server.pem"
	ServerKeyName = "server-key.pem"
	AccountName   = "nats.conf" // accounts for existing NATS servers, without secrets
)

// SeedName returns the name of the file with a role's seed.
func SeedName(r Role) string { return string(r) + ".seed" }

// Text returns the contents of site.json: s as indented JSON with a newline. It does not validate s.
func (s *Site) Text() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// Load reads and validates the site in the folder dir. It returns an error if site.json is missing or malformed. The
// error of malformed contents names the file.
func Load(dir string) (*Site, error) {
	b, err := os.ReadFile(filepath.Join(dir, SiteName))
	if err != nil {
		return nil, err
	}
	s, err := Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, SiteName), err)
	}
	return s, nil
}

// Seed reads the seed of a role's key from the folder dir. The error is [os.ErrNotExist] if this machine does not have
// it. The seed is secret.
func Seed(dir string, r Role) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, SeedName(r)))
	return string(bytes.TrimSpace(b)), err
}

// ClientTLS returns a client's TLS configuration, which the caller may change. It trusts the authority in the folder
// dir. If the site uses an existing NATS server and has no authority, it trusts the host's certificates. It returns an
// error if the folder has neither an authority nor nats.conf, or if the authority is malformed.
func ClientTLS(dir string) (*tls.Config, error) {
	b, err := os.ReadFile(filepath.Join(dir, AuthorityName))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, AccountName)); err == nil {
			return &tls.Config{MinVersion: tls.VersionTLS12}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s: no certificate", filepath.Join(dir, AuthorityName))
	}
	return &tls.Config{RootCAs: pool, ClientCAs: pool, MinVersion: tls.VersionTLS13}, nil
}

// ServerTLS returns a NATS server's TLS configuration, which the caller may change: its certificate, and the site's
// authority for verifying other servers. A missing certificate or key is an error.
func ServerTLS(dir string) (*tls.Config, error) {
	c, err := ClientTLS(dir)
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, ServerName), filepath.Join(dir, ServerKeyName))
	if err != nil {
		return nil, err
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
