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
// roles. A NATS server has its certificate and key instead of seeds.
const (
	siteName      = "site.json"
	authorityName = "ca.pem"
	serverName    = "server.pem"
	serverKeyName = "server-key.pem"
	accountName   = "nats.conf"
	seedSuffix    = ".seed"
)

// Save writes the folder of a site that [New] created, with the secret seeds, readable by this user only. With
// servers, a list of host names and IP addresses, it also creates certificates for them, and ignores authority.
// Without servers the site uses an existing NATS server: authority then has the PEM certificates that clients trust,
// nil for the host's. Save replaces no file: if the folder has a site already, the error is [os.ErrExist] and the old
// site stays in use. After an error the folder may have some of the new files.
func Save(dir string, s *Site, seeds map[Role]string, servers []string, authority []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	files := map[string][]byte{siteName: append(text, '\n')}
	if len(servers) == 0 {
		files[accountName] = s.Account()
	} else if authority, files[serverName], files[serverKeyName], err = certificates(servers); err != nil {
		return err
	}
	if authority != nil {
		files[authorityName] = authority
	}
	for role, seed := range seeds {
		files[string(role)+seedSuffix] = []byte(seed + "\n")
	}
	for name, b := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Load reads and validates the site in the folder dir. It returns an error if site.json is missing or malformed.
func Load(dir string) (*Site, error) {
	b, err := os.ReadFile(filepath.Join(dir, siteName))
	if err != nil {
		return nil, err
	}
	s, err := Read(bytes.TrimSpace(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, siteName), err)
	}
	return s, nil
}

// Seed reads the seed of a role's key from the folder dir. The error is [os.ErrNotExist] if this machine does not have
// it. The seed is secret.
func Seed(dir string, r Role) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, string(r)+seedSuffix))
	return string(bytes.TrimSpace(b)), err
}

// ClientTLS returns a client's TLS configuration, which the caller may change. It trusts the authority in the folder
// dir. If the site uses an existing NATS server and has no authority, it trusts the host's certificates. It returns an
// error if the folder has neither an authority nor nats.conf, or if the authority is malformed.
func ClientTLS(dir string) (*tls.Config, error) {
	b, err := os.ReadFile(filepath.Join(dir, authorityName))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, accountName)); err == nil {
			return &tls.Config{MinVersion: tls.VersionTLS12}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s: no certificate", filepath.Join(dir, authorityName))
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
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, serverName), filepath.Join(dir, serverKeyName))
	if err != nil {
		return nil, err
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
