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
	// Acceptor has the keys that authenticate the KDC: it must issue a ticket for a service of this
	// host.
	Acceptor *Acceptor
	KDCs     KDCs
}

// Limits of input.
const (
	maxUser     = 256  // bytes of a name
	maxPassword = 1024 // bytes of a password
)

// errUser rejects a name that no user can have, before a request to a KDC.
var errUser = errors.New("the name cannot be that of a user of the realm")

// checkUser checks a user's name before it is sent to a KDC: it rejects empty names, services and other names with a
// special meaning for a KDC. It also rejects a name that is not UTF-8 or is longer than maxUser.
func checkUser(name string) error {
	special := func(r rune) bool { return strings.ContainsRune(`/@\`, r) || unicode.IsControl(r) }
	if name == "" || len(name) > maxUser || !utf8.ValidString(name) || strings.ContainsFunc(name, special) {
		return errUser
	}
	return nil
}

// Check verifies a user's password at the KDC. It then requests a ticket for this host and opens it with the keytab,
// because an attacker who answers as the KDC does not have these keys. The client is that of this ticket, with level
// Impersonation and without an Answer. Errors are [*Refusal], also for an empty or overlong password, and for a name
// with a realm, a slash or a control character. Only STATUS_NO_LOGON_SERVERS means that nothing is known about the
// password; all others are STATUS_LOGON_FAILURE.
func (p *Passwords) Check(ctx context.Context, name string, password logon.Secret) (*Client, error) {
	a := p.Acceptor
	if password == "" || len(password) > maxPassword {
		return nil, refuse(nil, errors.New("the password is empty or too long"))
	}
	if err := checkUser(name); err != nil {
		return nil, refuse(nil, err)
	}
	x := exchange{kdcs: p.KDCs, realm: a.cfg.Realm, etypes: a.etypes, now: a.cfg.Now, guess: true}
	tgt, err := x.logOn(ctx, name, passwordKey(string(password)))
	if err != nil {
		return nil, convertRefusal(err)
	}
	own, err := x.service(ctx, tgt, a.ownService())
	if err != nil {
		return nil, convertRefusal(fmt.Errorf("the ticket for this host: %w", err))
	}
	c, err := a.verify(own)
	if err != nil {
		// A response that the keytab does not confirm proves nothing (K-53).
		return nil, refuse(nil, fmt.Errorf("the KDC does not prove that it is the realm's: %w", err))
	}
	c.ByPassword = true
	return c, nil
}

// ownService returns the service of this host to request a ticket for, "" if the keytab has none.
func (a *Acceptor) ownService() string {
	if len(a.cfg.Services) > 0 {
		return a.cfg.Services[0]
	}
	return a.cfg.Keys.firstService(a.cfg.Realm, a.etypes)
}

// verify determines the client of a ticket for this host that this process requested itself, after a password was
// checked. Unlike [Acceptor.Accept] it does not use the replay cache, because the authenticator is our own. The client
// is valid only if the error is nil.
func (a *Acceptor) verify(g *granted) (*Client, error) {
	now := a.cfg.Now()
	b, err := g.request(now, a.cfg.Realm, usageAuthenticator, func(*types.Authenticator) {})
	if err != nil {
		return nil, err
	}
	// The authenticator is encrypted with the key that the KDC sent. It can be decrypted only if
	// the ticket has the same key, so a recorded ticket of another client does not work (K-53).
	// Another user's ticket does not match the authenticator's name (K-56, K-57).
	o, err := a.open(b)
	if err != nil {
		return nil, err
	}
	if err := o.check(now, a.cfg.Skew); err != nil {
		return nil, err
	}
	if o.ticket.AuthTime.Before(now.Add(-a.cfg.Skew)) {
		// The client has authenticated just now, so an older ticket is from another logon (K-57).
		return nil, errors.New("the ticket is of an earlier logon")
	}
	c := o.describe()
	c.Level = winnt.SecurityImpersonation
	return c, a.identify(c, o)
}

// firstService returns the name of a service with a key of an accepted type, "" if none exists.
func (k *Keys) firstService(realm string, etypes []int32) string {
	for _, t := range etypes {
		for _, e := range k.entries {
			if e.realm == realm && e.key.KeyType == t && strings.Contains(e.service, "/") {
				return e.service
			}
		}
	}
	return ""
}

// convertRefusal decides what a client learns from a failed exchange: STATUS_NO_LOGON_SERVERS for ErrNoKDC, and
// STATUS_LOGON_FAILURE for every other error. The reason is for the audit record only, so that a client without the
// password learns nothing about the account (K-58).
func convertRefusal(err error) error {
	r := &Refusal{Status: ntstatus.LogonFailure, Reason: ntstatus.LogonFailure, Why: err}
	var code KDCError
	switch {
	case errors.Is(err, ErrNoKDC):
		// An unreachable KDC has said nothing about the password (K-59).
		r.Status, r.Reason = ntstatus.NoLogonServers, ntstatus.NoLogonServers
	case errors.As(err, &code):
		if why, ok := reasons[code]; ok {
			r.Reason = why
		}
		var more extendedError
		if errors.As(err, &more) && limits[more.status] {
			// The KDC's extended status is more precise (K-85).
			r.Reason = more.status
		}
	case errors.Is(err, errWrongKey):
		r.Reason = ntstatus.WrongPassword
	}
	return r
}
