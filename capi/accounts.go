//go:build cgo && linux

package main

import (
	"strings"
	"sync"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// The SID_NAME_USE of well-known accounts.
const (
	useAlias          = 4
	useWellKnownGroup = 5
	useLabel          = 10
)

// accounts are the well-known SIDs by their upper-case names. Accounts of a
// domain are not among them: their domain has no name here.
var accounts = sync.OnceValue(func() map[string]sid.SID {
	m := map[string]sid.SID{}
	sid.WellKnown(func(s sid.SID, name string) bool {
		m[strings.ToUpper(name)] = s
		return true
	})
	return m
})

// accountNamed is the SID of NAME or DOMAIN\NAME, in any case.
func accountNamed(name string) (sid.SID, ntstatus.Status) {
	domain, account, qualified := strings.Cut(name, `\`)
	if !qualified {
		account = name
	}
	s, ok := accounts()[strings.ToUpper(account)]
	if authority, _ := sid.Account(s); !ok || qualified && !strings.EqualFold(authority, domain) {
		return sid.SID{}, ntstatus.NoneMapped
	}
	return s, ntstatus.Success
}

func use(s sid.SID) uint32 {
	switch {
	case s.Authority() == 5 && s.SubAuthorities() == 2 && s.Sub(0) == 32:
		return useAlias
	case s.Authority() == 16:
		return useLabel
	}
	return useWellKnownGroup
}

// rmAccountName is what LookupAccountSid tells.
func rmAccountName(c *call) uint64 {
	s, st := sidAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	domain, name := sid.Account(s)
	if name == "" || accounts()[strings.ToUpper(name)] != s { // the latter: of a domain
		return status(ntstatus.NoneMapped)
	}
	if st := c.putU32(c.ptr(4), use(s)); st != ntstatus.Success {
		return status(st)
	}
	if st := c.giveText(c.ptr(1), c.ptr(3), name); st != 0 {
		return st
	}
	return c.giveText(c.ptr(2), c.ptr(3)+4, domain)
}

// rmAccountSid is what LookupAccountName tells.
func rmAccountSid(c *call) uint64 {
	name, st := zeroTerminated(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	s, st := accountNamed(name)
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.putU32(c.ptr(4), use(s)); st != ntstatus.Success {
		return status(st)
	}
	if st := c.give(c.ptr(1), []byte(s.Binary())); st != ntstatus.Success {
		return status(st)
	}
	domain, _ := sid.Account(s)
	return c.giveText(c.ptr(2), c.ptr(3)+4, domain)
}
