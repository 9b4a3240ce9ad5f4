package domain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Authority logs on users of one domain. Authority, Store and Realm are required. Create it with [New], and do not
// change the fields afterwards.
type Authority struct {
	logon.Authority                  // logs on all other users, and clients with other evidence
	Store           *lsa.Store       // gives local groups and rights
	Realm           string           // domain after the @
	Name            string           // domain before the backslash; "": only the realm is accepted
	Passwords       ByPassword       // nil: logons with a domain password return STATUS_NO_SUCH_PACKAGE
	Names           ByName           // nil: the embedded Authority logs on domain users by name
	Limit           *admission.Limit // nil: the default limits
	// Unqualified treats a name without a domain as a domain user if [lsa.Store.LookupLogonName] does not find it.
	Unqualified bool
	// Refused logs why a user was refused. client is the address or the calling program. nil: no log.
	Refused func(client string, why error)
	// Stopping ends logons that run or wait when it is done, with STATUS_CANCELLED. nil: nothing ends them.
	Stopping context.Context

	checks  *admission.Pool  // immutable: bounds the concurrent password checks
	lookups *admission.Pool  // immutable: bounds the concurrent lookups by name
	turns   *admission.Turns // immutable: orders the checks of one name from one origin
}

// Limits of password checks, and of lookups by name: concurrent ones, waiting ones, and the time for one.
const (
	checks  = 32
	waiters = 256
	wait    = 30 * time.Second
)

// New returns an authority with the fields of a. If a.Limit is nil, it gets the default limits. New does not check that
// the required fields are set.
func New(a Authority) *Authority {
	a.checks, a.lookups = admission.NewPool(checks, waiters), admission.NewPool(checks, waiters)
	a.turns = new(admission.Turns)
	if a.Limit == nil {
		a.Limit = &admission.Limit{}
	}
	if a.Stopping == nil {
		a.Stopping = context.Background()
	}
	return &a
}

// LogOn logs on a user of the domain with a password or by name, within 30 seconds. It passes every other
// request to the embedded Authority: another package, a user outside the domain, and an empty or overlong name.
// A request for a user of the domain that adds groups without SeTcbPrivilege fails with
// STATUS_PRIVILEGE_NOT_HELD. LogOn blocks while the domain controller checks the user. On a failure the result
// has no token, but may have the reason for the audit record. A failure after a.Stopping is done is STATUS_CANCELLED.
func (a *Authority) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	name, byRealm, ours := a.user(&r)
	if !ours || r.Package != logon.Password && r.Package != logon.S4U {
		return a.Authority.LogOn(r)
	}
	if len(r.Groups) > 0 && !r.Tcb {
		// Only a caller with SeTcbPrivilege may add groups to a token (L-33).
		return logon.Result{Unchecked: true}, ntstatus.PrivilegeNotHeld
	}
	ctx, cancel := context.WithTimeout(a.Stopping, wait)
	defer cancel()
	logOn := a.byPassword
	if r.Package == logon.S4U {
		logOn = a.byName
	}
	out, st := logOn(ctx, &r, name, byRealm)
	if st != ntstatus.Success && a.Stopping.Err() != nil {
		// A stopping refmond cancels waiting calls (W-19).
		return logon.Result{}, ntstatus.Cancelled
	}
	return out, st
}

