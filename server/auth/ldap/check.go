package ldap

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/logon"
)

// WrongPassword says that the directory rejected a password. It has no other details, because only
// a client that knows the password may learn an account's restrictions.
type WrongPassword struct {
	// Locked says that the account is locked. It is for the audit record only: a server reports the
	// lock for wrong passwords too.
	Locked bool
}

// Error returns a fixed text, which says nothing about the account.
func (*WrongPassword) Error() string { return "ldap: the directory does not take the password" }

// limitedBy maps the Windows error number after "data" in a rejected bind to the account's
// restriction. The server sends these numbers only if the password was right.
var limitedBy = map[string]Restriction{"530": OutOfHours, "531": OtherWorkstation, "532": PasswordExpired,
	"533": Disabled, "701": Expired, "773": MustChange}

// lockedOut is the number for a locked account.
const lockedOut = "775"

var dataNumber = regexp.MustCompile(`, data ([0-9a-f]{1,8}),`)

// parseRefusedBind interprets the message of a rejected bind. It returns the restriction if the password was right,
// otherwise a *WrongPassword (D-32). Locked is set if the account is locked. A message without a known number is a
// wrong password.
func parseRefusedBind(says string) (Restriction, error) {
	m := dataNumber.FindStringSubmatch(says)
	switch {
	case m == nil:
		return 0, &WrongPassword{}
	case m[1] == lockedOut:
		return 0, &WrongPassword{Locked: true}
	case limitedBy[m[1]] == 0:
		return 0, &WrongPassword{}
	}
	return limitedBy[m[1]], nil
}

// maxPassword limits the length of passwords, in bytes.
const maxPassword = 1024

// Check returns the account of a name if the password is right. It binds within TLS on a connection of its own, and
// does not use the cache. With byRealm the name also matches a userPrincipalName (D-9). The account may be restricted,
// also because the directory refused the bind for that reason: look at Restricted. Errors are those of
// [Directory.Find], and [*WrongPassword], also for an empty or overlong password. With Security Signed any other
// password is an [*Error], because it would not be encrypted (D-1). Any failure of the connection is ErrAway.
func (d *Directory) Check(ctx context.Context, name string, byRealm bool, password logon.Secret) (*Found, error) {
	if password == "" || len(password) > maxPassword {
		// A bind without a password succeeds for every name, as anonymous (D-2).
		return nil, &WrongPassword{}
	}
	if d.cfg.Security != TLS {
		// A password is never sent unencrypted (D-1).
		return nil, wrong("passwords are bound within TLS only")
	}
	f, dn, err := d.accountAndDN(ctx, name, byRealm)
	if err != nil {
		return nil, err
	}
	// Bind as the entry that was found, not by a name that the server could resolve to another
	// account (D-24).
	err = d.try(ctx, func(_ context.Context, c *conn, _ server, _ *signer) error {
		err := c.Bind(dn, string(password))
		var answer *goldap.Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &answer) || answer.ResultCode >= goldap.ErrorNetwork:
			return errUnanswered // the server may have counted the password as wrong before the connection broke
		case answer.ResultCode == goldap.LDAPResultInvalidCredentials || busy[answer.ResultCode]:
			return err
		}
		// The answer concerns this account, not the server. Do not try the next server, which may count the password again.
		return wrong("the server refuses the password with code %d", answer.ResultCode)
	}, func(c *conn) error { c.close(); return nil })
	if err != nil {
		var refused *goldap.Error
		if errors.As(err, &refused) && refused.ResultCode == goldap.LDAPResultInvalidCredentials && refused.Err != nil {
			f.Restricted, err = parseRefusedBind(refused.Err.Error())
			if err != nil {
				return nil, err
			}
			return f, nil
		}
		return nil, ErrAway // without the error's text, which may quote the request
	}
	return f, nil
}

// accountAndDN reads an account and the DN of its entry from the directory, without the cache. An unknown, empty or
// overlong name is ErrUnknown, and so is another spelling of the account's name. Two accounts with the name are an
// error. After an error about the account, f and dn may be set.
func (d *Directory) accountAndDN(ctx context.Context, name string, byRealm bool) (f *Found, dn string, err error) {
	if name == "" || len(name) > maxName {
		return nil, "", ErrUnknown
	}
	err = d.with(ctx, func(c *conn) error {
		p, err := d.serverInfo(c)
		if err != nil {
			return err
		}
		e, err := d.entryOf(c, p, name, byRealm)
		if err != nil {
			return err
		}
		if own, err := e.hasName(name, byRealm, d.cfg.Realm); err != nil || !own {
			// Another spelling that the directory accepts would have its own failure counters (D-25).
			return cmp.Or(err, error(ErrUnknown))
		}
		dn = e.DN
		f, err = d.newFound(c, p, e, name)
		return err
	})
	return f, dn, err
}

// hasName reports whether name is the entry's sAMAccountName or, with byRealm, its userPrincipalName before "@" and the
// realm. Case is ignored, as in the failure counters. An attribute with several values is an error.
func (e *entry) hasName(name string, byRealm bool, realm string) (bool, error) {
	name = strings.ToUpper(name)
	same := func(attribute, upper string) (bool, error) {
		value, err := e.one(attribute)
		return err == nil && strings.ToUpper(value) == upper, err
	}
	if own, err := same("sAMAccountName", name); own || err != nil || !byRealm {
		return own, err
	}
	return same("userPrincipalName", name+"@"+strings.ToUpper(realm))
}

// Name returns the NetBIOS name of the domain from the configuration, as used before a backslash. It may be "".
func (d *Directory) Name() string { return d.cfg.Name }
