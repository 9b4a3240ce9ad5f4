package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/logon"
)

// WrongPassword says that the directory did not take a password. It does not say why: what
// limits an account is told to who knows the password.
type WrongPassword struct{}

func (*WrongPassword) Error() string { return "ldap: the directory does not take the password" }

// maxPassword bounds passwords, in bytes.
const maxPassword = 1024

// Check reports who the account of a name is if the directory takes its password: by a bind
// within TLS, on a connection of its own. Errors are those of [Directory.Find], and
// [*WrongPassword]. The account may still be restricted. D-24
func (d *Directory) Check(ctx context.Context, name string, password logon.Secret) (*Found, error) {
	if password == "" || len(password) > maxPassword {
		// A bind without a password succeeds for every name, as an anonymous one. D-2
		return nil, &WrongPassword{}
	}
	if d.cfg.Security != TLS {
		// A password goes nowhere in the clear. D-1
		return nil, wrong("passwords are bound within TLS only")
	}
	f, dn, err := d.named(ctx, name)
	if err != nil {
		return nil, err
	}
	// The password is that of the entry which was found, not of whatever the server takes a name
	// for. D-24
	c, err := d.connect(ctx, func(_ context.Context, c *conn, _ server, _ *signer) error {
		return c.Bind(dn, string(password))
	})
	if err != nil {
		var refused *goldap.Error
		if errors.As(err, &refused) && refused.ResultCode == goldap.LDAPResultInvalidCredentials {
			return nil, &WrongPassword{}
		}
		return nil, ErrAway // the text of a server that failed may have what was sent
	}
	c.close()
	return f, nil
}

// named asks for an account and for the name of its entry, past what is kept.
func (d *Directory) named(ctx context.Context, name string) (f *Found, dn string, err error) {
	if name == "" || len(name) > maxName {
		return nil, "", ErrUnknown
	}
	err = d.with(ctx, func(c *conn) error {
		p, err := d.place(c)
		if err != nil {
			return err
		}
		e, err := d.entryOf(c, p, name, true)
		if err != nil {
			return err
		}
		dn = e.DN
		f, err = d.found(c, p, e, name)
		return err
	})
	return f, dn, err
}

// Name returns that of the domain, as it stands before a backslash.
func (d *Directory) Name() string { return d.cfg.Name }
