package ldap

import (
	"context"
	"errors"
	"regexp"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/logon"
)

// WrongPassword says that the directory did not take a password. The zero value says no
// more: what limits an account is told to who knows the password.
type WrongPassword struct {
	// Locked says, for the record alone, that the account is locked: a server says so
	// whether or not the password was right.
	Locked bool
}

func (*WrongPassword) Error() string { return "ldap: the directory does not take the password" }

// limitedBy are the restrictions by the number behind "data" in the answer to a bind that
// was refused, an error number of Windows, where it means that the password was right.
var limitedBy = map[string]Restriction{"530": OutOfHours, "531": OtherWorkstation, "532": PasswordExpired,
	"533": Disabled, "701": Expired, "773": MustChange}

// lockedOut is that number of an account that is locked.
const lockedOut = "775"

var dataNumber = regexp.MustCompile(`, data ([0-9a-f]{1,8}),`)

// refusedBind returns what the answer to a bind that was refused says: a restriction of who
// knows the password, or that the password is wrong. D-32
func refusedBind(says string) (Restriction, error) {
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
		if errors.As(err, &refused) && refused.ResultCode == goldap.LDAPResultInvalidCredentials && refused.Err != nil {
			f.Restricted, err = refusedBind(refused.Err.Error())
			if err != nil {
				return nil, err
			}
			return f, nil
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
