package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/logon"
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

// open makes what takes tickets, nil without a keytab.
func (t *tickets) open(state string, store *lsa.Store) (*kerberos.Acceptor, error) {
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
	return kerberos.New(cfg)
}

// authority returns who logs clients on: the store, and tickets where there is a
// keytab. Without one a token is of no package. K-49
func (s *service) authority() logon.Authority {
	if s.tickets == nil {
		return s.store
	}
	return kerberos.Authority{Store: s.store, Tickets: s.tickets,
		Refused: func(why error) { s.log.Info("a client's token is refused", "why", why) }}
}
