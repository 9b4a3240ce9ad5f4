//go:build cgo && linux

package main

import (
	"strings"
	"sync"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// The SID_NAME_USE of the accounts there are.
const (
	useUser           = 1
	useGroup          = 2
	useDomain         = 3
	useAlias          = 4
	useWellKnownGroup = 5
	useLabel          = 10
)

// computerName is the name of the embedded kernel's computer, which is the
// domain of its accounts; machine is that domain's SID.
const computerName = "REFMON"

var machine = administratorUser.Prefix()

// account holds what a look-up tells. A domain is an account of its name.
type account struct {
	sid          sid.SID
	domain, name string
	use          uint32
}

// accountTable finds accounts by SID and by upper-case name.
type accountTable struct {
	bySID  map[sid.SID]account
	byName map[string]account
}

func (t *accountTable) add(key string, a account) {
	t.bySID[a.sid], t.byName[strings.ToUpper(key)] = a, a
}

// accounts are the well-known ones and those of the computer.
var accounts = sync.OnceValue(func() *accountTable {
	t := &accountTable{bySID: map[sid.SID]account{}, byName: map[string]account{}}
	member := func(rid uint32, name string, use uint32) {
		t.add(name, account{machine.WithRID(rid), computerName, name, use})
	}
	member(500, "Administrator", useUser)
	member(501, "Guest", useUser)
	member(513, "None", useGroup)
	member(1001, "User", useUser)
	t.add(computerName, account{machine, computerName, computerName, useDomain})
	t.add("BUILTIN", account{sid.MustParse("S-1-5-32"), "BUILTIN", "BUILTIN", useDomain})
	sid.WellKnown(func(s sid.SID, name string) bool {
		domain, _ := sid.Account(s)
		t.add(name, account{s, domain, name, use(s)})
		return true
	})
	for alias, name := range map[string]string{"LocalService": "LOCAL SERVICE", "NetworkService": "NETWORK SERVICE"} {
		t.byName[strings.ToUpper(alias)] = t.byName[name]
	}
	return t
})

// accountNamed returns the account NAME or DOMAIN\NAME, in any case.
func accountNamed(name string) (account, ntstatus.Status) {
	domain, key, qualified := strings.Cut(name, `\`)
	if !qualified {
		key = name
	}
	a, ok := accounts().byName[strings.ToUpper(key)]
	if !ok || qualified && (a.use == useDomain || !strings.EqualFold(a.domain, domain)) {
		return account{}, ntstatus.NoneMapped
	}
	return a, ntstatus.Success
}

// use returns the type of a well-known SID.
func use(s sid.SID) uint32 {
	switch {
	case s.Authority() == 5 && s.SubAuthorities() == 2 && s.Sub(0) == 32:
		return useAlias
	case s.Authority() == 16:
		return useLabel
	}
	return useWellKnownGroup
}

// rmAccountName looks an account up by its SID, for LookupAccountSid.
func rmAccountName(c *call) uint64 {
	s, st := c.SIDAt(c.ptr(0))
	if c.ptr(0) == 0 {
		if s, st = win32.On(c.nt).CurrentUser(); st != ntstatus.Success {
			st = ntstatus.CantOpenAnonymous
		}
	}
	if st != ntstatus.Success {
		return status(st)
	}
	a, ok := accounts().bySID[s]
	if !ok {
		return status(ntstatus.NoneMapped)
	}
	if st := c.WriteU32(c.ptr(4), a.use); st != ntstatus.Success {
		return status(st)
	}
	if st := c.giveText(c.ptr(1), c.ptr(3), a.name); st != 0 {
		return st
	}
	return c.giveText(c.ptr(2), c.ptr(3)+4, a.domain)
}

// rmAccountSid looks a SID up by the name of its account, for LookupAccountName.
func rmAccountSid(c *call) uint64 {
	name := computerName // of a name that is NULL
	if p := c.ptr(0); p != 0 {
		var st ntstatus.Status
		if name, st = c.ZeroTerminatedAt(p); st != ntstatus.Success {
			return status(st)
		}
	}
	a, st := accountNamed(name)
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.WriteU32(c.ptr(4), a.use); st != ntstatus.Success {
		return status(st)
	}
	if st := c.give(c.ptr(1), []byte(a.sid.Binary())); st != ntstatus.Success {
		return status(st)
	}
	return c.giveText(c.ptr(2), c.ptr(3)+4, a.domain)
}

// rmAccountDomain tells the domain of accounts for which the caller names none: the
// computer (Documented), or none is known (Observed, S-81).
func rmAccountDomain(c *call) uint64 {
	if c.profile == nt.Observed {
		// Observed: the SID of an account takes its domain's (S-81).
		return status(ntstatus.InvalidParameter)
	}
	return rmComputer(c)
}

// rmComputer tells the SID of the computer's domain.
func rmComputer(c *call) uint64 { return status(c.give(c.ptr(0), []byte(machine.Binary()))) }
