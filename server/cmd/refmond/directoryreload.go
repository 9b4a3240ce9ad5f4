package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/auth/domain"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/sid"
)

// directoryLogons logs on domain users with the current directory configuration, which a reload
// replaces. It is a [logon.Authority] that forwards all other users to another one.
type directoryLogons struct {
	logon.Authority                  // immutable: used for all other users
	limit           *admission.Limit // immutable: keeps its counts across reloads
	now             atomic.Pointer[directoryUse]
}

// directoryUse is one configuration of the directory in use. A reload replaces it. Its connections are closed when no
// logon uses them.
type directoryUse struct {
	authority logon.Authority // immutable; nil: no directory is configured
	people    *ldap.Directory // immutable; nil: no servers are configured
	names     domainNames     // immutable

	mu sync.RWMutex // held for reading by each logon
	// +checklocks:mu
	closed bool // guarded by mu
}

// domainNames are the names of the configured domain. All are zero without one. Immutable.
type domainNames struct {
	realm, name string
	domain      sid.SID
	unqualified bool // a name without a domain is the domain's
}

// match reports whether domain is a name of the configured domain. qualified is false for a name without a domain.
func (n *domainNames) match(domain string, qualified bool) bool {
	if !qualified {
		return n.unqualified
	}
	return domain != "" && (strings.EqualFold(domain, n.realm) || strings.EqualFold(domain, n.name))
}

// findTime limits the time of a lookup of a revoked user in the directory.
const findTime = 10 * time.Second

// accountsNamed returns the SIDs of the domain users with a name: of those who logged on, by the name that their domain
// gave then, and of the directory's. So a user is found while the directory is down, and after the account was disabled
// or deleted there. It returns STATUS_NO_LOGON_SERVERS if the directory does not answer and no user who logged on has
// the name, and STATUS_UNSUCCESSFUL if the directory's answer names no single user.
func (s *service) accountsNamed(full string) ([]sid.SID, ntstatus.Status) {
	for {
		u := s.domains.now.Load()
		if u == nil {
			return nil, ntstatus.Success
		}
		if found, st, ok := s.accountsOf(u, full); ok {
			return found, st
		}
	}
}