// user splits a request's name and reports whether it names a user of this domain (ours). name has no domain. byRealm
// is true for name@realm. ours is false for an empty or overlong name, another domain, and two different domains. A
// name without a domain is ours only with Unqualified and without a local account of that name (D-27).
func (a *Authority) user(r *logon.Request) (name string, byRealm, ours bool) {
	if r.Name == "" || len(r.Name)+len(r.Domain) > logon.MaxName {
		return "", false, false
	}
	domain, name, qualified := logon.Split(r.Name)
	behind := qualified && strings.HasSuffix(r.Name, "@"+domain) && !strings.Contains(r.Name, `\`)
	switch {
	case qualified && r.Domain != "" && !strings.EqualFold(r.Domain, domain):
		return "", false, false // two different domains: the embedded authority rejects the request
	case !qualified:
		domain = r.Domain
	}
	if domain == "" {
		if !a.Unqualified {
			return "", false, false
		}
		// An account of this computer takes precedence over one of the domain (D-27).
		_, local := a.Store.LookupLogonName(r.Name)
		return name, false, !local
	}
	ours = strings.EqualFold(domain, a.Realm) || a.Name != "" && strings.EqualFold(domain, a.Name)
	return name, behind, ours
}

// byPassword checks the password with a.Passwords and returns the logon result. These failures are not counted for the
// limits of the name and the origin:
//
//   - STATUS_NO_SUCH_PACKAGE: a.Passwords is nil
//   - STATUS_LOGON_FAILURE: the password is empty, or the name has characters that a directory ignores
//   - STATUS_ACCOUNT_LOCKED_OUT: a limit is reached, so nobody checked the password
//   - STATUS_INSUFFICIENT_RESOURCES: too many checks wait, of all users or of this one, or ctx ended first
//   - STATUS_NO_LOGON_SERVERS: no server checked the password
//
// Every other failed check counts. The result of these failures is unchecked.
func (a *Authority) byPassword(ctx context.Context, r *logon.Request, name string, byRealm bool) (logon.Result,
	ntstatus.Status) {
	if a.Passwords == nil {
		return logon.Result{Unchecked: true}, ntstatus.NoSuchPackage
	}
	if r.Password == "" {
		// An empty password is never checked, because a directory treats such a bind as anonymous
		// (D-2).
		return logon.Result{Reason: ntstatus.WrongPassword, Unchecked: true}, ntstatus.LogonFailure
	}
	if hasIgnoredCharacters(name) {
		// The directory ignores these characters, but each spelling would have its own failure counter (D-25).
		return logon.Result{Reason: ntstatus.NoSuchUser, Unchecked: true}, ntstatus.LogonFailure
	}
	origin, named := a.Store.Requester(r)
	counted := counterName(name)
	// Wait for the outcome of an earlier logon of the name, which may still become a counted failure (D-25).
	if !a.turns.Take(ctx, counted, origin) {
		return logon.Result{Unchecked: true}, ntstatus.InsufficientResources
	}
	defer a.turns.Give(counted, origin)
	lockedOut := logon.Result{Reason: ntstatus.AccountLockedOut, Unchecked: true}
	if a.Limit.Refuses(counted, origin, named) {
		return lockedOut, ntstatus.AccountLockedOut
	}
	if !a.checks.Enter(ctx, origin) {
		// The pool serves origins round-robin, so a flood from one origin does not delay the others (L-74).
		return logon.Result{Unchecked: true}, ntstatus.InsufficientResources
	}
	defer a.checks.Leave()
	if !a.Limit.Attempt(counted, origin, named) {
		// The directory is not queried, so that this host cannot be used for guessing (D-25).
		return lockedOut, ntstatus.AccountLockedOut
	}
	p, err := a.Passwords(ctx, name, byRealm, r.Password)
	if err != nil {
		result, status := a.refused(r, err)
		if status == ntstatus.NoLogonServers {
			a.Limit.Unknown(counted, origin)
			result.Unchecked = true
		}
		return result, status
	}
	a.Limit.Succeeded(counted, origin)
	return a.token(&p, r)
}

// ignored are the printable characters that a directory maps to nothing (RFC 4518 2.2), and others that are invisible.
var ignored = []*unicode.RangeTable{unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
	{R16: []unicode.Range16{{Lo: '\u1806', Hi: '\u1806', Stride: 1}, {Lo: '\ufffc', Hi: '\ufffc', Stride: 1}}}}

// hasIgnoredCharacters reports whether a name has blanks or invisible characters that a directory ignores. Blanks are
// ignored at its ends, and after another blank; all except the ASCII space count as invisible. Account names do not
// have them.
func hasIgnoredCharacters(name string) bool {
	return name != strings.Join(strings.Fields(name), " ") ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || unicode.In(r, ignored...) })
}

// counterName returns the name that the failures of name count for: without accents and in the usual width. The
// counters ignore case. Active Directory has one account for all these spellings, so they share their counters (D-25).
func counterName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
}

// byName logs on a user whom a.Names finds, without a password. If a.Names is nil, it passes the request to the
// embedded Authority. Unless the caller has SeTcbPrivilege, the token has the identification level (L-36). A
// logon type other than network fails with STATUS_INVALID_LOGON_TYPE. If too many lookups wait, or ctx ends first, the
// status is STATUS_INSUFFICIENT_RESOURCES.
func (a *Authority) byName(ctx context.Context, r *logon.Request, name string, byRealm bool) (logon.Result,
	ntstatus.Status) {
	switch {
	case a.Names == nil:
		return a.Authority.LogOn(*r)
	case r.Type != winnt.LOGON32_LOGON_NETWORK:
		return logon.Result{}, ntstatus.InvalidLogonType
	}
	if origin, _ := a.Store.Requester(r); !a.lookups.Enter(ctx, origin) {
		// Each lookup can occupy a connection to the directory, so their number is bounded (L-74).
		return logon.Result{}, ntstatus.InsufficientResources
	}
	defer a.lookups.Leave()
	p, err := a.Names(ctx, name, byRealm)
	if err != nil {
		return a.refused(r, err)
	}
	out, st := a.token(&p, r)
	if st == ntstatus.Success && !r.Tcb {
		out.Token.Level = winnt.SecurityIdentification
	}
	return out, st
}

// refused returns the result and status of a failed logon, those of a [*Refused] in err. Without one, or if its
// Status is 0, the result is empty and the status STATUS_LOGON_FAILURE. refused passes err and the caller's address
// or program to a.Refused, if set.
func (a *Authority) refused(r *logon.Request, err error) (logon.Result, ntstatus.Status) {
	if a.Refused != nil {
		client, _ := a.Store.Requester(r)
		a.Refused(client, err)
	}
	var why *Refused
	if !errors.As(err, &why) || why.Status == 0 {
		return logon.Result{}, ntstatus.LogonFailure
	}
	return why.Result, why.Status
}

// token returns the logon result of the authenticated user p. The token has the groups of r and the local groups and
// rights of the store. The token's source is p.Source, also in the linked token. A failure of the store is returned.
// p and r do not change.
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
