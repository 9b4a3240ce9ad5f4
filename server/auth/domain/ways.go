package domain

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Proved is an authenticated user. The zero value is not a user.
type Proved struct {
	User   lsa.DomainUser
	Proof  string // how the user was authenticated, for the audit record
	Source string // name of the token's source
}

// Refused is the error of a failed authentication, with the status for the client, the result for the audit
// record and the reason for the log. Set Why before a call of Error.
type Refused struct {
	Status ntstatus.Status // the client's status; 0: STATUS_LOGON_FAILURE, and Result is not used
	Result logon.Result    // the result for the audit record
	Why    error           // for the log
}

// Error returns the text of Why. It panics if Why is nil.
func (r *Refused) Error() string { return r.Why.Error() }

// Unwrap returns Why, so that errors.Is and errors.As find the reason.
func (r *Refused) Unwrap() error { return r.Why }

// ByPassword checks a password, which is not empty, and returns its user. name is the part of the user's name
// without a domain. byRealm is true if the client wrote name@realm. Errors are [*Refused]; any other error gives
// the client STATUS_LOGON_FAILURE.
type ByPassword func(ctx context.Context, name string, byRealm bool, password logon.Secret) (Proved, error)

// ByName looks up a user without a password. name is the part of the user's name without a domain. byRealm is
// true if the client wrote name@realm. Errors are [*Refused]; any other error gives the client
// STATUS_LOGON_FAILURE.
type ByName func(ctx context.Context, name string, byRealm bool) (Proved, error)

// ByKDC returns a check of passwords at the KDC (K-53). The groups are those of the ticket. Each check calls take for
// the current checker. If take returns nil, because there is no keytab, the check fails with STATUS_NO_LOGON_SERVERS.
func ByKDC(take func() *kerberos.Passwords) ByPassword {
	return func(ctx context.Context, name string, _ bool, password logon.Secret) (Proved, error) {
		p := take()
		if p == nil {
			return Proved{}, &Refused{Status: ntstatus.NoLogonServers, Why: errors.New("there is no keytab")}
		}
		c, err := p.Check(ctx, name, password)
		if err != nil {
			result, status := kerberos.RejectedLogon(err)
			return Proved{}, &Refused{Status: status, Result: result, Why: err}
		}
		return Proved{User: c.User(), Proof: c.Proof(), Source: "Kerberos"}, nil
	}
}

// SIDs for the asserted identity (MS-DTYP 2.4.2.4): by the directory, or by a service.
var (
	byAuthority = sid.MustParse("S-1-18-1")
	byService   = sid.MustParse("S-1-18-2")
)

// ByBind returns a check of passwords by an LDAP bind (D-24). The groups are those of the directory. A restricted
// account is refused with the status of its restriction, because its client knew the password. If the directory does
// not answer completely, the check fails with STATUS_NO_LOGON_SERVERS.
func ByBind(d *ldap.Directory) ByPassword {
	return func(ctx context.Context, name string, byRealm bool, password logon.Secret) (Proved, error) {
		f, err := d.Check(ctx, name, byRealm, password)
		if err != nil {
			return Proved{}, newRefused(err)
		}
		if f.Restricted != 0 {
			// A restricted account is rejected even if the server accepts its bind (D-11).
			return Proved{}, newForbidden(f)
		}
		return newProved(d, f, byAuthority, "by a password that the directory accepted"), nil
	}
}

// ByDirectory returns a lookup of users in the directory. A restricted account is refused with the status of its
// restriction, and an unknown name with STATUS_NO_SUCH_USER. If the directory does not answer completely, the lookup
// fails with STATUS_NO_LOGON_SERVERS.
func ByDirectory(d *ldap.Directory) ByName {
	return func(ctx context.Context, name string, byRealm bool) (Proved, error) {
		f, err := d.Find(ctx, name, byRealm)
		if err != nil {
			r := newRefused(err)
			if r.Status == ntstatus.LogonFailure {
				r.Status = ntstatus.NoSuchUser
			}
			return Proved{}, r
		}
		if f.Restricted != 0 {
			// A user who may not log on cannot be logged on by a service either (D-11).
			return Proved{}, newForbidden(f)
		}
		return newProved(d, f, byService, "by name, and found in the directory"), nil
	}
}

// restricted maps the restrictions of accounts to statuses.
var restricted = map[ldap.Restriction]ntstatus.Status{ldap.Disabled: ntstatus.AccountDisabled,
	ldap.Expired: ntstatus.AccountExpired, ldap.Locked: ntstatus.AccountLockedOut,
	ldap.MustChange: ntstatus.PasswordMustChange, ldap.PasswordExpired: ntstatus.PasswordExpired,
	ldap.OutOfHours: ntstatus.InvalidLogonHours, ldap.OtherWorkstation: ntstatus.InvalidWorkstation}

// newForbidden returns the error for an account that may not log on now: a [*Refused] with the status of the account's
// restriction. A restriction without a status of its own is STATUS_ACCOUNT_RESTRICTION.
func newForbidden(f *ldap.Found) error {
	st := restricted[f.Restricted]
	if st == ntstatus.Success {
		st = ntstatus.AccountRestriction
	}
	return &Refused{Status: st, Result: logon.Result{Reason: st}, Why: fmt.Errorf("the account %.64q is %v", f.Name,
		f.Restricted)}
}

// newRefused converts an error of the directory to a refusal. For an unknown user and a wrong password the client
// gets STATUS_LOGON_FAILURE, and only the audit record has the difference. Any other error is
// STATUS_NO_LOGON_SERVERS.
func newRefused(err error) *Refused {
	r := &Refused{Status: ntstatus.LogonFailure, Why: err}
	var wrong *ldap.WrongPassword
	switch {
	case errors.Is(err, ldap.ErrUnknown):
		r.Result.Reason = ntstatus.NoSuchUser
	case errors.As(err, &wrong):
		r.Result.Reason = ntstatus.WrongPassword
		if wrong.Locked {
			// Only the audit record contains this reason. A client without the password does not
			// learn it (D-32).
			r.Result.Reason = ntstatus.AccountLockedOut
		}
	default:
		// An incomplete response counts as none, because a missing group could be one that denies
		// (D-20).
		r.Status, r.Result.Reason = ntstatus.NoLogonServers, ntstatus.NoLogonServers
	}
	return r
}

// newProved returns the user of the directory account f, with the directory's groups and claims. asserted is a group
// SID for the authentication method, and how names the method for the audit record. f does not change.
func newProved(d *ldap.Directory, f *ldap.Found, asserted sid.SID, how string) Proved {
	groups := append(f.Groups[:len(f.Groups):len(f.Groups)], token.Group{SID: asserted, Attributes: token.GroupDefault})
	proof := fmt.Sprintf("%s %s", f.Name, how)
	if f.Cached {
		proof += ", from a cached answer because the directory does not answer"
	}
	if n := len(f.Dropped); n > 0 {
		proof += fmt.Sprintf(", without %d SIDs", n)
	}
	domain := f.SID.Prefix()
	return Proved{Proof: printable.Line(proof), Source: "ldap", User: lsa.DomainUser{
		Account: logon.Account{SID: f.SID, Use: winnt.SidTypeUser, Domain: d.Name(), DomainSID: domain,
			Name: printable.Line(f.Name)}, PrimaryGroup: f.PrimaryGroup, Groups: groups, UserClaims: f.Claims}}
}
