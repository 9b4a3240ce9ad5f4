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

// Proved is a user who is known now. The zero value is no user.
type Proved struct {
	User   lsa.DomainUser
	Proof  string // for the record
	Source string // of the token
}

// Refused says why a user is not known. The zero value tells no more than that.
type Refused struct {
	Status ntstatus.Status // what the client hears; 0: STATUS_LOGON_FAILURE
	Result logon.Result    // what the record says
	Why    error           // for the log
}

func (r *Refused) Error() string { return r.Why.Error() }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Why }

// ByPassword is a way to check a password: name has no domain and no realm. Errors are
// [*Refused].
type ByPassword func(ctx context.Context, name string, password logon.Secret) (Proved, error)

// ByName is a way to find a user by the name alone; byRealm says that it stood before the
// realm. Errors are [*Refused].
type ByName func(ctx context.Context, name string, byRealm bool) (Proved, error)

// ByKDC checks passwords at the KDC (K-53); the groups are those of the ticket. take
// returns what does, nil where there is no keytab.
func ByKDC(take func() *kerberos.Passwords) ByPassword {
	return func(ctx context.Context, name string, password logon.Secret) (Proved, error) {
		p := take()
		if p == nil {
			return Proved{}, &Refused{Status: ntstatus.NoLogonServers, Why: errors.New("there is no keytab")}
		}
		c, err := p.Check(ctx, name, password)
		if err != nil {
			result, status := kerberos.Refused(err)
			return Proved{}, &Refused{Status: status, Result: result, Why: err}
		}
		return Proved{User: c.User(), Proof: c.Proof(), Source: "Kerberos"}, nil
	}
}

// SIDs that say who proved a client (MS-DTYP 2.4.2.4): the directory, or a service.
var (
	byAuthority = sid.MustParse("S-1-18-1")
	byService   = sid.MustParse("S-1-18-2")
)

// ByBind checks passwords by a bind at the directory (D-24); the groups are the directory's.
func ByBind(d *ldap.Directory) ByPassword {
	return func(ctx context.Context, name string, password logon.Secret) (Proved, error) {
		f, err := d.Check(ctx, name, password)
		if err != nil {
			return Proved{}, refused(err)
		}
		if f.Restricted != 0 {
			// A server that binds an account that may not be used is not the last word. D-11
			return Proved{}, forbidden(f)
		}
		return made(d, f, byAuthority, "by a password that the directory took")
	}
}

// ByDirectory finds users in the directory.
func ByDirectory(d *ldap.Directory) ByName {
	return func(ctx context.Context, name string, byRealm bool) (Proved, error) {
		f, err := d.Find(ctx, name, byRealm)
		if err != nil {
			r := refused(err)
			if r.Status == ntstatus.LogonFailure {
				r.Status = ntstatus.NoSuchUser
			}
			return Proved{}, r
		}
		if f.Restricted != 0 {
			// A user who may not log on is not logged on by a service, either. D-11
			return Proved{}, forbidden(f)
		}
		return made(d, f, byService, "by name, and found in the directory")
	}
}

// restricted are the statuses of accounts that may not be used.
var restricted = map[ldap.Restriction]ntstatus.Status{ldap.Disabled: ntstatus.AccountDisabled,
	ldap.Expired: ntstatus.AccountExpired, ldap.Locked: ntstatus.AccountLockedOut,
	ldap.MustChange: ntstatus.PasswordMustChange, ldap.PasswordExpired: ntstatus.PasswordExpired,
	ldap.OutOfHours: ntstatus.InvalidLogonHours, ldap.OtherWorkstation: ntstatus.InvalidWorkstation}

// forbidden refuses an account that may not be used.
func forbidden(f *ldap.Found) error {
	st := restricted[f.Restricted]
	if st == ntstatus.Success {
		st = ntstatus.AccountRestriction
	}
	return &Refused{Status: st, Result: logon.Result{Reason: st}, Why: fmt.Errorf("the account %.64q is %v", f.Name,
		f.Restricted)}
}

// refused tells an answer that refuses from none.
func refused(err error) *Refused {
	r := &Refused{Status: ntstatus.LogonFailure, Why: err, Result: logon.Result{Reason: ntstatus.LogonFailure}}
	var wrong *ldap.WrongPassword
	switch {
	case errors.Is(err, ldap.ErrUnknown):
		r.Result.Reason = ntstatus.NoSuchUser
	case errors.As(err, &wrong):
		r.Result.Reason = ntstatus.WrongPassword
		if wrong.Locked {
			// Who does not know the password is not told. D-32
			r.Result.Reason = ntstatus.AccountLockedOut
		}
	default:
		// Half an answer counts as no answer: the groups that are missing could deny. D-20
		r.Status, r.Result.Reason = ntstatus.NoLogonServers, ntstatus.NoLogonServers
	}
	return r
}

// made makes a user of an account of the directory.
func made(d *ldap.Directory, f *ldap.Found, asserted sid.SID, how string) (Proved, error) {
	groups := append(f.Groups[:len(f.Groups):len(f.Groups)], token.Group{SID: asserted, Attributes: token.GroupDefault})
	proof := fmt.Sprintf("%s %s", f.Name, how)
	if f.Cached {
		proof += ", which is away: as it was told before"
	}
	if n := len(f.Dropped); n > 0 {
		proof += fmt.Sprintf(", without %d SIDs", n)
	}
	domain := f.SID.Prefix()
	return Proved{Proof: printable.Line(proof), Source: "ldap", User: lsa.DomainUser{
		Account: logon.Account{SID: f.SID, Use: winnt.SidTypeUser, Domain: d.Name(), DomainSID: domain,
			Name: printable.Line(f.Name)}, PrimaryGroup: f.PrimaryGroup, Groups: groups, UserClaims: f.Claims}}, nil
}
