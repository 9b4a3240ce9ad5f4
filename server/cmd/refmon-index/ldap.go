package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/roster"
	"github.com/refmon/refmon/sid"
)

// people are the flags of verbs that learn who the people are.
type people struct {
	Directory string    `help:"The directory file: users and groups." short:"d" placeholder:"FILE"`
	LDAP      ldapFlags `embed:"" prefix:"ldap-"`
}

// open returns who is asked in the place of the file, nil for the file; done ends it.
func (p *people) open() (roster index.Roster, done func(), err error) {
	roster, d, err := p.LDAP.open()
	switch {
	case err != nil:
		return nil, nil, err
	case (roster == nil) == (p.Directory == ""):
		return nil, nil, errors.New("name a directory file, or a directory by --ldap-server")
	case d == nil:
		return nil, func() {}, nil
	}
	return roster, func() { _ = d.Close() }, nil // connections that wait
}

// ldapFlags name a directory that is asked by LDAP.
type ldapFlags struct {
	Server       []string `help:"Ask Active Directory who people are: ldaps://HOST." placeholder:"URL"`
	Domain       string   `help:"The SID of its domain." placeholder:"SID"`
	Account      string   `help:"Who asks: name@realm or a DN." placeholder:"NAME"`
	PasswordFile string   `help:"A file of mode 0600 with the password of who asks." placeholder:"FILE"`
	CA           string   `help:"The authority of their certificates, if not the host's." placeholder:"FILE" name:"ca"`
	Base         string   `help:"Where the accounts are; all of the domain unless given." placeholder:"DN"`
}

// maxPassword bounds the file of a password, in bytes.
const maxPassword = 4096

// open makes what asks the directory; nil where no server is named. The second is closed at the
// end.
func (f *ldapFlags) open() (index.Roster, *ldap.Directory, error) {
	if len(f.Server) == 0 {
		return nil, nil, nil
	}
	domain, err := sid.Parse(f.Domain)
	if err != nil {
		return nil, nil, fmt.Errorf("--ldap-domain: %w", err)
	}
	cfg := ldap.Config{Servers: f.Server, Security: ldap.TLS, Base: f.Base, Domain: domain, Account: f.Account}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, nil, err
		}
		if cfg.Roots = x509.NewCertPool(); !cfg.Roots.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("%s has no certificate", f.CA)
		}
	}
	if f.PasswordFile == "" {
		return nil, nil, errors.New("--ldap-password-file: it must be given beside --ldap-server")
	}
	b, err := kerberos.ReadSecret("--ldap-password-file", f.PasswordFile, maxPassword)
	if err != nil {
		return nil, nil, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	cfg.Password = logon.Secret(strings.TrimSuffix(line, "\r"))
	d, err := ldap.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	return &roster.LDAP{Directory: d}, d, nil
}
