package kerberos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Passwords checks passwords of a realm's users. It is safe for concurrent use.
type Passwords struct {
	// Acceptor has the keys that prove the KDC: a ticket of its must be one for a service
	// of this host.
	Acceptor *Acceptor
	KDCs     KDCs
}

// Bounds of what is checked.
const (
	maxUser     = 256  // bytes of a name
	maxPassword = 1024 // bytes of a password
)

// errUser says that a name is that of no user.
var errUser = errors.New("the name is that of no user of the realm")

// user refuses names that would be something else to a KDC: services, parts of others,
// nothing at all.
func user(name string) error {
	odd := func(r rune) bool { return strings.ContainsRune(`/@\`, r) || unicode.IsControl(r) }
	if name == "" || len(name) > maxUser || !utf8.ValidString(name) || strings.ContainsFunc(name, odd) {
		return errUser
	}
	return nil
}

// Check asks the KDC whether the password is that of the realm's user, and believes it if
// it gives a ticket for this host that the keytab opens: who answers in its place has no
// key of ours. The client is then as by a ticket. Errors are [*Refusal]; with
// STATUS_NO_LOGON_SERVERS nothing is known about the password.
func (p *Passwords) Check(ctx context.Context, name string, password logon.Secret) (*Client, error) {
	a := p.Acceptor
	if password == "" || len(password) > maxPassword {
		return nil, refuse(nil, errors.New("the password is empty or too long"))
	}
	if err := user(name); err != nil {
		return nil, refuse(nil, err)
	}
	x := exchange{kdcs: p.KDCs, realm: a.cfg.Realm, etypes: a.etypes, now: a.cfg.Now}
	tgt, err := x.logOn(ctx, name, passwordKey(string(password)))
	if err != nil {
		return nil, refusedBy(err)
	}
	own, err := x.service(ctx, tgt, a.own())
	if err != nil {
		return nil, refusedBy(fmt.Errorf("the ticket for this host: %w", err))
	}
	c, err := a.verify(own)
	if err != nil {
		// An answer that the keytab does not confirm proves nothing. K-53
		return nil, refuse(nil, fmt.Errorf("the KDC does not prove that it is the realm's: %w", err))
	}
	c.ByPassword = true
	return c, nil
}

// own returns the service of this host for which the KDC has to give a ticket.
func (a *Acceptor) own() string {
	if len(a.cfg.Services) > 0 {
		return a.cfg.Services[0]
	}
	return a.cfg.Keys.first(a.cfg.Realm, a.etypes)
}

// verify takes a ticket for this host that was had in a client's name, as [Acceptor.Accept]
// takes one that the client sends. There is nothing to be replayed: the authenticator is
// our own.
func (a *Acceptor) verify(g *granted) (*Client, error) {
	now := a.cfg.Now()
	b, err := g.request(now, a.cfg.Realm, usageAuthenticator, func(*types.Authenticator) {})
	if err != nil {
		return nil, err
	}
	// The authenticator is encrypted with the key that the KDC sent: it is read only if that is the
	// key inside the ticket, and so a recorded ticket of another client is of no use. K-53
	// It is of the user who was asked for, and a ticket of another one does not fit it (K-56, K-57).
	o, err := a.open(b)
	if err != nil {
		return nil, err
	}
	if err := o.check(now, a.cfg.Skew); err != nil {
		return nil, err
	}
	if o.ticket.AuthTime.Before(now.Add(-a.cfg.Skew)) {
		// The client proved itself now: an older ticket was had in another way. K-57
		return nil, errors.New("the ticket is of an earlier logon")
	}
	c := o.describe()
	c.Level = winnt.SecurityImpersonation
	return c, a.identify(c, o)
}

// first returns a service for whose key of a type that is let in there is a key.
func (k *Keys) first(realm string, etypes []int32) string {
	for _, t := range etypes {
		for _, e := range k.entries {
			if e.realm == realm && e.key.KeyType == t && strings.Contains(e.service, "/") {
				return e.service
			}
		}
	}
	return ""
}

// refusedBy returns the refusal of an exchange. Whatever the KDC says of an account is for
// the record alone: who does not know the password learns nothing. K-58
func refusedBy(err error) error {
	r := &Refusal{Status: ntstatus.LogonFailure, Reason: ntstatus.LogonFailure, Why: err}
	var code KDCError
	switch {
	case errors.Is(err, ErrNoKDC):
		// A KDC that is away has said nothing about the password. K-59
		r.Status, r.Reason = ntstatus.NoLogonServers, ntstatus.NoLogonServers
	case errors.As(err, &code):
		if why, ok := reasons[code]; ok {
			r.Reason = why
		}
		var more told
		if errors.As(err, &more) && limits[more.status] {
			// The KDC says which of its reasons it was. K-85
			r.Reason = more.status
		}
	case errors.Is(err, errWrongKey):
		r.Reason = ntstatus.WrongPassword
	}
	return r
}
