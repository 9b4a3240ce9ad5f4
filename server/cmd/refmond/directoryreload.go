package main

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/domain"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
)

// directoryLogons logs users of the domain on by the directory that is configured now, which a
// reload swaps. It is a [logon.Authority] before another one.
type directoryLogons struct {
	logon.Authority               // immutable: answers for everybody else
	limit           *domain.Limit // immutable: what was counted before a reload counts after it
	now             atomic.Pointer[directoryUse]
}

// directoryUse is one configuration of the directory. Its connections are closed once no
// logon uses them.
type directoryUse struct {
	authority logon.Authority // immutable; nil: no directory is configured
	people    *ldap.Directory // immutable; nil: none is asked

	mu sync.RWMutex // held for reading by each logon
	// +checklocks:mu
	closed bool // guarded by mu
}

// close waits for the logons that go on, and closes the connections.
func (u *directoryUse) close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	if u.people == nil {
		return nil
	}
	return u.people.Close()
}

// LogOn implements [logon.Authority].
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

// logOn logs on, unless a reload has closed this configuration: then another one is there.
func (u *directoryUse) logOn(next logon.Authority, r logon.Request) (out logon.Result, st ntstatus.Status, ok bool) {
	u.mu.RLock()
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

// ask gives the directory that is configured now to a question.
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

// ask asks, unless a reload has closed this configuration.
func (u *directoryUse) ask(question func(*ldap.Directory) error) (ok bool, err error) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.closed {
		return false, nil
	}
	return true, question(u.people)
}

// direct makes what the configuration says of the directory, and swaps it in with the
// function that it returns; drop gives it up instead. On an error nothing has changed, and
// the old one goes on. D-33
func (s *service) direct(cfg *config) (swap func(), drop func(), err error) {
	d := &cfg.Directory
	next := &directoryUse{}
	if next.people, err = cfg.openDirectory(s.store.Computer().SID); err != nil {
		return nil, nil, err
	}
	if d.used() {
		next.authority = s.domain(cfg, next.people)
	}
	swap = func() {
		if d.used() {
			s.domains.limit.Bound(d.Attempts, d.AttemptsPerAddress)
		}
		if old := s.domains.now.Swap(next); old != nil {
			s.closing.Go(func() { _ = old.close() }) // a logon that goes on is not cut off
		}
		s.numbers.live.Forget()
	}
	return swap, func() { _ = next.close() }, nil
}

// domain returns what logs users of the directory on.
func (s *service) domain(cfg *config, people *ldap.Directory) logon.Authority {
	d := &cfg.Directory
	a := domain.Authority{Authority: s.domains.Authority, Store: s.store, Realm: cfg.Kerberos.Realm, Name: d.Name,
		Unqualified: d.Unqualified, Limit: s.domains.limit,
		Refused: func(why error) { s.log.Info("a user of the domain is refused", "why", why) }}
	switch d.Passwords {
	case "kdc":
		a.Passwords = domain.ByKDC(func() *kerberos.Passwords {
			if t := s.tickets.now.Load(); t != nil {
				return &kerberos.Passwords{Acceptor: t, KDCs: kerberos.KDCs{Addresses: d.KDC}}
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
