package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/server/lsa/host"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// passwordCost is the cost of new password hashes. It is zero, which is the default of package lsa, except in tests.
var passwordCost lsa.Hashing

// lostAccounts reports whether the state folder has the audit log of an earlier run and no accounts: their file is
// missing or empty.
func lostAccounts(state string) bool {
	_, earlier := os.Stat(auditKey(state, true))
	store, err := os.Stat(filepath.Join(state, lsa.File))
	return earlier == nil && (errors.Is(err, fs.ErrNotExist) || err == nil && store.Size() == 0)
}

// accounts opens the account store in the state folder and sets it as the log's source of names. If lost is true, it
// warns that the store is new. The caller holds the lock of the folder. A malformed store or idNumbers file is an
// error.
func (s *service) accounts(cfg *config, log *audit.Log, lost bool) (err error) {
	ids, err := readNumbers(cfg.IDNumbers)
	if err != nil {
		return err
	}
	s.numbers.now.Store(ids)
	s.numbers.live.Ask = s.domains.ask
	s.store, err = lsa.Open(lsa.Config{Folder: cfg.State, Computer: cfg.Computer, Root: cfg.Root, Hosts: host.New(),
		Lookups: host.New(), Domains: host.NewDomains(), Numbers: &s.numbers, Password: passwordCost,
		// A request that changes nothing must not drop tokens, because each new one costs a logon (M-2).
		Changed: s.dropTokens,
		Audit:   func(c lsa.Change) error { return recordChange(log, c) }})
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	log.Names = s.store
	if lost {
		// An entry that denies an earlier account binds nobody now.
		s.log.Warn("the state folder had an audit log and no accounts, so a new account store was created: if there were "+
			"accounts, stop refmond and restore a backup", "file", filepath.Join(cfg.State, lsa.File))
	}
	s.warn()
	return nil
}

// machine returns the current SID of this computer, which an import of accounts can change.
func (s *service) machine() sid.SID { return s.store.Computer().SID }

// warn logs which accounts or id maps cannot be used, so that their users cannot log on.
func (s *service) warn() {
	if err := s.store.Trouble(); err != nil {
		s.log.Error("some accounts or id maps are invalid, and their users cannot log on", "error", err)
	}
}

// administer returns the function that handles requests of refmond account in the daemon.
func (s *service) administer(cfg *config) func(*token.Token, []byte) ([]byte, ntstatus.Status) {
	a := admin.Answerer{Store: s.store}
	if s.trail != nil {
		a.AuditKey = func(public bool) ([]byte, error) { return os.ReadFile(auditKey(cfg.State, public)) }
	}
	return a.Answer
}

// auditKey returns the file name of the audit log's signing key, or of its public half.
func auditKey(state string, public bool) string {
	name := "key"
	if public {
		name = "key.pub"
	}
	return filepath.Join(state, "audit", name)
}

// recordChange writes the audit record of an account change, whatever the audit policy is (L-50). Without a sink it
// writes nothing. An error must stop the change. A change that cannot be described is an error even without a sink.
func recordChange(log *audit.Log, c lsa.Change) error {
	e, err := changeEvent(log, c)
	if err != nil {
		return err
	}
	if log.Sink == nil {
		return nil
	}
	// Only administrators change accounts (L-52), so a full disk does not prevent it (U-93).
	if st := log.Write(e.AsAdministrator()); st != ntstatus.Success {
		return st.Err()
	}
	return nil
}

// changeEvent converts a change of the account store to an audit event. Granting and revoking a privilege or logon
// right have documented event ids; every other change has refmon's event. A malformed SID of the user who made the
// change is an error. An unknown name becomes "-".
func changeEvent(log *audit.Log, c lsa.Change) (audit.Event, error) {
	by, err := sid.ParseStrict(c.By)
	if err != nil {
		return audit.Event{}, fmt.Errorf("SID of the user who changed accounts: %w", err)
	}
	from := audit.Origin{Names: log.Names}
	id, field := uint16(0), ""
	_, err = winnt.ParsePrivilege(c.Detail)
	privilege := err == nil
	switch {
	case c.What == "right granted" && privilege:
		id, field = 4704, "PrivilegeList"
	case c.What == "right revoked" && privilege:
		id, field = 4705, "PrivilegeList"
	case c.What == "right granted" && logon.ParseRight(c.Detail) != 0:
		id, field = 4717, "AccessGranted"
	case c.What == "right revoked" && logon.ParseRight(c.Detail) != 0:
		id, field = 4718, "AccessRemoved"
	default:
		return audit.AccountsChanged(from, by, c.What, c.Subject, c.Detail), nil
	}
	name, domain := "-", "-"
	if log.Names != nil {
		if n, d, ok := log.Names.Account(by); ok {
			name, domain = n, d
		}
	}
	return audit.Make(id, audit.Success, from, audit.Values{
		"SubjectUserSid": {c.By}, "SubjectUserName": {name}, "SubjectDomainName": {domain}, "SubjectLogonId": {"0x0"},
		"TargetSid": {c.Subject}, field: {c.Detail},
	})
}
