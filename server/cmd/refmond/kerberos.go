package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/auth/confined"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/sid"
)

// tickets has the configuration keys below kerberos.
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

// check returns the first error in the settings. It does not read the keytab. domain must be the SID of a domain if
// given, because the keys below directory use it, too. With a keytab, realm is required and skew is 1 to 3600 seconds.
func (t *tickets) check() error {
	if t.Domain != "" {
		s, err := sid.ParseStrict(t.Domain)
		if err != nil || s.SubAuthorities() != 4 || !strings.HasPrefix(s.String(), "S-1-5-21-") {
			return fmt.Errorf("domain: %q is not the SID of a domain, want S-1-5-21-x-y-z", t.Domain)
		}
	}
	if t.Keytab == "" {
		return nil
	}
	if t.Realm == "" {
		return errors.New("realm: required with keytab")
	}
	if t.Skew < 1 || t.Skew > 3600 {
		return fmt.Errorf("skew: %d, want 1 to 3600 seconds", t.Skew)
	}
	return nil
}

// open returns the acceptor that verifies Kerberos tickets, nil and no error without a keytab. state is the folder of
// the replay cache, "" for none, and machine returns this computer's SID. last is the previous acceptor, nil for none.
// parser parses tokens and PACs. A keytab that cannot be read is an error. With last, replays from before stay refused.
func (t *tickets) open(state string, machine func() sid.SID, last *kerberos.Acceptor,
	parser *confined.Parser) (*kerberos.Acceptor, error) {
	if t.Keytab == "" {
		return nil, nil
	}
	keys, err := kerberos.ReadKeytab(t.Keytab)
	if err != nil {
		return nil, err
	}
	cfg := kerberos.Config{Keys: keys, Realm: t.Realm, Services: t.Services, Skew: time.Duration(t.Skew) * time.Second,
		EncryptionTypes: t.EncryptionTypes, RequireBinding: t.RequireBinding, Delegated: t.Delegated, State: state,
		Machine: machine, Parse: parser.Parse, Split: parser.Token}
	if len(cfg.Services) == 0 {
		cfg.Services = nil
	}
	if t.Domain != "" {
		cfg.Domain = sid.MustParse(t.Domain) // cannot fail: check parsed it
	}
	if last != nil {
		// A ticket accepted before a reload is not accepted again after it (K-82).
		return last.With(cfg)
	}
	return kerberos.New(cfg)
}

// ticketAcceptor holds the acceptor of tickets. A reload replaces it.
type ticketAcceptor struct {
	now atomic.Pointer[kerberos.Acceptor] // nil: tickets are not accepted
	// last is the acceptor prepared last, even for a reload that failed later. It keeps the replay cache. Owned by the
	// signal handler's goroutine.
	last *kerberos.Acceptor
	// state is the folder of the replay cache. Immutable.
	state string
	// parser is the child process that parses tokens and PACs (K-89, K-91). It starts with the first token.
	parser confined.Parser
}

// prepareTickets prepares the acceptor of a configuration and returns a function that puts it into use. The
// caller calls swap once the rest of the configuration is ready. After an error swap is nil and the old acceptor
// stays in use (K-82).
func (s *service) prepareTickets(cfg *config) (swap func(), err error) {
	next, err := cfg.Kerberos.open(s.tickets.state, s.machine, s.tickets.last, &s.tickets.parser)
	if err != nil {
		return nil, err
	}
	if next != nil {
		// Also if swap is never called: next keeps the replay cache's file open, and a later acceptor must share it.
		s.tickets.last = next
	}
	return func() { s.tickets.now.Store(next) }, nil
}

// Limits of the tickets that are checked and that wait. One process parses them.
const (
	ticketChecks  = 2
	ticketWaiters = 256
)

// setAuthorities chooses which parts log clients on: the account store, Kerberos tickets if there is a keytab, and the
// directory if one is configured. stop ends the logons of the directory, and those that wait for a ticket check.
func (s *service) setAuthorities() {
	s.stopping, s.endLogons = context.WithCancel(context.Background())
	s.domains = directoryLogons{limit: &admission.Limit{}, Authority: kerberos.Authority{Store: s.store,
		Tickets: s.tickets.now.Load, Checks: admission.NewPool(ticketChecks, ticketWaiters), Stopping: s.stopping,
		Refused: func(client string, why error) {
			s.log.Info("rejected a client's Kerberos token", lograte.Client, client, "why", why)
		}}}
}
