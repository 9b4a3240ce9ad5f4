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

// Names in the folder of a site. A machine has the site, the authority, and the seeds of its
// own roles; a message server has its certificate and key instead of a seed.
const (
	siteName      = "site.json"
	authorityName = "ca.pem"
	serverName    = "server.pem"
	serverKeyName = "server-key.pem"
	accountName   = "nats.conf"
	seedSuffix    = ".seed"
)

// Save makes a folder for a site that was made by [New], with certificates for servers on
// some hosts, or for servers of others: then servers is empty, and authority has the certificates
// of who vouches for them, nil for those whom the host trusts. The error is os.ErrExist's kind if
// there is a site already: its keys are in use.
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

// Load reads the site of a folder.
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

// Seed reads the seed of a role's key.
func Seed(dir string, r Role) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, string(r)+seedSuffix))
	return string(bytes.TrimSpace(b)), err
}

// ClientTLS returns what a role trusts: servers whose certificate the site's authority gave, or those
// whom the host trusts where the site has servers of others and no authority.
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

// ServerTLS returns what a message server shows, and what it trusts of others.
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
