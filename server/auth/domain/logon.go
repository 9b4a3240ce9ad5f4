package domain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Authority logs users of one domain on. Authority, Store and Realm are required.
type Authority struct {
	logon.Authority            // answers for everybody else
	Store           *lsa.Store // gives local groups and rights
	Realm           string     // behind the @
	Name            string     // before the backslash; "": the realm stands there alone
	Passwords       ByPassword // nil: passwords of the domain are of no package
	Names           ByName     // nil: names of the domain are of no package
	Limit           *Limit
	// Unqualified takes a name without a domain for one of the domain, where the store has no
	// account of that name.
	Unqualified bool
	// Refused is told why a user was refused. nil: nothing is told.
	Refused func(error)

	checking chan struct{} // a place for each password that is being checked
}

// checks is how many passwords are checked at once, and wait how long one may take.
const (
	checks = 32
	wait   = 30 * time.Second
)

// New makes an authority.
func New(a Authority) *Authority {
	a.checking = make(chan struct{}, checks)
	if a.Limit == nil {
		a.Limit = &Limit{}
	}
	return &a
}

// LogOn implements [logon.Authority].
func (a *Authority) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	name, byRealm, ours := a.user(&r)
	if !ours || r.Package != logon.Password && r.Package != logon.S4U {
		return a.Authority.LogOn(r)
	}
	if len(r.Groups) > 0 && !r.Tcb {
		// Only a caller with SeTcbPrivilege adds groups to a token. L-33
		return logon.Result{}, ntstatus.PrivilegeNotHeld
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if r.Package == logon.S4U {
		return a.byName(ctx, &r, name, byRealm)
	}
	return a.byPassword(ctx, &r, name)
}

// user returns the name of the domain's user that a request names. D-27
func (a *Authority) user(r *logon.Request) (name string, byRealm, ours bool) {
	if r.Name == "" || len(r.Name)+len(r.Domain) > logon.MaxName {
		return "", false, false
	}
	domain, name, qualified := logon.Split(r.Name)
	behind := qualified && strings.HasSuffix(r.Name, "@"+domain) && !strings.Contains(r.Name, `\`)
	switch {
	case qualified && r.Domain != "" && !strings.EqualFold(r.Domain, domain):
		return "", false, false // two domains: the next one refuses it
	case !qualified:
		domain = r.Domain
	}
	if domain == "" {
		if !a.Unqualified {
			return "", false, false
		}
		// An account of this computer comes before one of the domain. D-27
		_, local := a.Store.LookupName(r.Name)
		return name, false, !local
	}
	ours = strings.EqualFold(domain, a.Realm) || a.Name != "" && strings.EqualFold(domain, a.Name)
	return name, behind, ours
}

// byPassword logs on with a password.
func (a *Authority) byPassword(ctx context.Context, r *logon.Request, name string) (logon.Result, ntstatus.Status) {
	if a.Passwords == nil {
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	if r.Password == "" {
		// An empty password is checked nowhere: a directory takes it for an anonymous client. D-2
		return logon.Result{Reason: ntstatus.WrongPassword}, ntstatus.LogonFailure
	}
	origin, named := network(r.Origin), r.Origin != ""
	if !named {
		origin = "program of " + r.Caller.String()
	}
	if !a.Limit.attempt(name, origin, named) {
		// The directory is not asked: this host is no place to guess from. D-25
		return logon.Result{Reason: ntstatus.AccountLockedOut}, ntstatus.AccountLockedOut
	}
	select {
	case a.checking <- struct{}{}:
		defer func() { <-a.checking }()
	default:
		a.Limit.unknown(name, origin)
		return logon.Result{}, ntstatus.InsufficientResources
	}
	p, err := a.Passwords(ctx, name, r.Password)
	if err != nil {
		result, status := a.refused(err)
		if status == ntstatus.NoLogonServers {
			a.Limit.unknown(name, origin)
		}
		return result, status
	}
	a.Limit.succeeded(name, origin)
	return a.token(&p, r)
}

// byName logs on for a service that answers for its client. Without SeTcbPrivilege the
// token only identifies. L-36
func (a *Authority) byName(ctx context.Context, r *logon.Request, name string, byRealm bool) (logon.Result,
	ntstatus.Status) {
	switch {
	case a.Names == nil:
		return a.Authority.LogOn(*r)
	case r.Type != winnt.LOGON32_LOGON_NETWORK:
		return logon.Result{}, ntstatus.InvalidLogonType
	}
	p, err := a.Names(ctx, name, byRealm)
	if err != nil {
		return a.refused(err)
	}
	out, st := a.token(&p, r)
	if st == ntstatus.Success && !r.Tcb {
		out.Token.Level = winnt.SecurityIdentification
	}
	return out, st
}

// refused tells the log why, and returns what the client hears.
func (a *Authority) refused(err error) (logon.Result, ntstatus.Status) {
	if a.Refused != nil {
		a.Refused(err)
	}
	var r *Refused
	if !errors.As(err, &r) || r.Status == 0 {
		return logon.Result{}, ntstatus.LogonFailure
	}
	return r.Result, r.Status
}

// token makes the result of a user who is known.
func (a *Authority) token(p *Proved, r *logon.Request) (logon.Result, ntstatus.Status) {
	u := p.User
	u.Groups = slices.Concat(u.Groups, r.Groups)
	out, st := a.Store.LogOnDomainUser(&u, r.Type)
	if st != ntstatus.Success {
		return out, st
	}
	for _, spec := range []*token.Spec{&out.Token, out.Linked} {
		if spec != nil {
			spec.Source = token.Source{Name: p.Source}
		}
	}
	out.Proof = p.Proof
	return out, st
}
