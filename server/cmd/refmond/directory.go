package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/cli/configfile"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/auth/ldap/message"
	"github.com/refmon/refmon/server/internal/regular"
	"github.com/refmon/refmon/sid"
)

// mostGroups is the maximum number of an account's groups in a token, without those that this
// computer adds (L-4).
const mostGroups = 10_000

// directory has the configuration keys below directory.
type directory struct {
	Servers            []string          `json:"servers"`
	Security           string            `json:"security"`
	CA                 string            `json:"ca"`
	Base               string            `json:"base"`
	Name               string            `json:"name"`
	KDC                []string          `json:"kdc"`
	Account            string            `json:"account"`
	PasswordFile       string            `json:"passwordFile"`
	Passwords          string            `json:"passwords"`
	Unqualified        bool              `json:"unqualified"`
	Claims             map[string]string `json:"claims"`
	Fresh              int               `json:"fresh"`
	Stale              int               `json:"stale"`
	Groups             int               `json:"groups"`
	Entries            int               `json:"entries"`
	Attempts           int               `json:"attempts"`
	AttemptsPerName    int               `json:"attemptsPerName"`
	AttemptsPerAddress int               `json:"attemptsPerAddress"`
}

// used reports whether a directory is configured.
func (d *directory) used() bool { return len(d.Servers) > 0 || d.Passwords != "" }

// securities maps the values of the key security.
var securities = map[string]ldap.Security{"tls": ldap.TLS, "signed": ldap.Signed}

// check validates the directory settings, without reading files or connecting. Settings without a directory are valid.
// A directory needs:
//
//   - the realm and domain of k
//   - with passwords: kdc, a keytab
//   - with passwords: bind, servers over tls
//   - attempts and attemptsPerAddress of at least 1, and attemptsPerName of at least attempts
//
// Settings of servers are checked only if servers are set.
func (d *directory) check(k *tickets) error {
	if !d.used() {
		return nil
	}
	switch {
	case k.Realm == "" || k.Domain == "":
		return errors.New("kerberos.realm and kerberos.domain are required: they name its domain")
	case d.Passwords != "" && d.Passwords != "kdc" && d.Passwords != "bind":
		return fmt.Errorf("passwords: %q, want kdc, bind or ''", d.Passwords)
	case d.Passwords == "kdc" && k.Keytab == "":
		// Without a keytab nothing authenticates the KDC's response (K-53).
		return errors.New("passwords: kdc needs kerberos.keytab")
	case d.Passwords == "bind" && (len(d.Servers) == 0 || d.Security != "tls"):
		// A password is never sent unencrypted (D-1).
		return errors.New("passwords: bind needs servers, and security: tls")
	case d.Attempts < 1 || d.AttemptsPerAddress < 1:
		return errors.New("attempts and attemptsPerAddress: each must be at least 1")
	case d.AttemptsPerName < d.Attempts:
		return fmt.Errorf("attemptsPerName: %d, want at least attempts (%d)", d.AttemptsPerName, d.Attempts)
	}
	if len(d.Servers) == 0 {
		return nil
	}
	return d.checkServers(k)
}

// checkServers validates the settings that a directory with servers needs: security, account, secret and limits. It
// reads no file. It needs a password in the keytab or passwordFile, and security: signed needs the keytab alone. It
// returns the first error.
func (d *directory) checkServers(k *tickets) error {
	for _, s := range d.Servers {
		if err := ldap.CheckServer(s); err != nil {
			return err
		}
	}
	switch {
	case securities[d.Security] == 0:
		return fmt.Errorf("security: %q, want tls or signed", d.Security)
	case d.Account == "":
		return errors.New("account: required with servers")
	case d.PasswordFile == "" && k.Keytab == "":
		return errors.New("account: give its password in kerberos.keytab or passwordFile")
	case d.Security == "signed" && d.PasswordFile != "":
		// Messages are signed with a ticket's key (D-3).
		return errors.New("security: signed needs the keytab, not passwordFile")
	case d.Fresh < 0 || d.Stale < 0 || d.Groups < 1 || d.Entries < 1:
		return errors.New("fresh and stale must be at least 0, groups and entries at least 1")
	case int64(max(d.Fresh, d.Stale)) > configfile.LongestTime:
		return fmt.Errorf("fresh and stale: want at most %d seconds", configfile.LongestTime)
	case d.Groups > mostGroups:
		return fmt.Errorf("groups: %d, want at most %d: a token holds no more", d.Groups, mostGroups)
	}
	_, err := d.claims()
	return err
}

// claims returns the parsed claims by name; empty if there are none. Errors are a malformed claim, and two claims whose
// names differ only in case.
func (d *directory) claims() (map[string]ldap.Claim, error) {
	out := map[string]ldap.Claim{}
	for _, name := range slices.Sorted(maps.Keys(d.Claims)) {
		c, err := ldap.ParseClaim(d.Claims[name])
		if err != nil {
			return nil, fmt.Errorf("claims: %s: %w", name, err)
		}
		out[name] = c
	}
	if err := oneSpelling(d.Claims, claims.EqualName); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return out, nil
}

// maxPasswordFile is the size limit of a password file, in bytes.
const maxPasswordFile = 4096

// openDirectory returns a client of the configured LDAP directory, without connecting. Without servers it returns nil
// and no error. machine returns this computer's SID. split parses the servers' messages; if nil, this process does.
// Cache times of 0 seconds disable the cache. The password is the first line of the password file. Unreadable files and
// a CA file without a certificate are errors.
func (c *config) openDirectory(machine func() sid.SID,
	split func([]byte) (*message.Message, error)) (*ldap.Directory, error) {
	d, k := &c.Directory, &c.Kerberos
	if len(d.Servers) == 0 {
		return nil, nil
	}
	seconds := func(n int) time.Duration {
		if n == 0 {
			return -1
		}
		return time.Duration(n) * time.Second
	}
	cfg := ldap.Config{Servers: d.Servers, Security: securities[d.Security], Base: d.Base, Machine: machine, Name: d.Name,
		Realm: k.Realm, Domain: sid.MustParse(k.Domain), Split: split, // check has validated the domain
		Limits: ldap.Limits{Groups: d.Groups, Entries: d.Entries, Fresh: seconds(d.Fresh), Stale: seconds(d.Stale)}}
	var err error
	if cfg.Claims, err = d.claims(); err != nil {
		return nil, err
	}
	if d.CA != "" {
		pem, err := regular.Read(d.CA, regular.MaxCertificates)
		if err != nil {
			return nil, fmt.Errorf("directory: ca: %w", err)
		}
		if cfg.Roots = x509.NewCertPool(); !cfg.Roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("directory: ca: %s has no certificate", d.CA)
		}
	}
	if d.PasswordFile != "" {
		b, err := kerberos.ReadSecret("passwordFile", d.PasswordFile, maxPasswordFile)
		if err != nil {
			return nil, fmt.Errorf("directory: %w", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		cfg.Account, cfg.Password = d.Account, logon.Secret(strings.TrimSuffix(line, "\r"))
		return ldap.New(cfg)
	}
	keys, err := kerberos.ReadKeytab(k.Keytab)
	if err != nil {
		return nil, err
	}
	cfg.Initiator = &kerberos.Initiator{Keys: keys, Realm: k.Realm, Account: d.Account, EncryptionTypes: k.EncryptionTypes,
		KDCs: kerberos.KDCs{Addresses: d.KDC, Up: &admission.Servers{}}}
	return ldap.New(cfg)
}