// accountsOf is accountsNamed with one configuration. ok is false if a reload has closed it.
func (s *service) accountsOf(u *directoryUse, full string) (found []sid.SID, st ntstatus.Status, ok bool) {
	domain, name, qualified := logon.Split(full)
	if name == "" || qualified && domain == "" {
		return nil, ntstatus.Success, true
	}
	ours := u.names.match(domain, qualified)
	found = s.store.DomainUsers(func(a logon.Account) bool {
		return strings.EqualFold(a.Name, name) &&
			(qualified && strings.EqualFold(a.Domain, domain) || ours && a.SID.Prefix() == u.names.domain)
	})
	if !ours || u.people == nil {
		return found, ntstatus.Success, true
	}
	ctx, cancel := context.WithTimeout(s.stopping, findTime)
	defer cancel()
	var f *ldap.Found
	ok, err := u.ask(func(d *ldap.Directory) (err error) {
		f, err = d.Find(ctx, name, qualified && !strings.Contains(full, `\`))
		return err
	})
	switch {
	case err == nil:
		if ok && !slices.Contains(found, f.SID) {
			found = append(found, f.SID)
		}
	case errors.Is(err, ldap.ErrAway) && len(found) == 0:
		return nil, ntstatus.NoLogonServers, ok
	case !errors.Is(err, ldap.ErrAway) && !errors.Is(err, ldap.ErrUnknown):
		return nil, ntstatus.Unsuccessful, ok
	}
	return found, ntstatus.Success, ok
}

// close waits until no logon or query uses this configuration, then closes its connections. Later calls of logOn and
// ask return ok false. A directory that is not used has no connections.
func (u *directoryUse) close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	if u.people == nil {
		return nil
	}
	return u.people.Close()
}

// LogOn logs on a domain user with the current directory configuration, and passes all other users to the
// embedded Authority. If a reload replaces the configuration meanwhile, it uses the new one. Without a
// configuration it passes every request on.
func (a *directoryLogons) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	for {
		u := a.now.Load()
		if u == nil {
			return a.Authority.LogOn(r)
		}
		if out, st, ok := u.logOn(a.Authority, r); ok {
			return out, st
		}
	}
}

// logOn logs a user on with this configuration. ok is false if a reload has closed it; the caller then uses the new
// one. Without a directory, next logs the user on.
//
// +checklocksignore: the checker does not know TryRLock
func (u *directoryUse) logOn(next logon.Authority, r logon.Request) (out logon.Result, st ntstatus.Status, ok bool) {
	if !u.mu.TryRLock() { // close holds or awaits the lock until all logons in progress are done
		return out, st, false
	}
	defer u.mu.RUnlock()
	if u.closed {
		return out, st, false
	}
	if u.authority == nil {
		out, st = next.LogOn(r)
		return out, st, true
	}
	out, st = u.authority.LogOn(r)
	return out, st, true
}

// ask runs a query of the directory's servers: it calls question with the current directory and returns its error. If
// the directory is replaced meanwhile, it asks the new one. Without a directory it returns [ldap.ErrAway].
func (a *directoryLogons) ask(question func(*ldap.Directory) error) error {
	for {
		u := a.now.Load()
		if u == nil || u.people == nil {
			return ldap.ErrAway
		}
		if ok, err := u.ask(question); ok {
			return err
		}
	}
}

// ask runs a query with this configuration: it calls question with the directory and returns its error. ok is false,
// and question was not called, if a reload has closed this configuration.
//
// +checklocksignore: the checker does not know TryRLock
func (u *directoryUse) ask(question func(*ldap.Directory) error) (ok bool, err error) {
	// This can be a query within a logon for which close waits. Waiting for close here would be a deadlock.
	if !u.mu.TryRLock() {
		return false, nil
	}
	defer u.mu.RUnlock()
	if u.closed {
		return false, nil
	}
	return true, question(u.people)
}

// prepareDirectory prepares the directory of a configuration. The caller then calls swap to use it or drop to close
// it. After an error the old directory stays in use (D-33). swap closes the old one when no logon uses it.
func (s *service) prepareDirectory(cfg *config) (swap func(), drop func(), err error) {
	d := &cfg.Directory
	next := &directoryUse{names: domainNames{realm: cfg.Kerberos.Realm, name: d.Name, unqualified: d.Unqualified}}
	next.names.domain, _ = sid.Parse(cfg.Kerberos.Domain) // check has validated it; "" without a domain
	if next.people, err = cfg.openDirectory(s.machine, s.messages.Message); err != nil {
		return nil, nil, err
	}
	if d.used() {
		next.authority = s.domain(cfg, next.people)
	}
	swap = func() {
		if d.used() {
			s.domains.limit.Bound(d.Attempts, d.AttemptsPerName, d.AttemptsPerAddress)
		}
		if old := s.domains.now.Swap(next); old != nil {
			s.closing.Go(func() { _ = old.close() }) // let running logons finish
		}
		s.numbers.live.Forget()
	}
	return swap, func() { _ = next.close() }, nil
}

// domain sets up the logons of the directory's users. people is the client of the directory; nil means that only a KDC
// checks their passwords, and that they cannot log on by name. It needs s.domains and s.store.
func (s *service) domain(cfg *config, people *ldap.Directory) logon.Authority {
	d := &cfg.Directory
	a := domain.Authority{Authority: s.domains.Authority, Store: s.store, Realm: cfg.Kerberos.Realm, Name: d.Name,
		Unqualified: d.Unqualified, Limit: s.domains.limit, Stopping: s.stopping,
		Refused: func(client string, why error) {
			s.log.Info("rejected a logon of a domain user", lograte.Client, client, "why", why)
		}}
	switch d.Passwords {
	case "kdc":
		up := &admission.Servers{}
		a.Passwords = domain.ByKDC(func() *kerberos.Passwords {
			if t := s.tickets.now.Load(); t != nil {
				return &kerberos.Passwords{Acceptor: t, KDCs: kerberos.KDCs{Addresses: d.KDC, Up: up}}
			}
			return nil
		})
	case "bind":
		a.Passwords = domain.ByBind(people)
	}
	if people != nil {
		a.Names = domain.ByDirectory(people)
	}
	return domain.New(a)
}
