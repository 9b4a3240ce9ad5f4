package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/roster"
	"github.com/refmon/refmon/server/internal/regular"
	"github.com/refmon/refmon/sid"
)

// people has the flags of commands that read a directory.
type people struct {
	Directory string    `help:"The directory file: users and groups." short:"d" placeholder:"FILE"`
	LDAP      ldapFlags `embed:"" prefix:"ldap-"`
}

// open returns the roster of the LDAP server that the flags name, or a nil roster if they name a directory file. Flags
// with both or neither are an error. warn receives what the roster leaves out of a directory. On success done is never
// nil, and the caller calls it at the end.
func (p *people) open(warn func(error)) (roster index.Roster, done func(), err error) {
	roster, d, err := p.LDAP.open(warn)
	switch {
	case err != nil:
		return nil, nil, err
	case (roster == nil) == (p.Directory == ""):
		return nil, nil, errors.New("name a directory file, or a directory by --ldap-server")
	case d == nil:
		return nil, func() {}, nil
	}
	return roster, func() { _ = d.Close() }, nil // Close only closes idle connections, and never fails
}

// ldapFlags selects an LDAP directory.
type ldapFlags struct {
	Server       []string `help:"Read people from Active Directory: ldaps://HOST." placeholder:"URL"`
	Domain       string   `help:"The SID of its domain." placeholder:"SID"`
	Account      string   `help:"The account for queries: name@realm or a DN." placeholder:"NAME"`
	PasswordFile string   `help:"A file of mode 0600 with the account's password." placeholder:"FILE"`
	CA           string   `help:"The CA of their certificates; the host's CAs by default." placeholder:"FILE" name:"ca"`
	Base         string   `help:"The base of the accounts; the whole domain by default." placeholder:"DN"`
}

// maxPassword is the size limit of a password file, in bytes.
const maxPassword = 4096

// open returns a roster for the LDAP directory, and the directory, which the caller closes. Without a server both are
// nil, without an error. open does not connect. open requires a password file and reads its first line. A CA file
// without a certificate is an error. Connections always use TLS. warn is that of the roster.
func (f *ldapFlags) open(warn func(error)) (index.Roster, *ldap.Directory, error) {
	if len(f.Server) == 0 {
		return nil, nil, nil
	}
	domain, err := sid.Parse(f.Domain)
	if err != nil {
		return nil, nil, fmt.Errorf("--ldap-domain: %w", err)
	}
	cfg := ldap.Config{Servers: f.Server, Security: ldap.TLS, Base: f.Base, Domain: domain, Account: f.Account}
	if f.CA != "" {
		pem, err := regular.Read(f.CA, regular.MaxCertificates)
		if err != nil {
			return nil, nil, err
		}
		if cfg.Roots = x509.NewCertPool(); !cfg.Roots.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("%s has no certificate", f.CA)
		}
	}
	if f.PasswordFile == "" {
		return nil, nil, errors.New("--ldap-password-file: required with --ldap-server")
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
	return &roster.LDAP{Directory: d, Warn: warn}, d, nil
}
