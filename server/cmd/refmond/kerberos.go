package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/server/auth/domain"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// tickets are the keys of the configuration below kerberos.
type tickets struct {
	Keytab          string   `json:"keytab"`
	Realm           string   `json:"realm"`
	Services        []string `json:"services"`
	Domain          string   `json:"domain"`
	Skew            int      `json:"skew"`
	EncryptionTypes []int32  `json:"encryptionTypes"`
	RequireBinding  bool     `json:"requireBinding"`
	Delegated       bool     `json:"delegated"`
}

// check looks at what can be judged without the keytab.
func (t *tickets) check() error {
	if t.Keytab == "" {
		return nil
	}
	if t.Realm == "" {
		return errors.New("realm: it must be given beside keytab")
	}
	if t.Domain != "" {
		if s, err := sid.ParseStrict(t.Domain); err != nil || s.SubAuthorities() != 4 {
			return fmt.Errorf("domain: %q is no SID of a domain, want S-1-5-21-x-y-z", t.Domain)
		}
	}
	if t.Skew < 1 || t.Skew > 3600 {
		return fmt.Errorf("skew: %d, want 1 to 3600 seconds", t.Skew)
	}
	return nil
}

// open makes the acceptor of tickets, nil without a keytab. The last one took them before,
// nil for nothing.
func (t *tickets) open(state string, store *lsa.Store, last *kerberos.Acceptor) (*kerberos.Acceptor, error) {
	if t.Keytab == "" {
		return nil, nil
	}
	keys, err := kerberos.ReadKeytab(t.Keytab)
	if err != nil {
		return nil, err
	}
	cfg := kerberos.Config{Keys: keys, Realm: t.Realm, Services: t.Services, Skew: time.Duration(t.Skew) * time.Second,
		EncryptionTypes: t.EncryptionTypes, RequireBinding: t.RequireBinding, Delegated: t.Delegated, State: state,
		Machine: store.Computer().SID}
	if len(cfg.Services) == 0 {
		cfg.Services = nil
	}
	if t.Domain != "" {
		cfg.Domain = sid.MustParse(t.Domain) // check has read it
	}
	if last != nil {
		// What was taken before a reload is not taken after it. K-82
		return last.With(cfg)
	}
	return kerberos.New(cfg)
}

// taking holds the acceptor of tickets, which a reload swaps.
type taking struct {
	now  atomic.Pointer[kerberos.Acceptor] // nil: none are taken
	last *kerberos.Acceptor                // owned by the goroutine of signals: keeps the replay cache
	// state is the folder of the replay cache. Immutable.
	state string
}

// take makes the acceptor of tickets, and swaps it in with the function that it returns. On an
// error nothing has changed, and the old one goes on. K-82
func (s *service) take(cfg *config) (swap func(), err error) {
	next, err := cfg.Kerberos.open(s.tickets.state, s.store, s.tickets.last)
	if err != nil {
		return nil, err
	}
	return func() {
		s.tickets.now.Store(next)
		if next != nil {
			s.tickets.last = next
		}
	}, nil
}

// answers makes who logs clients on: the store, tickets where there is a keytab, and the
// directory where there is one.
func (s *service) answers() {
	s.domains = directoryLogons{limit: &domain.Limit{}, Authority: kerberos.Authority{Store: s.store,
		Tickets: s.tickets.now.Load,
		Refused: func(why error) { s.log.Info("a client's token is refused", "why", why) }}}
}
